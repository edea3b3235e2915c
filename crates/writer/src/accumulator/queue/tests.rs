use super::*;
use crate::accumulator::{Budget, OpenBatch};
use crate::error::TopicPartition;
use ekafka_protocol::records::RecordData;

fn batch(now: Instant, records: usize) -> OpenBatch {
    let at = TopicPartition {
        topic: "t".into(),
        partition: 0,
    };
    let (_, resolver) = Receipt::new(at);
    let permit = Budget::new(1 << 20).try_take(4096).unwrap();
    let mut batch = OpenBatch::new(bytes::BytesMut::new(), resolver, permit, 4096, now);
    for _ in 0..records {
        assert!(batch.append(&RecordData::default()).unwrap());
    }
    batch
}

fn taken(queue: &mut Queue, patience: Patience, now: Instant) -> Option<usize> {
    match queue.take(usize::MAX, patience, false, now) {
        Taken::Batch(batch) => Some(batch.count()),
        _ => None,
    }
}

#[test]
fn an_adaptive_queue_gives_the_open_batch_only_to_an_idle_partition() {
    let now = Instant::now();
    let mut queue = Queue::default();
    assert!(!queue.poke(Patience::Adaptive, false), "nothing to tell");
    queue.set_open(batch(now, 1));
    assert!(queue.poke(Patience::Adaptive, false));
    assert!(!queue.poke(Patience::Adaptive, false), "told once");
    queue.handle_look();
    assert_eq!(taken(&mut queue, Patience::Adaptive, now), Some(1));
    queue.set_open(batch(now, 2));
    assert!(!queue.poke(Patience::Adaptive, false), "one is in flight");
    assert_eq!(taken(&mut queue, Patience::Adaptive, now), None);
    queue.close_open();
    queue.set_open(batch(now, 3));
    assert!(
        queue.poke(Patience::Adaptive, false),
        "a full one is worth telling"
    );
    assert_eq!(taken(&mut queue, Patience::Adaptive, now), Some(2));
    assert_eq!(taken(&mut queue, Patience::Adaptive, now), None);
    queue.handle_resolved();
    queue.handle_resolved();
    assert_eq!(taken(&mut queue, Patience::Adaptive, now), Some(3));
    assert!(queue.is_empty());
}

#[test]
fn a_paced_batch_follows_another_soon() {
    let now = Instant::now();
    let wait = Duration::from_millis(2);
    let patience = Patience::Paced(wait);
    let mut queue = Queue::default();
    queue.set_open(batch(now, 1));
    assert_eq!(taken(&mut queue, patience, now), Some(1), "nothing before");
    queue.set_open(batch(now, 2));
    assert_eq!(taken(&mut queue, patience, now), None);
    let Taken::Nothing(Some(time)) = queue.take(usize::MAX, patience, false, now) else {
        panic!("it has a time");
    };
    assert_eq!(time, now + wait);
    assert_eq!(taken(&mut queue, patience, now + wait), Some(2));
}

#[test]
fn a_lingering_batch_is_ripe_when_its_time_has_come() {
    let now = Instant::now();
    let linger = Duration::from_millis(5);
    let patience = Patience::Linger(linger);
    let mut queue = Queue::default();
    queue.set_open(batch(now, 1));
    assert!(queue.poke(patience, false), "so that the timer is set");
    queue.handle_look();
    assert!(!queue.poke(patience, false), "once a batch");
    let next = queue.take(usize::MAX, patience, false, now);
    assert!(
        matches!(next, Taken::Nothing(Some(time)) if time == now + linger),
        "{next:?}"
    );
    assert_eq!(taken(&mut queue, patience, now + linger), Some(1));
}

#[test]
fn flush_contention_and_the_end_do_not_wait() {
    let now = Instant::now();
    let patience = Patience::Linger(Duration::from_secs(1));
    let check = |prepare: fn(&mut Queue), contended: bool| {
        let mut queue = Queue::default();
        queue.set_open(batch(now, 1));
        prepare(&mut queue);
        assert!(queue.poke(patience, contended));
        assert!(matches!(
            queue.take(usize::MAX, patience, contended, now),
            Taken::Batch(_)
        ));
    };
    check(Queue::flush, false);
    check(|queue| queue.set_shut(Shut::Writer), false);
    check(|_| {}, true);
}

#[test]
fn batches_that_do_not_fit_stay() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.set_open(batch(now, 10));
    let length = queue.open_len();
    assert!(matches!(
        queue.take(length - 1, Patience::Adaptive, false, now),
        Taken::TooBig
    ));
    assert!(matches!(
        queue.take(length, Patience::Adaptive, false, now),
        Taken::Batch(_)
    ));
}

#[test]
fn old_batches_are_taken_by_age() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    let mut queue = Queue::default();
    queue.set_open(batch(now, 1));
    queue.close_open();
    queue.set_open(batch(later, 2));
    assert_eq!(queue.oldest(), Some(now));
    assert_eq!(
        queue
            .take_opened_until(Some(now))
            .map(|batch| batch.count()),
        Some(1)
    );
    assert!(queue.take_opened_until(Some(now)).is_none());
    assert_eq!(
        queue.unresolved().count(),
        1,
        "a dropped batch has its outcome"
    );
    assert!(queue.take_opened_until(None).is_some());
}

#[test]
fn t97_a_queue_that_is_shut_drains_takes_nothing_more_and_wakes_whoever_waits() {
    let now = Instant::now();
    let patience = Patience::Linger(Duration::from_secs(1));
    let mut queue = Queue::default();
    queue.set_open(batch(now, 1));
    queue.close_open();
    assert!(queue.poke(patience, false), "a batch wakes the sender");
    queue.handle_look();
    queue.set_open(batch(now, 2));
    assert_eq!(queue.shut(), None);
    queue.set_shut(Shut::Writer);
    assert_eq!(queue.shut(), Some(Shut::Writer), "nothing is accepted");
    let next = |queue: &mut Queue| taken(queue, patience, now);
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(1), Some(2)));
    assert_eq!(next(&mut queue), None);
    assert!(queue.is_empty());
}
