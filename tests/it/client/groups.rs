use std::time::Duration;

use ekafka_admin::{AdminError, ListGroups, OffsetCommit, OffsetFetch};
use ekafka_conn::CoordinatorKind;
use ekafka_protocol::ErrorCode;
use ekafka_reader::{Event, Reader, Received};

use super::{at, client};
use crate::support::{Kafka, in_time};

/// A member of the group that has its partitions.
async fn member(kafka: &Kafka, topic: &str, group: &str) -> Reader {
    let mut reader = kafka.member(topic, group).build().expect("a reader");
    loop {
        let received = in_time(reader.recv()).await.expect("no failure");
        if let Received::Event(Event::Assigned { .. }) = received {
            return reader;
        }
    }
}

#[tokio::test]
async fn t164_offsets_are_committed_from_outside_fetched_and_deleted() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(3).await;
    let group = kafka.unique("group");
    let partitions = [0, 1, 2].map(|partition| at(&topic, partition));
    let commit = partitions
        .iter()
        .fold(OffsetCommit::of(&group), |commit, partition| {
            commit.offset(partition.clone(), 10)
        });
    client.offset_commit(commit).await.unwrap().all().unwrap();

    let fetch = async || {
        let wanted = OffsetFetch::all_of(&group).partitions(partitions.clone());
        let found = client.offset_fetch(wanted).await.unwrap().all().unwrap();
        let offsets = found
            .into_iter()
            .map(|(_, found)| found.map(|found| found.offset));
        offsets.collect::<Vec<_>>()
    };
    assert_eq!(fetch().await, [Some(10); 3]);
    let deleted = client
        .offset_delete(&group, partitions[..2].iter().cloned())
        .await;
    deleted.unwrap().all().unwrap();
    assert_eq!(fetch().await, [None, None, Some(10)]);
}

#[tokio::test]
async fn an_offset_keeps_its_text_and_a_missing_topic_is_refused_alone() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(1).await;
    let (group, absent) = (kafka.unique("group"), kafka.unique("absent"));
    let commit = OffsetCommit::of(&group)
        .offset_with(at(&topic, 0), 7, None, "why")
        .offset(at(&absent, 0), 7);
    let outcomes = client.offset_commit(commit).await.unwrap();
    let codes: Vec<Option<ErrorCode>> = outcomes
        .iter()
        .map(|(_, outcome)| outcome.err().and_then(AdminError::code))
        .collect();
    assert_eq!(codes, [None, Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)]);
    let found = client
        .offset_fetch(group.as_str())
        .await
        .unwrap()
        .all()
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.as_ref().unwrap().metadata, "why");
}

#[tokio::test]
async fn t165_t166_a_live_group_is_described_listed_and_not_deleted() {
    let kafka = Kafka::start_slow(Duration::from_secs(10), "a group comes together").await;
    let client = client(&kafka);
    let topic = kafka.topic(2).await;
    let group = kafka.unique("group");
    let reader = member(&kafka, &topic, &group).await;

    let found = client
        .describe_groups([&group])
        .await
        .unwrap()
        .all()
        .unwrap();
    let described = &found[0].1;
    assert_eq!(described.state, "Stable");
    assert_eq!(described.protocol_type, "consumer");
    let [member] = &described.members[..] else {
        panic!("{described:?}");
    };
    assert_eq!(member.topics, std::slice::from_ref(&topic));
    assert_eq!(member.assignment, [at(&topic, 0), at(&topic, 1)]);
    assert!(!member.member_id.is_empty() && !member.client_host.is_empty());

    let listed = client
        .list_groups(ListGroups::all())
        .await
        .unwrap()
        .all()
        .unwrap();
    let mut listed = listed.iter().flat_map(|(_, groups)| groups);
    let ours = listed.find(|listed| listed.group_id == group).unwrap();
    assert_eq!(ours.protocol_type, "consumer");
    let coordinator = client
        .find_coordinator(CoordinatorKind::Group, &group)
        .await;
    assert_eq!(coordinator.unwrap().id, ours.coordinator.0);

    let refused = client
        .delete_groups([&group])
        .await
        .unwrap()
        .all()
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NON_EMPTY_GROUP));
    let commit = OffsetCommit::of(&group).offset(at(&topic, 0), 1);
    let refused = client
        .offset_commit(commit)
        .await
        .unwrap()
        .all()
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::UNKNOWN_MEMBER_ID));
    let refused = client.offset_delete(&group, [at(&topic, 0)]).await.unwrap();
    let refused = refused.all().unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC));

    in_time(reader.close()).await.unwrap();
    client.delete_groups([&group]).await.unwrap().all().unwrap();
    let gone = client
        .describe_groups([&group])
        .await
        .unwrap()
        .all()
        .unwrap_err();
    assert_eq!(gone.code(), Some(ErrorCode::GROUP_ID_NOT_FOUND));
}
