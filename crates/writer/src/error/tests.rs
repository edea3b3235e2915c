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
        "2 of 4 records failed, record 1: the writer is closed; record 3: the writer is closed"
    );
}

#[test]
fn a_text_names_a_few_records_and_counts_the_others() {
    let errors = WriteErrors::new(vec![Some(WriterError::Closed); 5]);
    let text = errors.to_string();
    assert!(text.contains("record 2: "), "{text}");
    assert!(text.ends_with("; and 2 more"), "{text}");
}

/// T101: the record, and the others.
#[test]
fn the_first_record_that_is_too_large_is_named_with_the_others() {
    let records = ["a", "long", "b", "longer"].map(ekafka_conn::Record::new);
    let too_large = |size| Some(WriterError::RecordTooLarge { size, limit: 3 });
    let errors = WriteErrors::new(vec![
        Some(WriterError::Closed),
        too_large(4),
        None,
        too_large(6),
    ]);
    let found = errors.too_large(&records).unwrap();
    assert_eq!((found.index, found.size, found.limit), (1, 4, 3));
    assert_eq!(found.record, records[1]);
    assert_eq!(found.rest, [records[0], records[2], records[3]]);
    assert_eq!(found.to_string(), "record 1 has 4 bytes, the limit is 3");
    let other = WriteErrors::new(vec![Some(WriterError::Closed)]);
    assert!(other.too_large(&records).is_none());
}

#[test]
fn what_was_not_delivered_is_told_by_partition() {
    let mut undelivered = Undelivered::default();
    assert!(undelivered.is_nothing());
    for partition in [7, 2, 5, 1] {
        let at = TopicPartition {
            topic: "t".into(),
            partition,
        };
        undelivered.add(&at, 10, false);
        undelivered.add(&at, 1, partition == 2);
    }
    assert_eq!(
        (undelivered.not_written, undelivered.maybe_written),
        (43, 1)
    );
    let shares: Vec<_> = undelivered
        .partitions
        .iter()
        .map(|share| (share.at.partition, share.not_written, share.maybe_written))
        .collect();
    assert_eq!(shares, [(1, 11, 0), (2, 10, 1), (5, 11, 0), (7, 11, 0)]);
    let text = undelivered.to_string();
    assert!(
        text.ends_with("(t[1], t[2], t[5] and 1 more partitions)"),
        "{text}"
    );
}
