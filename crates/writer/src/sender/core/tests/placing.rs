//! Lanes in line for a broker: how they come to the right one, and what becomes of them when none can be reached.

use super::*;

/// The metadata names a leader that nobody can reach: no attempt is made, none fails, and time passes all the same.
#[test]
fn a_batch_whose_broker_is_dialled_in_vain_expires() {
    let mut script = Script::new(|_| {});
    let receipt = script.put(0);
    let dialling = script
        .core
        .next_departure(&script.leaders, |_| false, script.now);
    assert!(dialling.is_none());
    assert_eq!(script.core.take_wishes().dial, [BrokerId(1)]);
    assert_eq!(
        script.core.next_alarm(),
        Some(script.now + Duration::from_secs(20))
    );
    script.wait(Duration::from_secs(20));
    assert_eq!(class(&receipt), Some(Err(ErrorClass::NotWritten)));
}

#[test]
fn a_new_leader_is_not_kept_waiting_by_a_dial_to_the_old_one() {
    let mut script = Script::new(|_| {});
    script.put(0);
    let dialling = script
        .core
        .next_departure(&script.leaders, |_| false, script.now);
    assert!(dialling.is_none(), "the dial has no end");
    script.leaders.0.insert(0, (BrokerId(2), 1));
    script.core.handle_view(&script.leaders, script.now);
    let departed = script.depart();
    assert_eq!(departed.len(), 1);
    assert_eq!(departed[0].1, [0]);
}

#[test]
fn a_new_leader_is_not_kept_waiting_by_requests_to_the_old_one() {
    let mut script = Script::new(|_| {});
    script.prove();
    for _ in 0..5 {
        script.put(0);
    }
    assert_eq!(script.depart().len(), 5, "the broker says nothing");
    script.put(1);
    assert!(script.depart().is_empty());
    script.leaders.0.insert(1, (BrokerId(2), 1));
    script.core.handle_view(&script.leaders, script.now);
    let departed = script.depart();
    assert_eq!(departed.len(), 1);
    assert_eq!(departed[0].1, [1]);
}

/// A turn may know a newer view before it is told that there is one.
#[test]
fn a_leader_that_moves_while_a_batch_is_in_line_is_followed_in_the_same_turn() {
    let mut script = Script::new(|_| {});
    script.put(0);
    let dialling = script
        .core
        .next_departure(&script.leaders, |_| false, script.now);
    assert!(dialling.is_none());
    script.core.handle_dialled(BrokerId(1), None, false);
    script.leaders.0.insert(0, (BrokerId(2), 1));
    assert_eq!(script.depart().len(), 1);
}

/// Each batch needs an earlier look than the one before it had left behind; those left behind must not pile up until the
/// delivery timeout.
#[test]
fn a_partition_has_one_timer() {
    let mut script = Script::new(|rules| rules.delivery_timeout = Duration::from_secs(3600));
    for _ in 0..100 {
        let receipt = script.put(0);
        let request = script.depart()[0].0;
        script.answer(request, &[(0, ErrorCode::NOT_ENOUGH_REPLICAS)]);
        script.wait(Duration::from_secs(2));
        let request = script.depart()[0].0;
        script.answer(request, &[(0, ErrorCode::NONE)]);
        assert_eq!(class(&receipt), WRITTEN);
        assert!(
            script.core.timers.len() <= 1,
            "{} timers",
            script.core.timers.len()
        );
    }
}

#[test]
fn a_broker_that_was_given_up_gets_all_its_attempts_again() {
    let mut script = Script::new(|rules| rules.max_attempts = 3);
    for _ in 0..2 {
        let receipt = script.put(0);
        for attempt in 1..=3 {
            assert_eq!(class(&receipt), None, "attempt {attempt}");
            let dialling = script
                .core
                .next_departure(&script.leaders, |_| false, script.now);
            assert!(dialling.is_none());
            assert_eq!(script.core.take_wishes().dial, [BrokerId(1)]);
            let refused = Some(Cause::Expired);
            script.core.handle_dialled(BrokerId(1), refused, false);
        }
        assert_eq!(class(&receipt), Some(Err(ErrorClass::NotWritten)));
    }
}
