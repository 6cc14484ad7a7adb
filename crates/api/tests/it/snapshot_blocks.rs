//! Snapshots read by blocks: what is listed and read is what their host has written, for whoever may see it, as long as its
//! tokens are good, and nothing else.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_chunks::{BLOCK_BYTES, Listed, Manifest, Objects as _, Options, Session, Writer};
use landfall_cloud::value::Snapshots;
use landfall_model::agent::{SnapshotMade, SnapshotPhase};
use landfall_model::{Scoped, Snapshot, SnapshotId};
use landfall_wire::{Number, Tree};

use crate::harness::{Case, Client, OTHER_ACCOUNT, Params, World, at, find, list, params};
use crate::snapshot::{share, snapshot, tell, used};

const NONE: &str = "snap-0123456789abcdef9";
/// A token of the right form that nobody gave out.
const FORGED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

/// The cases of blocks.
pub const CASES: &[Case] = &[
    Case::of(
        "ebs",
        "ListSnapshotBlocks",
        |client| params([("snapshotId", made(client, &used(client).0, &[(0, 1), (7, 2), (20_479, 3)]))]),
        &[
            (&[("snapshotId", NONE)], "ResourceNotFoundException"),
            (&[("snapshotId", "snap-xyz")], "ValidationException"),
            (&[("snapshotId", "vol-0123456789abcdef0")], "ValidationException"),
            (&[("snapshotId", NONE), ("maxResults", "99")], "ValidationException"),
            (&[("snapshotId", NONE), ("maxResults", "10001")], "ValidationException"),
            (&[("snapshotId", NONE), ("maxResults", "many")], "ValidationException"),
            (&[("snapshotId", NONE), ("startingBlockIndex", "-1")], "ValidationException"),
            (&[("snapshotId", NONE), ("pageToken", FORGED)], "ResourceNotFoundException"),
        ],
    ),
    Case::of(
        "ebs",
        "ListChangedBlocks",
        |client| {
            let (volume, _) = used(client);
            let first = made(client, &volume, &[(0, 1), (7, 2), (9, 4)]);
            let second = made(client, &volume, &[(7, 3), (8, 5), (9, 0)]);
            params([("firstSnapshotId", first), ("secondSnapshotId", second)])
        },
        &[
            (&[("secondSnapshotId", NONE)], "ValidationException"),
            (&[("firstSnapshotId", "snap-1"), ("secondSnapshotId", NONE)], "ValidationException"),
            (&[("firstSnapshotId", NONE), ("secondSnapshotId", NONE)], "ResourceNotFoundException"),
            (&[("firstSnapshotId", NONE), ("secondSnapshotId", NONE), ("maxResults", "5")], "ValidationException"),
        ],
    ),
    Case::of(
        "ebs",
        "GetSnapshotBlock",
        |client| {
            let id = made(client, &used(client).0, &[(7, 2)]);
            let listed = client.ok_of("ebs", "ListSnapshotBlocks", &[("snapshotId", &id)]);
            block(&id, "7", at(&listed, "Blocks.0.BlockToken"))
        },
        &[
            (&[("snapshotId", NONE)], "ValidationException"),
            (&[("snapshotId", NONE), ("blockToken", FORGED)], "ResourceNotFoundException"),
            (&[("snapshotId", NONE), ("blockIndex", "first"), ("blockToken", FORGED)], "ValidationException"),
            (&[("snapshotId", NONE), ("blockIndex", "-1"), ("blockToken", FORGED)], "ValidationException"),
        ],
    ),
];

fn block(id: &str, index: &str, token: &str) -> Params {
    params([("snapshotId", id), ("blockIndex", index), ("blockToken", token)])
}

/// A snapshot as the volume's host makes it, over the one before: blocks of one byte each.
fn made(client: &Client<'_>, volume: &str, blocks: &[(u64, u8)]) -> String {
    let id = snapshot(client, volume);
    write(client.world(), &id, blocks);
    id
}

fn row(world: &World, id: &str) -> Snapshot {
    let id: SnapshotId = id.parse().unwrap();
    world.engine().read().snapshots.by_id(&id).next().unwrap().clone()
}

fn write(world: &World, id: &str, blocks: &[(u64, u8)]) {
    let row = row(world, id);
    let (task, store) = (row.task().unwrap(), world.chunk_store(row.scope.account));
    let open = |root: &str| Arc::new(Manifest::open(&store, &root.parse().unwrap()).unwrap());
    let base = task.base.as_ref().map(|base| open(&base.root));
    let size = u64::from(row.size_gib) * 2_048;
    let writer = Writer::begin(&store, Session(task.session), size, base, Options::default()).unwrap();
    for (block, byte) in blocks {
        writer.write(*block, vec![*byte; BLOCK_BYTES]).unwrap();
    }
    let (root, _) = writer.commit().unwrap();
    let made = SnapshotMade { root: root.to_string(), full_bytes: 0 };
    tell(world, id, None, SnapshotPhase::Made(made));
}

fn number(tree: &Tree, path: &str) -> i64 {
    match find(tree, path) {
        Some(Tree::Number(Number::Integer(number))) => *number,
        other => panic!("{path} is {other:?}"),
    }
}

fn indexes(tree: &Tree, list_name: &str) -> Vec<i64> {
    list(tree, list_name).iter().map(|row| number(row, "BlockIndex")).collect()
}

fn listed(client: &Client<'_>, id: &str, more: &[(&str, &str)]) -> Tree {
    client.ok_of("ebs", "ListSnapshotBlocks", &[&[("snapshotId", id)], more].concat())
}

/// The code and the reason of what is refused.
fn refused(client: &Client<'_>, action: &str, call: &Params) -> (u16, String, String) {
    let answer = client.send("ebs", action, call);
    let reason = find(&answer.tree(), "Reason").and_then(Tree::as_text).unwrap_or_default().to_owned();
    (answer.status, answer.code(), reason)
}

fn validation(reason: &str) -> (u16, String, String) {
    (400, "ValidationException".into(), reason.into())
}

fn not_found() -> (u16, String, String) {
    (404, "ResourceNotFoundException".into(), "SNAPSHOT_NOT_FOUND".into())
}

#[test]
fn blocks_are_read_as_they_were_written() {
    let world = World::new();
    let client = world.root();
    let id = made(&client, &used(&client).0, &[(0, 1), (7, 2), (300, 0), (20_479, 3)]);
    let tree = listed(&client, &id, &[]);
    assert_eq!(indexes(&tree, "Blocks"), [0, 7, 20_479], "what is zeros isn't listed");
    assert_eq!((number(&tree, "BlockSize"), number(&tree, "VolumeSize")), (524_288, 10));
    assert_eq!(number(&tree, "ExpiryTime"), world.now_ms() / 1_000 + 7 * 86_400);
    assert!(find(&tree, "NextToken").is_none());
    for (row, byte) in list(&tree, "Blocks").iter().zip([1, 2, 3]) {
        let path = format!("/snapshots/{id}/blocks/{}", number(row, "BlockIndex"));
        let token = at(row, "BlockToken").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let media = [("content-type", "application/json")];
        let signed = client.sign_query("ebs", "GET", &path, &format!("blockToken={token}"), &media, b"");
        let answer = world.deliver(&signed);
        let header = |name| answer.headers.iter().find(|(header, _)| *header == name).unwrap().1.as_str();
        assert_eq!((answer.status, answer.content_type), (200, "application/octet-stream"));
        assert_eq!(answer.body, vec![byte; BLOCK_BYTES]);
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &answer.body);
        assert_eq!(header("x-amz-checksum"), STANDARD.encode(sum));
        assert_eq!((header("x-amz-checksum-algorithm"), header("x-amz-data-length")), ("SHA256", "524288"));
    }
}

#[test]
fn a_snapshot_comes_in_pages() {
    let world = World::new();
    let client = world.root();
    let (volume, _) = used(&client);
    let blocks: Vec<_> = (0..250).map(|n| (n * 3, 9)).collect();
    let id = made(&client, &volume, &blocks);
    let other = made(&client, &volume, &[(1, 1)]);
    let (mut seen, mut token) = (Vec::new(), None::<String>);
    let mut pages = 0;
    loop {
        // Where a page was told, it says where to begin.
        let mut call = vec![("maxResults", "100"), ("startingBlockIndex", "5")];
        call.extend(token.as_deref().map(|token| ("pageToken", token)));
        let tree = listed(&client, &id, &call);
        seen.extend(indexes(&tree, "Blocks"));
        pages += 1;
        match find(&tree, "NextToken").and_then(Tree::as_text) {
            Some(next) => token = Some(next.to_owned()),
            None => break,
        }
        let elsewhere = params([("snapshotId", other.as_str()), ("pageToken", token.as_deref().unwrap())]);
        assert_eq!(refused(&client, "ListSnapshotBlocks", &elsewhere), validation("INVALID_PAGE_TOKEN"));
    }
    assert_eq!((seen, pages), ((2..250).map(|n| n * 3).collect(), 3));
    assert!(indexes(&listed(&client, &id, &[("startingBlockIndex", "20479")]), "Blocks").is_empty());
    assert!(indexes(&listed(&client, &id, &[("startingBlockIndex", "99999999999")]), "Blocks").is_empty());
    let forged = params([("snapshotId", id.as_str()), ("pageToken", FORGED)]);
    assert_eq!(refused(&client, "ListSnapshotBlocks", &forged), validation("INVALID_PAGE_TOKEN"));
}

#[test]
fn what_changed_between_two_snapshots_is_listed_without_the_rest() {
    let world = World::new();
    let client = world.root();
    let (volume, _) = used(&client);
    let first = made(&client, &volume, &[(0, 1), (7, 2), (9, 4), (700, 4)]);
    let second = made(&client, &volume, &[(7, 3), (8, 5), (9, 0)]);
    let changes = |first: &str, second: &str, more: &[(&str, &str)]| {
        let call = [&[("firstSnapshotId", first), ("secondSnapshotId", second)], more].concat();
        client.ok_of("ebs", "ListChangedBlocks", &call)
    };
    let tree = changes(&first, &second, &[]);
    assert_eq!(indexes(&tree, "ChangedBlocks"), [7, 8, 9]);
    let has = |at: usize| {
        let row = &list(&tree, "ChangedBlocks")[at];
        (row.field("FirstBlockToken").is_some(), row.field("SecondBlockToken").is_some())
    };
    assert_eq!([has(0), has(1), has(2)], [(true, true), (false, true), (true, false)]);
    let token = at(&tree, "ChangedBlocks.0.SecondBlockToken");
    assert_eq!(client.send("ebs", "GetSnapshotBlock", &block(&second, "7", token)).status, 200);
    let crossed = refused(&client, "GetSnapshotBlock", &block(&first, "7", token));
    assert_eq!(crossed, validation("INVALID_BLOCK_TOKEN"));
    assert_eq!(indexes(&changes(&first, &second, &[("startingBlockIndex", "8")]), "ChangedBlocks"), [8, 9]);
    assert!(indexes(&changes(&first, &first, &[]), "ChangedBlocks").is_empty());
    // Without its chunks' contents it is told all the same: only names are looked at.
    let copied = client.ok("CopySnapshot", &[("SourceSnapshotId", &second), ("SourceRegion", "us-east-1")]);
    assert!(indexes(&changes(&second, at(&copied, "snapshotId"), &[]), "ChangedBlocks").is_empty());
    // What a volume is made of is of its lineage.
    let call = [("AvailabilityZone", "us-east-1a"), ("SnapshotId", second.as_str())];
    let child = at(&client.ok("CreateVolume", &call), "volumeId").to_owned();
    let untouched = at(&client.ok("CreateSnapshot", &[("VolumeId", &child)]), "snapshotId").to_owned();
    assert!(indexes(&changes(&second, &untouched, &[]), "ChangedBlocks").is_empty());
    let stranger = made(&client, &used(&client).0, &[(7, 3)]);
    let call = params([("firstSnapshotId", first.as_str()), ("secondSnapshotId", stranger.as_str())]);
    assert_eq!(refused(&client, "ListChangedBlocks", &call), validation("UNRELATED_SNAPSHOTS"));
}

#[test]
fn a_token_is_good_for_its_block_its_account_and_its_time() {
    let world = World::new();
    let client = world.root();
    let id = made(&client, &used(&client).0, &[(7, 2), (8, 3)]);
    share(&client, &id, &[("CreateVolumePermission.Add.1.UserId", OTHER_ACCOUNT)]);
    let tree = listed(&client, &id, &[]);
    let token = at(&tree, "Blocks.0.BlockToken");
    let bad = validation("INVALID_BLOCK_TOKEN");
    assert_eq!(client.send("ebs", "GetSnapshotBlock", &block(&id, "7", token)).status, 200);
    assert_eq!(refused(&client, "GetSnapshotBlock", &block(&id, "8", token)), bad);
    assert_eq!(refused(&client, "GetSnapshotBlock", &block(&id, "7", FORGED)), bad);
    assert_eq!(refused(&world.other(), "GetSnapshotBlock", &block(&id, "7", token)), bad);
    world.pass(7 * 86_400 - 1);
    assert_eq!(client.send("ebs", "GetSnapshotBlock", &block(&id, "7", token)).status, 200);
    world.pass(1);
    assert_eq!(refused(&client, "GetSnapshotBlock", &block(&id, "7", token)), bad);
}

#[test]
fn whom_a_snapshot_is_shared_with_reads_it() {
    let world = World::new();
    let (client, other) = (world.root(), world.other());
    let id = made(&client, &used(&client).0, &[(7, 2)]);
    let call = params([("snapshotId", id.as_str())]);
    assert_eq!(refused(&other, "ListSnapshotBlocks", &call), not_found());
    share(&client, &id, &[("CreateVolumePermission.Add.1.UserId", OTHER_ACCOUNT)]);
    let tree = listed(&other, &id, &[]);
    let read = block(&id, "7", at(&tree, "Blocks.0.BlockToken"));
    assert_eq!(other.send("ebs", "GetSnapshotBlock", &read).status, 200);
    // A copy has the owner's chunks, and is the copier's: also once it is shared no more.
    let from = [("SourceSnapshotId", id.as_str()), ("SourceRegion", "us-east-1")];
    let copy = at(&other.ok("CopySnapshot", &from), "snapshotId").to_owned();
    client.ok("ResetSnapshotAttribute", &[("SnapshotId", &id), ("Attribute", "createVolumePermission")]);
    assert_eq!(refused(&other, "GetSnapshotBlock", &read), not_found());
    let tree = listed(&other, &copy, &[]);
    let read = block(&copy, "7", at(&tree, "Blocks.0.BlockToken"));
    assert_eq!(other.send("ebs", "GetSnapshotBlock", &read).status, 200);
    assert_eq!(refused(&client, "GetSnapshotBlock", &read), not_found());
    share(&client, &id, &[("CreateVolumePermission.Add.1.Group", "all")]);
    for anybody in [&client, &other] {
        assert_eq!(refused(anybody, "ListSnapshotBlocks", &call), validation("INVALID_SNAPSHOT_ID"), "it is public");
    }
}

#[test]
fn what_is_not_whole_or_not_in_chunks_is_refused() {
    let world = World::new();
    let client = world.root();
    let (volume, _) = used(&client);
    let id = snapshot(&client, &volume);
    let call = params([("snapshotId", id.as_str())]);
    assert_eq!(refused(&client, "ListSnapshotBlocks", &call), validation("INVALID_SNAPSHOT_ID"));
    tell(&world, &id, None, SnapshotPhase::Failed("its disk broke".into()));
    assert_eq!(refused(&client, "ListSnapshotBlocks", &call), validation("INVALID_SNAPSHOT_ID"));
    // Never used: all of it is zeros.
    let fresh = [("AvailabilityZone", "us-east-1a"), ("Size", "1")];
    let fresh = at(&client.ok("CreateVolume", &fresh), "volumeId").to_owned();
    let empty = snapshot(&client, &fresh);
    assert!(indexes(&listed(&client, &empty, &[]), "Blocks").is_empty());
    let of_image = [("AvailabilityZone", "us-east-1a"), ("SnapshotId", "snap-0123456789abcdef0")];
    let of_image = at(&client.ok("CreateVolume", &of_image), "volumeId").to_owned();
    let call = params([("snapshotId", snapshot(&client, &of_image))]);
    assert_eq!(refused(&client, "ListSnapshotBlocks", &call).1, "UnsupportedOperationException");
    let sealed = made(&client, &volume, &[(1, 1)]);
    world.transact(|tx| {
        let key = row_key(tx, &sealed);
        let kms_key = "arn:aws:kms:us-east-1:000000000000:key/0".parse().unwrap();
        let data_key = landfall_model::DataKey { kms_key, version: 1, salt: "00".into() };
        tx.update::<Snapshots, _>(&key, |row| row.data_key = Some(data_key));
    });
    let answer = client.send("ebs", "ListSnapshotBlocks", &params([("snapshotId", sealed.as_str())]));
    assert_eq!((answer.status, answer.code().as_str()), (400, "UnsupportedOperationException"));
    assert!(answer.message().contains("encrypted"), "{}", answer.body);
}

fn row_key(tx: &landfall_cloud::Tx<'_, '_>, id: &str) -> Scoped<SnapshotId> {
    let id: SnapshotId = id.parse().unwrap();
    tx.snapshots.by_id(&id).next().unwrap().key()
}

#[test]
fn a_damaged_chunk_is_an_error_and_never_data() {
    let world = World::new();
    let client = world.root();
    let id = made(&client, &used(&client).0, &[(7, 2)]);
    let tree = listed(&client, &id, &[]);
    let read = block(&id, "7", at(&tree, "Blocks.0.BlockToken"));
    let mut objects = Vec::new();
    let visit = &mut |object: Listed| {
        objects.push(object);
        Ok(())
    };
    world.chunks.list(&row(&world, &id).scope.account.to_string(), visit).unwrap();
    assert_eq!(objects.len(), 4, "a chunk, two nodes, a manifest: {objects:?}");
    for Listed { key, .. } in objects {
        let whole = world.chunks.read(&key).unwrap().unwrap();
        let mut broken = whole.to_vec();
        *broken.last_mut().unwrap() ^= 1;
        world.chunks.damage(&key, Some(&broken));
        let answer = client.send("ebs", "GetSnapshotBlock", &read);
        assert_eq!((answer.status, answer.code().as_str()), (500, "InternalServerException"), "{key}");
        world.chunks.damage(&key, Some(&whole));
    }
    assert_eq!(client.send("ebs", "GetSnapshotBlock", &read).status, 200);
}

#[test]
fn what_is_not_there_is_refused_by_its_name() {
    let world = World::new();
    let client = world.root();
    let media: &[(&'static str, &str)] = &[("content-type", "application/octet-stream")];
    for (method, path) in
        [("PUT", "/snapshots/snap-1/blocks/4"), ("POST", "/snapshots"), ("POST", "/snapshots/completion/snap-1")]
    {
        let answer = client.send_to("ebs", method, path, media, &[0xff; 64]);
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!((answer.status, answer.content_type), (400, "application/json"), "{body}");
        assert!(body.contains("UnsupportedOperationException") && body.contains("writing of snapshots"), "{body}");
    }
    let answer = client.send_to("ebs", "GET", "/snapshots", media, b"");
    let body = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 404, "{body}");
    assert!(answer.headers.contains(&("x-amzn-errortype", "UnknownOperationException".to_owned())), "{body}");
    let mut forged = world.root();
    forged.secret = "another".into();
    let answer = forged.send_to("ebs", "GET", "/snapshots/snap-1/blocks", media, b"");
    assert_eq!(answer.status, 403);
    assert!(answer.headers.contains(&("x-amzn-errortype", "InvalidSignatureException".to_owned())));
}
