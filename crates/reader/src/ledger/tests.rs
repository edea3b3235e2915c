use super::*;

/// A ledger of `t[0]`, a clock, and a view that may lack a leader.
struct Script {
    start: Instant,
    ledger: Ledger,
    leader: Option<Leader>,
}

impl Leaders for Option<Leader> {
    fn leader(&self, _: &TopicPartition) -> Option<Leader> {
        *self
    }
}

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn position(offset: i64, leader_epoch: i32) -> Position {
    Position {
        offset,
        leader_epoch,
    }
}

fn script(start: Option<Start>, out_of_range: OutOfRange) -> Script {
    let rules = Rules {
        start: Start::Ask(Target::First),
        out_of_range,
        backoff: (Duration::from_millis(100), Duration::from_secs(1)),
        max_attempts: 3,
    };
    let mut ledger = Ledger::new(rules);
    ledger.assign(Arc::new(Assignment::new(partition())), start);
    let leader = Leader {
        broker: BrokerId(1),
        epoch: 4,
        topic_id: Uuid::nil(),
    };
    Script {
        start: Instant::now(),
        ledger,
        leader: Some(leader),
    }
}

impl Script {
    fn time(&self, at: u64) -> Instant {
        self.start + Duration::from_millis(at)
    }

    /// Checks the work that is due and returns the cursor that went out, if one did.
    #[track_caller]
    fn due(&mut self, at: u64, expected: &[&str]) -> Option<Cursor> {
        let mut out = None;
        let work = self.ledger.due(self.time(at), &self.leader);
        let words: Vec<String> = work
            .into_iter()
            .map(|work| match work {
                Work::Committed(_) => "committed".to_owned(),
                Work::List { broker, questions } => {
                    format!("list {} {:?}", broker.0, questions[0].target)
                }
                Work::Check { broker, questions } => {
                    let asked = &questions[0];
                    let (leader, read) = (asked.leader_epoch, asked.read_epoch);
                    format!("check {} {leader} {read}", broker.0)
                }
                Work::Fetch { broker, cursors } => {
                    out = cursors.into_iter().next();
                    let offset = out.as_ref().map_or(-1, |cursor| cursor.offset);
                    format!("fetch {} {offset}", broker.0)
                }
                Work::LookUp(topics) => format!("look up {}", topics[0]),
                Work::Tell(notice) => format!("tell {notice:?}"),
                Work::Drop { broker, lane } => {
                    assert!(!lane.is_live());
                    format!("drop {}", broker.0)
                }
            })
            .collect();
        assert_eq!(words, expected, "at {at} ms");
        out
    }

    fn committed(&mut self, at: u64, answer: Result<Option<i64>, ErrorCode>) -> Option<Notice> {
        let answer = answer.map(|offset| offset.map(|offset| position(offset, -1)));
        self.ledger
            .handle_committed(self.time(at), &partition(), answer)
    }

    fn listed(&mut self, at: u64, answer: Result<Option<i64>, ErrorCode>) -> Option<Notice> {
        let tag = self.ledger.last_tag;
        self.ledger
            .handle_listed(self.time(at), &partition(), tag, answer)
    }

    /// The log of epoch `epoch` ends at `end`.
    fn checked(&mut self, at: u64, answer: Result<(i64, i32), ErrorCode>) -> Option<Notice> {
        let tag = self.ledger.last_tag;
        let answer = answer.map(|(end, epoch)| (end >= 0).then(|| position(end, epoch)));
        self.ledger
            .handle_checked(self.time(at), &partition(), tag, answer)
    }

    fn returned(&mut self, at: u64, cursor: &Cursor, reason: Returned) -> Option<Notice> {
        self.ledger.handle_returned(self.time(at), cursor, &reason)
    }
}

#[test]
fn s41_only_an_explicit_none_counts_as_nothing_committed() {
    let mut script = script(None, OutOfRange::Earliest);
    script.due(0, &["committed"]);
    script.committed(0, Err(ErrorCode::UNSTABLE_OFFSET_COMMIT));
    script.due(99, &[]);
    script.due(100, &["committed"]);
    script.committed(100, Ok(None));
    script.due(100, &["list 1 First"]);
    script.listed(100, Ok(Some(7)));
    assert!(script.due(100, &["fetch 1 7"]).is_some());
}

#[test]
fn a_committed_offset_is_where_reading_begins() {
    let mut script = script(None, OutOfRange::Earliest);
    script.due(0, &["committed"]);
    script.committed(0, Ok(Some(42)));
    let cursor = script.due(0, &["fetch 1 42"]).unwrap();
    assert_eq!(cursor.leader_epoch, 4);
    assert_eq!(cursor.lane.position(), Some(42));
}

#[test]
fn a_time_after_the_last_record_means_the_end() {
    let mut script = script(Some(Start::Ask(Target::Time(5))), OutOfRange::Earliest);
    script.due(0, &["list 1 Time(5)"]);
    script.listed(0, Ok(None));
    script.due(0, &["list 1 Last"]);
}

#[test]
fn s24_the_policy_moves_the_position_and_says_so() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Latest);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    assert_eq!(script.returned(0, &cursor, Returned::OutOfRange), None);
    script.due(99, &[]);
    script.due(100, &["list 1 Last"]);
    let (from, to) = (5, 20);
    let moved = Notice::Moved {
        partition: partition(),
        from,
        to,
    };
    assert_eq!(script.listed(100, Ok(Some(20))), Some(moved));
    script.due(100, &["fetch 1 20"]);
}

#[test]
fn s24_with_the_error_policy_only_a_seek_goes_on() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Error);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    let notice = script.returned(0, &cursor, Returned::OutOfRange);
    assert!(matches!(notice, Some(Notice::OutOfRange { offset: 5, .. })));
    script.due(10_000, &[]);
    assert!(script.ledger.seek(&partition(), Start::At(2)));
    script.due(10_000, &["fetch 1 2"]);
}

#[test]
fn s27_a_preferred_replica_is_asked_until_it_fails() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    script.returned(0, &cursor, Returned::Preferred(BrokerId(3)));
    let cursor = script.due(0, &["fetch 3 5"]).unwrap();
    // The follower lags: the leader decides whether the offset exists.
    assert_eq!(script.returned(0, &cursor, Returned::OutOfRange), None);
    script.due(99, &[]);
    let cursor = script.due(100, &["fetch 1 5"]).unwrap();
    script.returned(100, &cursor, Returned::Preferred(BrokerId(3)));
    let cursor = script.due(100, &["fetch 3 5"]).unwrap();
    script.returned(100, &cursor, Returned::Disconnected);
    script.due(299, &[]);
    script.due(300, &["fetch 1 5"]);
}

#[test]
fn failures_in_a_row_wait_longer_and_are_reported_from_the_third_on() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    let refused = || Returned::Refused(code);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    assert_eq!(script.returned(0, &cursor, refused()), None);
    let cursor = script.due(100, &["fetch 1 5"]).unwrap();
    assert_eq!(script.returned(100, &cursor, refused()), None);
    script.due(299, &[]);
    let mut cursor = script.due(300, &["fetch 1 5"]).unwrap();
    assert!(script.returned(300, &cursor, refused()).is_some());
    cursor = script.due(700, &["fetch 1 5"]).unwrap();
    cursor.has_read = true;
    assert_eq!(script.returned(700, &cursor, refused()), None);
    script.due(800, &["fetch 1 5"]);
}

#[test]
fn a_refusal_that_cannot_heal_is_reported_at_once() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    let refused = Returned::Refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    assert!(script.returned(0, &cursor, refused).is_some());
}

#[test]
fn without_a_leader_the_topic_is_looked_up_and_a_new_view_is_used_at_once() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let leader = script.leader.take();
    script.due(0, &["look up t"]);
    script.due(1, &[]);
    script.due(1_000, &["look up t"]);
    script.leader = leader;
    script.ledger.handle_new_view(&script.leader);
    script.due(1_001, &["fetch 1 5"]);
}

#[test]
fn s29_whatever_a_seek_overtook_changes_nothing() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let old = script.due(0, &["fetch 1 5"]).unwrap();
    assert!(script.ledger.seek(&partition(), Start::Ask(Target::First)));
    assert!(!old.lane.is_live());
    script.due(0, &["drop 1", "list 1 First"]);
    assert_eq!(script.returned(0, &old, Returned::OutOfRange), None);
    let stale =
        script
            .ledger
            .handle_listed(script.time(0), &partition(), old.lane.tag, Ok(Some(9)));
    assert_eq!(stale, None);
    script.listed(0, Ok(Some(1)));
    script.due(0, &["fetch 1 1"]);
    assert!(
        !script
            .ledger
            .seek(&TopicPartition::new("t", 9), Start::At(0))
    );
}

#[test]
fn s29_a_pause_keeps_what_was_handed_out_and_drops_what_was_read_ahead() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    assert!(cursor.lane.advance(8));
    assert!(script.ledger.pause(&partition()));
    assert!(!cursor.lane.advance(9));
    script.due(60_000, &["drop 1"]);
    script.due(60_000, &[]);
    assert!(script.ledger.resume(&partition()));
    script.due(60_000, &["fetch 1 8"]);
}

#[test]
fn revoked_partitions_are_frozen_where_they_stood() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    assert_eq!(script.ledger.revoke_all().len(), 1);
    assert_eq!(cursor.lane.freeze(), Some(5));
    script.due(60_000, &["drop 1"]);
    assert_eq!(script.returned(0, &cursor, Returned::Moved), None);
}

#[test]
fn s23_unreadable_bytes_are_counted_by_offset() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    for (at, times) in [(0, 1), (100, 2), (300, 3)] {
        let cursor = script.due(at, &["fetch 1 5"]).unwrap();
        let now = script.time(at);
        assert_eq!(script.ledger.handle_unreadable(now, &cursor.lane, 5), times);
        assert_eq!(script.ledger.handle_unreadable(now, &cursor.lane, 5), 0);
        script.due(at, &["drop 1"]);
    }
    let cursor = script.due(700, &["fetch 1 5"]).unwrap();
    let now = script.time(700);
    assert_eq!(script.ledger.handle_unreadable(now, &cursor.lane, 9), 1);
}

impl Script {
    /// Reads up to `offset` with records of epoch 4, hands out up to `taken`, and loses the leader to epoch 5.
    fn read_and_move(&mut self, offset: i64, taken: i64) -> Cursor {
        let mut cursor = self.due(0, &["fetch 1 5"]).unwrap();
        cursor.lane.note_read_epoch(4);
        cursor.lane.advance(taken);
        cursor.offset = offset;
        cursor.read_epoch = 4;
        cursor.has_read = true;
        self.returned(0, &cursor, Returned::Moved);
        self.leader = self.leader.map(|leader| Leader { epoch: 5, ..leader });
        self.due(100, &["check 1 5 4"]);
        cursor
    }
}

#[test]
fn s25_a_newer_leader_is_asked_once_whether_it_has_what_was_read() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    script.read_and_move(9, 7);
    assert_eq!(script.checked(100, Ok((9, 4))), None);
    let cursor = script.due(100, &["fetch 1 9"]).unwrap();
    assert_eq!((cursor.leader_epoch, cursor.read_epoch), (5, 4));
    script.returned(100, &cursor, Returned::Disconnected);
    script.due(300, &["fetch 1 9"]);
}

#[test]
fn s25_a_leader_that_lost_what_was_handed_out_is_told_with_both_offsets() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Latest);
    let old = script.read_and_move(9, 8);
    let truncated = Notice::Truncated {
        partition: partition(),
        from: 8,
        to: 6,
        is_held: false,
    };
    assert_eq!(script.checked(100, Ok((6, 3))), Some(truncated));
    assert!(!old.lane.is_live());
    let cursor = script.due(100, &["fetch 1 6"]).unwrap();
    assert_eq!(cursor.read_epoch, 3);
}

#[test]
fn s25_what_was_only_read_ahead_is_read_again_without_a_word() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let old = script.read_and_move(9, 6);
    assert_eq!(script.checked(100, Ok((7, 3))), None);
    assert!(!old.lane.is_live());
    script.due(100, &["fetch 1 6"]);
}

#[test]
fn s25_under_the_error_policy_a_truncation_waits_for_a_seek() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Error);
    script.read_and_move(9, 9);
    let notice = script.checked(100, Ok((6, 3)));
    assert!(matches!(
        notice,
        Some(Notice::Truncated { is_held: true, .. })
    ));
    script.due(60_000, &[]);
    assert!(script.ledger.seek(&partition(), Start::At(6)));
    script.due(60_000, &["fetch 1 6"]);
}

#[test]
fn s25_errors_of_the_check_are_tried_again_and_never_reset_the_position() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Latest);
    script.read_and_move(9, 9);
    let fenced = Err(ErrorCode::FENCED_LEADER_EPOCH);
    assert_eq!(script.checked(100, fenced), None);
    script.due(299, &[]);
    script.due(300, &["check 1 5 4"]);
    // A broker that does not know the epoch: there is nothing to compare.
    assert_eq!(script.checked(300, Ok((-1, -1))), None);
    script.due(300, &["fetch 1 9"]);
}

#[test]
fn s24_out_of_range_asks_whether_the_log_was_cut_before_the_policy_counts() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Latest);
    let mut cursor = script.due(0, &["fetch 1 5"]).unwrap();
    (cursor.offset, cursor.read_epoch) = (9, 4);
    script.returned(0, &cursor, Returned::OutOfRange);
    script.due(100, &["check 1 4 4"]);
    assert_eq!(script.checked(100, Ok((20, 4))), None);
    script.due(100, &["list 1 Last"]);
}

#[test]
fn s35_a_leader_that_lacks_what_is_of_its_own_epoch_has_another_topic() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let mut cursor = script.due(0, &["fetch 1 5"]).unwrap();
    cursor.lane.advance(9);
    (cursor.offset, cursor.read_epoch) = (9, 4);
    script.returned(0, &cursor, Returned::OutOfRange);
    script.due(100, &["check 1 4 4"]);
    assert_eq!(script.checked(100, Ok((7, 4))), None);
    script.due(100, &["list 1 First"]);
    let moved = Notice::Moved {
        partition: partition(),
        from: 9,
        to: 0,
    };
    assert_eq!(script.listed(100, Ok(Some(0))), Some(moved));
    let cursor = script.due(100, &["fetch 1 0"]);
    assert_eq!(cursor.unwrap().read_epoch, -1);
}

#[test]
fn b55_an_unknown_epoch_is_not_compared() {
    let mut script = script(None, OutOfRange::Earliest);
    script.due(0, &["committed"]);
    script.committed(0, Ok(Some(42)));
    let cursor = script.due(0, &["fetch 1 42"]).unwrap();
    script.returned(0, &cursor, Returned::Moved);
    script.leader = script.leader.map(|leader| Leader { epoch: 9, ..leader });
    script.due(100, &["fetch 1 42"]);
}

#[test]
fn a_committed_epoch_is_checked_before_the_first_fetch() {
    let mut script = script(None, OutOfRange::Earliest);
    script.due(0, &["committed"]);
    let now = script.time(0);
    let committed = Ok(Some(position(42, 3)));
    script.ledger.handle_committed(now, &partition(), committed);
    script.due(0, &["check 1 4 3"]);
    assert_eq!(script.checked(0, Ok((50, 3))), None);
    script.due(0, &["fetch 1 42"]);
}

#[test]
fn s27_replicas_that_name_each_other_or_themselves_are_asked_at_a_pace() {
    // The leader names itself.
    let mut own = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = own.due(0, &["fetch 1 5"]).unwrap();
    own.returned(0, &cursor, Returned::Preferred(BrokerId(1)));
    own.due(99, &[]);
    let cursor = own.due(100, &["fetch 1 5"]).unwrap();
    own.returned(100, &cursor, Returned::Preferred(BrokerId(1)));
    own.due(299, &[]);
    // A replica names another: the leader is asked again.
    let mut other = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = other.due(0, &["fetch 1 5"]).unwrap();
    other.returned(0, &cursor, Returned::Preferred(BrokerId(3)));
    let cursor = other.due(0, &["fetch 3 5"]).unwrap();
    other.returned(0, &cursor, Returned::Preferred(BrokerId(2)));
    other.due(99, &[]);
    other.due(100, &["fetch 1 5"]);
}

#[test]
fn s27_after_five_minutes_the_leader_is_asked_again_whom_to_read() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    script.returned(0, &cursor, Returned::Preferred(BrokerId(3)));
    let cursor = script.due(0, &["fetch 3 5"]).unwrap();
    assert!(cursor.lane.advance(8));
    assert_eq!(script.ledger.next_deadline(), Some(script.time(300_000)));
    script.due(299_999, &[]);
    let cursor = script.due(300_000, &["drop 3", "fetch 1 8"]).unwrap();
    assert_eq!(script.ledger.next_deadline(), None);
    script.returned(300_000, &cursor, Returned::Preferred(BrokerId(3)));
    script.due(300_000, &["fetch 3 8"]);
}

#[test]
fn s24_a_pause_while_the_position_is_out_of_range_loses_nothing_that_was_read_ahead() {
    for policy in [OutOfRange::Earliest, OutOfRange::Latest, OutOfRange::Error] {
        let mut script = script(Some(Start::At(5)), policy);
        let mut cursor = script.due(0, &["fetch 1 5"]).unwrap();
        cursor.offset = 9;
        assert!(cursor.lane.advance(7));
        let notice = script.returned(0, &cursor, Returned::OutOfRange);
        assert_eq!(notice.is_some(), policy == OutOfRange::Error);
        if policy == OutOfRange::Latest {
            script.due(100, &["list 1 Last"]);
        }
        assert!(script.ledger.pause(&partition()));
        script.due(200, &[]);
        assert!(script.ledger.resume(&partition()));
        script.due(200, &["fetch 1 7"]);
    }
}

#[test]
fn s24_a_pause_is_no_seek() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Error);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    script.returned(0, &cursor, Returned::OutOfRange);
    assert!(script.ledger.pause(&partition()));
    assert!(script.ledger.resume(&partition()));
    script.due(60_000, &[]);
    assert_eq!(script.ledger.position(&partition()), Some(5));
}

#[test]
fn s25_what_was_cut_is_noticed_after_unreadable_bytes_too() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let cursor = script.due(0, &["fetch 1 5"]).unwrap();
    cursor.lane.note_read_epoch(4);
    assert!(cursor.lane.advance(9));
    let now = script.time(0);
    assert_eq!(script.ledger.handle_unreadable(now, &cursor.lane, 9), 1);
    script.leader = script.leader.map(|leader| Leader { epoch: 5, ..leader });
    script.due(100, &["drop 1", "check 1 5 4"]);
}

#[test]
fn a_look_up_that_brings_no_leader_is_tried_again_after_a_pause() {
    let mut script = script(Some(Start::At(5)), OutOfRange::Earliest);
    let leader = script.leader.take();
    script.due(0, &["look up t"]);
    let code = ErrorCode::LEADER_NOT_AVAILABLE;
    let told = |script: &mut Script, at| {
        let now = script.time(at);
        let none: Option<Leader> = None;
        script.ledger.handle_looked_up(now, "t", &none, |_| code)
    };
    assert_eq!(told(&mut script, 0), []);
    script.due(99, &[]);
    script.due(100, &["look up t"]);
    assert_eq!(told(&mut script, 100), []);
    // News of other partitions change nothing for this one.
    script.ledger.handle_new_view(&None::<Leader>);
    script.due(299, &[]);
    script.due(300, &["look up t"]);
    assert_eq!(told(&mut script, 300).len(), 1);
    script.leader = leader;
    script.ledger.handle_new_view(&script.leader);
    script.due(301, &["fetch 1 5"]);
}

#[test]
fn s35_a_pause_does_not_hide_that_the_topic_is_another() {
    for policy in [OutOfRange::Earliest, OutOfRange::Error] {
        let mut script = script(Some(Start::At(5)), policy);
        let of = |id| Leader {
            broker: BrokerId(1),
            epoch: 4,
            topic_id: Uuid::from_u128(id),
        };
        script.leader = Some(of(1));
        let mut cursor = script.due(0, &["fetch 1 5"]).unwrap();
        cursor.lane.advance(7);
        cursor.offset = 9;
        script.returned(0, &cursor, Returned::Moved);
        script.leader = Some(of(2));
        let is_held = policy == OutOfRange::Error;
        let told = |offset| {
            let partition = partition();
            format!("tell {:?}", Notice::OutOfRange { partition, offset })
        };
        let (first, again) = (told(9), told(7));
        let (first, again) = if is_held {
            (first.as_str(), again.as_str())
        } else {
            ("list 1 First", "list 1 First")
        };
        script.due(100, &[first]);
        assert!(script.ledger.pause(&partition()));
        assert!(script.ledger.resume(&partition()));
        script.due(100, &[again]);
        if is_held {
            assert!(script.ledger.seek(&partition(), Start::At(2)));
            script.due(100, &["fetch 1 2"]);
        } else {
            script.listed(100, Ok(Some(0)));
            script.due(100, &["fetch 1 0"]);
        }
    }
}
