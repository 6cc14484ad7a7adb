//! Compiled route tables as the packet filter has them: a map from destinations to marks, and a chain that looks into it.
//!
//! Each is named after what it is the table of, so that a route more changes one map and nothing else.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::family::Family;
use super::route::Compiled;
use super::ruleset::write_elements;

/// The route tables of a namespace, by name.
#[derive(Default)]
pub struct Tables(BTreeMap<String, [Compiled; 2]>);

impl Tables {
    /// Adds the table of that name and says which chain marks packets by it; `None` where it leads nowhere.
    pub fn add(&mut self, name: impl fmt::Display, compiled: [Compiled; 2]) -> Option<String> {
        if compiled.iter().all(Vec::is_empty) {
            return None;
        }
        let name = name.to_string();
        let chain = format!("routes_{name}");
        self.0.insert(name, compiled);
        Some(chain)
    }

    /// The map over IPv4 of the table of that name, if it leads anywhere.
    pub fn ipv4_map(&self, name: impl fmt::Display) -> Option<String> {
        let [ipv4, _] = self.0.get(&name.to_string())?;
        (!ipv4.is_empty()).then(|| format!("target_{name}_{}", Family::V4.tag()))
    }

    /// Writes all of them.
    pub fn write(&self, text: &mut String) -> fmt::Result {
        for (name, compiled) in &self.0 {
            let mut rules = String::new();
            for (family, table) in Family::BOTH.into_iter().zip(compiled).filter(|(_, table)| !table.is_empty()) {
                let elements: Vec<_> =
                    table.iter().map(|(span, mark)| format!("{} : {mark:#x}", family.show(*span))).collect();
                let (tag, protocol) = (family.tag(), family.protocol());
                let kind = format!("type {protocol}_addr : mark\n\t\tflags interval");
                write_elements(text, &format!("map target_{name}_{tag}"), &kind, &elements)?;
                writeln!(rules, "\t\tmeta mark set {tag} daddr map @target_{name}_{tag}")?;
            }
            writeln!(text, "\tchain routes_{name} {{\n{rules}\t}}")?;
        }
        Ok(())
    }
}
