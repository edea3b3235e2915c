//! What this member owns: handed out, taken back in order, or lost.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use ekafka_protocol::ErrorCode;

use super::{Group, Waiter, error_of, names};
use crate::TopicPartition;
use crate::control::{Control, now as clock};
use crate::event::Event;
use crate::inbox::Item;
use crate::lane::Assignment;
use crate::membership::verdict::Failure;

impl Control {
    /// Takes partitions back and asks the application to finish.
    pub(super) fn revoke(&mut self, now: Instant, partitions: Vec<TopicPartition>) {
        let revoked = self.ledger.revoke(&partitions);
        self.inbox.discard_frozen();
        let Some(group) = &mut self.group else {
            return;
        };
        group.counts = None;
        if revoked.is_empty() {
            group.end(&partitions);
            group.member.handle_revoked(now);
            return;
        }
        group.last_ticket += 1;
        let ticket = group.last_ticket;
        group.revoking = Some((ticket, partitions));
        let event = Event::Revoked(names(&revoked));
        let ticket = Some(ticket);
        self.inbox.push(Item::Event { event, ticket });
    }

    /// The application has finished with what was revoked: what it marked is committed first.
    pub(in crate::control) fn handle_answered(&mut self, ticket: u64) {
        if let Some(group) = &mut self.group
            && matches!(&group.revoking, Some((of, _)) if *of == ticket)
        {
            group.commits.request(Waiter::Revocation(ticket));
        }
    }

    pub(super) fn finish_revocation(&mut self, ticket: u64) {
        if let Some(group) = &mut self.group
            && let Some((_, partitions)) = group.revoking.take_if(|(of, _)| *of == ticket)
        {
            group.end(&partitions);
            group.member.handle_revoked(clock());
        }
    }

    /// Takes partitions back without asking: others may have them already.
    pub(super) fn lose(&mut self, partitions: &[TopicPartition]) {
        let lost = self.ledger.revoke(partitions);
        self.inbox.discard_frozen();
        let Some(group) = &mut self.group else {
            return;
        };
        group.counts = None;
        group.end(partitions);
        let mut abandoned = Vec::new();
        if group.held.is_empty() {
            abandoned = group.commits.abandon();
            group.last_commit += 1;
        }
        if let Some((ticket, _)) = group.revoking.take() {
            self.inbox.lose(ticket);
        }
        if !lost.is_empty() {
            let event = Event::Lost(names(&lost));
            self.inbox.push(Item::Event {
                event,
                ticket: None,
            });
        }
        self.refuse(abandoned);
    }

    fn refuse(&mut self, waiters: Vec<Waiter>) {
        let Some(group) = &self.group else {
            return;
        };
        let failure = Failure::Code(ErrorCode::ILLEGAL_GENERATION);
        let error = error_of("committing offsets", &group.settings.id, None, failure);
        self.tell_waiters(waiters, Err(error));
    }

    pub(super) fn take_assignment(&mut self, partitions: BTreeMap<String, Vec<i32>>) {
        let Some(group) = &mut self.group else {
            return;
        };
        let added = list(partitions);
        for partition in &added {
            let lease = Arc::clone(&group.lease);
            let assignment = Arc::new(Assignment::leased(partition.clone(), lease));
            group.held.push(Arc::clone(&assignment));
            group.commits.track(Arc::clone(&assignment));
            self.ledger.assign(assignment, None);
        }
        self.counters.note_rebalance();
        // A member without partitions is told so; to one that keeps what it has there is nothing to tell.
        if added.is_empty() && !group.held.is_empty() {
            return;
        }
        let event = Event::Assigned(added);
        self.inbox.push(Item::Event {
            event,
            ticket: None,
        });
    }
}

impl Control {
    /// What is marked from here on is of other records than what was marked before, and may be committed below it.
    pub(super) fn take_renewed(&mut self) {
        for renewed in self.ledger.take_renewed() {
            if let Some(group) = &mut self.group {
                group.renew(renewed);
            }
        }
    }
}

impl Group {
    fn renew(&mut self, renewed: Arc<Assignment>) {
        let mut held = self.held.iter_mut();
        let Some(held) = held.find(|held| held.is_one_with(&renewed)) else {
            return renewed.end();
        };
        let gone = std::mem::replace(held, Arc::clone(&renewed));
        self.superseded.push(gone);
        self.commits.renew(renewed);
    }

    /// Refuses marks on these partitions, and forgets them.
    fn end(&mut self, partitions: &[TopicPartition]) {
        let ended: HashSet<&TopicPartition> = partitions.iter().collect();
        self.superseded.retain(|assignment| {
            let is_ended = ended.contains(&assignment.partition);
            if is_ended {
                assignment.end();
            }
            !is_ended && Arc::strong_count(assignment) > 1
        });
        self.held.retain(|assignment| {
            let is_ended = ended.contains(&assignment.partition);
            if is_ended {
                assignment.end();
            }
            !is_ended
        });
        self.commits.forget_ended();
    }
}

/// Topic by topic, as the application is told.
pub(crate) fn list(partitions: BTreeMap<String, Vec<i32>>) -> Vec<TopicPartition> {
    let topics = partitions.into_iter().flat_map(|(topic, ids)| {
        let topic: Arc<str> = topic.into();
        let each = ids.into_iter();
        each.map(move |id| TopicPartition::new(Arc::clone(&topic), id))
    });
    topics.collect()
}
