//! The reader as its user has it, on any broker.

mod committed_only;
mod group;
mod members;
mod partition;
mod told;
