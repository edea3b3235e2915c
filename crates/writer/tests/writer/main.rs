//! The writer against the embedded broker: in memory, under a paused clock.

mod delivery;
mod faults;
mod rig;
