//! What must hold on every supported broker, the oldest included: `cargo xtask kafka test --version 2.8.2` runs these.

mod connecting;
mod groups;
mod old_formats;
mod records;
