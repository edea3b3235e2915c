use ekafka_protocol::cold::find_coordinator_response::Coordinator;
use ekafka_protocol::cold::{BrokerId as WireId, FindCoordinatorResponse};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{CoordinatorKind, Coordinators, question, read};
use crate::address::HostPort;
use crate::ids::BrokerId;

#[test]
fn the_question_takes_the_form_of_its_version() {
    for version in 0..=6 {
        let asked = question(CoordinatorKind::Transaction, "tx", version);
        assert_eq!(asked.key_type, i8::from(version >= 1));
        if version < 4 {
            assert_eq!((&*asked.key, asked.coordinator_keys.len()), ("tx", 0));
        } else {
            assert_eq!((&*asked.key, &*asked.coordinator_keys[0]), ("", "tx"));
        }
    }
}

#[test]
fn both_forms_of_the_answer_are_read() {
    let host = StrBytes::from_static_str("kafka-3");
    let single = FindCoordinatorResponse::default()
        .with_node_id(WireId(3))
        .with_host(host.clone())
        .with_port(9093);
    let expected = Ok((BrokerId(3), HostPort::new("kafka-3", 9093)));
    assert_eq!(read(&single, "group", 3), expected);
    let listed = Coordinator::default()
        .with_key(StrBytes::from_static_str("group"))
        .with_node_id(WireId(3))
        .with_host(host)
        .with_port(9093);
    let batched = FindCoordinatorResponse::default().with_coordinators(vec![listed.clone()]);
    assert_eq!(read(&batched, "group", 6), expected);
    // Errors, another group's answer, and brokers that cannot be dialled.
    let code = ErrorCode::COORDINATOR_NOT_AVAILABLE;
    assert_eq!(read(&batched, "other", 6), Err(code));
    let refused = single
        .clone()
        .with_error_code(ErrorCode::GROUP_AUTHORIZATION_FAILED.0);
    assert_eq!(
        read(&refused, "group", 3),
        Err(ErrorCode::GROUP_AUTHORIZATION_FAILED)
    );
    for port in [-1, 0, 70_000] {
        assert_eq!(read(&single.clone().with_port(port), "group", 3), Err(code));
    }
    assert_eq!(
        read(&single.with_node_id(WireId(-1)), "group", 3),
        Err(code)
    );
}

#[test]
fn a_forgotten_coordinator_is_looked_up_again() {
    let found = Coordinators::default();
    found.note(CoordinatorKind::Group, "a", BrokerId(1));
    assert_eq!(found.find(CoordinatorKind::Group, "a"), Some(BrokerId(1)));
    assert_eq!(found.find(CoordinatorKind::Transaction, "a"), None);
    found.forget(CoordinatorKind::Group, "a");
    assert_eq!(found.find(CoordinatorKind::Group, "a"), None);
}
