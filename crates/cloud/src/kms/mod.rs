//! KMS keys: their lives, their names, who may use them.
//!
//! Nothing here opens or seals anything: material comes in sealed, and secrets are made outside transactions. What a key
//! must not be opened with any more is put on the list of doomed wrapping keys in the same transaction; whoever can reach
//! their files destroys those then.

pub mod alias;
pub mod fault;
pub mod grant;
pub mod import;
pub mod key;
pub mod life;
pub mod policy;
pub mod reference;

pub use fault::KmsFault;
pub use reference::KeyRef;
