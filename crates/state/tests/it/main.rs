//! The engine's tests, in one binary. `town` is the value that they share.

mod crash;
mod engine;
mod faults;
mod feed;
mod logs;
mod space;
mod tables;
mod town;
