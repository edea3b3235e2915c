use ekafka_protocol::messages::{
    MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic,
};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Broker, broker_of, partitions};

fn answer() -> MetadataResponse {
    let broker = MetadataBroker {
        node_id: 1,
        host: StrBytes::from_static_str("::1"),
        port: 19092,
        rack: Some(StrBytes::from_static_str("r1")),
    };
    let mut answer = MetadataResponse {
        brokers: vec![broker],
        ..MetadataResponse::default()
    };
    let replica_nodes = answer.add_nodes(&[1, 2]);
    let isr_nodes = answer.add_nodes(&[1]);
    let offline_replicas = answer.add_nodes(&[2]);
    answer.topics = vec![MetadataTopic {
        name: Some(StrBytes::from_static_str("topic")),
        partitions: vec![MetadataPartition {
            error_code: ErrorCode::LEADER_NOT_AVAILABLE,
            partition_index: 3,
            leader_id: -1,
            leader_epoch: 5,
            replica_nodes,
            isr_nodes,
            offline_replicas,
        }],
        ..MetadataTopic::default()
    }];
    answer
}

#[test]
fn t28_missing_broker_keeps_a_placeholder_with_its_id() {
    let missing = broker_of(&answer(), 2);
    assert_eq!(
        missing,
        Broker {
            id: 2,
            host: String::new(),
            port: 0,
            rack: None
        }
    );
    let found = broker_of(&answer(), 1);
    assert_eq!(
        (found.host.as_str(), found.port, found.rack.as_deref()),
        ("::1", 19092, Some("r1"))
    );
}

#[test]
fn partitions_without_leader_and_with_offline_replicas() {
    let found = partitions(&answer());
    let [partition] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((partition.topic.as_str(), partition.id), ("topic", 3));
    assert_eq!(partition.leader.id, -1);
    let ids = |brokers: &[Broker]| brokers.iter().map(|broker| broker.id).collect::<Vec<_>>();
    assert_eq!(ids(&partition.replicas), [1, 2]);
    assert_eq!(ids(&partition.isr), [1]);
    assert_eq!(ids(&partition.offline_replicas), [2]);
    assert_eq!(partition.error, ErrorCode::LEADER_NOT_AVAILABLE);
}

#[test]
fn s1_27_host_and_port_join_into_an_address_to_dial() {
    let join = |host: &str| Broker::at(host, 9092).address();
    assert_eq!(join("kafka"), "kafka:9092");
    assert_eq!(join("::1"), "[::1]:9092");
}

#[test]
fn hostile_port_is_no_port() {
    let mut answer = answer();
    for port in [-1, 65_536, i32::MAX] {
        answer.brokers[0].port = port;
        assert_eq!(broker_of(&answer, 1).port, 0);
    }
}
