//! Any body as a query request: decoded within its limits or refused, and readable as any type without a panic.
#![no_main]

use std::collections::BTreeMap;

use landfall_wire::{Tree, decode_query, from_tree};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(request) = decode_query(body) else { return };
    assert!(!request.action.is_empty());
    assert!(matches!(request.input, Tree::Map(_)));
    // Whatever it is, reading it as another type ends in a value or an error.
    let _texts = from_tree::<BTreeMap<String, String>>(&request.input);
    let _lists = from_tree::<BTreeMap<String, Vec<BTreeMap<String, u16>>>>(&request.input);
});
