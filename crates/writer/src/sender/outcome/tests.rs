use super::*;

/// The verdicts that are not "given up, may be stored", by code.
fn expected(code: ErrorCode) -> Verdict {
    let retry = |stored, stale| Verdict::Retry { stored, stale };
    match code.0 {
        0 => Verdict::Written,
        46 => Verdict::Duplicate,
        6 => retry(Stored::Maybe, true),
        3 | 5 | 8 | 9 | 74 | 75 | 100 | 103 => retry(Stored::No, true),
        7 | 20 => retry(Stored::Maybe, false),
        13 | 56 => retry(Stored::Maybe, true),
        2 | 14 | 15 | 16 | 19 | 51 | 89 => retry(Stored::No, false),
        10 | 18 => Verdict::Split,
        45 | 47 | 59 => Verdict::OutOfSequence,
        17 | 21 | 29 | 32 | 35 | 42 | 43 | 44 | 76 | 87 => Verdict::Reject,
        31 | 48 | 49 | 53 | 58 | 90 => Verdict::Fatal,
        _ => Verdict::GiveUp,
    }
}

#[test]
fn every_code_has_its_verdict() {
    for code in ErrorCode::all() {
        assert_eq!(verdict(code), expected(code), "{code:?}");
    }
    assert_eq!(verdict(ErrorCode(9999)), Verdict::GiveUp);
}

#[test]
fn only_no_error_counts_as_written() {
    for code in ErrorCode::all().filter(|code| code.is_error()) {
        assert_ne!(verdict(code), Verdict::Written, "{code:?}");
    }
}
