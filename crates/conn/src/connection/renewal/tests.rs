use std::time::Duration;

use super::{LEAST, renew_after};

#[test]
fn s66_a_session_is_renewed_between_80_and_95_percent_of_its_life() {
    let hour = Duration::from_secs(3_600);
    for random in [0.0, 0.3, 0.999] {
        let after = renew_after(hour, random);
        assert!(
            after >= hour.mul_f64(0.8) && after <= hour.mul_f64(0.95),
            "{after:?}"
        );
    }
}

#[test]
fn h14_absurd_lifetimes_neither_overflow_nor_spin() {
    assert_eq!(renew_after(Duration::from_millis(1), 0.5), LEAST);
    assert_eq!(renew_after(Duration::ZERO, 0.0), LEAST);
    assert!(
        renew_after(Duration::from_millis(i64::MAX as u64), 1.0) > Duration::from_secs(1 << 29)
    );
    assert!(renew_after(Duration::MAX, 1.0) < Duration::MAX);
}
