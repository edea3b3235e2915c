//! A real reader against the embedded broker: in memory, on a paused clock.

mod attention;
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
mod partial;
mod partition;
mod promises;
mod rewritten;
mod scenarios;
mod seen;
mod setup;
mod streams;
mod swarm;
mod topics;
