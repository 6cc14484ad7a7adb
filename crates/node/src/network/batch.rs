//! A change of the packet filter as one message to the kernel, without `nft`.
//!
//! `nft` asks for all chains that there are before it takes an element away, and whoever ends waits until the kernel has
//! cleared away what went. So what a port, a member or a rule more or less takes is written here: elements, the chains of
//! ports and of groups, and their sets, in the forms that this driver has of them. Whatever else there is to change is
//! left to `nft`. What is written here says what `nft` would have said: a machine that was led to a plan by steps lists the
//! same rules as one where `nft` loaded them all.
//!
//! Source of the numbers: the kernel's `nfnetlink.h` and `nf_tables.h`.

mod attributes;
mod bytecode;
mod element;

use attributes::Attributes;
use bytecode::Anonymous;
use element::Kind;

use super::difference::{Action, Change, Named};

const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
/// The generation that a transaction is meant to change; it is refused if there is another by now.
const BATCH_GENERATION: u16 = 1;
/// Messages of the packet filter have this number in their upper byte.
const NFTABLES: u16 = 10;

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const DELETE_CHAIN: u16 = 5;
const NEW_RULE: u16 = 6;
const DELETE_RULE: u16 = 8;
const NEW_SET: u16 = 9;
const DELETE_SET: u16 = 11;
const NEW_ELEMENTS: u16 = 12;
const DELETE_ELEMENTS: u16 = 14;

/// So much of elements goes into one message: the length of a list is told in sixteen bits.
const MOST_ELEMENT_BYTES: usize = 48 * 1024;

/// A transaction. The kernel takes all of it or nothing.
pub struct Batch {
    bytes: Vec<u8>,
    /// The number of the last message.
    sequence: u32,
    /// How many sets were made in it.
    sets: u32,
    /// Where the last message that changes something begins.
    last: usize,
}

impl Batch {
    /// The transaction of these steps from a generation of the packet filter on; `None` where one of them is of a form that
    /// isn't known here.
    pub fn of(changes: &[Change<'_>], generation: u32) -> Option<Self> {
        let mut batch = Self { bytes: Vec::new(), sequence: 0, sets: 0, last: 0 };
        let mut begin = Attributes::default();
        begin.number(BATCH_GENERATION, generation);
        batch.write(BATCH_BEGIN, 0, 0, NFTABLES, &begin);
        let is_more = |before: &Change<'_>, after: &Change<'_>| match (before.action, after.action) {
            (Action::AddElement(a, _), Action::AddElement(b, _))
            | (Action::DeleteElement(a, _), Action::DeleteElement(b, _)) => {
                before.table == after.table && a.name == b.name
            }
            _ => false,
        };
        for together in changes.chunk_by(is_more) {
            batch.add(together)?;
        }
        // What is asked for last is acknowledged, or the first that is wrong is told.
        let flags = batch.last + 6;
        let bytes = batch.bytes.get_mut(flags..)?.first_chunk_mut()?;
        *bytes = (u16::from_ne_bytes(*bytes) | ACKNOWLEDGE).to_ne_bytes();
        batch.write(BATCH_END, 0, 0, NFTABLES, &Attributes::default());
        Some(batch)
    }

    /// The messages, and the number of the one that is acknowledged.
    pub fn into_message(self) -> (Vec<u8>, u32) {
        (self.bytes, self.sequence - 1)
    }

    fn message(&mut self, kind: u16, flags: u16, family: u8, attributes: &Attributes) {
        self.last = self.bytes.len();
        self.write(NFTABLES << 8 | kind, flags, family, 0, attributes);
    }

    fn write(&mut self, kind: u16, flags: u16, family: u8, resource: u16, attributes: &Attributes) {
        let length = 20 + attributes.bytes().len();
        self.sequence += 1;
        self.bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((REQUEST | flags).to_ne_bytes());
        self.bytes.extend(self.sequence.to_ne_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend([family, 0]);
        self.bytes.extend(resource.to_be_bytes());
        self.bytes.extend(attributes.bytes());
    }

    /// Adds steps that are one, or elements of the same set.
    fn add(&mut self, changes: &[Change<'_>]) -> Option<()> {
        let Change { table, action } = changes.first()?;
        let (family, table) = table.split_once(' ')?;
        let place = Place { family: family_number(family)?, name: family, table };
        match action {
            Action::AddTable => self.message(NEW_TABLE, CREATE, place.family, Attributes::of(table).number(2, 0)),
            Action::DeleteTable => self.message(DELETE_TABLE, 0, place.family, &Attributes::of(table)),
            Action::AddChain(chain, head) => {
                self.message(NEW_CHAIN, CREATE, place.family, &chain_attributes(&place, chain, head)?);
            }
            Action::FlushChain(chain) => {
                self.message(DELETE_RULE, 0, place.family, Attributes::of(table).text(2, chain));
            }
            Action::DeleteChain(chain) => {
                self.message(DELETE_CHAIN, 0, place.family, Attributes::of(table).text(3, chain));
            }
            Action::AddRule(chain, rule) => self.add_rule(&place, chain, rule)?,
            Action::AddSet(set) => {
                self.sets += 1;
                let attributes = Kind::parse(set.head)?.attributes(table, set.name, self.sets)?;
                self.message(NEW_SET, CREATE, place.family, &attributes);
            }
            Action::DeleteSet(set) => {
                self.message(DELETE_SET, 0, place.family, Attributes::of(table).text(2, set.name));
            }
            // Elements that aren't named are all of them.
            Action::FlushSet(set) => {
                self.message(DELETE_ELEMENTS, 0, place.family, Attributes::of(table).text(2, set.name));
            }
            Action::AddElement(set, _) => self.elements(&place, NEW_ELEMENTS, CREATE, set, changes)?,
            Action::DeleteElement(set, _) => self.elements(&place, DELETE_ELEMENTS, 0, set, changes)?,
            _ => return None,
        }
        Some(())
    }

    fn elements(
        &mut self,
        place: &Place<'_>,
        message: u16,
        flags: u16,
        set: &Named<'_>,
        changes: &[Change<'_>],
    ) -> Option<()> {
        let kind = Kind::parse(set.head)?;
        let texts = changes.iter().map(|change| match change.action {
            Action::AddElement(_, element) | Action::DeleteElement(_, element) => Some(element),
            _ => None,
        });
        let texts = texts.collect::<Option<Vec<_>>>()?;
        let elements = if kind.has_borders() {
            // Such a set is emptied as a whole and filled as a whole.
            (message == NEW_ELEMENTS).then(|| kind.borders(&texts))??
        } else {
            texts.iter().map(|text| kind.element(text, message == NEW_ELEMENTS)).collect::<Option<_>>()?
        };
        let mut list = Attributes::default();
        let mut elements = elements.iter().peekable();
        while let Some(element) = elements.next() {
            list.nest(1, element);
            if elements.peek().is_none() || list.bytes().len() > MOST_ELEMENT_BYTES {
                let list = std::mem::take(&mut list);
                self.message(
                    message,
                    flags,
                    place.family,
                    Attributes::of(place.table).text(2, set.name).nest(3, &list),
                );
            }
        }
        Some(())
    }

    fn add_rule(&mut self, place: &Place<'_>, chain: &str, rule: &str) -> Option<()> {
        let (expressions, sets) = bytecode::compile(place.name, rule, self.sets)?;
        for Anonymous { id, datatype, length, elements } in sets {
            self.sets = id;
            let mut attributes = Attributes::of(place.table);
            attributes.text(2, ANONYMOUS).number(3, ANONYMOUS_AND_CONSTANT).number(4, datatype).number(5, length);
            let mut size = Attributes::default();
            size.number(1, u32::try_from(elements.len()).ok()?);
            attributes.number(10, id).nest(9, &size);
            attributes.bytes_of(13, &element::userdata(element::BIG_ENDIAN, None));
            self.message(NEW_SET, CREATE, place.family, &attributes);
            let mut list = Attributes::default();
            for value in elements {
                list.nest(1, Attributes::default().nest(1, Attributes::default().bytes_of(1, &value)));
            }
            let mut attributes = Attributes::of(place.table);
            attributes.text(2, ANONYMOUS).number(4, id).nest(3, &list);
            self.message(NEW_ELEMENTS, CREATE, place.family, &attributes);
        }
        let mut attributes = Attributes::of(place.table);
        attributes.text(2, chain).nest(4, &expressions);
        self.message(NEW_RULE, CREATE | APPEND, place.family, &attributes);
        Some(())
    }
}

/// What the kernel makes names from, of sets that are one rule's own.
const ANONYMOUS: &str = "__set%d";
const ANONYMOUS_AND_CONSTANT: u32 = 3;

/// A table.
struct Place<'t> {
    family: u8,
    name: &'t str,
    table: &'t str,
}

fn family_number(name: &str) -> Option<u8> {
    Some(match name {
        "inet" => 1,
        "arp" => 3,
        "netdev" => 5,
        _ => return None,
    })
}

/// What a chain is made from: its name, its comment, and its hook if it has one.
fn chain_attributes(place: &Place<'_>, chain: &str, head: &[String]) -> Option<Attributes> {
    let mut attributes = Attributes::of(place.table);
    attributes.text(3, chain);
    for line in head {
        if let Some(comment) = line.strip_prefix("comment \"").and_then(|rest| rest.strip_suffix('"')) {
            let mut data = vec![0, u8::try_from(comment.len() + 1).ok()?];
            data.extend(comment.as_bytes());
            data.push(0);
            attributes.bytes_of(12, &data);
            continue;
        }
        // Only what guards a port is ever made or taken away by itself.
        let line = line.strip_prefix("type filter hook ingress device \"").filter(|_| place.name == "netdev")?;
        let (device, line) = line.split_once("\" priority ")?;
        let (priority, policy) = line.split_once("; policy ")?;
        let policy = match policy {
            "drop;" => 0,
            "accept;" => 1,
            _ => return None,
        };
        let mut hook = Attributes::default();
        hook.number(1, 0).number(2, priority.parse::<i32>().ok()?.cast_unsigned()).text(3, device);
        attributes.text(7, "filter").number(5, policy).nest(4, &hook);
    }
    Some(attributes)
}
