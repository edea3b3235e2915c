use super::*;

const A: BrokerId = BrokerId(1);
const B: BrokerId = BrokerId(2);

fn placed(lanes: &[(usize, BrokerId)], depth: usize) -> Plan {
    let mut plan = Plan::new(depth);
    for (lane, broker) in lanes {
        plan.add(*lane);
        assert_eq!(plan.take_unplaced(), Some(*lane));
        plan.place(*lane, Some(*broker));
    }
    plan
}

#[test]
fn lanes_take_turns() {
    let mut plan = placed(&[(0, A), (1, A), (2, A)], 5);
    assert_eq!(plan.next_broker(), Some(A));
    let first = plan.take_turn(A).unwrap();
    plan.requeue(A, first);
    let second = plan.take_turn(A).unwrap();
    plan.keep_turn(A, second);
    let order: Vec<_> = std::iter::from_fn(|| plan.take_turn(A)).collect();
    assert_eq!(order, [1, 2, 0]);
    assert_eq!(plan.next_broker(), None);
}

#[test]
fn a_broker_with_enough_in_flight_holds_no_other() {
    let mut plan = placed(&[(0, A), (1, B)], 2);
    plan.handle_sent(A);
    assert_eq!(plan.next_broker(), Some(A));
    plan.handle_sent(A);
    assert_eq!(plan.next_broker(), Some(B));
    plan.handle_dialling(B);
    assert_eq!(plan.next_broker(), None);
    plan.handle_answered(A);
    assert_eq!(plan.next_broker(), Some(A));
}

#[test]
fn failed_dials_are_counted_until_one_succeeds() {
    let mut plan = placed(&[(0, A)], 5);
    plan.handle_dialling(A);
    assert_eq!(plan.handle_dialled(A, true), 1);
    assert_eq!(plan.next_broker(), Some(A), "to be dialled again");
    assert_eq!(plan.handle_dialled(A, true), 2);
    assert_eq!(plan.handle_dialled(A, false), 0);
    assert_eq!(plan.take_lanes(A), [0]);
}

#[test]
fn lanes_without_a_leader_wait_for_news() {
    let mut plan = Plan::new(5);
    plan.place(4, None);
    assert_eq!(plan.take_unplaced(), None);
    plan.handle_view();
    assert_eq!(plan.take_unplaced(), Some(4));
}
