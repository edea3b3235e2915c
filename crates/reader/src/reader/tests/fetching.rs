//! What can happen to fetches, scenario by scenario.

mod amounts;
mod brokers;
mod damage;
mod random_logs;
mod ranges;
mod recall;
mod replicas;
mod seeking;
mod sessions;
mod throttling;
mod transactions;
mod truncation;
