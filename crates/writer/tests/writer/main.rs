//! The writer against the embedded broker: in memory, under a paused clock.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the tasks of an application")]

mod calls;
mod chaos;
mod completions;
mod delivery;
mod distance;
mod faults;
mod kafka_go;
mod life;
mod observed;
mod rig;
mod scenarios;
mod sealing;
mod sinks;
