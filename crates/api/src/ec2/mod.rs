//! EC2: one file per action, the shapes that answers share in [`shape`], and the list.

mod describe_key_pairs;
pub mod shape;

use crate::operation::Operation;

/// The operations of this service, by name.
pub static OPERATIONS: &[Operation] = &[Operation::read::<describe_key_pairs::DescribeKeyPairs>()];
