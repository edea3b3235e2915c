use ekafka_protocol::ErrorCode;

use super::*;

/// A member, a clock that the test moves, and the actions as short words.
struct Script {
    start: Instant,
    now: Instant,
    member: Classic,
}

fn script() -> Script {
    let start = Instant::now();
    let timing = Timing {
        session: Duration::from_secs(30),
        rebalance: Duration::from_secs(30),
        heartbeat: Duration::from_secs(3),
        retry: Duration::from_millis(100),
        join_backoff: Duration::from_secs(5),
    };
    Script {
        start,
        now: start,
        member: Classic::new(timing, false, start),
    }
}

impl Script {
    /// Advances to `at` milliseconds and checks every action that is due.
    #[track_caller]
    fn at(&mut self, at: u64, expected: &[&str]) -> &mut Self {
        self.now = self.start + Duration::from_millis(at);
        let mut words = Vec::new();
        while let Some(action) = self.member.poll(self.now) {
            words.push(match action {
                Action::ForgetCoordinator => "forget".to_owned(),
                Action::Join { member_id, .. } => format!("join {member_id}"),
                Action::Assign { joined } => format!("assign {}", joined.identity.generation),
                Action::Sync { identity, .. } => format!("sync {}", identity.generation),
                Action::Heartbeat { identity } => format!("beat {}", identity.generation),
                Action::Revoke { .. } => "revoke".to_owned(),
                Action::Lose { .. } => "lose".to_owned(),
                Action::Assigned { partitions } => format!("assigned {partitions:?}"),
                Action::Report(_) => "report".to_owned(),
                Action::Stop(_) => "stop".to_owned(),
            });
        }
        assert_eq!(words, expected, "at {at} ms");
        self
    }

    fn joined(&mut self, generation: i32, is_leader: bool) -> &mut Self {
        let joined = Joined {
            identity: Identity {
                member_id: "m".to_owned(),
                generation,
            },
            protocol: "range".to_owned(),
            is_leader,
            members: Vec::new(),
        };
        self.member.handle_join(self.now, Ok(joined));
        self
    }

    fn join_fails(&mut self, code: ErrorCode) -> &mut Self {
        let failure = JoinFailure::Failed(Failure::Code(code));
        self.member.handle_join(self.now, Err(failure));
        self
    }

    fn synced(&mut self) -> &mut Self {
        let partitions = BTreeMap::from([("t".to_owned(), vec![0])]);
        self.member.handle_sync(self.now, Ok(partitions));
        self
    }

    fn sync_fails(&mut self, code: ErrorCode) -> &mut Self {
        self.member.handle_sync(self.now, Err(Failure::Code(code)));
        self
    }

    fn beat(&mut self, generation: i32, code: ErrorCode) -> &mut Self {
        let answer = if code == ErrorCode::NONE {
            Ok(())
        } else {
            Err(Failure::Code(code))
        };
        self.member
            .handle_heartbeat(self.now, self.now, generation, answer);
        self
    }

    /// Joins as follower in generation 1 at time 0.
    fn stable(&mut self) -> &mut Self {
        self.at(0, &["join "])
            .joined(1, false)
            .at(0, &["sync 1"])
            .synced();
        self.at(0, &["assigned {\"t\": [0]}"])
    }
}

#[test]
fn a_new_member_is_given_an_id_then_joins_then_beats() {
    let mut script = script();
    script.at(0, &["join "]);
    let required = JoinFailure::MemberIdRequired("m".to_owned());
    script.member.handle_join(script.now, Err(required));
    script
        .at(1, &["join m"])
        .joined(1, true)
        .at(2, &["assign 1"])
        .synced();
    script
        .at(3, &["assigned {\"t\": [0]}"])
        .at(3001, &[])
        .at(3002, &["beat 1"])
        .at(4000, &[]);
    script
        .beat(1, ErrorCode::NONE)
        .at(6999, &[])
        .at(7000, &["beat 1"]);
}

#[test]
fn a_rebalance_revokes_first_beats_meanwhile_and_joins_with_the_same_id() {
    let mut script = script();
    script
        .stable()
        .at(3000, &["beat 1"])
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    script.at(3000, &["revoke"]).at(6000, &["beat 1"]);
    script
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS)
        .at(7000, &[]);
    script.member.handle_revoked(script.now);
    script
        .at(7000, &["join m"])
        .joined(2, false)
        .at(7001, &["sync 2"])
        .synced();
    script.at(7002, &["assigned {\"t\": [0]}"]);
}

#[test]
fn s43_an_application_that_never_answers_loses_its_partitions() {
    let mut script = script();
    script
        .stable()
        .at(3000, &["beat 1"])
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    script.at(3000, &["revoke"]);
    for at in [6000, 9000, 12000, 15000, 18000, 21000, 24000] {
        script
            .at(at, &["beat 1"])
            .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    }
    script.at(27_000, &["lose", "join m"]);
    script.member.handle_revoked(script.now);
    script.at(27_001, &[]);
}

#[test]
fn s44_after_a_freeze_longer_than_the_session_nothing_is_kept() {
    script().stable().at(30_000, &["lose", "join m"]);
}

#[test]
fn s46_the_member_survives_a_coordinator_that_dies_at_any_step() {
    let mut script = script();
    script
        .at(0, &["join "])
        .join_fails(ErrorCode::NOT_COORDINATOR);
    script.at(0, &["forget"]).at(99, &[]).at(100, &["join "]);
    script
        .join_fails(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
        .at(299, &[])
        .at(300, &["join "]);
    script
        .joined(1, false)
        .at(300, &["sync 1"])
        .sync_fails(ErrorCode::COORDINATOR_NOT_AVAILABLE);
    script
        .at(300, &["forget"])
        .at(699, &[])
        .at(700, &["join m"])
        .joined(2, false)
        .at(700, &["sync 2"])
        .synced();
    script
        .at(700, &["assigned {\"t\": [0]}"])
        .at(3700, &["beat 2"]);
    script
        .beat(2, ErrorCode::NOT_COORDINATOR)
        .at(3700, &["forget"])
        .at(3800, &["beat 2"]);
    script
        .beat(2, ErrorCode::NONE)
        .at(6799, &[])
        .at(6800, &["beat 2"]);
}

#[test]
fn a_lost_generation_keeps_the_id_and_a_lost_member_does_not() {
    let mut first = script();
    first
        .stable()
        .at(3000, &["beat 1"])
        .beat(1, ErrorCode::ILLEGAL_GENERATION);
    first.at(3000, &["lose", "join m"]);
    let mut second = script();
    second
        .stable()
        .at(3000, &["beat 1"])
        .beat(1, ErrorCode::UNKNOWN_MEMBER_ID);
    second.at(3000, &["lose", "join "]);
}

#[test]
fn a_coordinator_that_always_asks_for_a_join_is_not_asked_without_pause() {
    for code in [
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::UNKNOWN_MEMBER_ID,
    ] {
        let mut script = script();
        script.at(0, &["join "]).join_fails(code);
        script.at(0, &["join "]).join_fails(code);
        script.at(199, &[]).at(200, &["join "]).join_fails(code);
        script.at(599, &[]).at(600, &["join "]).joined(1, false);
        script.at(600, &["sync 1"]).synced();
        // Once it has joined, the next time is the first again.
        script.at(600, &["assigned {\"t\": [0]}"]);
        script.beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
        script.at(600, &["revoke"]);
        script.member.handle_revoked(script.now);
        script.at(600, &["join m"]).join_fails(code);
        let id = if code == ErrorCode::UNKNOWN_MEMBER_ID {
            ""
        } else {
            "m"
        };
        script.at(600, &[&format!("join {id}")]);
    }
    let mut script = script();
    script.at(0, &["join "]);
    for (at, id) in [(0, "a"), (0, "b"), (200, "c")] {
        let failure = JoinFailure::MemberIdRequired(id.to_owned());
        script.member.handle_join(script.now, Err(failure));
        script.at(at, &[&format!("join {id}")]);
    }
}

#[test]
fn s52_errors_that_need_a_person_are_reported_at_the_join_backoff() {
    for code in [
        ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ErrorCode::INVALID_SESSION_TIMEOUT,
        ErrorCode::GROUP_MAX_SIZE_REACHED,
    ] {
        let mut script = script();
        script.at(0, &["join "]).join_fails(code).at(0, &["report"]);
        script.at(4999, &[]).at(5000, &["join "]);
    }
}

#[test]
fn s49_a_fenced_static_member_stops_for_good() {
    let mut script = script();
    script
        .stable()
        .at(3000, &["beat 1"])
        .beat(1, ErrorCode::FENCED_INSTANCE_ID);
    script.at(3000, &["lose", "stop"]).at(1_000_000, &[]);
    assert_eq!(script.member.leave(), None);
}

#[test]
fn an_answer_of_an_older_generation_changes_nothing() {
    let mut script = script();
    script
        .stable()
        .at(3000, &["beat 1"])
        .beat(0, ErrorCode::UNKNOWN_MEMBER_ID)
        .at(3001, &[]);
    assert_eq!(script.member.leave().as_deref(), Some("m"));
    assert_eq!(script.member.leave(), None);
}

#[test]
fn s40_a_refused_commit_moves_the_member_only_when_it_concerns_the_membership() {
    let mut script = script();
    script.stable();
    for code in [
        ErrorCode::OFFSET_METADATA_TOO_LARGE,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
    ] {
        script
            .member
            .handle_commit_failure(script.now, 1, Failure::Code(code));
        script.at(1, &[]);
    }
    let rebalance = Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS);
    script
        .member
        .handle_commit_failure(script.now, 1, rebalance);
    script.at(2, &["revoke"]);
    let unknown = Failure::Code(ErrorCode::UNKNOWN_MEMBER_ID);
    script.member.handle_commit_failure(script.now, 1, unknown);
    script.at(3, &["lose", "join "]);
}

/// The partitions of topic "t".
fn parts(ids: &[i32]) -> BTreeMap<String, Vec<i32>> {
    BTreeMap::from([("t".to_owned(), ids.to_vec())])
}

/// A cooperative member in generation 1 that holds partitions 0, 1 and 2.
fn cooperative() -> Script {
    let mut script = script();
    script.member.is_cooperative = true;
    script.at(0, &["join "]).joined(1, false).at(0, &["sync 1"]);
    script.member.handle_sync(script.now, Ok(parts(&[0, 1, 2])));
    script.at(0, &["assigned {\"t\": [0, 1, 2]}"]);
    script
}

#[test]
fn s48_a_cooperative_member_joins_with_what_it_holds_and_gives_up_only_what_moves() {
    let mut script = cooperative();
    script
        .at(20, &["beat 1"])
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    let Some(Action::Join { owned, last, .. }) = script.member.poll(script.now) else {
        panic!("not a join");
    };
    assert_eq!((owned, last.generation), (parts(&[0, 1, 2]), 1));
    // The old generation may still commit.
    assert_eq!(script.member.identity().map(|one| one.generation), Some(1));
    script.joined(2, false).at(30, &["sync 2"]);
    assert!(script.member.is_between_generations());
    script.member.handle_sync(script.now, Ok(parts(&[0, 1])));
    let Some(Action::Revoke { partitions }) = script.member.poll(script.now) else {
        panic!("not a revocation");
    };
    assert_eq!(partitions, parts(&[2]));
    script.at(30, &["assigned {}"]);
    script.member.handle_revoked(script.now);
    // The second rebalance does not wait for a heartbeat.
    let Some(Action::Join { owned, .. }) = script.member.poll(script.now) else {
        panic!("not a join");
    };
    assert_eq!(owned, parts(&[0, 1]));
}

#[test]
fn a_cooperative_member_asks_soon_whether_another_rebalance_follows() {
    let mut script = cooperative();
    for at in [20, 60, 140, 300, 620, 1260, 2540] {
        script
            .at(at - 1, &[])
            .at(at, &["beat 1"])
            .beat(1, ErrorCode::NONE);
    }
    script
        .at(5100, &["beat 1"])
        .beat(1, ErrorCode::NONE)
        .at(8099, &[])
        .at(8100, &["beat 1"]);
}

#[test]
fn s48_errors_of_joining_and_syncing_take_nothing_from_a_cooperative_member() {
    let mut script = cooperative();
    script
        .at(20, &["beat 1"])
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    script
        .at(20, &["join m"])
        .join_fails(ErrorCode::NOT_COORDINATOR);
    script
        .at(20, &["forget"])
        .at(120, &["join m"])
        .joined(2, false);
    // A commit of the old generation that comes too late says nothing about the new one.
    let old = Failure::Code(ErrorCode::ILLEGAL_GENERATION);
    script.member.handle_commit_failure(script.now, 1, old);
    script
        .at(121, &["sync 2"])
        .sync_fails(ErrorCode::REBALANCE_IN_PROGRESS)
        .at(122, &["join m"])
        .joined(3, false)
        .at(123, &["sync 3"]);
    script.member.handle_sync(script.now, Ok(parts(&[0, 1, 2])));
    script.at(124, &["assigned {}"]);
}

#[test]
fn a_cooperative_member_loses_all_when_its_session_ends_while_nobody_answers() {
    let mut script = cooperative();
    script
        .at(20, &["beat 1"])
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    script.at(20, &["join m"]);
    // It asks on, but nothing comes back.
    script.at(3_020, &["beat 1"]).at(30_019, &[]);
    script.at(30_020, &["lose"]);
    script.join_fails(ErrorCode::NOT_COORDINATOR);
    script.at(30_020, &["forget"]).at(30_120, &["join m"]);
}

#[test]
fn s48_a_cooperative_member_whose_join_got_lost_keeps_nothing_that_the_group_gave_away() {
    for code in [ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::FENCED_INSTANCE_ID] {
        let mut script = cooperative();
        script.beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
        script.at(0, &["join m"]);
        script.at(3000, &["beat 1"]);
        // The group goes on without whoever has not joined in time.
        script.beat(1, code).at(3000, &["lose"]);
        // The request may be answered yet.
        script.joined(2, false).at(3000, &["sync 2"]).synced();
        script.at(3000, &["assigned {\"t\": [0]}"]);
    }
    let mut script = cooperative();
    script.beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    script.at(0, &["join m"]).at(3000, &["beat 1"]);
    // The generation ends with every rebalance, which the answer to the join says better.
    script.beat(1, ErrorCode::ILLEGAL_GENERATION).at(3000, &[]);
    // Nor does a heartbeat's answer bring a member back that has left.
    let mut script = cooperative();
    script.at(3000, &["beat 1"]);
    script.member.leave();
    script.beat(1, ErrorCode::UNKNOWN_MEMBER_ID).at(3000, &[]);
}

#[test]
fn a_cooperative_member_keeps_what_it_holds_while_the_coordinator_answers() {
    let mut script = cooperative();
    script
        .at(20, &["beat 1"])
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    script.at(20, &["join m"]);
    for at in (3_020..59_000).step_by(3_000) {
        script
            .at(at, &["beat 1"])
            .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    }
    script.joined(2, false).at(59_000, &["sync 2"]);
    script.member.handle_sync(script.now, Ok(parts(&[0, 1, 2])));
    script.at(59_000, &["assigned {}"]);
}

#[test]
fn s43_a_cooperative_revocation_without_an_answer_costs_only_what_moves() {
    let mut script = cooperative();
    script
        .at(20, &["beat 1"])
        .beat(1, ErrorCode::REBALANCE_IN_PROGRESS);
    script
        .at(20, &["join m"])
        .joined(2, false)
        .at(20, &["sync 2"]);
    script.member.handle_sync(script.now, Ok(parts(&[0])));
    script.at(20, &["revoke", "assigned {}"]);
    script.member.last_accepted += Duration::from_secs(24);
    script.member.beating = true;
    script.now += Duration::from_secs(24);
    let Some(Action::Lose { partitions }) = script.member.poll(script.now) else {
        panic!("not a loss");
    };
    assert_eq!(partitions, parts(&[1, 2]));
    script.at(24_020, &["join m"]);
}
