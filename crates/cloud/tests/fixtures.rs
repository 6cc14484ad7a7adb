//! An older store is read by a newer binary: for every table and version there is a row as that version wrote it.

#[test]
fn every_version_of_every_table_is_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let wrong = landfall_state::fixtures::check::<landfall_cloud::Cloud>(&folder);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
