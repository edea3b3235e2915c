//! The audit must find each fault in a run that was clean.

use std::collections::BTreeMap;

use super::audit::{Evidence, Verdict, verdict};
use super::commits::{self, Commit};
use super::diary::{Diary, Told, parse};
use super::pause;
use crate::chaos::ledger::Outcome;

/// Two members: the first reads 0 to 3 of partition 0 and hands it over; the second reads the rest.
const FIRST: &str = "assigned 0 1000000\n\
    got 0 0 0 1000 2000000\ngot 0 1 1 1000 2000001\ndone 0 1 2000002\n\
    got 0 2 2 1000 3000000\ngot 0 3 3 1000 3000001\n\
    revoked 0 4000000\ndone 0 3 4000001\nreleased 0 4100000\nclosed 4200000 \n";
const SECOND: &str = "assigned 0 5000000\n\
    got 0 4 4 1000 6000000\ndone 0 4 6000001\nclosed 7000000 \n";
const COMMITS: [(i64, u64); 3] = [(2, 2_001), (4, 4_002), (5, 6_002)];

fn audit(first: &str, second: &str, commits: &[(i64, u64)]) -> Verdict {
    let diaries: Vec<Diary> = [first, second].map(|text| parse(text).unwrap()).into();
    let outcomes: Vec<Outcome> = (0..5)
        .map(|offset| Outcome::Written {
            partition: 0,
            offset,
        })
        .collect();
    let commits: Vec<Commit> = commits
        .iter()
        .map(|(offset, at)| Commit {
            partition: 0,
            offset: *offset,
            at: *at,
        })
        .collect();
    verdict(&Evidence {
        outcomes: &outcomes,
        ends: &BTreeMap::from([(0, 5)]),
        diaries: &diaries,
        commits: &commits,
    })
}

#[test]
fn a_clean_run_passes() {
    let verdict = audit(FIRST, SECOND, &COMMITS);
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(
        (verdict.stored, verdict.processed, verdict.again),
        (5, 5, 0)
    );
    assert_eq!(verdict.ownerships, 2);
}

fn found(fault: &str, count: u64, verdict: &Verdict) {
    assert!(count > 0, "{fault}: {verdict}");
    assert!(!verdict.is_clean(), "{fault}");
}

#[test]
fn the_longest_pause_is_told_with_what_happened_in_it() {
    let second = "assigned 0 4500000\nassigned 1 4500001\nerror 4600000 no leader\nlost 1 5000000\n\
        got 0 4 4 1000 6000000\ndone 0 4 6000001\n";
    let verdict = audit(FIRST, second, &COMMITS);
    let diaries: Vec<Diary> = [FIRST, second].map(|text| parse(text).unwrap()).into();
    let steps = [(500_000, "long before"), (4_200_000, "member 0 leaves")].map(|(at, text)| Told {
        at,
        text: text.to_owned(),
    });
    let lines = pause::tell(verdict.longest_pause, &diaries, &steps);
    let expected = [
        "the longest pause, of partition 0, in seconds since it began:",
        "    1.00    member 0 has to give up 1, this one too",
        "    1.10    member 0 has given up 1, this one too",
        "    1.20  member 0 leaves",
        "    1.50    member 1 is given 2, this one too",
        "    1.60    member 1: error: no leader",
        "    2.00    member 1 has lost 1",
        "    3.00  the next record",
    ];
    assert_eq!(lines, expected.map(str::to_owned));
    let late = second.replace("0 4 4 1000", "0 4 4 5500");
    let verdict = audit(FIRST, &late, &COMMITS);
    assert_eq!(
        verdict.longest_pause.length(),
        999_999,
        "between the second and the third record"
    );
}

#[test]
fn what_is_wrong_with_the_records_is_found() {
    let verdict = audit(FIRST, &SECOND.replace("done 0 4 6000001\n", ""), &COMMITS);
    found("the last record is not processed", verdict.missed, &verdict);
    let verdict = audit(FIRST, &SECOND.replace("0 4 4", "0 4 3"), &COMMITS);
    found("another record's number", verdict.wrong, &verdict);
    let verdict = audit(
        &FIRST.replace("got 0 2 2 1000 3000000\n", ""),
        SECOND,
        &COMMITS,
    );
    found("an offset is left out", verdict.out_of_order, &verdict);
    let verdict = audit(
        &FIRST.replace("got 0 3", "got 0 2 2 1000 3000000\ngot 0 3"),
        SECOND,
        &COMMITS,
    );
    found("an offset comes twice", verdict.out_of_order, &verdict);
    let verdict = audit(
        &FIRST.replace("released", "got 0 4 4 1000 4000002\nreleased"),
        SECOND,
        &COMMITS,
    );
    found("a record behind the revocation", verdict.late, &verdict);
    let verdict = audit(
        &FIRST.replace("got 0 2 2", "lost 0 2500000\ngot 0 2 2"),
        SECOND,
        &COMMITS,
    );
    found("a record behind the loss", verdict.late, &verdict);
}

#[test]
fn what_is_wrong_with_owners_and_commits_is_found() {
    let verdict = audit(FIRST, &SECOND.replace("5000000", "2500000"), &COMMITS);
    found("two owners at a time", verdict.shared, &verdict);
    let verdict = audit(
        FIRST,
        &SECOND.replace("got 0 4", "got 0 3 3 1000 5500000\ngot 0 4"),
        &COMMITS,
    );
    found(
        "the second begins before the commit",
        verdict.misplaced,
        &verdict,
    );
    let verdict = audit(FIRST, SECOND, &[(2, 1_500), (4, 4_002), (5, 6_002)]);
    found("a commit before the work is done", verdict.ahead, &verdict);
    let verdict = audit(
        FIRST,
        SECOND,
        &[(2, 2_001), (4, 4_002), (3, 4_003), (5, 6_002)],
    );
    found("a commit falls", verdict.fallen, &verdict);
    let verdict = audit(FIRST, SECOND, &COMMITS[..2]);
    found("the last commit is missing", verdict.uncommitted, &verdict);
}

#[test]
fn what_a_killed_member_did_not_finish_is_read_again_from_the_commit() {
    let killed = "assigned 0 1000000\n\
        got 0 0 0 1000 2000000\ngot 0 1 1 1000 2000001\ndone 0 1 2000002\n\
        got 0 2 2 1000 3000000\ngot 0 3 3 1000 30000";
    let second = "assigned 0 5000000\n\
        got 0 2 2 1000 5000001\ngot 0 3 3 1000 5000002\ngot 0 4 4 1000 6000000\ndone 0 4 6000001\n";
    let verdict = audit(killed, second, &[(2, 2_001), (5, 6_002)]);
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(verdict.again, 1);
}

#[test]
fn a_commit_is_read_as_kafka_prints_it() {
    let line = r#"{"key":{"type":1,"data":{"group":"g","topic":"t","partition":3}},
        "value":{"version":4,"data":{"offset":17,"leaderEpoch":0,"metadata":"","commitTimestamp":99}}}"#;
    let value = serde_json::from_str(line).unwrap();
    let commit = Commit {
        partition: 3,
        offset: 17,
        at: 99,
    };
    assert_eq!(commits::parse(&value), Some(Some(commit)));
    let deleted =
        r#"{"key":{"type":1,"data":{"group":"g","topic":"t","partition":3}},"value":null}"#;
    let value = serde_json::from_str(deleted).unwrap();
    assert_eq!(commits::parse(&value), Some(None));
}
