//! The members' diaries against the log and the commits: what must have been processed, by whom, and in which order.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::commits::Commit;
use super::diary::{Diary, What};
use super::pause::Pause;
use crate::chaos::ledger::Outcome;

/// All that is known when the run is over.
pub(super) struct Evidence<'a> {
    /// What the writer said of each record.
    pub(super) outcomes: &'a [Outcome],
    /// One behind the last offset of each partition; nothing is deleted or compacted here.
    pub(super) ends: &'a BTreeMap<i32, i64>,
    pub(super) diaries: &'a [Diary],
    pub(super) commits: &'a [Commit],
}

/// What was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Records in the log.
    pub(super) stored: u64,
    /// Records processed at least once.
    pub(super) processed: u64,
    /// Records handed out, every time counted.
    pub(super) delivered: u64,
    /// Records handed out again, to the same member or another one.
    pub(super) again: u64,
    /// Times that a member was given a partition.
    pub(super) ownerships: u64,
    /// Accepted by the brokers.
    pub(super) commits: u64,
    /// Refused, as told to the members.
    pub(super) refused: u64,
    /// Told by the readers.
    pub(super) errors: u64,
    /// The longest time that a record which could be read waited behind the one before.
    pub(super) longest_pause: Pause,

    /// In the log and never processed.
    pub(super) missed: u64,
    /// Handed out with other bytes than the writer put there.
    pub(super) wrong: u64,
    /// Handed out other than as the next offset of its ownership.
    pub(super) out_of_order: u64,
    /// Handed out after its partition was revoked or lost.
    pub(super) late: u64,
    /// Handed out after another member had been given the partition.
    pub(super) shared: u64,
    /// Ownerships that did not begin at the committed offset.
    pub(super) misplaced: u64,
    /// Commits beyond what was processed when they were accepted.
    pub(super) ahead: u64,
    /// Commits below an earlier one.
    pub(super) fallen: u64,
    /// Partitions whose end is not committed after all members have left.
    pub(super) uncommitted: u64,
    /// The first faults, in words.
    pub(super) examples: Vec<String>,
}

/// One member's time with one partition.
struct Ownership {
    member: usize,
    partition: i32,
    assigned_at: u64,
    /// Until revoked or lost; the records handed out.
    got: Vec<Delivery>,
}

#[derive(Clone, Copy)]
struct Delivery {
    offset: i64,
    at: u64,
    /// When the broker took the record.
    appended: u64,
}

pub(super) fn verdict(evidence: &Evidence<'_>) -> Verdict {
    let mut verdict = Verdict {
        commits: evidence.commits.len() as u64,
        refused: evidence.diaries.iter().map(|diary| diary.refused).sum(),
        errors: evidence.diaries.iter().map(|diary| diary.errors).sum(),
        ..Verdict::default()
    };
    let mut ownerships = Vec::new();
    let mut done_at = Processed::new(evidence.ends);
    for (member, diary) in evidence.diaries.iter().enumerate() {
        follow(
            member,
            diary,
            evidence.outcomes,
            &mut ownerships,
            &mut done_at,
            &mut verdict,
        );
    }
    ownerships.sort_by_key(|ownership| (ownership.partition, ownership.assigned_at));
    verdict.ownerships = ownerships.len() as u64;
    check_deliveries(&ownerships, &mut verdict);
    check_sharing(&ownerships, &mut verdict);
    check_beginnings(&ownerships, evidence.commits, &mut verdict);
    done_at.check(&mut verdict);
    check_commits(evidence, &done_at.settle(), &mut verdict);
    verdict
}

/// Goes through one diary: what it owned, got and finished.
fn follow(
    member: usize,
    diary: &Diary,
    outcomes: &[Outcome],
    ownerships: &mut Vec<Ownership>,
    done_at: &mut Processed,
    verdict: &mut Verdict,
) {
    let mut owned: HashMap<i32, Ownership> = HashMap::new();
    // From where on what was got is not processed yet.
    let mut from: HashMap<i32, i64> = HashMap::new();
    for entry in &diary.entries {
        let partition = entry.partition;
        match entry.what {
            What::Assigned => {
                let fresh = Ownership {
                    member,
                    partition,
                    assigned_at: entry.at,
                    got: Vec::new(),
                };
                if let Some(before) = owned.insert(partition, fresh) {
                    verdict.example(format!("member {member} was given {partition} twice"));
                    verdict.shared += 1;
                    ownerships.push(before);
                }
                from.remove(&partition);
            }
            What::Revoked | What::Lost => ownerships.extend(owned.remove(&partition)),
            What::Released => {}
            What::Got {
                offset,
                number,
                appended,
            } => {
                verdict.delivered += 1;
                from.entry(partition).or_insert(offset);
                if !is_right(outcomes, partition, offset, number) {
                    verdict.wrong += 1;
                    verdict.example(format!("{partition}/{offset} is no record {number}"));
                }
                match owned.get_mut(&partition) {
                    Some(ownership) => ownership.got.push(Delivery {
                        offset,
                        at: entry.at,
                        appended,
                    }),
                    None => {
                        verdict.late += 1;
                        verdict.example(format!(
                            "member {member} got {partition}/{offset} without owning it"
                        ));
                    }
                }
            }
            What::Done { offset } => {
                if let Some(first) = from.remove(&partition) {
                    done_at.note(partition, first, offset, entry.at);
                }
            }
        }
    }
    ownerships.extend(owned.into_values());
}

fn is_right(outcomes: &[Outcome], partition: i32, offset: i64, number: usize) -> bool {
    match outcomes.get(number) {
        Some(Outcome::Written {
            partition: of,
            offset: at,
        }) => *of == partition && [offset, -1].contains(at),
        Some(Outcome::MaybeWritten) => true,
        Some(Outcome::NotWritten) | None => false,
    }
}

fn check_deliveries(ownerships: &[Ownership], verdict: &mut Verdict) {
    for ownership in ownerships {
        for pair in ownership.got.windows(2) {
            let [before, next] = pair else {
                continue;
            };
            if next.offset != before.offset + 1 {
                verdict.out_of_order += 1;
                verdict.example(format!(
                    "member {} got {}/{} behind {}",
                    ownership.member, ownership.partition, next.offset, before.offset
                ));
            }
        }
    }
    let mut times: BTreeMap<i32, Vec<(u64, u64)>> = BTreeMap::new();
    for ownership in ownerships {
        let all = times.entry(ownership.partition).or_default();
        all.extend(ownership.got.iter().map(|got| (got.at, got.appended)));
    }
    for (partition, all) in &mut times {
        all.sort_unstable();
        let pauses = all.windows(2).map(|pair| Pause {
            partition: *partition,
            // Where nothing was written, nothing waited.
            from: pair[0].0.max(pair[1].1).min(pair[1].0),
            to: pair[1].0,
        });
        let all = pauses.chain([verdict.longest_pause]);
        let longest = all.max_by_key(Pause::length);
        verdict.longest_pause = longest.unwrap_or_default();
    }
}

/// What one member gets after another one was given the partition belongs to somebody else.
fn check_sharing(ownerships: &[Ownership], verdict: &mut Verdict) {
    for (index, ownership) in ownerships.iter().enumerate() {
        let Some(next) = ownerships.get(index + 1) else {
            continue;
        };
        if next.partition != ownership.partition {
            continue;
        }
        let shared = ownership.got.iter().filter(|got| got.at > next.assigned_at);
        let shared = shared.count() as u64;
        if shared > 0 {
            verdict.shared += shared;
            verdict.example(format!(
                "member {} got {shared} records of {} after member {} was given it",
                ownership.member, ownership.partition, next.member
            ));
        }
    }
}

/// Each ownership begins where the group had committed to.
fn check_beginnings(ownerships: &[Ownership], commits: &[Commit], verdict: &mut Verdict) {
    for ownership in ownerships {
        let Some(Delivery {
            offset: first, at, ..
        }) = ownership.got.first()
        else {
            continue;
        };
        let own = commits
            .iter()
            .filter(|commit| commit.partition == ownership.partition);
        // Brokers tell milliseconds: those of the one in which it was assigned may come before or after.
        let mut stands = vec![0];
        for commit in own.take_while(|commit| commit.at * 1_000 <= *at) {
            if (commit.at + 1) * 1_000 <= ownership.assigned_at {
                stands.clear();
            }
            stands.push(commit.offset);
        }
        if !stands.contains(first) {
            verdict.misplaced += 1;
            verdict.example(format!(
                "member {} began {} at {first}, committed was {stands:?}",
                ownership.member, ownership.partition
            ));
        }
    }
}

fn check_commits(evidence: &Evidence<'_>, settled: &Settled, verdict: &mut Verdict) {
    let mut last: HashMap<i32, i64> = HashMap::new();
    for commit in evidence.commits {
        let before = last.insert(commit.partition, commit.offset).unwrap_or(0);
        if commit.offset < before {
            verdict.fallen += 1;
            verdict.example(format!(
                "the commit of {} fell from {before} to {}",
                commit.partition, commit.offset
            ));
        }
        if !settled.covers(commit) {
            verdict.ahead += 1;
            verdict.example(format!(
                "{} was committed up to {} before that was processed",
                commit.partition, commit.offset
            ));
        }
    }
    for (partition, end) in evidence.ends {
        let committed = last.get(partition).copied().unwrap_or(0);
        if committed != *end {
            verdict.uncommitted += 1;
            verdict.example(format!(
                "{partition} ends at {end}, committed is {committed}"
            ));
        }
    }
}

/// When each record was processed first.
struct Processed {
    /// By offset; the time in microseconds, `u64::MAX` for never.
    times: BTreeMap<i32, Vec<u64>>,
}

impl Processed {
    fn new(ends: &BTreeMap<i32, i64>) -> Self {
        let times = ends.iter().map(|(partition, end)| {
            let count = usize::try_from(*end).unwrap_or(0);
            (*partition, vec![u64::MAX; count])
        });
        Self {
            times: times.collect(),
        }
    }

    fn note(&mut self, partition: i32, first: i64, last: i64, at: u64) {
        let Some(times) = self.times.get_mut(&partition) else {
            return;
        };
        let (Ok(first), Ok(last)) = (usize::try_from(first), usize::try_from(last)) else {
            return;
        };
        for time in times.iter_mut().take(last + 1).skip(first) {
            *time = at.min(*time);
        }
    }

    fn check(&self, verdict: &mut Verdict) {
        for (partition, times) in &self.times {
            for (offset, time) in times.iter().enumerate() {
                verdict.stored += 1;
                if *time == u64::MAX {
                    verdict.missed += 1;
                    verdict.example(format!("{partition}/{offset} was never processed"));
                } else {
                    verdict.processed += 1;
                }
            }
        }
        verdict.again = verdict.delivered.saturating_sub(verdict.processed);
    }

    fn settle(mut self) -> Settled {
        for times in self.times.values_mut() {
            let mut latest = 0;
            for time in times {
                latest = latest.max(*time);
                *time = latest;
            }
        }
        Settled(self.times)
    }
}

/// When everything up to each record was processed.
struct Settled(BTreeMap<i32, Vec<u64>>);

impl Settled {
    /// Whether everything below the commit was processed when the broker accepted it.
    fn covers(&self, commit: &Commit) -> bool {
        let times = self.0.get(&commit.partition);
        match usize::try_from(commit.offset - 1) {
            Ok(last) => times
                .and_then(|times| times.get(last))
                .is_some_and(|time| *time <= (commit.at + 1) * 1_000),
            Err(_) => commit.offset == 0,
        }
    }
}

impl Verdict {
    pub(super) fn is_clean(&self) -> bool {
        let faults = [
            self.missed,
            self.wrong,
            self.out_of_order,
            self.late,
            self.shared,
            self.misplaced,
            self.ahead,
            self.fallen,
            self.uncommitted,
        ];
        // Nothing processed or committed would be no proof of anything.
        self.processed > 0 && self.commits > 0 && faults.iter().all(|fault| *fault == 0)
    }

    fn example(&mut self, text: String) {
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(text);
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for example in &self.examples {
            writeln!(f, "  {example}")?;
        }
        write!(
            f,
            "verdict: {}: {} stored, {} processed, {} delivered ({} again), {} ownerships, longest pause of a partition {} ms; \
             {} commits ({} refused), {} errors told; {} missed, {} wrong, {} out of order, {} after their revoke, \
             {} shared, {} misplaced; {} commits ahead, {} fallen, {} partitions uncommitted",
            if self.is_clean() { "PASS" } else { "FAIL" },
            self.stored,
            self.processed,
            self.delivered,
            self.again,
            self.ownerships,
            self.longest_pause.length() / 1_000,
            self.commits,
            self.refused,
            self.errors,
            self.missed,
            self.wrong,
            self.out_of_order,
            self.late,
            self.shared,
            self.misplaced,
            self.ahead,
            self.fallen,
            self.uncommitted
        )
    }
}

const MOST_EXAMPLES: usize = 20;
