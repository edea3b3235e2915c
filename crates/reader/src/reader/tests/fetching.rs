//! What can happen to fetches, scenario by scenario.

mod amounts;
mod truncation;
