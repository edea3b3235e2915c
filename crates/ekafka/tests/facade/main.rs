//! The components as an application uses them, on a cluster in memory with a clock that the test moves.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails where it is, and may start tasks"
)]

mod bad_input;
mod closing;
mod components;

mod giving_up;
mod group_keys;
mod groups;
mod interceptors;
mod keys;
mod observing;
mod processes;
mod pubsub;
mod rig;
mod servers;
