//! Cross-crate and conformance tests: one binary.

mod tidy;
