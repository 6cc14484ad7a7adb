//! Any body as an XML document.
#![no_main]

use landfall_wire::{Tree, read_xml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(tree) = read_xml(body) {
        assert!(matches!(tree, Tree::Map(members) if members.len() == 1));
    }
});
