//! Cross-crate and conformance tests: one binary.

mod compat;
mod conn;
mod support;
mod tidy;
