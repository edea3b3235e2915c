use std::time::Duration;

use tokio::time::Instant;

use super::{Next, Question, RefreshPlan};
use crate::view::Asked;

const BACKOFF: Duration = Duration::from_millis(100);
const MAX_AGE: Duration = Duration::from_secs(300);

fn question(topics: &[&str], create: bool, asked: Asked) -> Question {
    Question {
        topics: topics.iter().map(|topic| (*topic).into()).collect(),
        create,
        asked,
    }
}

#[track_caller]
fn sent(plan: &mut RefreshPlan, now: Instant) -> Question {
    match plan.next(now) {
        Next::Send(question) => question,
        Next::At(at) => panic!("waits for {:?}", at - now),
    }
}

fn fresh(now: Instant) -> RefreshPlan {
    let mut plan = RefreshPlan::new(BACKOFF, MAX_AGE);
    let first = sent(&mut plan, now);
    assert_eq!(first, question(&[], false, Asked::Everything));
    plan.handle_answer(&first, now);
    plan
}

#[test]
fn s60_reasons_merge_into_one_request_per_backoff() {
    let now = Instant::now();
    let mut plan = fresh(now);
    for _ in 0..1_000 {
        plan.want("a".into());
        plan.want("b".into());
    }
    assert_eq!(plan.next(now), Next::At(now + BACKOFF));
    let later = now + BACKOFF;
    assert_eq!(
        sent(&mut plan, later),
        question(&["a", "b"], false, Asked::Some)
    );
    // Reasons that come meanwhile wait for the next one.
    plan.want("c".into());
    plan.handle_answer(&question(&["a", "b"], false, Asked::Some), later);
    assert_eq!(plan.next(later), Next::At(later + BACKOFF));
    assert_eq!(
        sent(&mut plan, later + BACKOFF),
        question(&["c"], false, Asked::Some)
    );
}

#[test]
fn everything_tracked_is_read_again_at_the_maximum_age() {
    let now = Instant::now();
    let mut plan = fresh(now);
    assert!(plan.track("b") && plan.track("a") && !plan.track("a"));
    let later = now + BACKOFF;
    let first = sent(&mut plan, later);
    assert_eq!(first.topics.len(), 2);
    plan.handle_answer(&first, later);
    plan.untrack("b");
    assert_eq!(plan.next(later + BACKOFF), Next::At(now + MAX_AGE));
    assert_eq!(
        sent(&mut plan, now + MAX_AGE),
        question(&["a"], false, Asked::Everything)
    );
}

#[test]
fn a_failed_question_is_asked_again_ever_later() {
    let mut now = Instant::now();
    let mut plan = fresh(now);
    plan.want("a".into());
    now += BACKOFF;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let asked = sent(&mut plan, now);
        assert_eq!(asked, question(&["a"], false, Asked::Some));
        plan.handle_failure(asked, now, 0.5);
        let Next::At(at) = plan.next(now) else {
            panic!("no wait");
        };
        waits.push((at - now).as_millis());
        now = at;
    }
    assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
}

#[test]
fn topics_are_created_only_by_their_own_request() {
    let now = Instant::now();
    let mut plan = fresh(now);
    plan.want("read".into());
    plan.create("made".into());
    let later = now + BACKOFF;
    let asked = sent(&mut plan, later);
    assert_eq!(asked, question(&["made"], true, Asked::Some));
    plan.handle_failure(asked.clone(), later, 0.5);
    let later = later + BACKOFF;
    assert_eq!(sent(&mut plan, later), asked);
    plan.handle_answer(&asked, later);
    assert_eq!(
        sent(&mut plan, later + BACKOFF),
        question(&["read"], false, Asked::Some)
    );
}
