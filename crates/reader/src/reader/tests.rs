//! A real reader against the embedded broker: in memory, on a paused clock.

mod closing;
mod committing;
mod consumer_group;
mod cooperative;
mod crowd;
mod dividing;
mod doors;
mod dropped;
mod enduring;
mod fetching;
mod group;
mod odd_logs;
mod partition;
mod promises;
mod scenarios;
mod seen;
mod setup;
mod streams;
mod swarm;
mod topics;
