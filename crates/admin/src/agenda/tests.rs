use super::*;

fn agenda(items: usize) -> Agenda<u8> {
    Agenda::new(ApiKey::CREATE_TOPICS, items)
}

#[test]
fn what_is_done_or_refused_for_good_is_not_open() {
    let mut agenda = agenda(3);
    agenda.note(0, "a", Told::Done(7), true);
    agenda.note(
        1,
        "b",
        Told::Refused(ErrorCode::INVALID_PARTITIONS, None),
        false,
    );
    agenda.note(2, "c", Told::Refused(ErrorCode::NOT_CONTROLLER, None), true);
    assert_eq!(agenda.open(), [2]);
    agenda.note(2, "c", Told::Done(9), false);
    let outcomes = agenda.finish().unwrap();
    assert_eq!(*outcomes[0].as_ref().unwrap(), 7);
    assert_eq!(
        outcomes[1].as_ref().unwrap_err().code(),
        Some(ErrorCode::INVALID_PARTITIONS)
    );
    assert_eq!(*outcomes[2].as_ref().unwrap(), 9);
}

#[test]
fn a_refusal_after_an_unanswered_try_says_that_it_may_be_done() {
    let mut agenda = agenda(1);
    agenda.note(
        0,
        "a",
        Told::Refused(ErrorCode::REQUEST_TIMED_OUT, None),
        true,
    );
    agenda.note(
        0,
        "a",
        Told::Refused(ErrorCode::TOPIC_ALREADY_EXISTS, None),
        false,
    );
    let outcomes = agenda.finish().unwrap();
    let error = outcomes[0].as_ref().unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TOPIC_ALREADY_EXISTS));
    assert!(error.maybe_done());
}

#[test]
fn no_answer_about_anything_is_one_error() {
    let mut agenda = agenda(2);
    let closed = Arc::new(ConnError::Closed);
    agenda.note_failure(0, &closed, false);
    agenda.note_failure(1, &closed, true);
    assert_eq!(agenda.open(), [1]);
    assert!(matches!(agenda.finish(), Err(AdminError::NoAnswer { .. })));
}

#[test]
fn no_answer_about_some_is_their_outcome() {
    let mut agenda = agenda(2);
    agenda.note(0, "a", Told::Done(1), false);
    agenda.note_failure(1, &Arc::new(ConnError::Closed), false);
    let outcomes = agenda.finish().unwrap();
    assert!(outcomes[0].is_ok());
    assert!(matches!(outcomes[1], Err(AdminError::NoAnswer { .. })));
}

#[test]
fn waits_double_up_to_the_longest() {
    let mut agenda = agenda(1);
    let limits = (Duration::from_millis(100), Duration::from_secs(1));
    let waits: Vec<u128> = (0..6)
        .map(|_| agenda.wait(limits, 0.5).as_millis())
        .collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
}

#[test]
fn an_item_that_is_not_mentioned_says_so() {
    let mut agenda = agenda(1);
    agenda.note(0, "orders", Told::Nothing, false);
    let outcomes = agenda.finish().unwrap();
    assert!(
        outcomes[0]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("orders")
    );
}
