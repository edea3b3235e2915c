use super::*;

#[track_caller]
fn check(sizes: &[usize], most: i32, limit: i32) {
    let mut learnt = BatchSizes::default();
    for size in sizes {
        learnt.note(*size);
    }
    assert_eq!(learnt.limit(most), limit, "{sizes:?}");
}

#[test]
fn the_limit_is_a_multiple_of_the_batch_size_with_a_little_room() {
    check(&[], 1_048_576, 1_048_576);
    check(&[1_000_000], 1_048_576, 1_015_625);
    check(&[500_000], 1_048_576, 1_015_624);
    check(&[64_000], 1_048_576, 1_040_000);
    // None fits: the broker sends one whole whatever the limit.
    check(&[2_000_000], 1_048_576, 1_048_576);
    check(&[usize::MAX / 2], 1_000, 1_000);
}

#[test]
fn a_larger_batch_counts_at_once_and_a_smaller_one_slowly() {
    let mut learnt = BatchSizes::default();
    learnt.note(64_000);
    learnt.note(640_000);
    assert_eq!(learnt.limit(1_000_000), 650_000);
    learnt.note(0);
    assert_eq!(learnt.limit(1_000_000), 650_000);
    for _ in 0..100 {
        learnt.note(64_000);
    }
    assert_eq!(learnt.limit(1_000_000), 975_105);
}
