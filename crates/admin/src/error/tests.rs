use super::*;

fn refused(code: ErrorCode, maybe_done: bool) -> AdminError {
    AdminError::Refused(Arc::new(Refusal {
        api: ApiKey::CREATE_TOPICS,
        subject: "orders".to_owned(),
        code,
        message: Some("line\nbreak".to_owned()),
        maybe_done,
    }))
}

#[test]
fn an_error_is_small() {
    assert!(size_of::<AdminError>() <= 64);
}

#[test]
fn a_refusal_names_the_api_the_subject_the_code_and_the_words() {
    let text = refused(ErrorCode::TOPIC_ALREADY_EXISTS, false).to_string();
    for part in [
        "CreateTopics",
        "orders",
        "TOPIC_ALREADY_EXISTS",
        "line\\nbreak",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn every_code_answers_as_the_table_says() {
    for code in ErrorCode::all() {
        let error = refused(code, false);
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.is_retriable(), code.is_retriable(), "{code}");
        assert_eq!(
            error.maybe_done(),
            code == ErrorCode::REQUEST_TIMED_OUT,
            "{code}"
        );
        assert!(!error.is_fatal());
    }
    assert!(refused(ErrorCode::TOPIC_ALREADY_EXISTS, true).maybe_done());
}
