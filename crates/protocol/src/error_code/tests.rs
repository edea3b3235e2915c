use super::*;

#[test]
fn the_table_is_dense_from_minus_one() {
    for (index, entry) in TABLE.iter().enumerate() {
        assert_eq!(
            usize::try_from(i32::from(entry.code.0) + 1),
            Ok(index),
            "{}",
            entry.name
        );
    }
    assert_eq!(ErrorCode::all().last(), Some(ErrorCode(133)));
}

#[test]
fn display_says_name_number_and_meaning() {
    let text = ErrorCode::NOT_LEADER_OR_FOLLOWER.to_string();
    assert!(
        text.starts_with("NOT_LEADER_OR_FOLLOWER (6): the broker is not the leader"),
        "{text}"
    );
    assert_eq!(format!("{:?}", ErrorCode::NONE), "NONE (0)");
    assert_eq!(
        ErrorCode(999).to_string(),
        "UNKNOWN (999): a code this client does not know"
    );
    assert_eq!(ErrorCode(-2).name(), None);
}

#[test]
fn messages_are_lower_case_phrases_without_full_stop() {
    for entry in TABLE {
        assert!(
            entry.message.starts_with(char::is_lowercase),
            "{}",
            entry.name
        );
        assert!(!entry.message.ends_with('.'), "{}", entry.name);
    }
}

#[test]
fn exactly_kafka_s_retriable_codes_are_retriable() {
    let retriable: Vec<i16> = ErrorCode::all()
        .filter(|code| code.is_retriable())
        .map(|code| code.0)
        .collect();
    let kafka = [
        2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84,
        88, 89, 100, 103, 106, 122, 123, 133,
    ];
    assert_eq!(retriable, kafka);
    assert!(!ErrorCode(999).is_retriable());
}

#[test]
fn ok_and_error_are_told_apart() {
    assert_eq!(ErrorCode::NONE.ok(), Ok(()));
    assert_eq!(ErrorCode::UNKNOWN_SERVER_ERROR.ok(), Err(ErrorCode(-1)));
}
