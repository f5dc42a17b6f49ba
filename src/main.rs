//! The `bedload` binary.

fn main() {}
