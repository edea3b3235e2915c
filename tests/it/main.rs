//! Cross-crate and conformance tests: one binary.

mod compat;
mod support;
mod tidy;
