use super::*;

#[test]
fn a_choice_stays_until_it_is_left() {
    let sticky = Sticky::default();
    let first = sticky.current(6);
    assert!(first < 6);
    assert_eq!(sticky.current(6), first);
    let second = sticky.leave(first, 6, |_| 0);
    assert_ne!(second, first);
    assert_eq!(
        sticky.leave(first, 6, |_| 0),
        second,
        "another thread has left it already"
    );
}

#[test]
fn one_partition_is_never_left() {
    let sticky = Sticky::default();
    assert_eq!(sticky.current(1), 0);
    assert_eq!(sticky.leave(0, 1, |_| 0), 0);
}

#[test]
fn slow_partitions_are_drawn_less_often() {
    let sticky = Sticky::default();
    let mut drawn = [0; 4];
    let mut current = sticky.current(4);
    for _ in 0..10_000 {
        current = sticky.leave(current, 4, |position| if position == 2 { 5 } else { 0 });
        drawn[current] += 1;
    }
    let others = drawn[0].min(drawn[1]).min(drawn[3]);
    assert!(drawn[2] * 2 < others, "{drawn:?}");
    assert!(others > 2000, "{drawn:?}");
}
