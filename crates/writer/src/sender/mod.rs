//! The sender: takes ready batches from the shelf, sends them, and resolves their receipts.

mod core;
mod in_flight;
mod outcome;
mod plan;
mod sequence;
