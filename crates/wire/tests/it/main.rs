//! What the protocols and signatures are held against: AWS's own vectors and signers, and hostile bytes.

#![expect(clippy::unwrap_used, reason = "a test that unwraps what it did not expect says so by failing")]

mod answers;
mod botocore;
mod hostile;
mod inputs;
mod signed;
mod signers;
#[path = "../../../../tests/skipped.rs"]
mod skipping;
mod vectors;
