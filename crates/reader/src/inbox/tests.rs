use std::task::{Context, Poll};

use ekafka_protocol::ErrorCode;

use super::*;
use crate::TopicPartition;
use crate::lane::Assignment;
use crate::ledger::Cursor;

fn lane(partition: i32) -> Arc<Lane> {
    let assignment = Arc::new(Assignment::new(TopicPartition::new("t", partition)));
    let lane = Arc::new(Lane::new(assignment, 1));
    lane.start(0);
    lane
}

fn chunk(lane: &Arc<Lane>, bytes: usize) -> FetchedChunk {
    FetchedChunk {
        lane: Arc::clone(lane),
        records: vec![0; bytes].into(),
        offset: 0,
        aborted: Vec::new(),
    }
}

fn event(partitions: Vec<TopicPartition>, ticket: Option<u64>) -> Item {
    let event = Event::Revoked(partitions);
    Item::Event { event, ticket }
}

#[test]
fn s36_bytes_are_charged_until_the_chunk_is_dropped() {
    let inbox = Arc::new(Inbox::new(1_000));
    let lane = lane(0);
    let reserved = inbox.reserve(800);
    assert_eq!(reserved, 800);
    assert_eq!(inbox.reserve(800), 0);
    inbox.deliver(reserved, vec![chunk(&lane, 300)]);
    assert_eq!((inbox.used(), lane.buffered()), (300, 300));
    let taken = inbox.take();
    assert_eq!(inbox.used(), 300);
    drop(taken);
    assert_eq!((inbox.used(), lane.buffered()), (0, 0));
}

#[test]
fn one_answer_is_let_in_however_small_the_budget() {
    let inbox = Inbox::new(10);
    assert_eq!(inbox.reserve(800), 800);
    inbox.unreserve(800);
    assert_eq!(inbox.used(), 0);
}

#[test]
fn s29_chunks_of_a_frozen_lane_are_never_taken() {
    let inbox = Arc::new(Inbox::new(1_000));
    let (old, live) = (lane(0), lane(1));
    inbox.deliver(0, vec![chunk(&old, 10), chunk(&live, 20)]);
    old.freeze();
    let Some(Item::Chunk(taken)) = inbox.take().item else {
        panic!("no chunk");
    };
    assert_eq!(taken.lane.partition().partition, 1);
    assert_eq!(inbox.used(), 20);
    inbox.deliver(0, vec![chunk(&old, 10)]);
    inbox.discard_frozen();
    assert_eq!(inbox.used(), 20);
}

#[test]
fn s37_asking_for_the_next_item_answers_the_event_before() {
    let inbox = Inbox::new(1_000);
    inbox.push(event(Vec::new(), Some(7)));
    let taken = inbox.take();
    assert!(matches!(taken.item, Some(Item::Event { .. })));
    assert_eq!(taken.answered, None);
    assert_eq!(inbox.take().answered, Some(7));
    assert_eq!(inbox.take().answered, None);
}

#[test]
fn s43_a_revocation_nobody_took_becomes_a_loss() {
    let inbox = Inbox::new(1_000);
    let partitions = vec![TopicPartition::new("t", 0)];
    inbox.push(event(partitions.clone(), Some(7)));
    inbox.lose(7);
    let Some(Item::Event { event, ticket }) = inbox.take().item else {
        panic!("no event");
    };
    assert_eq!((event, ticket), (Event::Lost(partitions), None));
    assert_eq!(inbox.take().answered, None);
}

#[test]
fn what_is_queued_is_handed_out_before_the_end() {
    let inbox = Inbox::new(1_000);
    inbox.push(event(Vec::new(), None));
    inbox.close();
    let taken = inbox.take();
    assert!(taken.item.is_some());
    let taken = inbox.take();
    assert!(taken.item.is_none() && taken.is_closed);
    assert_eq!(inbox.reserve(10), 0);
}

#[test]
fn of_errors_about_the_same_the_newest_is_kept_in_the_place_of_the_first() {
    let inbox = Inbox::new(1_000);
    let refused = |partition: i32, code| ReaderError::Kafka {
        step: "fetching",
        subject: format!("t/{partition}").into(),
        code,
    };
    let outside = |offset| ReaderError::OffsetOutOfRange {
        partition: TopicPartition::new("t", 0),
        offset,
    };
    for round in 0..1_000 {
        inbox.push(Item::Error(refused(0, ErrorCode::NOT_LEADER_OR_FOLLOWER)));
        inbox.push(Item::Error(outside(round)));
        inbox.push(Item::Error(refused(1, ErrorCode(1_000 + round as i16))));
    }
    inbox.push(event(Vec::new(), None));
    // What cannot heal is told beside what may.
    inbox.push(Item::Error(refused(0, ErrorCode::FENCED_INSTANCE_ID)));
    inbox.push(Item::Error(refused(0, ErrorCode::KAFKA_STORAGE_ERROR)));
    let taken = || match inbox.take().item? {
        Item::Error(error) => Some(error.to_string()),
        other => Some(format!("{other:?}")),
    };
    assert_eq!(
        taken(),
        Some(refused(0, ErrorCode::KAFKA_STORAGE_ERROR).to_string())
    );
    assert_eq!(taken(), Some(outside(999).to_string()));
    assert_eq!(taken(), Some(refused(1, ErrorCode(1_999)).to_string()));
    assert!(taken().unwrap().contains("Revoked"));
    assert_eq!(
        taken(),
        Some(refused(0, ErrorCode::FENCED_INSTANCE_ID).to_string())
    );
    assert_eq!(taken(), None);
    inbox.push(Item::Error(outside(5)));
    let next = inbox.take().item;
    assert!(
        matches!(next, Some(Item::Error(_))),
        "taken ones are told anew"
    );
}

fn out_of_range(partition: i32, from: i64, to: i64) -> Event {
    let partition = TopicPartition::new("t", partition);
    Event::OutOfRange {
        partition,
        from,
        to,
    }
}

fn told(event: Event) -> Item {
    let ticket = None;
    Item::Event { event, ticket }
}

#[test]
fn moves_of_a_position_without_records_between_them_are_told_as_one() {
    let inbox = Arc::new(Inbox::new(1_000));
    let truncated = |from, to| Event::Truncated {
        partition: TopicPartition::new("t", 0),
        from,
        to,
    };
    let (dead, live, other) = (lane(0), lane(0), lane(1));
    for round in 0..1_000 {
        inbox.push(told(out_of_range(0, round, round + 1)));
        inbox.push(told(out_of_range(1, round, round + 1)));
    }
    inbox.deliver(0, vec![chunk(&dead, 10), chunk(&other, 10)]);
    dead.freeze();
    inbox.push(told(truncated(1_000, 990)));
    inbox.deliver(0, vec![chunk(&live, 10)]);
    inbox.push(told(truncated(995, 992)));
    inbox.push(told(out_of_range(0, 992, 993)));
    inbox.push(told(out_of_range(1, 1_000, 1_001)));
    let mut taken = Vec::new();
    while let Some(item) = inbox.take().item {
        taken.push(match item {
            Item::Chunk(chunk) => format!("records of {}", chunk.lane.partition().partition),
            Item::Event { event, .. } => format!("{event:?}"),
            Item::Error(error) => error.to_string(),
        });
    }
    let expected = [
        format!("{:?}", truncated(0, 990)),
        format!("{:?}", out_of_range(1, 0, 1_000)),
        "records of 1".to_owned(),
        "records of 0".to_owned(),
        format!("{:?}", truncated(995, 993)),
        format!("{:?}", out_of_range(1, 1_000, 1_001)),
    ];
    assert_eq!(taken, expected);
    assert_eq!(inbox.take_superseded(), 999 * 2 + 1 + 1);
    assert_eq!(inbox.take_superseded(), 0);
}

#[test]
fn what_came_and_was_lost_while_nobody_looked_is_not_told() {
    let inbox = Inbox::new(1_000);
    let all = |numbers: &[i32]| -> Vec<TopicPartition> {
        let numbers = numbers.iter();
        numbers.map(|one| TopicPartition::new("t", *one)).collect()
    };
    inbox.push(told(Event::Lost(all(&[0, 1]))));
    for _ in 0..1_000 {
        inbox.push(told(Event::Assigned(all(&[0, 1, 2]))));
        inbox.push(told(Event::Lost(all(&[0, 1, 2]))));
    }
    inbox.push(told(Event::Assigned(all(&[0, 1]))));
    inbox.push(event(all(&[0, 1]), Some(7)));
    inbox.lose(7);
    inbox.push(told(Event::Assigned(all(&[0, 1]))));
    // One of them was there before the application stopped looking.
    inbox.push(told(Event::Lost(all(&[1, 5]))));
    inbox.push(told(Event::Assigned(Vec::new())));
    let mut taken = Vec::new();
    while let Some(Item::Event { event, ticket }) = inbox.take().item {
        assert_eq!(ticket, None);
        taken.push(event);
    }
    let expected = [
        Event::Lost(all(&[0, 1])),
        Event::Assigned(all(&[0])),
        Event::Lost(all(&[5])),
        Event::Assigned(Vec::new()),
    ];
    assert_eq!(taken, expected);
}

#[test]
fn s44_records_of_the_next_ownership_are_left_for_the_stream_that_is_opened_for_it() {
    let partition = TopicPartition::new("t", 0);
    // The stream was opened before the next ownership's records came, or after.
    for is_open in [false, true] {
        let inbox = Arc::new(Inbox::new(1_000));
        let (lost, won) = (lane(0), lane(0));
        inbox.deliver(0, vec![chunk(&lost, 10)]);
        let opened = is_open.then(|| inbox.open_route(&partition));
        inbox.deliver(0, vec![chunk(&won, 20)]);
        let old = opened.unwrap_or_else(|| inbox.open_route(&partition));
        lost.freeze();
        inbox.close_route(old);
        let next = inbox.open_route(&partition);
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(Item::Chunk(taken))) = inbox.poll_route(next, &mut context) else {
            panic!("its records are gone, is_open {is_open}");
        };
        assert!(Arc::ptr_eq(&taken.lane, &won));
        assert_eq!(inbox.used(), 20, "what was lost is freed");
    }
}

#[test]
fn s29_mail_that_nobody_reads_does_not_pile_up() {
    let inbox = Inbox::new(1_000);
    let broker = BrokerId(1);
    let assignment = Arc::new(Assignment::new(TopicPartition::new("t", 0)));
    for tag in 1..=1_000 {
        let lane = Arc::new(Lane::new(Arc::clone(&assignment), tag));
        let cursor = Cursor {
            lane: Arc::clone(&lane),
            topic_id: ekafka_protocol::Uuid::nil(),
            leader_epoch: 0,
            offset: 0,
            read_epoch: -1,
            sizes: crate::fetcher::BatchSizes::default(),
            has_read: false,
        };
        inbox.send(broker, vec![cursor]);
        if tag < 1_000 {
            inbox.send_drop(broker, lane);
        }
    }
    let morning = inbox.mail(broker);
    assert!(morning.dropped.is_empty());
    let tags: Vec<u64> = morning.cursors.into_keys().collect();
    assert_eq!(tags, [1_000], "the newest cursor alone");
}
