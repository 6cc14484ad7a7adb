//! Any body as a JSON request.
#![no_main]

use std::collections::BTreeMap;

use landfall_wire::{Time, Tree, decode_json, from_typed_tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(request) = decode_json("Target.Action", body) else { return };
    assert!(matches!(request.input, Tree::Map(_)));
    let _times = from_typed_tree::<BTreeMap<String, Time>>(&request.input);
    let _lists = from_typed_tree::<BTreeMap<String, Vec<BTreeMap<String, u16>>>>(&request.input);
});
