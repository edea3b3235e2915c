use super::*;

fn at() -> TopicPartition {
    TopicPartition {
        topic: "t".into(),
        partition: 0,
    }
}

#[test]
fn errors_are_small() {
    assert!(
        size_of::<WriterError>() <= 64,
        "{}",
        size_of::<WriterError>()
    );
}

#[test]
fn classes_say_whether_to_write_again() {
    let cause = Cause::Code(ErrorCode::REQUEST_TIMED_OUT);
    let check =
        |error: WriterError, class: ErrorClass, retriable: bool, fatal: bool, maybe: bool| {
            assert_eq!(error.class(), class, "{error}");
            assert_eq!(
                (
                    error.is_retriable(),
                    error.is_fatal(),
                    error.maybe_written()
                ),
                (retriable, fatal, maybe),
                "{error}"
            );
        };
    use ErrorClass::{Fatal, MaybeWritten, NotWritten};
    check(WriterError::Closed, NotWritten, false, true, false);
    check(
        WriterError::NoRoom {
            waited: Duration::ZERO,
        },
        NotWritten,
        true,
        false,
        false,
    );
    check(
        WriterError::RecordTooLarge { size: 2, limit: 1 },
        NotWritten,
        false,
        false,
        false,
    );
    check(
        WriterError::NotWritten {
            at: at(),
            cause: cause.clone(),
        },
        NotWritten,
        true,
        false,
        false,
    );
    check(
        WriterError::MaybeWritten {
            at: at(),
            cause: cause.clone(),
        },
        MaybeWritten,
        true,
        false,
        true,
    );
    for maybe_written in [false, true] {
        let error = WriterError::Fatal {
            at: at(),
            cause: cause.clone(),
            maybe_written,
        };
        check(error, Fatal, false, true, maybe_written);
    }
}

#[test]
fn a_rejection_is_retriable_as_its_code_is() {
    for code in ErrorCode::all() {
        let error = WriterError::Rejected {
            at: at(),
            code,
            detail: None,
        };
        assert_eq!(error.class(), ErrorClass::Rejected(code));
        assert_eq!(error.is_retriable(), code.is_retriable(), "{code:?}");
        assert!(!error.maybe_written() && !error.is_fatal() && error.needs_abort());
    }
}

#[test]
fn the_errors_of_a_call_keep_their_places() {
    let errors = WriteErrors::new(vec![
        None,
        Some(WriterError::Closed),
        None,
        Some(WriterError::Closed),
    ]);
    assert_eq!((errors.count(), errors.len()), (2, 4));
    assert_eq!(
        errors.iter().map(|(index, _)| index).collect::<Vec<_>>(),
        [1, 3]
    );
    assert!(errors.get(0).is_none() && errors.get(1).is_some() && errors.get(9).is_none());
    assert_eq!(
        errors.to_string(),
        "2 of 4 records failed, first record 1: the writer is closed"
    );
}
