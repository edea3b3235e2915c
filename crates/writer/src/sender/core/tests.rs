//! Scripts of the sender's state: no broker, no clock but the test's.

mod placing;
mod sealing;

use std::collections::HashMap;

use bytes::BytesMut;
use ekafka_conn::ConnError;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::messages::{PartitionProduceResponse, ProduceResponse, TopicProduceResponse};
use ekafka_protocol::records::RecordData;

use super::*;
use crate::accumulator::{Limits, Offer, Patience};
use crate::error::{ErrorClass, Undelivered};
use crate::receipt::Receipt;

/// A cluster whose leaders the test sets.
#[derive(Default)]
struct Told(HashMap<i32, (BrokerId, i32)>);

impl Leaders for Told {
    fn leader(&self, at: &TopicPartition) -> Option<(BrokerId, i32)> {
        self.0.get(&at.partition).copied()
    }

    fn topic_id(&self, _topic: &str) -> Option<Uuid> {
        None
    }
}

/// A sender's state with its shelf, two partitions on broker 1, and a clock.
struct Script {
    core: Core,
    shelf: Arc<Shelf>,
    leaders: Told,
    now: Instant,
}

impl Script {
    fn new(change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Rules {
            acks: -1,
            idempotent: true,
            compression: Compression::NONE,
            depth: 5,
            max_request: 1 << 20,
            request_timeout: Duration::from_secs(5),
            delivery_timeout: Duration::from_secs(20),
            max_attempts: u32::MAX,
            backoff: (Duration::from_millis(100), Duration::from_secs(1)),
        };
        change(&mut rules);
        let limits = Limits {
            batch_bytes: 4096,
            max_record: 4096,
            batch_size: 1,
            estimate: None,
            patience: Patience::Adaptive,
            stretch: None,
        };
        let shelf = Arc::new(Shelf::new(limits, 8 << 20));
        shelf.set_topic("t", Uuid::nil(), 2);
        let mut core = Core::new(rules, Arc::clone(&shelf));
        core.handle_identity(7, 0);
        let leaders = Told([(0, (BrokerId(1), 0)), (1, (BrokerId(1), 0))].into());
        Self {
            core,
            shelf,
            leaders,
            now: Instant::now(),
        }
    }

    fn partition(&self, number: usize) -> Arc<Partition> {
        Arc::clone(&self.shelf.topic("t").unwrap().partitions().list[number])
    }

    /// Accepts a record, a batch of its own, and tells the sender.
    fn put(&mut self, partition: usize) -> Arc<Receipt> {
        let partition = self.partition(partition);
        let receipt = {
            let mut queue = partition.queue();
            let now = self.now;
            let offer = self.shelf.offer(
                &partition,
                &mut queue,
                &RecordData::default(),
                &mut None,
                || now,
            );
            assert!(matches!(offer, Offer::Accepted(0)), "{offer:?}");
            Arc::clone(queue.newest().unwrap())
        };
        self.core.handle_ready(&partition);
        receipt
    }

    /// The requests that leave now: their numbers, and the partitions of their batches.
    fn depart(&mut self) -> Vec<(u64, Vec<i32>)> {
        let mut departed = Vec::new();
        while let Some(departure) = self.core.next_departure(&self.leaders, |_| true, self.now) {
            let partitions = departure
                .batches
                .iter()
                .map(|cargo| cargo.partition.at.partition)
                .collect();
            departed.push((departure.request, partitions));
        }
        departed
    }

    fn answer(&mut self, request: u64, partitions: &[(i32, ErrorCode)]) {
        let responses = partitions
            .iter()
            .map(|(index, code)| PartitionProduceResponse {
                index: *index,
                error_code: *code,
                base_offset: if code.is_error() { -1 } else { 40 },
                ..PartitionProduceResponse::default()
            });
        let answer = ProduceResponse {
            responses: vec![TopicProduceResponse {
                name: "t".into(),
                partition_responses: responses.collect(),
                ..TopicProduceResponse::default()
            }],
            ..ProduceResponse::default()
        };
        self.core
            .handle_answer(request, &answer, &self.leaders, self.now);
    }

    /// Lets both partitions write a batch, after which several may be under way.
    fn prove(&mut self) {
        let receipts = [self.put(0), self.put(1)];
        let request = self.depart()[0].0;
        self.answer(request, &[(0, ErrorCode::NONE), (1, ErrorCode::NONE)]);
        assert!(receipts.iter().all(|receipt| class(receipt) == WRITTEN));
    }

    /// The connection ends before the answer.
    fn lose(&mut self, request: u64) {
        let error = ConnError::Closed;
        self.core
            .handle_failure(request, &error, &self.leaders, self.now);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.core.handle_time(self.now);
    }
}

fn class(receipt: &Receipt) -> Option<Result<(), ErrorClass>> {
    let result = receipt.result_of(0)?;
    Some(result.map(|_| ()).map_err(|error| error.class()))
}

const WRITTEN: Option<Result<(), ErrorClass>> = Some(Ok(()));

#[test]
fn partitions_of_one_broker_share_a_request() {
    let mut script = Script::new(|_| {});
    let receipts = [script.put(0), script.put(1)];
    let departed = script.depart();
    assert_eq!(departed.len(), 1);
    assert_eq!(departed[0].1, [0, 1]);
    script.answer(departed[0].0, &[(1, ErrorCode::NONE), (0, ErrorCode::NONE)]);
    assert!(receipts.iter().all(|receipt| class(receipt) == WRITTEN));
}

/// S14: missing, twice, and foreign.
#[test]
fn each_batch_is_resolved_once_whatever_the_answer_holds() {
    let mut script = Script::new(|_| {});
    let receipts = [script.put(0), script.put(1)];
    let request = script.depart()[0].0;
    script.answer(
        request,
        &[
            (0, ErrorCode::NONE),
            (0, ErrorCode::INVALID_RECORD),
            (9, ErrorCode::NONE),
        ],
    );
    assert_eq!(class(&receipts[0]), WRITTEN);
    assert_eq!(class(&receipts[1]), None, "not answered: to be sent again");
    script.wait(Duration::from_millis(120));
    let again = script.depart();
    assert_eq!(again[0].1, [1]);
    script.answer(again[0].0, &[(1, ErrorCode::DUPLICATE_SEQUENCE_NUMBER)]);
    assert_eq!(class(&receipts[1]), WRITTEN);
    script.answer(request, &[(0, ErrorCode::INVALID_RECORD)]);
    assert_eq!(
        class(&receipts[0]),
        WRITTEN,
        "an answer that comes twice changes nothing"
    );
}

#[test]
fn without_idempotence_a_missing_answer_is_not_risked_again() {
    let mut script = Script::new(|rules| rules.idempotent = false);
    let receipt = script.put(0);
    let request = script.depart()[0].0;
    script.answer(request, &[]);
    assert_eq!(class(&receipt), Some(Err(ErrorClass::MaybeWritten)));
}

#[test]
fn five_requests_and_no_more() {
    let mut script = Script::new(|_| {});
    script.put(0);
    let first = script.depart()[0].0;
    script.put(0);
    assert!(
        script.depart().is_empty(),
        "the first batch of a sequence goes alone"
    );
    script.answer(first, &[(0, ErrorCode::NONE)]);
    for _ in 0..9 {
        script.put(0);
    }
    assert_eq!(script.depart().len(), 5);
}

#[test]
fn without_idempotence_one_at_a_time() {
    let mut script = Script::new(|rules| rules.idempotent = false);
    for _ in 0..3 {
        script.put(0);
    }
    for _ in 0..3 {
        let departed = script.depart();
        assert_eq!(departed.len(), 1);
        script.answer(departed[0].0, &[(0, ErrorCode::NONE)]);
    }
}

#[test]
fn attempts_are_bounded() {
    let mut script = Script::new(|rules| rules.max_attempts = 3);
    let receipt = script.put(0);
    for attempt in 1..=3 {
        assert_eq!(class(&receipt), None);
        let departed = script.depart();
        assert_eq!(departed.len(), 1, "attempt {attempt}");
        script.answer(departed[0].0, &[(0, ErrorCode::NOT_ENOUGH_REPLICAS)]);
        assert!(script.depart().is_empty(), "not before its backoff");
        script.wait(Duration::from_secs(2));
    }
    assert_eq!(class(&receipt), Some(Err(ErrorClass::NotWritten)));
}

#[test]
fn a_newer_leader_ends_the_wait() {
    let mut script = Script::new(|_| {});
    let receipt = script.put(0);
    let request = script.depart()[0].0;
    script.answer(request, &[(0, ErrorCode::NOT_LEADER_OR_FOLLOWER)]);
    assert_eq!(script.core.take_wishes().stale.len(), 1);
    script.core.handle_view(&script.leaders, script.now);
    assert!(script.depart().is_empty(), "the view says nothing new");
    script.leaders.0.insert(0, (BrokerId(2), 1));
    script.core.handle_view(&script.leaders, script.now);
    let again = script.depart();
    script.answer(again[0].0, &[(0, ErrorCode::NONE)]);
    assert_eq!(class(&receipt), WRITTEN);
}

#[test]
fn a_lane_without_leader_waits_and_expires() {
    let mut script = Script::new(|_| {});
    script.leaders.0.clear();
    let receipt = script.put(0);
    assert!(script.depart().is_empty());
    assert_eq!(
        script.core.next_alarm(),
        Some(script.now + Duration::from_secs(20))
    );
    script.wait(Duration::from_secs(20));
    assert_eq!(class(&receipt), Some(Err(ErrorClass::NotWritten)));
    assert!(
        script.shelf.budget.try_take(8 << 20).is_some(),
        "all room is back"
    );
}

/// A gap in the middle of a pipeline: what follows gets new numbers, and nothing is lost or doubled.
#[test]
fn a_rejected_batch_in_a_pipeline_begins_a_new_epoch() {
    let mut script = Script::new(|_| {});
    script.put(0);
    let first = script.depart()[0].0;
    script.answer(first, &[(0, ErrorCode::NONE)]);
    let receipts: Vec<_> = (0..3).map(|_| script.put(0)).collect();
    let other = script.put(1);
    let departed = script.depart();
    let numbers: Vec<_> = departed.iter().map(|(request, _)| *request).collect();
    assert_eq!(departed[0].1, [0, 1]);
    script.answer(
        numbers[0],
        &[(0, ErrorCode::INVALID_RECORD), (1, ErrorCode::NONE)],
    );
    assert_eq!(class(&other), WRITTEN);
    for number in &numbers[1..] {
        script.answer(*number, &[(0, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)]);
    }
    assert!(matches!(
        class(&receipts[0]),
        Some(Err(ErrorClass::Rejected(_)))
    ));
    for receipt in &receipts[1..] {
        let departed = script.depart();
        assert_eq!(departed.len(), 1);
        script.answer(departed[0].0, &[(0, ErrorCode::NONE)]);
        assert_eq!(class(receipt), WRITTEN);
        script.wait(Duration::from_millis(500));
    }
}

/// KIP-360: only the partition in doubt begins anew; others neither wait for it nor are waited for.
#[test]
fn a_partition_in_doubt_waits_for_no_other() {
    let mut script = Script::new(|_| {});
    script.prove();
    let silent = script.put(1);
    script.depart();
    let receipts: Vec<_> = (0..2).map(|_| script.put(0)).collect();
    let departed = script.depart();
    script.answer(departed[0].0, &[(0, ErrorCode::INVALID_RECORD)]);
    script.answer(
        departed[1].0,
        &[(0, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)],
    );
    assert!(matches!(
        class(&receipts[0]),
        Some(Err(ErrorClass::Rejected(_)))
    ));
    let again = script.depart();
    assert_eq!(again.len(), 1, "the other partition has no answer yet");
    script.answer(again[0].0, &[(0, ErrorCode::NONE)]);
    assert_eq!(class(&receipts[1]), WRITTEN);
    assert_eq!(class(&silent), None);
}

/// The first batch lost its sequence, those behind it their connection: it needs a new epoch, which must not wait for
/// batches that wait behind it.
#[test]
fn a_batch_that_needs_an_epoch_does_not_wait_for_those_behind_it() {
    let mut script = Script::new(|_| {});
    script.prove();
    let receipts: Vec<_> = (0..3).map(|_| script.put(0)).collect();
    let departed = script.depart();
    script.answer(departed[0].0, &[(0, ErrorCode::UNKNOWN_PRODUCER_ID)]);
    for (request, _) in &departed[1..] {
        script.lose(*request);
    }
    script.wait(Duration::from_secs(2));
    let again = script.depart();
    assert_eq!(again.len(), 1);
    script.answer(again[0].0, &[(0, ErrorCode::NONE)]);
    assert_eq!(class(&receipts[0]), WRITTEN);
    for receipt in &receipts[1..] {
        assert_eq!(
            class(receipt),
            Some(Err(ErrorClass::MaybeWritten)),
            "sent again under other numbers, it could be stored twice"
        );
    }
}

/// The broker has not got what comes before a batch that may be stored: only its old number could tell a second copy from
/// the first, and that will never fit.
#[test]
fn an_ambiguous_batch_out_of_sequence_is_given_up_at_once() {
    let mut script = Script::new(|_| {});
    script.prove();
    let receipts: Vec<_> = (0..3).map(|_| script.put(0)).collect();
    let departed = script.depart();
    script.answer(departed[0].0, &[(0, ErrorCode::POLICY_VIOLATION)]);
    script.lose(departed[1].0);
    script.answer(
        departed[2].0,
        &[(0, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)],
    );
    script.wait(Duration::from_millis(200));
    let again = script.depart();
    assert_eq!(again.len(), 1);
    script.answer(again[0].0, &[(0, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER)]);
    assert_eq!(class(&receipts[1]), Some(Err(ErrorClass::MaybeWritten)));
    let last = script.depart();
    assert_eq!(last.len(), 1, "under a new epoch, without a wait");
    script.answer(last[0].0, &[(0, ErrorCode::NONE)]);
    assert_eq!(class(&receipts[2]), WRITTEN);
}

/// Brokers recognise the last five batches of a producer (KIP-98). One that may be stored must stay among them until its
/// outcome is known, also when those that followed it had theirs long ago.
#[test]
fn a_batch_that_may_be_stored_is_never_more_than_five_back() {
    let mut script = Script::new(|_| {});
    script.prove();
    for _ in 0..12 {
        script.put(0);
    }
    let departed = script.depart();
    assert_eq!(departed.len(), 5);
    let stored = ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND;
    script.answer(departed[0].0, &[(0, stored)]);
    for (request, _) in &departed[1..] {
        script.answer(*request, &[(0, ErrorCode::NONE)]);
    }
    for _ in 0..3 {
        script.wait(Duration::from_secs(2));
        let again = script.depart();
        assert_eq!(again.len(), 1, "nothing new behind it");
        script.answer(again[0].0, &[(0, stored)]);
    }
    script.wait(Duration::from_secs(2));
    let again = script.depart();
    script.answer(again[0].0, &[(0, ErrorCode::NONE)]);
    assert_eq!(script.depart().len(), 5);
}

/// An epoch that a broker refuses leads to a new producer id, for that partition only.
#[test]
fn a_refused_epoch_asks_for_an_identity_while_others_go_on() {
    let mut script = Script::new(|_| {});
    script.prove();
    let refused = script.put(0);
    let request = script.depart()[0].0;
    script.answer(request, &[(0, ErrorCode::INVALID_PRODUCER_EPOCH)]);
    assert!(script.depart().is_empty());
    assert!(script.core.take_wishes().identity);
    let other = script.put(1);
    let departed = script.depart();
    assert_eq!(departed[0].1, [1]);
    script.answer(departed[0].0, &[(1, ErrorCode::NONE)]);
    assert_eq!(class(&other), WRITTEN);
    script.core.handle_identity(8, 0);
    let again = script.depart();
    assert_eq!(again[0].1, [0]);
    script.answer(again[0].0, &[(0, ErrorCode::NONE)]);
    assert_eq!(class(&refused), WRITTEN);
}

#[test]
fn a_failed_writer_tells_everything() {
    let mut script = Script::new(|_| {});
    let on_wire = script.put(0);
    script.depart();
    let queued = script.put(0);
    script.core.fail(Cause::Code(ErrorCode::PRODUCER_FENCED));
    for (receipt, maybe_written) in [(on_wire, true), (queued, false)] {
        let error = receipt.result_of(0).unwrap().unwrap_err();
        assert!(error.is_fatal());
        assert_eq!(error.maybe_written(), maybe_written);
    }
    assert!(script.depart().is_empty());
}

#[test]
fn abandoning_counts_what_was_lost() {
    let mut script = Script::new(|_| {});
    script.put(0);
    script.put(1);
    script.depart();
    script.put(0);
    let abandoned = script.core.abandon();
    assert_eq!((abandoned.maybe_written, abandoned.not_written), (2, 1));
    assert_eq!(script.core.abandon(), Undelivered::default(), "once");
}

#[test]
fn buffers_of_a_busier_time_are_given_back() {
    let mut script = Script::new(|_| {});
    for _ in 0..3 {
        script.shelf.pool.put(BytesMut::zeroed(1 << 20));
    }
    assert!(script.shelf.holds_much());
    // Found by a turn; by the second look nobody has needed them since the first.
    for _ in 0..2 {
        assert!(script.depart().is_empty());
        let look = script.core.next_alarm();
        assert_eq!(look, Some(script.now + BETWEEN_TIDYING));
        script.wait(BETWEEN_TIDYING);
    }
    assert!(!script.shelf.holds_much());
    assert!(script.depart().is_empty());
    assert_eq!(script.core.next_alarm(), None, "it sleeps on");
}
