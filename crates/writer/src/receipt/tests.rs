use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;

fn receipt() -> (Arc<Receipt>, Resolver) {
    Receipt::new(TopicPartition {
        topic: "t".into(),
        partition: 3,
    })
}

fn ack(base: i64) -> Ack {
    Ack {
        base_offset: Some(base),
        log_append_time: None,
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll(delivery: &mut Delivery, waker: &Arc<Count>) -> Poll<Result<Delivered, WriterError>> {
    let waker = Waker::from(Arc::clone(waker));
    Pin::new(delivery).poll(&mut Context::from_waker(&waker))
}

fn offset(delivery: &mut Delivery) -> Option<i64> {
    match poll(delivery, &Arc::default()) {
        Poll::Ready(result) => result.unwrap().offset(),
        Poll::Pending => panic!("not done"),
    }
}

#[test]
fn every_record_has_its_place_in_the_batch() {
    let (receipt, resolver) = receipt();
    let mut handles: Vec<_> = (0..3)
        .map(|index| Delivery::new(Arc::clone(&receipt), index, 5))
        .collect();
    let waker = Arc::new(Count::default());
    for handle in &mut handles {
        assert!(!handle.is_done());
        assert!(poll(handle, &waker).is_pending());
        assert!(
            poll(handle, &waker).is_pending(),
            "asking twice takes one place"
        );
    }
    resolver.resolve(Ok(Ack {
        base_offset: Some(100),
        log_append_time: Some(9),
    }));
    assert_eq!(waker.0.load(Ordering::Relaxed), 3);
    for (index, handle) in handles.iter_mut().enumerate() {
        assert!(handle.is_done());
        let Poll::Ready(Ok(delivered)) = poll(handle, &waker) else {
            panic!("not delivered")
        };
        assert_eq!(delivered.offset(), Some(100 + index as i64));
        assert_eq!(
            (
                delivered.topic(),
                delivered.partition(),
                delivered.timestamp()
            ),
            ("t", 3, 9)
        );
    }
}

#[test]
fn dropped_handles_are_not_woken_and_leave_nothing() {
    let (receipt, resolver) = receipt();
    let waker = Arc::new(Count::default());
    for _ in 0..1000 {
        let mut handle = Delivery::new(Arc::clone(&receipt), 0, 0);
        assert!(poll(&mut handle, &waker).is_pending());
    }
    assert!(receipt.lock().others.is_empty() && receipt.lock().first.is_none());
    resolver.resolve(Ok(ack(0)));
    assert_eq!(waker.0.load(Ordering::Relaxed), 0);
}

#[test]
fn pieces_have_their_own_outcomes() {
    let (receipt, mut first) = receipt();
    let mut second = first.split_off(4);
    let third = second.split_off(2);
    third.resolve(Ok(ack(50)));
    first.resolve(Ok(ack(10)));
    assert!(!receipt.is_done());
    let at = second.at().clone();
    second.resolve(Err(WriterError::NotWritten {
        at,
        cause: Cause::Expired,
    }));
    assert!(receipt.is_done() && !receipt.is_all_written());
    let result = |index| {
        receipt
            .result_of(index)
            .unwrap()
            .map(|(offset, _)| offset.unwrap())
            .ok()
    };
    let results: Vec<_> = (0..8).map(result).collect();
    assert_eq!(
        results,
        [
            Some(10),
            Some(11),
            Some(12),
            Some(13),
            None,
            None,
            Some(50),
            Some(51)
        ]
    );
}

#[test]
fn a_lost_right_is_an_outcome_too() {
    for on_wire in [false, true] {
        let (receipt, mut resolver) = receipt();
        resolver.set_on_wire(on_wire);
        drop(resolver);
        let error = receipt.result_of(0).unwrap().unwrap_err();
        assert!(error.is_fatal());
        assert_eq!(error.maybe_written(), on_wire);
    }
}

#[test]
fn without_an_offset_there_is_none() {
    let (receipt, resolver) = receipt();
    let mut handle = Delivery::new(receipt, 2, 0);
    resolver.resolve(Ok(Ack {
        base_offset: None,
        log_append_time: None,
    }));
    assert_eq!(offset(&mut handle), None);
}
