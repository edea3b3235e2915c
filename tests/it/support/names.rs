//! Names that nobody else uses.

use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the runs on one real Kafka apart.
static RUN: LazyLock<String> = LazyLock::new(|| {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:x}-{:x}", now.as_secs(), process::id())
});

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A name that no other test, and no other run on the same brokers, uses.
pub(crate) fn unique(what: &str) -> String {
    format!(
        "it-{what}-{}-{}",
        *RUN,
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
