use std::time::Duration;

use tokio::time::Instant;

use super::{Deadline, broker_timeout, milliseconds};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[tokio::test(start_paused = true)]
async fn moving_the_deadline_changes_what_waits() {
    let start = Instant::now();
    let deadline = Deadline::new();
    deadline.set(Some(start + ms(100)));
    let waiting = deadline.bound(None, std::future::pending::<()>());
    let moving = async {
        tokio::time::sleep(ms(50)).await;
        deadline.set(Some(start + ms(300)));
        tokio::time::sleep(ms(150)).await;
        // The first deadline has passed; the second is brought forward.
        deadline.set(Some(start + ms(250)));
    };
    let (waited, ()) = tokio::join!(waiting, moving);
    assert_eq!(waited, None);
    assert_eq!(start.elapsed(), ms(250));
}

#[tokio::test(start_paused = true)]
async fn fallback_holds_while_no_deadline_is_set() {
    let start = Instant::now();
    let deadline = Deadline::new();
    let waiting = deadline.bound(Some(start + ms(100)), std::future::pending::<()>());
    assert_eq!(waiting.await, None);
    assert_eq!(start.elapsed(), ms(100));
    deadline.set(Some(start + ms(500)));
    let waiting = deadline.bound(Some(start + ms(200)), std::future::pending::<()>());
    assert_eq!(waiting.await, None);
    assert_eq!(start.elapsed(), ms(500));
    deadline.set(Some(start));
    // What is ready is not late.
    assert_eq!(deadline.bound(None, std::future::ready(7)).await, Some(7));
}

#[tokio::test(start_paused = true)]
async fn broker_answers_a_margin_before_the_deadline() {
    let now = Instant::now();
    let timeout = |left: u64| broker_timeout(Some(now + ms(left)), now);
    assert_eq!(timeout(10_000), ms(9_000));
    assert_eq!(timeout(1_000), ms(0));
    assert_eq!(timeout(999), Duration::from_micros(749_250));
    assert_eq!(timeout(400), ms(300));
    assert_eq!(timeout(0), ms(0));
    assert_eq!(milliseconds(broker_timeout(None, now)), i32::MAX);
    assert_eq!(
        milliseconds(broker_timeout(Some(now + ms(1 << 40)), now)),
        i32::MAX
    );
}
