//! The partition of records that have neither key nor partition: one after another, a batch's worth each (KIP-794).

use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(test)]
mod tests;

/// The partition that takes a topic's key-less records at the moment.
#[derive(Debug)]
pub(crate) struct Sticky {
    /// Position in the topic's list; `UNCHOSEN` before the first record.
    current: AtomicUsize,
}

impl Default for Sticky {
    fn default() -> Self {
        Self {
            current: AtomicUsize::new(UNCHOSEN),
        }
    }
}

impl Sticky {
    /// The position for the next record, of `count` partitions.
    #[inline]
    pub(crate) fn current(&self, count: usize) -> usize {
        let current = self.current.load(Ordering::Relaxed);
        if current < count {
            return current;
        }
        self.leave(current, count, |_| 0)
    }

    /// Moves on from `from`, unless another thread has: to the one of a few partitions, drawn at random, that has the
    /// smallest backlog. Slow leaders have long ones, so they get fewer records.
    pub(crate) fn leave(
        &self,
        from: usize,
        count: usize,
        backlog: impl Fn(usize) -> usize,
    ) -> usize {
        let next = draw(from, count, backlog);
        match self
            .current
            .compare_exchange(from, next, Ordering::Relaxed, Ordering::Relaxed)
        {
            Ok(_) => next,
            // Partitions never become fewer, so another thread's choice is in range; a first choice may race.
            Err(chosen) if chosen < count => chosen,
            Err(_) => next,
        }
    }
}

fn draw(from: usize, count: usize, backlog: impl Fn(usize) -> usize) -> usize {
    let others = if from < count { count - 1 } else { count };
    if others == 0 {
        return 0;
    }
    // Positions without `from`: those behind it move up by one.
    let other = || {
        let drawn = fastrand::usize(..others);
        if drawn >= from { drawn + 1 } else { drawn }
    };
    // The first of equals, so that nobody is preferred while all are quick.
    let drawn = std::array::from_fn::<_, CHOICES, _>(|_| other());
    drawn
        .into_iter()
        .min_by_key(|position| backlog(*position))
        .unwrap_or(from)
}

/// How many partitions are drawn: of three, a slow one is chosen when all draws hit it, one time in sixteen.
const CHOICES: usize = 4;

const UNCHOSEN: usize = usize::MAX;
