//! Outcomes against the log: what must be there once, what may be there, what must not.

use std::collections::HashMap;
use std::fmt;

use super::ledger::Outcome;

/// Takes in the log, record by record, then gives its verdict.
pub(super) struct Audit<'a> {
    outcomes: &'a [Outcome],
    size: usize,
    /// Whether a second copy of a record is a fault.
    once: bool,
    /// How often each record was found.
    copies: Vec<u8>,
    /// Whether an acknowledged record was found where the writer said.
    in_place: Vec<bool>,
    /// Per partition: the offset of the last record, and the highest number.
    ends: HashMap<i32, (i64, usize)>,
    verdict: Verdict,
}

/// What was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) written: u64,
    pub(super) maybe_written: u64,
    pub(super) not_written: u64,
    /// Records in the log.
    pub(super) stored: u64,
    /// Of those that may have been written, how many were.
    pub(super) stored_of_maybe: u64,
    /// Second copies, where they are allowed.
    pub(super) copies: u64,
    /// Acknowledged and not in the log.
    pub(super) lost: u64,
    /// Acknowledged and not at the offset that was told.
    pub(super) misplaced: u64,
    /// In the log more than once.
    pub(super) doubled: u64,
    /// Reported as not written, and in the log.
    pub(super) denied: u64,
    /// Behind a later record of the same partition.
    pub(super) out_of_order: u64,
    /// Not a record of this run, or with other bytes.
    pub(super) foreign: u64,
    /// Offsets that the reader skipped or repeated.
    pub(super) gaps: u64,
    /// The first faults, in words.
    pub(super) examples: Vec<String>,
}

impl<'a> Audit<'a> {
    pub(super) fn new(outcomes: &'a [Outcome], size: usize, once: bool) -> Self {
        Self {
            outcomes,
            size,
            once,
            copies: vec![0; outcomes.len()],
            in_place: vec![false; outcomes.len()],
            ends: HashMap::new(),
            verdict: Verdict::default(),
        }
    }

    /// A record of the log; those of a partition come in the order of their offsets.
    pub(super) fn see(&mut self, partition: i32, offset: i64, value: &str) {
        self.verdict.stored += 1;
        let (last_offset, _) = *self.ends.entry(partition).or_insert((-1, 0));
        if offset != last_offset + 1 {
            self.verdict.gaps += 1;
            self.example(format!(
                "partition {partition}: {offset} follows {last_offset}"
            ));
        }
        let number = number_of(value, self.size);
        let Some((number, outcome)) =
            number.and_then(|number| Some((number, *self.outcomes.get(number)?)))
        else {
            self.verdict.foreign += 1;
            self.example(format!(
                "partition {partition}, offset {offset}: {value:.40}"
            ));
            self.ends.entry(partition).or_default().0 = offset;
            return;
        };
        let again = self.copies[number] > 0;
        self.copies[number] = self.copies[number].saturating_add(1);
        // For a batch that it recognised, a broker may not know the offset any more; then the writer says none.
        let here = [offset, -1].map(|offset| Outcome::Written { partition, offset });
        self.in_place[number] |= here.contains(&outcome);
        if again && self.once {
            self.verdict.doubled += 1;
            self.example(format!("record {number} again at {partition}/{offset}"));
        } else if again {
            self.verdict.copies += 1;
        }
        if outcome == Outcome::NotWritten {
            self.verdict.denied += 1;
            self.example(format!(
                "record {number}, not written, is at {partition}/{offset}"
            ));
        }
        let highest = self.ends.get(&partition).map_or(0, |(_, highest)| *highest);
        if number < highest && !again {
            self.verdict.out_of_order += 1;
            self.example(format!(
                "record {number} follows {highest} in partition {partition}"
            ));
        }
        self.ends.insert(partition, (offset, highest.max(number)));
    }

    pub(super) fn verdict(mut self) -> Verdict {
        for (number, outcome) in self.outcomes.iter().enumerate() {
            let copies = self.copies[number];
            match outcome {
                Outcome::Written { partition, offset } => {
                    self.verdict.written += 1;
                    if copies == 0 {
                        self.verdict.lost += 1;
                        self.example(format!("record {number} is not at {partition}/{offset}"));
                    } else if !self.in_place[number] {
                        self.verdict.misplaced += 1;
                        self.example(format!("record {number} is not at {partition}/{offset}"));
                    }
                }
                Outcome::MaybeWritten => {
                    self.verdict.maybe_written += 1;
                    self.verdict.stored_of_maybe += u64::from(copies > 0);
                }
                Outcome::NotWritten => self.verdict.not_written += 1,
            }
        }
        self.verdict
    }

    fn example(&mut self, text: String) {
        if self.verdict.examples.len() < MOST_EXAMPLES {
            self.verdict.examples.push(text);
        }
    }
}

impl Verdict {
    pub(super) fn is_clean(&self) -> bool {
        let faults = [
            self.lost,
            self.misplaced,
            self.doubled,
            self.denied,
            self.out_of_order,
            self.foreign,
            self.gaps,
        ];
        // Nothing acknowledged would be no proof of anything.
        self.written > 0 && faults.iter().all(|fault| *fault == 0)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for example in &self.examples {
            writeln!(f, "  {example}")?;
        }
        write!(
            f,
            "verdict: {}: {} written, {} maybe written ({} stored), {} not written; {} stored, {} copies; \
             {} lost, {} misplaced, {} doubled, {} denied, {} out of order, {} foreign, {} gaps",
            if self.is_clean() { "PASS" } else { "FAIL" },
            self.written,
            self.maybe_written,
            self.stored_of_maybe,
            self.not_written,
            self.stored,
            self.copies,
            self.lost,
            self.misplaced,
            self.doubled,
            self.denied,
            self.out_of_order,
            self.foreign,
            self.gaps
        )
    }
}

/// The record's number, when every byte of the value is as it was sent: the number and a space, again and again.
fn number_of(value: &str, size: usize) -> Option<usize> {
    let word = value.get(..WORD)?;
    let number = word.strip_suffix(' ')?.parse().ok()?;
    let repeats = value.as_bytes().chunks(WORD);
    let same = repeats
        .into_iter()
        .all(|chunk| word.as_bytes().starts_with(chunk));
    (same && value.len() == size.max(WORD)).then_some(number)
}

/// Ten digits and a space.
const WORD: usize = 11;

const MOST_EXAMPLES: usize = 20;
