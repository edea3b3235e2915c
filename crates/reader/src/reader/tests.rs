//! A real reader against the embedded broker: in memory, on a paused clock.

mod closing;
mod consumer_group;
mod cooperative;
mod doors;
mod fetching;
mod group;
mod partition;
mod setup;
mod streams;
