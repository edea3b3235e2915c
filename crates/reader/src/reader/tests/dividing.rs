//! What the leader gives to whom, as the members see it.

use std::collections::BTreeMap;
use std::time::Duration;

use ekafka_protocol::{ApiKey, VersionRange};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::timeout;

use super::setup::*;
use crate::event::Event;
use crate::reader::{Reader, Received};

/// Lets the members take events until nothing happens any more; what each then has, by topic.
async fn settle(members: &mut [Reader]) -> Vec<BTreeMap<String, Vec<i32>>> {
    let mut held = vec![BTreeMap::<String, Vec<i32>>::new(); members.len()];
    let mut quiet = 0;
    while quiet < 10 * members.len() {
        for (member, held) in members.iter_mut().zip(&mut held) {
            let soon = timeout(Duration::from_secs(1), member.recv()).await;
            quiet = if soon.is_err() { quiet + 1 } else { 0 };
            match soon {
                Ok(Ok(Received::Event(Event::Assigned(partitions)))) => {
                    for one in partitions {
                        let topic = held.entry(one.topic.to_string()).or_default();
                        topic.push(one.partition);
                    }
                }
                Ok(Ok(Received::Event(Event::Revoked(_)))) => held.clear(),
                Ok(other) => panic!("{other:?}"),
                Err(_) => {}
            }
        }
    }
    held
}

/// Members that join one by one, each with its topics; "a" has three partitions, "b" has two.
async fn divided(versions: VersionRange, topics: &[&[&str]]) -> Vec<BTreeMap<String, Vec<i32>>> {
    let kafka = EmbeddedKafka::builder().nodes(1).in_memory().strict();
    let kafka = kafka.limit_api(ApiKey::JOIN_GROUP, versions).start().await;
    let kafka = kafka.unwrap();
    kafka.create_topic("a", 3).unwrap();
    kafka.create_topic("b", 2).unwrap();
    let mut members = Vec::new();
    for topics in topics {
        let member = builder(&kafka).topics(topics.iter().copied()).group_id("g");
        members.push(member.build().unwrap());
        settle(&mut members).await;
    }
    settle_again(&kafka, &mut members).await
}

/// The division once more, from its beginning.
async fn settle_again(
    kafka: &EmbeddedKafka,
    members: &mut [Reader],
) -> Vec<BTreeMap<String, Vec<i32>>> {
    let code = ekafka_protocol::ErrorCode::REBALANCE_IN_PROGRESS;
    for _ in 0..members.len() {
        kafka.on_next(ApiKey::HEARTBEAT).error(code);
    }
    settle(members).await
}

fn has(topics: &[(&str, &[i32])]) -> BTreeMap<String, Vec<i32>> {
    let topics = topics.iter();
    topics
        .map(|(topic, partitions)| ((*topic).to_owned(), partitions.to_vec()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn t83_the_leader_divides_shared_and_unshared_topics_in_every_version() {
    for version in [1, 2, 5, 9] {
        let versions = VersionRange::new(version, version);
        assert_eq!(divided(versions, &[]).await, []);
        let alone = divided(versions, &[&["a"]]).await;
        assert_eq!(alone, [has(&[("a", &[0, 1, 2])])], "{version}");
        let alone = divided(versions, &[&["a", "b"]]).await;
        let all = has(&[("a", &[0, 1, 2]), ("b", &[0, 1])]);
        assert_eq!(alone, [all], "{version}");
        let mut shared = divided(versions, &[&["a"], &["a"]]).await;
        shared.sort();
        let halves = [has(&[("a", &[0])]), has(&[("a", &[1, 2])])];
        assert_eq!(shared, halves, "{version}");
        let unshared = divided(versions, &[&["a"], &["b"]]).await;
        let each = [has(&[("a", &[0, 1, 2])]), has(&[("b", &[0, 1])])];
        assert_eq!(unshared, each, "{version}");
        let mixed = divided(versions, &[&["a", "b"], &["b"]]).await;
        assert_eq!(mixed[0]["a"], [0, 1, 2], "{version}");
        let mut b = [mixed[0]["b"].clone(), mixed[1]["b"].clone()];
        b.sort();
        assert_eq!(b, [[0], [1]], "{version}");
        assert_eq!(mixed[1].len(), 1, "{version}");
    }
}
