use super::*;

struct Script {
    start: Instant,
    commits: Commits<u32>,
    assignments: Vec<Arc<Assignment>>,
}

fn script(interval: Option<u64>) -> Script {
    let start = Instant::now();
    let mut commits = Commits::new(interval.map(Duration::from_millis), start);
    let assignments: Vec<Arc<Assignment>> = (0..2)
        .map(|partition| Arc::new(Assignment::new(TopicPartition::new("t", partition))))
        .collect();
    for assignment in &assignments {
        commits.track(Arc::clone(assignment));
    }
    Script {
        start,
        commits,
        assignments,
    }
}

impl Script {
    fn mark(&mut self, partition: usize, offset: i64) -> &mut Self {
        assert!(self.assignments[partition].mark(offset, 4));
        self
    }

    fn ask(&mut self, waiter: u32) -> &mut Self {
        self.commits.request(waiter);
        self
    }

    /// `expected` lists `partition@offset` of a send, or `done [waiters]`.
    #[track_caller]
    fn at(&mut self, at: u64, expected: &[&str]) -> &mut Self {
        let now = self.start + Duration::from_millis(at);
        let mut words = Vec::new();
        while let Some(step) = self.commits.poll(now) {
            match step {
                Step::Send(offsets) => words.extend(
                    offsets
                        .iter()
                        .map(|offset| format!("{}@{}", offset.partition.partition, offset.offset)),
                ),
                Step::Done(waiters) => words.push(format!("done {waiters:?}")),
            }
        }
        assert_eq!(words, expected, "at {at} ms");
        self
    }

    fn answer(&mut self, at: u64, codes: &[ErrorCode]) -> Option<(Vec<u32>, bool)> {
        let now = self.start + Duration::from_millis(at);
        let codes = codes
            .iter()
            .enumerate()
            .map(|(partition, code)| (TopicPartition::new("t", partition as i32), *code))
            .collect();
        let settled = self.commits.handle(now, Ok(codes))?;
        Some((settled.waiters, settled.result.is_ok()))
    }
}

#[test]
fn t79_the_highest_mark_of_each_partition_is_sent_once() {
    let mut script = script(None);
    script
        .mark(0, 5)
        .mark(0, 3)
        .mark(1, 9)
        .mark(0, 7)
        .mark(0, 6)
        .at(0, &[])
        .ask(1)
        .at(0, &["0@7", "1@9"]);
    assert_eq!(
        script.answer(1, &[ErrorCode::NONE, ErrorCode::NONE]),
        Some((vec![1], true))
    );
    script.ask(2).at(2, &["done [2]"]);
}

#[test]
fn t80_requests_during_a_commit_share_the_next_one() {
    let mut script = script(None);
    script.mark(0, 1).ask(0).at(0, &["0@1"]);
    for waiter in 1..=99 {
        script.mark(0, i64::from(waiter) + 1).ask(waiter);
    }
    script.at(1, &[]);
    assert_eq!(script.answer(2, &[ErrorCode::NONE]), Some((vec![0], true)));
    script.at(2, &["0@100"]);
    assert_eq!(
        script
            .answer(3, &[ErrorCode::NONE])
            .map(|(all, _)| all.len()),
        Some(99)
    );
}

#[test]
fn t81_three_attempts_then_the_error() {
    let mut script = script(None);
    script.mark(0, 5).ask(1).at(0, &["0@5"]);
    assert_eq!(script.answer(0, &[ErrorCode::NOT_COORDINATOR]), None);
    script.at(99, &[]).at(100, &["0@5"]);
    assert_eq!(
        script.answer(100, &[ErrorCode::COORDINATOR_LOAD_IN_PROGRESS]),
        None
    );
    script.at(499, &[]).at(500, &["0@5"]);
    assert_eq!(
        script.answer(500, &[ErrorCode::NOT_COORDINATOR]),
        Some((vec![1], false))
    );
    // The mark is still there for the next request.
    script.ask(2).at(501, &["0@5"]);
}

#[test]
fn s40_a_refusal_that_cannot_heal_is_not_repeated() {
    for code in [
        ErrorCode::UNKNOWN_MEMBER_ID,
        ErrorCode::ILLEGAL_GENERATION,
        ErrorCode::OFFSET_METADATA_TOO_LARGE,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ErrorCode::FENCED_INSTANCE_ID,
    ] {
        let mut script = script(None);
        script.mark(0, 5).ask(1).at(0, &["0@5"]);
        assert_eq!(script.answer(0, &[code]), Some((vec![1], false)), "{code}");
    }
}

#[test]
fn a_partition_that_was_accepted_is_not_sent_again() {
    let mut script = script(None);
    script.mark(0, 5).mark(1, 9).ask(1).at(0, &["0@5", "1@9"]);
    let codes = [ErrorCode::NONE, ErrorCode::REQUEST_TIMED_OUT];
    assert_eq!(script.answer(0, &codes), None);
    script.at(100, &["1@9"]);
    assert_eq!(
        script.answer(100, &[ErrorCode::NONE, ErrorCode::NONE]),
        Some((vec![1], true))
    );
}

#[test]
fn what_can_heal_is_tried_again_beside_what_cannot() {
    let mut script = script(None);
    script.mark(0, 5).mark(1, 9).ask(1).at(0, &["0@5", "1@9"]);
    let refused = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    let passing = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
    assert_eq!(script.answer(0, &[refused, passing]), None);
    script.at(100, &["1@9"]);
    let now = script.start + Duration::from_millis(100);
    let answer = vec![(TopicPartition::new("t", 1), ErrorCode::NONE)];
    let settled = script.commits.handle(now, Ok(answer)).unwrap();
    let (partition, failure) = settled.result.unwrap_err();
    assert_eq!(partition, Some(TopicPartition::new("t", 0)));
    assert!(matches!(failure, Failure::Code(code) if code == refused));
    // Only the refused one is left.
    script.ask(2).at(200, &["0@5"]);
}

#[test]
fn without_an_answer_for_each_partition_all_is_tried_again_if_that_can_help() {
    let mut script = script(None);
    script.mark(0, 5).mark(1, 9).ask(1).at(0, &["0@5", "1@9"]);
    let now = script.start;
    let between = Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS);
    assert!(script.commits.handle(now, Err(between)).is_none());
    script.at(100, &["0@5", "1@9"]);
    let fenced = Failure::Code(ErrorCode::FENCED_INSTANCE_ID);
    let settled = script.commits.handle(now, Err(fenced)).unwrap();
    assert_eq!(settled.waiters, [1]);
    assert!(matches!(settled.result, Err((None, _))));
}

#[test]
fn what_concerns_the_member_ends_a_commit_whatever_else_could_heal() {
    let mut script = script(None);
    script.mark(0, 5).mark(1, 9).ask(1).at(0, &["0@5", "1@9"]);
    let codes = [ErrorCode::REQUEST_TIMED_OUT, ErrorCode::FENCED_INSTANCE_ID];
    assert_eq!(script.answer(0, &codes), Some((vec![1], false)));
    script.at(100, &[]);
}

#[test]
fn the_code_of_a_partition_taken_away_meanwhile_concerns_nobody() {
    let mut script = script(None);
    script.mark(0, 5).mark(1, 9).ask(1).at(0, &["0@5", "1@9"]);
    script.assignments[0].end();
    script.commits.forget_ended();
    let codes = [ErrorCode::ILLEGAL_GENERATION, ErrorCode::NONE];
    assert_eq!(script.answer(0, &codes), Some((vec![1], true)));
    // Taken away between two attempts, it is not sent again, be it the only one.
    script.mark(1, 10).ask(2).at(0, &["1@10"]);
    assert_eq!(
        script.answer(0, &[ErrorCode::NONE, ErrorCode::REQUEST_TIMED_OUT]),
        None
    );
    script.assignments[1].end();
    script.commits.forget_ended();
    script.at(100, &["done [2]"]);
}

#[test]
fn s35_what_was_committed_of_records_that_are_gone_is_no_bound() {
    let mut script = script(None);
    script.mark(0, 50).ask(1).at(0, &["0@50"]);
    let renewed = Arc::new(script.assignments[0].renewed());
    script.commits.renew(Arc::clone(&renewed));
    // The answer to what was on the wire does not count for it either.
    assert_eq!(script.answer(0, &[ErrorCode::NONE]), Some((vec![1], true)));
    assert!(!renewed.is_saved(1));
    renewed.mark(3, -1);
    script.mark(0, 60).ask(2).at(0, &["0@3"]);
    assert_eq!(script.answer(0, &[ErrorCode::NONE]), Some((vec![2], true)));
    assert!(renewed.is_saved(3));
}

#[test]
fn s51_the_interval_sends_what_is_marked_and_nothing_else() {
    let mut script = script(Some(1000));
    script
        .at(1000, &[])
        .mark(0, 5)
        .at(1500, &[])
        .at(2000, &["0@5"]);
    assert_eq!(
        script.answer(2001, &[ErrorCode::NONE]),
        Some((vec![], true))
    );
    script.at(3000, &[]).mark(0, 6).at(4000, &["0@6"]);
}

#[test]
fn s39_a_lower_offset_than_the_committed_one_is_never_sent() {
    let mut script = script(None);
    script
        .commits
        .note_committed(TopicPartition::new("t", 0), 50);
    script.mark(0, 40).ask(1).at(0, &["done [1]"]);
    script.mark(0, 51).ask(2).at(0, &["0@51"]);
}

#[test]
fn marks_of_an_ended_assignment_are_not_committed() {
    let mut script = script(None);
    script.mark(0, 5).mark(1, 9);
    script.assignments[0].end();
    script.commits.forget_ended();
    script.ask(1).at(0, &["1@9"]);
}
