//! What can happen to fetches, scenario by scenario.

mod amounts;
mod brokers;
mod damage;
mod random_logs;
mod recall;
mod replicas;
mod transactions;
mod truncation;
