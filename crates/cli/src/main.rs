//! The `ekafka` command.
fn main() {}
