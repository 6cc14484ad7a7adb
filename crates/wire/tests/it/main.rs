//! What the protocols and signatures are held against: AWS's own vectors and signers, and hostile bytes.

mod answers;
mod botocore;
mod hostile;
mod inputs;
mod signed;
mod signers;
mod vectors;
