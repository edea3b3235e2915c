//! `cargo xtask schema`: tables generated from Kafka's message schemas.

use crate::failure::Failure;

/// Generates the tables, or compares them with what is committed.
pub(crate) fn run(_arguments: &[String]) -> Result<(), Failure> {
    Err(Failure::new("no table is generated from the schemas"))
}
