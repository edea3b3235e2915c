//! Whether a new leader still has what was read (KIP-320).
//!
//! An unclean election can cut a log. The reader remembers the leader epoch of the last record before its
//! position, and asks each newer leader where that epoch ends in its log. An end before the position means
//! that records which were read are gone, and that others may get, or have, their offsets.

use std::sync::Arc;
use std::time::Instant;

use ekafka_protocol::ErrorCode;

use super::entry::{Entry, Place, Plan};
use super::{EpochQuestion, Leader, Ledger, Notice};
use crate::TopicPartition;
use crate::lane::Assignment;
use crate::reset::{OutOfRange, Position, Start};

impl Entry {
    /// Whether the leader is newer than what was read and has not been asked yet. Unknown epochs (-1)
    /// are not compared.
    pub(super) fn is_unchecked(&self, leader: Leader) -> bool {
        self.read_epoch >= 0 && leader.epoch > self.read_epoch.max(self.checked_epoch)
    }

    pub(super) fn check(
        &mut self,
        leader: Leader,
        offset: i64,
        is_out_of_range: bool,
        plan: &mut Plan,
    ) {
        let question = EpochQuestion {
            partition: self.assignment.partition.clone(),
            tag: self.lane.tag,
            leader_epoch: leader.epoch,
            read_epoch: self.read_epoch,
        };
        plan.checks.entry(leader.broker).or_default().push(question);
        self.place = Place::Checking {
            offset,
            leader_epoch: leader.epoch,
            is_out_of_range,
        };
    }
}

impl Ledger {
    /// A leader's answer for one partition: where its log of the epoch ends; `None` when it does not
    /// know, or cannot be asked.
    pub(crate) fn handle_checked(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        tag: u64,
        answer: Result<Option<Position>, ErrorCode>,
    ) -> Option<Notice> {
        let rules = self.rules;
        let entry = self.touch(partition)?;
        let Place::Checking {
            offset,
            leader_epoch,
            is_out_of_range,
        } = entry.place
        else {
            return None;
        };
        if entry.lane.tag != tag {
            return None;
        }
        match answer {
            // A leader never takes back what is of its own epoch: this one leads another topic of that name.
            Ok(Some(end)) if end.offset < offset && entry.read_epoch == leader_epoch => {
                entry.read_epoch = -1;
                entry.checked_epoch = -1;
                entry.follow_policy(&rules, offset)
            }
            Ok(Some(end)) if end.offset < offset => self.cut(partition, leader_epoch, end),
            Ok(_) => {
                entry.checked_epoch = leader_epoch;
                if is_out_of_range {
                    return entry.follow_policy(&rules, offset);
                }
                entry.place = Place::Idle(offset);
                None
            }
            Err(code) => {
                entry.place = if is_out_of_range {
                    Place::NeedsCheck { offset }
                } else {
                    Place::Idle(offset)
                };
                entry.fail(now, &rules, "checking the leader epoch", code)
            }
        }
    }

    /// The log ends at `end`. What was fetched beyond it is dropped; what was handed out beyond it is told.
    fn cut(
        &mut self,
        partition: &TopicPartition,
        leader_epoch: i32,
        end: Position,
    ) -> Option<Notice> {
        let entry = self.entries.get_mut(partition)?;
        entry.checked_epoch = leader_epoch;
        let from = entry.lane.freeze().unwrap_or(end.offset);
        if from <= end.offset {
            let read_epoch = entry.lane.read_epoch();
            self.seek_known(partition, Start::At(from), read_epoch);
            return None;
        }
        self.go_back(partition, end.offset, end.leader_epoch);
        let is_held = self.rules.out_of_range == OutOfRange::Error;
        if is_held && let Some(entry) = self.entries.get_mut(partition) {
            entry.place = Place::Held(end.offset);
        }
        Some(Notice::Truncated {
            partition: partition.clone(),
            from,
            to: end.offset,
            is_held,
        })
    }

    /// The log goes on at `offset`, before what was handed out: of what is marked, so much counts.
    pub(super) fn go_back(&mut self, partition: &TopicPartition, offset: i64, leader_epoch: i32) {
        let entry = self.entries.get(partition);
        let marked = entry.and_then(|entry| entry.assignment.marked());
        self.begin_anew(partition, Start::At(offset), leader_epoch);
        let entry = self.entries.get(partition);
        if let (Some(entry), Some((marked, _))) = (entry, marked) {
            entry.assignment.mark(marked.min(offset), -1);
        }
    }

    /// As [`seek_known`](Self::seek_known), in a log whose records are not those that were handed out and marked.
    pub(super) fn begin_anew(
        &mut self,
        partition: &TopicPartition,
        start: Start,
        leader_epoch: i32,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(partition) else {
            return false;
        };
        let renewed = Arc::new(entry.assignment.renewed());
        (entry.is_adrift, entry.is_remade) = (false, false);
        entry.assignment = Arc::clone(&renewed);
        self.renewed.push(renewed);
        self.seek_known(partition, start, leader_epoch)
    }

    /// Assignments in the place of those whose records are gone.
    pub(crate) fn take_renewed(&mut self) -> Vec<Arc<Assignment>> {
        std::mem::take(&mut self.renewed)
    }
}
