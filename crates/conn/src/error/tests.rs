use std::io;
use std::sync::Arc;

use super::{ConnError, Stage};

#[test]
fn errors_are_small_enough_to_return() {
    assert!(size_of::<ConnError>() <= 64, "{}", size_of::<ConnError>());
}

#[test]
fn an_address_is_told_once_unless_the_name_leads_to_another() {
    let failed = |broker: &str| {
        let cause = "10.0.0.1:9092: connection refused";
        let cause = io::Error::new(io::ErrorKind::ConnectionRefused, cause);
        let error = ConnError::Open {
            broker: broker.parse().unwrap(),
            stage: Stage::Connect,
            cause: Arc::new(cause),
        };
        error.to_string()
    };
    assert_eq!(
        failed("10.0.0.1:9092"),
        "10.0.0.1:9092: connect failed: connection refused (is a broker listening on this port?)"
    );
    let told = failed("kafka:9092");
    assert!(
        told.starts_with("kafka:9092: connect failed: 10.0.0.1:9092: connection"),
        "{told}"
    );
}
