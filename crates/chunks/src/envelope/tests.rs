use super::*;

fn noise(seed: u64) -> Vec<u8> {
    let mut block = vec![0; BLOCK_BYTES];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut block);
    block
}

fn text() -> Vec<u8> {
    b"the quick brown fox ".iter().copied().cycle().take(BLOCK_BYTES).collect()
}

#[test]
fn chunks_come_back_in_every_form() {
    for keys in [Keys::open(&[1; 32]), Keys::sealed(&[1; 32])] {
        for contents in [noise(1), text()] {
            let name = keys.name(&contents);
            let object = pack(Kind::Chunk, &name, &contents, Some(&keys), 1);
            check(Kind::Chunk, &object).unwrap();
            assert!(unpack_chunk(&name, object, &keys).unwrap() == contents);
        }
    }
}

#[test]
fn text_gets_small_and_noise_is_left_alone() {
    let keys = Keys::open(&[1; 32]);
    let packed = |contents: &[u8]| pack(Kind::Chunk, &keys.name(contents), contents, Some(&keys), 1);
    assert!(packed(&text()).len() < BLOCK_BYTES / 100);
    assert_eq!(packed(&noise(2)).len(), BLOCK_BYTES + HEADER);
    // Half and half is worth compressing, wherever the halves are.
    let mut mixed = noise(3);
    mixed[BLOCK_BYTES / 2..].copy_from_slice(&text()[BLOCK_BYTES / 2..]);
    assert!(packed(&mixed).len() < BLOCK_BYTES * 6 / 10);
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let small = text();
    for keys in [Keys::open(&[1; 32]), Keys::sealed(&[1; 32])] {
        let name = keys.name(&small);
        let object = pack(Kind::Chunk, &name, &small, Some(&keys), 1);
        for at in 0..object.len() {
            let mut bad = object.clone();
            bad[at] ^= 0x20;
            assert!(check(Kind::Chunk, &bad).is_err(), "byte {at}");
            // The stored checksum is all that the name doesn't cover.
            if !(12..HEADER).contains(&at) {
                match unpack_chunk(&name, bad, &keys) {
                    Ok(contents) => assert!(contents == small, "byte {at} gave other contents"),
                    Err(why) => assert!(!why.is_empty()),
                }
            }
            assert!(check(Kind::Chunk, &object[..at]).is_err());
            assert!(unpack_chunk(&name, object[..at].to_vec(), &keys).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn a_domain_reads_only_its_own() {
    let contents = text();
    let (mine, theirs) = (Keys::sealed(&[1; 32]), Keys::sealed(&[2; 32]));
    assert_ne!(mine.name(&contents), theirs.name(&contents));
    let name = mine.name(&contents);
    let object = pack(Kind::Chunk, &name, &contents, Some(&mine), 1);
    assert!(unpack_chunk(&name, object.clone(), &theirs).is_err());
    assert!(unpack_chunk(&name, object.clone(), &Keys::open(&[1; 32])).is_err());
    // And takes nothing unsealed, even if its name fits.
    let plain = pack(Kind::Chunk, &name, &contents, Some(&Keys::open(&[1; 32])), 1);
    assert!(unpack_chunk(&name, plain, &mine).is_err());
    let needle = b"quick brown";
    assert!(!object.windows(needle.len()).any(|window| window == needle));
}

#[test]
fn a_bomb_is_refused() {
    let contents = vec![7; MAX_INDEX_BYTES + 1];
    let name = index_name(Kind::Node, &contents);
    let object = pack(Kind::Node, &name, &contents, None, 1);
    assert!(unpack_index(Kind::Node, &name, &object).is_err());
    // One that lies about its length.
    let mut lying = object;
    lying[8..12].copy_from_slice(&16u32.to_le_bytes());
    assert!(unpack_index(Kind::Node, &name, &lying).is_err());
}
