use super::*;

#[test]
fn an_error_fits_in_64_bytes() {
    assert!(
        size_of::<ReaderError>() <= 64,
        "{}",
        size_of::<ReaderError>()
    );
}

#[test]
fn codes_decide_whether_the_reader_goes_on() {
    let of = |code| ReaderError::Kafka {
        step: "join group",
        subject: "g".into(),
        code,
    };
    assert!(of(ErrorCode::NOT_COORDINATOR).is_retriable());
    assert!(of(ErrorCode::UNKNOWN_MEMBER_ID).is_retriable());
    assert!(!of(ErrorCode::GROUP_AUTHORIZATION_FAILED).is_retriable());
    assert!(of(ErrorCode::FENCED_INSTANCE_ID).is_fatal());
    assert!(!of(ErrorCode::NOT_COORDINATOR).is_fatal());
    assert!(ReaderError::Closed.is_fatal());
}

#[test]
fn a_configuration_error_lists_every_fault() {
    let error = ReaderError::Config {
        faults: ["no brokers".to_owned(), "no topic".to_owned()].into(),
    };
    assert_eq!(
        error.to_string(),
        "invalid reader configuration: no brokers; no topic"
    );
}
