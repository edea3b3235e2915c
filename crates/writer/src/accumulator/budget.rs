//! The bytes that batches may hold, as permits that ride inside the batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// A bound on buffered bytes. Whoever finds it exhausted waits in line.
#[derive(Debug)]
pub(crate) struct Budget {
    /// One permit per [`UNIT`] bytes.
    free: Semaphore,
    /// The bound, in units.
    total: u32,
    /// Callers waiting for room; while there are any, batches are not kept open for more records.
    waiting: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        let total = units(bytes).min(MAX_UNITS);
        Arc::new(Self {
            free: Semaphore::new(total as usize),
            total,
            waiting: AtomicUsize::new(0),
        })
    }

    /// Room for `bytes` if it is there now and nobody waits in line for it.
    pub(crate) fn try_take(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let units = units(bytes);
        self.free.try_acquire_many(units).ok()?.forget();
        Some(Permit {
            budget: Arc::clone(self),
            units,
        })
    }

    /// Waits in line for room; more than the whole budget is cut down to it, and waits until nothing else is buffered.
    /// Cancel safe: leaves the line, takes nothing.
    pub(crate) async fn take(self: &Arc<Self>, bytes: usize) -> Permit {
        let units = units(bytes).min(self.total);
        let _waiting = Waiting::begin(&self.waiting);
        if let Ok(permit) = self.free.acquire_many(units).await {
            permit.forget();
        }
        Permit {
            budget: Arc::clone(self),
            units,
        }
    }

    /// Whether `permit` is all there is: no amount of waiting brings more.
    pub(crate) fn is_whole(&self, permit: &Permit) -> bool {
        permit.units == self.total
    }

    /// Bytes that are taken.
    pub(crate) fn in_use(&self) -> u64 {
        let free = self.free.available_permits() as u64;
        u64::from(self.total).saturating_sub(free) * UNIT as u64
    }

    /// Whether someone waits for room.
    pub(crate) fn is_contended(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Room that was taken; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    units: u32,
}

impl Permit {
    pub(crate) fn bytes(&self) -> usize {
        self.units as usize * UNIT
    }

    /// Gives about half of the room to another permit.
    pub(crate) fn split_off(&mut self) -> Self {
        let units = self.units / 2;
        self.units -= units;
        Self {
            budget: Arc::clone(&self.budget),
            units,
        }
    }

    /// Adds the room of another permit of the same budget to this one.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.units += std::mem::take(&mut other.units);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.free.add_permits(self.units as usize);
    }
}

/// Counts a waiter until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Units that hold `bytes`, at least one.
fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX)
}

/// Bytes per permit.
const UNIT: usize = 1024;

/// 256 GiB; every platform's semaphore holds that many permits.
const MAX_UNITS: u32 = 1 << 28;
