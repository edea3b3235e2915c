//! A real reader against the embedded broker: in memory, on a paused clock.

mod closing;
mod committing;
mod consumer_group;
mod cooperative;
mod doors;
mod dropped;
mod fetching;
mod group;
mod odd_logs;
mod partition;
mod promises;
mod scenarios;
mod seen;
mod setup;
mod streams;
mod topics;
