//! The audit itself: an honest log passes, and each way of being wrong is found.

use super::audit::{Audit, Verdict};
use super::ledger::{self, Outcome};
use super::read_back;

const SIZE: usize = 30;

fn value(number: usize) -> String {
    let word = format!("{number:010} ");
    word.chars().cycle().take(SIZE).collect()
}

fn outcomes() -> Vec<Outcome> {
    let written = |partition, offset| Outcome::Written { partition, offset };
    vec![
        written(0, 0),
        written(1, 0),
        Outcome::MaybeWritten,
        Outcome::NotWritten,
        written(0, 2),
        Outcome::MaybeWritten,
    ]
}

fn honest() -> Vec<(i32, i64, String)> {
    vec![
        (0, 0, value(0)),
        (1, 0, value(1)),
        (0, 1, value(2)),
        (0, 2, value(4)),
    ]
}

fn verdict(log: &[(i32, i64, String)]) -> Verdict {
    let outcomes = outcomes();
    let mut audit = Audit::new(&outcomes, SIZE, true);
    for (partition, offset, value) in log {
        audit.see(*partition, *offset, value);
    }
    audit.verdict()
}

#[test]
fn an_honest_log_passes() {
    let verdict = verdict(&honest());
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.written, verdict.stored_of_maybe), (3, 1));
}

#[test]
fn each_fault_is_found() {
    type Fault = (
        &'static str,
        fn(&mut Vec<(i32, i64, String)>),
        fn(&Verdict) -> u64,
    );
    let faults: [Fault; 7] = [
        ("lost", |log| drop(log.pop()), |verdict| verdict.lost),
        (
            "misplaced",
            |log| log[0].2 = value(5),
            |verdict| verdict.lost,
        ),
        (
            "doubled",
            |log| log.push((0, 3, value(4))),
            |verdict| verdict.doubled,
        ),
        (
            "denied",
            |log| log.push((1, 1, value(3))),
            |verdict| verdict.denied,
        ),
        (
            "out of order",
            |log| {
                log[0].2 = value(4);
                log[3].2 = value(0);
            },
            |verdict| verdict.out_of_order + verdict.misplaced,
        ),
        (
            "foreign",
            |log| log.push((1, 1, "x".into())),
            |verdict| verdict.foreign,
        ),
        ("gap", |log| log[1].1 = 7, |verdict| verdict.gaps),
    ];
    for (name, spoil, count) in faults {
        let mut log = honest();
        spoil(&mut log);
        let verdict = verdict(&log);
        assert!(!verdict.is_clean(), "{name}: {verdict}");
        assert!(count(&verdict) > 0, "{name}: {verdict}");
    }
}

#[test]
fn altered_bytes_are_foreign() {
    let mut log = honest();
    log[0].2 = format!("{}x", &value(0)[..SIZE - 1]);
    assert_eq!(verdict(&log).foreign, 1);
}

#[test]
fn a_ledger_has_one_outcome_for_each_record() {
    let parse = |text: &str| ledger::parse(text.as_bytes(), 2);
    let good = "1 not_written t-0: why\n0 written 3 17\n";
    let outcomes = parse(good).expect("a ledger");
    assert_eq!(
        outcomes[0],
        Outcome::Written {
            partition: 3,
            offset: 17
        }
    );
    assert_eq!(outcomes[1], Outcome::NotWritten);
    for bad in [
        "0 maybe_written\n",
        "0 not_written\n0 not_written\n",
        "0 x\n1 x\n",
        "2 not_written\n",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_consumers_lines_are_understood() {
    assert_eq!(
        read_back::parse("Partition:2\tOffset:17\ta\tb"),
        Some((2, 17, "a\tb"))
    );
    assert_eq!(
        read_back::parse("Offset:1\tPartition:0\tv"),
        Some((0, 1, "v"))
    );
    assert_eq!(read_back::parse("warning"), None);
}
