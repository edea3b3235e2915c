use super::*;

impl Way {
    fn is_long(&self) -> bool {
        self.pace(5).is_some()
    }
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn the_fastest_answer_decides() {
    let begun = Instant::now();
    let mut way = Way::default();
    assert!(!way.is_long(), "nothing is known");
    way.note(15 * MS, begun);
    assert_eq!(way.pace(5), Some(3 * MS));
    way.note(MS / 4, begun + MS);
    assert!(!way.is_long());
    way.note(50 * MS, begun + 2 * MS);
    assert!(!way.is_long(), "a busy broker is not far away");
}

#[test]
fn what_was_fast_long_ago_is_forgotten() {
    let begun = Instant::now();
    let mut way = Way::default();
    way.note(MS / 4, begun);
    way.note(10 * MS, begun + PERIOD);
    assert!(!way.is_long(), "one period later it still counts");
    way.note(10 * MS, begun + 2 * PERIOD);
    assert!(way.is_long());
}

#[test]
fn refused_batches_are_not_made_larger_again() {
    let mut way = Way::default();
    way.note(10 * MS, Instant::now());
    way.ignore();
    assert!(!way.is_long());
}
