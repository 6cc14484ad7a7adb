//! The engine's tests, in one binary. `town` is the value that they share.

mod engine;
mod logs;
mod tables;
mod town;
