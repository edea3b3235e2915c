//! Cross-crate and conformance tests: one binary.

mod acceptance;
mod client;
mod compat;
mod conn;
mod e2e;
mod environment;
mod facade;
mod guide;
mod logging_in;
mod pubsub;
mod reader;
mod support;
mod tidy;
mod writer;
