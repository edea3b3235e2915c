use super::*;

#[test]
fn s36_what_is_unpacked_counts_beside_what_was_fetched() {
    let mut budget = Budget::new(1_000_000);
    assert_eq!(budget.reserve(400_000, 1), 400_000);
    budget.unreserve(400_000);
    budget.add(400_000, 10, true);
    assert_eq!(budget.reserve(400_000, 1), 0, "half is free for unpacking");
    budget.unpack(500_000);
    assert_eq!(budget.held(), 900_000);
    budget.remove(400_000, 10);
    budget.repack(500_000);
    assert_eq!((budget.held(), budget.messages()), (0, 0));
}

#[test]
fn s36_fetching_stops_for_an_unpacked_batch_that_takes_more_than_its_share() {
    let mut budget = Budget::new(1_000_000);
    budget.add(50_000, 1, true);
    budget.unpack(950_000);
    assert_eq!(budget.reserve(100_000, 1), 0);
    budget.repack(950_000);
    assert_eq!(budget.reserve(100_000, 1), 100_000);
}

#[test]
fn each_fetcher_gets_a_fair_share_and_one_answer_is_always_let_in() {
    let mut budget = Budget::new(1_000_000);
    assert_eq!(budget.reserve(600_000, 5), 100_000);
    let mut small = Budget::new(10);
    assert_eq!(small.reserve(800, 1), 800);
    assert_eq!(small.reserve(800, 1), 0);
}

#[test]
fn nothing_is_asked_for_while_there_are_messages_enough() {
    let mut budget = Budget::new(1_000_000);
    budget.set_capacity(10);
    budget.add(100, 10, false);
    assert_eq!(budget.reserve(1_000, 1), 0);
    budget.remove(10, 1);
    assert_eq!(budget.reserve(1_000, 1), 1_000);
}

#[test]
fn s36_several_batches_are_unpacked_side_by_side_within_half_of_the_limit() {
    let mut budget = Budget::new(1_000_000);
    assert!(budget.may_unpack());
    budget.unpack(200_000);
    assert!(budget.may_unpack());
    budget.unpack(150_000);
    assert!(!budget.may_unpack());
    budget.repack(200_000);
    assert!(budget.may_unpack());
    budget.unpack(3_000_000);
    budget.repack(150_000);
    assert!(!budget.may_unpack());
    budget.repack(3_000_000);
    assert!(budget.may_unpack(), "one is always let in");
}
