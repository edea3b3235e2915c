//! `cargo xtask NAME`.
fn main() {}
