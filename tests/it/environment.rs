//! The development environments in docker/: what the files promise, without starting them.

use std::fs;

use serde_json::Value;

use crate::tidy::sources::root;

#[test]
fn the_documented_environment_has_the_documented_values() {
    let services = services("development");
    let names: Vec<_> = services.as_object().unwrap().keys().collect();
    assert_eq!(names, ["kafka-ui", "kafka1", "zoo1"]);
    assert_eq!(file("development")["version"], "2.1");

    let expected = serde_json::json!({
        "image": "confluentinc/cp-zookeeper:7.3.2",
        "hostname": "zoo1",
        "container_name": "zoo1",
        "ports": ["2181:2181"],
        "environment": {
            "ZOOKEEPER_CLIENT_PORT": 2181,
            "ZOOKEEPER_SERVER_ID": 1,
            "ZOOKEEPER_SERVERS": "zoo1:2888:3888",
        },
    });
    assert_eq!(services["zoo1"], expected);

    let expected = serde_json::json!({
        "image": "confluentinc/cp-kafka:7.3.2",
        "hostname": "kafka1",
        "container_name": "kafka1",
        "ports": ["9092:9092", "29092:29092", "9999:9999"],
        "depends_on": ["zoo1"],
        "environment": {
            "KAFKA_ADVERTISED_LISTENERS": "INTERNAL://kafka1:19092,\
                EXTERNAL://${DOCKER_HOST_IP:-127.0.0.1}:9092,DOCKER://host.docker.internal:29092",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP":
                "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,DOCKER:PLAINTEXT",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
            "KAFKA_ZOOKEEPER_CONNECT": "zoo1:2181",
            "KAFKA_BROKER_ID": 1,
            "KAFKA_LOG4J_LOGGERS": "kafka.controller=INFO,\
                kafka.producer.async.DefaultEventHandler=INFO,state.change.logger=INFO",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": 1,
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": 1,
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": 1,
            "KAFKA_JMX_PORT": 9999,
            "KAFKA_JMX_HOSTNAME": "${DOCKER_HOST_IP:-127.0.0.1}",
            "KAFKA_AUTHORIZER_CLASS_NAME": "kafka.security.authorizer.AclAuthorizer",
            "KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND": "true",
        },
    });
    assert_eq!(services["kafka1"], expected);

    let expected = serde_json::json!({
        "image": "provectuslabs/kafka-ui:latest",
        "container_name": "kafka-ui",
        "ports": ["8080:8080"],
        "depends_on": ["kafka1"],
        "environment": { "DYNAMIC_CONFIG_ENABLED": "TRUE" },
    });
    assert_eq!(services["kafka-ui"], expected);
}

#[test]
fn three_brokers_serve_the_ports_that_the_end_to_end_configuration_names() {
    let services = services("three-brokers");
    let services = services.as_object().unwrap();
    assert_eq!(services.len(), 3);
    for (index, (name, service)) in services.iter().enumerate() {
        let (id, port) = (index + 1, 9091 + index);
        let environment = &service["environment"];
        assert_eq!(environment["KAFKA_NODE_ID"], id, "{name}");
        assert_eq!(service["ports"][0], format!("{port}:{port}"), "{name}");
        let advertised = environment["KAFKA_ADVERTISED_LISTENERS"].as_str().unwrap();
        let outside = format!("EXTERNAL://${{DOCKER_HOST_IP:-127.0.0.1}}:{port}");
        assert!(advertised.contains(&outside), "{name}: {advertised}");
        let voters = environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]
            .as_str()
            .unwrap();
        assert!(
            voters.contains(&format!("{id}@{name}:29093")),
            "{name}: {voters}"
        );
        assert_eq!(environment["KAFKA_NUM_PARTITIONS"], 3, "{name}");
        assert_eq!(environment["KAFKA_DEFAULT_REPLICATION_FACTOR"], 3, "{name}");
    }
}

#[test]
fn the_secured_broker_lets_nobody_in_without_tls_and_a_login() {
    let kafka = &services("secured")["kafka"];
    let environment = &kafka["environment"];
    let protocols = environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]
        .as_str()
        .unwrap();
    assert!(protocols.contains("SECURED:SASL_SSL"), "{protocols}");
    assert_eq!(kafka["ports"], serde_json::json!(["9094:9094"]));
    let listeners = environment["KAFKA_LISTENERS"].as_str().unwrap();
    assert!(listeners.contains("SECURED://:9094"), "{listeners}");
    let mechanisms = environment["KAFKA_SASL_ENABLED_MECHANISMS"]
        .as_str()
        .unwrap();
    for mechanism in mechanisms.split(',') {
        let name = mechanism.replace('-', "___");
        let login = format!("KAFKA_LISTENER_NAME_SECURED_{name}_SASL_JAAS_CONFIG");
        assert!(environment[&login].is_string(), "no {login}");
    }
}

fn services(environment: &str) -> Value {
    file(environment)["services"].clone()
}

fn file(environment: &str) -> Value {
    let path = root()
        .join("docker")
        .join(environment)
        .join("docker-compose.yml");
    let text = fs::read_to_string(path).expect("the file is there");
    serde_saphyr::from_str(&text).expect("the file is YAML")
}
