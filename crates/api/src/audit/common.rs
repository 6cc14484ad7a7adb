//! What the records of a caller's calls of one action have in common. It is worked out once and kept by each thread for
//! the callers that it hears most: who makes many calls makes many of the same, and to spell out who it is, is most of the
//! work of a record.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use landfall_model::{AccountId, Principal, Region};

use super::Keys;
use super::event::{Text, source};
use super::identity::{self, user_name};
use crate::authorise::Caller;
use crate::session::Session;

/// How many a thread keeps.
const KEPT: usize = 64;

thread_local! {
    static KEEP: RefCell<[Option<Kept>; KEPT]> = const { RefCell::new([const { None }; KEPT]) };
}

/// Which records they are.
#[derive(Clone, Copy)]
pub(super) struct Which<'a> {
    /// Who called, where that is known.
    pub(super) caller: Option<&'a Caller>,
    /// Where the call came from.
    pub(super) from: std::net::IpAddr,
    pub(super) region: Region,
    pub(super) service: &'a str,
    /// The action.
    pub(super) name: &'a str,
    pub(super) read_only: bool,
    /// Whose events they are.
    pub(super) recipient: AccountId,
    /// Whether that is the account that made the call.
    pub(super) is_own: bool,
}

/// What they have in common.
pub(super) struct Common {
    /// The beginning, up to the time.
    pub(super) who: Text,
    /// From the source of the event to where it came from.
    pub(super) what: Text,
    /// Whose events they are.
    pub(super) recipient: String,
    /// What they are found by, whatever they are about.
    pub(super) keys: Keys,
}

/// What was worked out, and of what. It holds on to the rows, so that no other one takes their place in memory.
struct Kept {
    principal: Arc<Principal>,
    session: Option<Arc<Session>>,
    access_key: String,
    from: std::net::IpAddr,
    region: Region,
    service: String,
    name: String,
    read_only: bool,
    common: Rc<Common>,
}

impl Which<'_> {
    /// What they have in common.
    pub(super) fn common(&self) -> Rc<Common> {
        // Whom a provider vouches for is somebody else each time; what others see of a call is seldom told, and a service
        // seldom calls.
        let is_frequent = |caller: &&Caller| self.is_own && caller.vouched.is_none() && caller.service.is_none();
        let Some(caller) = self.caller.filter(is_frequent) else {
            return Rc::new(self.spell());
        };
        let tail = caller.access_key.bytes().rev().take(4).chain(self.name.bytes().rev().take(8));
        let slot = tail.fold(self.name.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % KEPT;
        KEEP.with_borrow_mut(|keep| match &keep[slot] {
            Some(kept) if kept.is_of(self, caller) => kept.common.clone(),
            _ => {
                let common = Rc::new(self.spell());
                keep[slot] = Some(Kept {
                    principal: caller.principal.clone(),
                    session: caller.session.clone(),
                    access_key: caller.access_key.clone(),
                    from: self.from,
                    region: self.region,
                    service: self.service.to_owned(),
                    name: self.name.to_owned(),
                    read_only: self.read_only,
                    common: common.clone(),
                });
                common
            }
        })
    }

    fn spell(&self) -> Common {
        let (source, recipient) = (source(self.service), self.recipient.to_string());
        let mut who = Text::default();
        who.raw(r#"{"eventVersion":"1.11","userIdentity":"#);
        match self.caller {
            Some(caller) if self.is_own => identity::write(&mut who.0, caller),
            Some(caller) => identity::write_foreign(&mut who.0, caller),
            None => who.raw(r#"{"type":"Unknown"}"#),
        }
        let mut what = Text::default();
        what.text("eventSource", &source);
        what.text("eventName", self.name);
        what.text("awsRegion", self.region.name());
        // A service has no address; it is called by its name.
        let service = self.caller.and_then(|caller| caller.service);
        what.text("sourceIPAddress", &service.map_or_else(|| self.from.to_string(), str::to_owned));
        let mut keys = Keys::of(&recipient, self.region);
        keys.add("EventName", self.name);
        keys.add("EventSource", &source);
        keys.add("ReadOnly", if self.read_only { "true" } else { "false" });
        if let Some(caller) = self.caller.filter(|_| self.is_own) {
            keys.add("Username", user_name(caller));
            keys.add("AccessKeyId", &caller.access_key);
        }
        Common { who, what, recipient, keys }
    }
}

impl Kept {
    fn is_of(&self, which: &Which<'_>, caller: &Caller) -> bool {
        let is_same_session = match (&self.session, &caller.session) {
            (None, None) => true,
            (Some(kept), Some(session)) => Arc::ptr_eq(kept, session),
            _ => false,
        };
        is_same_session
            && Arc::ptr_eq(&self.principal, &caller.principal)
            && self.access_key == caller.access_key
            && self.from == which.from
            && self.region == which.region
            && self.read_only == which.read_only
            && self.service == which.service
            && self.name == which.name
    }
}
