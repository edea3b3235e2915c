//! Polling a group: events, how many, and in which order.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ekafka::{Component, ComponentError, ConsumerGroup, ErrorCode, GroupEvent, Record};
use ekafka_testkit::EmbeddedKafka;

use crate::rig::{component, kafka, soon};

const TOML: &str = r#"
    [kafka]
    brokers = ["127.0.0.1:9092", "127.0.0.1:9093", "127.0.0.1:9094"]
    [kafka.client]
    timeout = "3s"
    [kafka.producers.p1]
    topic = "my-topic"
    batchTimeout = "auto"
    [kafka.consumerGroups.cg1]
    JoinGroupBackoff = "1s"
    groupID = "group-1"
    topic = "my-topic"
    [kafka.consumerGroups.cg2]
    JoinGroupBackoff = "1s"
    groupID = "group-1"
    topic = "my-topic"
"#;

async fn setup() -> (EmbeddedKafka, Component) {
    let kafka = kafka().await;
    kafka.create_topic("my-topic", 3).unwrap();
    let component = component(&kafka, TOML);
    (kafka, component)
}

/// S2.19, S2.21, S2.22, S2.25: one assignment, then the message; closing ends the polls.
#[tokio::test(start_paused = true)]
async fn a_lone_member_is_assigned_once_and_gets_the_message() {
    let (_kafka, component) = setup().await;
    let group = component.consumer_group("cg1");
    let GroupEvent::AssignedPartitions(assigned) = soon(group.poll()).await.unwrap() else {
        panic!("the assignment comes first");
    };
    let partitions = assigned.partitions.iter();
    let partitions: Vec<_> = partitions
        .map(|at| (&*at.topic, at.partition, at.offset))
        .collect();
    assert_eq!(
        partitions,
        [
            ("my-topic", 0, -2),
            ("my-topic", 1, -2),
            ("my-topic", 2, -2)
        ]
    );
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("hello").partition(1)]))
        .await
        .unwrap();
    let GroupEvent::Message(message) = soon(group.poll()).await.unwrap() else {
        panic!("then the message");
    };
    assert_eq!(message.value(), Some(&b"hello"[..]));
    soon(group.commit_messages(&[message])).await.unwrap();
    soon(group.close()).await.unwrap();
    let after = group.poll().await;
    assert!(matches!(after, Err(ComponentError::Closed)), "{after:?}");

    // The next member hears where it begins.
    let GroupEvent::AssignedPartitions(assigned) =
        soon(component.consumer_group("cg1").poll()).await.unwrap()
    else {
        panic!("the assignment comes first");
    };
    let offsets: Vec<i64> = assigned.partitions.iter().map(|at| at.offset).collect();
    assert_eq!(offsets, [-2, 1, -2]);
}

/// S2.23: the documents' test of two members: three assignments and one revocation in all.
#[tokio::test(start_paused = true)]
async fn two_members_see_three_assignments_and_one_revocation() {
    let (_kafka, component) = setup().await;
    let (one, two) = (
        component.consumer_group("cg1"),
        component.consumer_group("cg2"),
    );
    let mut counts = Counts::default();
    counts.see(soon(one.poll()).await.unwrap());
    assert_eq!((counts.assigned, counts.revoked), (1, 0));

    let producer = component.producer("p1");
    let mut polls: [Poll<'_>; 2] = [Box::pin(one.poll()), Box::pin(two.poll())];
    soon(async {
        while counts.messages == 0 {
            let [first, second] = &mut polls;
            let (index, event) = tokio::select! {
                event = first => (0, event.unwrap()),
                event = second => (1, event.unwrap()),
            };
            let group = [&one, &two][index];
            if let GroupEvent::Message(message) = &event {
                group
                    .commit_messages(std::slice::from_ref(message))
                    .await
                    .unwrap();
            }
            counts.see(event);
            polls[index] = Box::pin(group.poll());
            if counts.assigned == 3 {
                producer
                    .write_messages(&[Record::new("one")])
                    .await
                    .unwrap();
            }
        }
    })
    .await;
    assert_eq!((counts.assigned, counts.revoked), (3, 1));
}

type Poll<'g> = Pin<Box<dyn Future<Output = Result<GroupEvent, ComponentError>> + 'g>>;

#[derive(Default)]
struct Counts {
    assigned: u32,
    revoked: u32,
    messages: u32,
}

impl Counts {
    fn see(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::AssignedPartitions(_) => self.assigned += 1,
            GroupEvent::RevokedPartitions(revoked) => {
                assert!(!revoked.is_lost);
                assert_eq!(revoked.partitions.len(), 3);
                self.revoked += 1;
            }
            GroupEvent::Message(_) => self.messages += 1,
            other => panic!("{other:?}"),
        }
    }
}

/// S2.20: giving a poll up after its time loses nothing.
#[tokio::test(start_paused = true)]
async fn a_poll_that_is_given_up_loses_nothing() {
    let (_kafka, component) = setup().await;
    let group = component.consumer_group("cg1");
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("a"), Record::new("b")]))
        .await
        .unwrap();
    let (mut messages, mut assigned) = (Vec::new(), 0);
    soon(async {
        while messages.len() < 2 {
            match tokio::time::timeout(Duration::from_micros(300), group.poll()).await {
                Err(_) => {}
                Ok(Ok(GroupEvent::Message(message))) => {
                    messages.push(message.value().unwrap().to_vec());
                }
                Ok(Ok(GroupEvent::AssignedPartitions(all))) => {
                    assert_eq!(all.partitions.len(), 3);
                    assigned += 1;
                }
                Ok(other) => panic!("{other:?}"),
            }
        }
    })
    .await;
    messages.sort();
    assert_eq!(messages, [b"a", b"b"]);
    assert_eq!(assigned, 1);
}

/// S2.24: an error is an event, and the member goes on (D-04).
#[tokio::test(start_paused = true)]
async fn an_error_is_an_event_and_not_the_end() {
    let (kafka, component) = setup().await;
    kafka
        .on_next(ekafka::ApiKey::JOIN_GROUP)
        .error(ErrorCode::GROUP_AUTHORIZATION_FAILED)
        .times(1);
    let group = component.consumer_group("cg1");
    let event = soon(group.poll()).await.unwrap();
    let GroupEvent::Error(error) = event else {
        panic!("{event:?}");
    };
    assert!(
        error.to_string().contains("GROUP_AUTHORIZATION_FAILED"),
        "{error}"
    );
    let event = soon(group.poll()).await.unwrap();
    assert!(
        matches!(event, GroupEvent::AssignedPartitions(_)),
        "{event:?}"
    );
}

/// D-05: whoever waits is not in the way of closing, and neither is a message that nobody takes.
#[tokio::test(start_paused = true)]
async fn closing_ends_a_poll_that_waits() {
    let (_kafka, component) = setup().await;
    let group = component.consumer_group("cg1");
    soon(group.poll()).await.unwrap();
    let waiting = tokio::spawn({
        let group: Arc<ConsumerGroup> = Arc::clone(&group);
        async move { group.poll().await }
    });
    tokio::task::yield_now().await;
    soon(group.close()).await.unwrap();
    let ended = soon(waiting).await.unwrap();
    assert!(matches!(ended, Err(ComponentError::Closed)), "{ended:?}");
}
