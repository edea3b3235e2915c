//! Topics made and deleted.

use ekafka::{ComponentError, ErrorCode};
use ekafka_testkit::EmbeddedKafka;

use super::*;
use crate::rig::soon;

/// S4.5, S4.6: made once, deleted together, refused with the cluster's reason.
#[tokio::test]
async fn topics_are_made_and_deleted() {
    let kafka = EmbeddedKafka::builder().start().await.unwrap();
    let address = kafka.bootstrap();
    soon(create_topic(&address, "one", 2, 1)).await.unwrap();
    soon(create_topic(&address, "one", 2, 1)).await.unwrap();
    soon(create_topic(&address, "two", 1, 1)).await.unwrap();
    assert!(kafka.offsets("one", 1).is_ok());
    assert!(kafka.offsets("one", 2).is_err());
    let refused = soon(create_topic(&address, "three", 1, 99))
        .await
        .unwrap_err();
    let ComponentError::Admin(refused) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refused.code(), Some(ErrorCode::INVALID_REPLICATION_FACTOR));
    soon(delete_topic(&address, ["one", "two"])).await.unwrap();
    assert!(kafka.offsets("one", 0).is_err() && kafka.offsets("two", 0).is_err());
    soon(delete_topic(&address, ["one"])).await.unwrap_err();
}

/// A broker's own calls use its connections.
#[tokio::test(start_paused = true)]
async fn a_broker_makes_and_deletes_topics() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    soon(broker.create_topic("one", 3, 1)).await.unwrap();
    assert!(kafka.offsets("one", 2).is_ok());
    soon(broker.delete_topic(["one"])).await.unwrap();
    assert!(kafka.offsets("one", 0).is_err());
}
