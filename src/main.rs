//! The bizops binary.

fn main() {}
