use std::time::Duration;

use tokio::time::Instant;

use super::Backoff;

fn waits(random: f64, failures: usize) -> Vec<u128> {
    let now = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    assert!(backoff.wait(now).is_zero());
    (0..failures)
        .map(|_| {
            backoff.handle_failure(now, random);
            backoff.wait(now).as_millis()
        })
        .collect()
}

#[test]
fn waits_double_up_to_the_longest_and_are_spread() {
    assert_eq!(waits(0.5, 7), [50, 100, 200, 400, 800, 1000, 1000]);
    assert_eq!(waits(0.0, 7), [40, 80, 160, 320, 640, 800, 800]);
    assert_eq!(waits(1.0, 7), [60, 120, 240, 480, 960, 1200, 1200]);
    assert_eq!(waits(0.5, 100)[99], 1000);
}

#[test]
fn a_success_starts_over() {
    let now = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    for _ in 0..5 {
        backoff.handle_failure(now, 0.5);
    }
    backoff.handle_success();
    assert!(backoff.wait(now).is_zero());
    backoff.handle_failure(now, 0.5);
    assert_eq!(backoff.wait(now), Duration::from_millis(50));
    assert_eq!(
        backoff.wait(now + Duration::from_millis(20)),
        Duration::from_millis(30)
    );
    assert!(backoff.wait(now + Duration::from_secs(3)).is_zero());
}

#[test]
fn a_refusal_waits_as_long_as_it_says() {
    let now = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    backoff.handle_refusal(now, Duration::from_secs(20));
    assert_eq!(backoff.wait(now), Duration::from_secs(20));
}
