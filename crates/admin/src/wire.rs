//! Our types as the generated messages spell them.

use std::time::Duration;

use ekafka_conn::TopicPartition;
use ekafka_protocol::StrBytes;
use ekafka_protocol::cold::{GroupId, TopicName};

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn topic_name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

pub(crate) fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// As a request carries it.
pub(crate) fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

/// Items by topic, in the order in which the topics first come.
pub(crate) fn by_topic<'a, T>(
    items: impl IntoIterator<Item = (&'a TopicPartition, T)>,
) -> Vec<(TopicName, Vec<T>)> {
    let mut topics: Vec<(TopicName, Vec<T>)> = Vec::new();
    for (partition, item) in items {
        let known = topics
            .iter_mut()
            .find(|(name, _)| *name.0 == *partition.topic);
        match known {
            Some((_, items)) => items.push(item),
            None => topics.push((topic_name(&partition.topic), vec![item])),
        }
    }
    topics
}
