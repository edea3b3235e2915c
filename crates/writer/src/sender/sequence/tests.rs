use super::*;

fn known() -> Producer {
    let mut producer = Producer::new(true);
    producer.handle_identity(7, 3);
    producer
}

fn stamp(epoch: i16, sequence: i32) -> Stamp {
    Stamp {
        producer_id: 7,
        epoch,
        sequence,
    }
}

#[test]
fn without_idempotence_batches_carry_no_identity() {
    let producer = Producer::new(false);
    let mut sequence = Sequence::default();
    assert!(!producer.needs_identity());
    assert_eq!(producer.stamp(&mut sequence, 5), Some(Stamp::NONE));
    sequence.handle_unused(Stamp::NONE, 5, false);
    sequence.handle_disagreement(false);
    assert!(!sequence.is_in_doubt());
    assert_eq!(producer.depth(&sequence, 5), 5);
    assert_eq!(Stamp::NONE.after(3), Stamp::NONE);
}

#[test]
fn nothing_is_stamped_before_there_is_an_identity() {
    let mut producer = Producer::new(true);
    let mut sequence = Sequence::default();
    assert_eq!(producer.stamp(&mut sequence, 1), None);
    producer.handle_identity(7, 3);
    assert_eq!(producer.stamp(&mut sequence, 1), Some(stamp(3, 0)));
    // A second answer comes too late to matter.
    producer.handle_identity(8, 0);
    assert_eq!(producer.stamp(&mut sequence, 1), Some(stamp(3, 1)));
}

#[test]
fn sequences_follow_one_another_and_wrap() {
    let producer = known();
    let mut sequence = Sequence::default();
    assert_eq!(producer.stamp(&mut sequence, 10), Some(stamp(3, 0)));
    assert_eq!(producer.stamp(&mut sequence, 1), Some(stamp(3, 10)));
    sequence.next = i32::MAX;
    assert_eq!(producer.stamp(&mut sequence, 3), Some(stamp(3, i32::MAX)));
    assert_eq!(
        producer.stamp(&mut sequence, 1),
        Some(stamp(3, 2)),
        "as Kafka counts: 2^31 - 1 is followed by 0"
    );
}

#[test]
fn one_batch_proves_a_sequence_before_others_follow() {
    let producer = known();
    let mut sequence = Sequence::default();
    let first = producer.stamp(&mut sequence, 1).unwrap();
    assert_eq!(producer.depth(&sequence, 5), 1);
    sequence.handle_written(first);
    assert_eq!(producer.depth(&sequence, 5), 5);
}

#[test]
fn the_last_refused_batch_gives_its_numbers_back() {
    let producer = known();
    let mut sequence = Sequence::default();
    let first = producer.stamp(&mut sequence, 4).unwrap();
    sequence.handle_unused(first, 4, true);
    assert!(!sequence.is_in_doubt());
    assert_eq!(producer.stamp(&mut sequence, 1), Some(stamp(3, 0)));
}

#[test]
fn a_gap_or_a_doubt_needs_a_new_epoch() {
    for reusable in [true, false] {
        let mut producer = known();
        let mut sequence = Sequence::default();
        let first = producer.stamp(&mut sequence, 4).unwrap();
        let second = reusable.then(|| producer.stamp(&mut sequence, 1).unwrap());
        sequence.handle_unused(first, 4, reusable);
        assert!(sequence.is_in_doubt());
        assert_eq!(
            producer.stamp(&mut sequence, 1),
            None,
            "nothing new before the epoch"
        );
        if let Some(second) = second {
            assert!(
                !producer.renew(&mut sequence),
                "not while a batch of the old epoch may arrive"
            );
            sequence.handle_written(second);
        }
        assert!(producer.renew(&mut sequence));
        assert!(!producer.renew(&mut sequence), "once");
        assert_eq!(producer.stamp(&mut sequence, 1), Some(stamp(4, 0)));
        assert_eq!(producer.depth(&sequence, 5), 1);
    }
}

#[test]
fn each_partition_has_its_own_epoch() {
    let mut producer = known();
    let [mut first, mut second] = [Sequence::default(), Sequence::default()];
    producer.stamp(&mut second, 1).unwrap();
    let lost = producer.stamp(&mut first, 1).unwrap();
    first.handle_unused(lost, 1, false);
    assert!(
        producer.renew(&mut first),
        "the other has a batch under way"
    );
    assert_eq!(producer.stamp(&mut first, 1), Some(stamp(4, 0)));
    assert_eq!(producer.stamp(&mut second, 1), Some(stamp(3, 1)));
}

#[test]
fn used_up_and_refused_epochs_ask_for_a_new_identity_once() {
    for (epoch, refused) in [(i16::MAX, false), (0, true)] {
        let mut producer = Producer::new(true);
        producer.handle_identity(7, epoch);
        let mut both = [Sequence::default(), Sequence::default()];
        for sequence in &mut both {
            let lost = producer.stamp(sequence, 1).unwrap();
            sequence.handle_unused(lost, 1, false);
            sequence.handle_disagreement(refused);
        }
        let [first, second] = &mut both;
        assert!(producer.renew(first));
        assert!(producer.needs_identity());
        assert!(!producer.is_ready(first));
        producer.handle_identity(8, 0);
        assert!(producer.renew(second));
        assert!(!producer.needs_identity(), "there is a newer one by now");
        for sequence in &mut both {
            assert!(producer.is_ready(sequence));
            assert_eq!(producer.stamp(sequence, 1).unwrap().producer_id, 8);
        }
    }
}

#[test]
fn halves_share_the_numbers_of_the_whole() {
    let mut producer = known();
    let mut sequence = Sequence::default();
    let whole = producer.stamp(&mut sequence, 10).unwrap();
    sequence.handle_split(whole);
    let second = whole.after(4);
    assert_eq!(second, stamp(3, 4));
    sequence.handle_written(whole);
    sequence.handle_disagreement(false);
    assert!(
        !producer.renew(&mut sequence),
        "one half is still on its way"
    );
    sequence.handle_written(second);
    assert!(producer.renew(&mut sequence));
}
