//! DescribeGroups, versions 0 to 6, and ConsumerGroupDescribe, versions 0 and 1 (KIP-848): asked of each group's
//! coordinator.

use std::collections::BTreeMap;
use std::time::Duration;

use ekafka_conn::TopicPartition;
use ekafka_protocol::cold::consumer_group_describe_response as consumer;
use ekafka_protocol::cold::describe_groups_response as classic;
use ekafka_protocol::cold::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribeGroupsRequest,
    DescribeGroupsResponse,
};
use ekafka_protocol::consumer_protocol::{Subscription, decode_assignment};
use ekafka_protocol::{ErrorCode, StrBytes};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::group_id;

/// A group as its coordinator describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupDescription {
    /// The group's id.
    pub group_id: String,
    /// `classic` or `consumer` (KIP-848).
    pub group_type: &'static str,
    /// Its state: `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`; `Assigning`, `Reconciling` (KIP-848).
    pub state: String,
    /// What its members do: `consumer`; empty for a group that only has offsets.
    pub protocol_type: String,
    /// The assignment strategy chosen; empty while none is.
    pub assignor: String,
    /// Its members, by member id.
    pub members: Vec<MemberDescription>,
}

/// A member of a group as the coordinator describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberDescription {
    /// The id the coordinator gave it.
    pub member_id: String,
    /// Its own name, if it is a static member (KIP-345).
    pub instance_id: Option<String>,
    /// The client id it sends.
    pub client_id: String,
    /// The address it connects from.
    pub client_host: String,
    /// The topics it wants to read; empty while the group rebalances, or when its protocol is none of consumers.
    pub topics: Vec<String>,
    /// The partitions it is to read; empty as above.
    pub assignment: Vec<TopicPartition>,
}

impl Client {
    /// What the coordinators know about groups: state, strategy, members and their partitions.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// # let join = ekafka_admin::OffsetCommit::of("shop").offset(ekafka_conn::TopicPartition::new("orders", 0), 5);
    /// # client.offset_commit(join).await?.all()?;
    /// for (group, description) in client.describe_groups(["shop"]).await?.all()? {
    ///     println!("{group} is {:?}, {} members", description.state, description.members.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no coordinator answers; what became of each group is in the result. One that does not exist is
    /// refused with `GROUP_ID_NOT_FOUND`.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn describe_groups(
        &self,
        groups: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Outcomes<String, GroupDescription>, AdminError> {
        let groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        let mut outcomes = self.call(&Classic, &groups).await?;
        let is_missing = |outcome: &Result<GroupDescription, AdminError>| {
            let code = outcome.as_ref().err().and_then(AdminError::code);
            code == Some(ErrorCode::GROUP_ID_NOT_FOUND)
        };
        let missing: Vec<usize> = (0..groups.len())
            .filter(|at| outcomes.get(*at).is_some_and(is_missing))
            .collect();
        let others: Vec<String> = missing.iter().map(|at| groups[*at].clone()).collect();
        // Brokers that do not have this kind of group do not know the request.
        let found = self.call(&Consumer, &others).await.unwrap_or_default();
        for (at, found) in missing.into_iter().zip(found) {
            if found.is_ok() {
                outcomes[at] = found;
            }
        }
        Ok(Outcomes::new(groups.into_iter().zip(outcomes).collect()))
    }
}

/// Groups of the classic protocol.
struct Classic;

/// Groups of the consumer protocol (KIP-848).
struct Consumer;

impl Call for Classic {
    type Request = DescribeGroupsRequest;
    type Item = String;
    type Value = GroupDescription;

    fn place<'a>(&'a self, group: &'a String) -> Place<'a> {
        Place::Group(group)
    }

    fn ask(
        &self,
        groups: &[&String],
        _version: i16,
        _patience: Duration,
    ) -> Result<DescribeGroupsRequest, &'static str> {
        let ids = groups.iter().map(|group| group_id(group)).collect();
        Ok(DescribeGroupsRequest::default().with_groups(ids))
    }

    fn read(
        &self,
        groups: &[&String],
        answer: DescribeGroupsResponse,
        _version: i16,
    ) -> Vec<Told<GroupDescription>> {
        let tell = |group: &&String| {
            let found = answer
                .groups
                .iter()
                .find(|found| *found.group_id.0 == ***group);
            found.map_or(Told::Nothing, |found| {
                // Before version 6 a group that does not exist is a dead one.
                if found.error_code == 0 && &*found.group_state == "Dead" {
                    return Told::Refused(ErrorCode::GROUP_ID_NOT_FOUND, None);
                }
                let message = found.error_message.as_deref();
                Told::of(found.error_code, message, || of_classic(found))
            })
        };
        groups.iter().map(tell).collect()
    }
}

impl Call for Consumer {
    type Request = ConsumerGroupDescribeRequest;
    type Item = String;
    type Value = GroupDescription;

    fn place<'a>(&'a self, group: &'a String) -> Place<'a> {
        Place::Group(group)
    }

    fn ask(
        &self,
        groups: &[&String],
        _version: i16,
        _patience: Duration,
    ) -> Result<ConsumerGroupDescribeRequest, &'static str> {
        let ids = groups.iter().map(|group| group_id(group)).collect();
        Ok(ConsumerGroupDescribeRequest::default().with_group_ids(ids))
    }

    fn read(
        &self,
        groups: &[&String],
        answer: ConsumerGroupDescribeResponse,
        _version: i16,
    ) -> Vec<Told<GroupDescription>> {
        let tell = |group: &&String| {
            let found = answer
                .groups
                .iter()
                .find(|found| *found.group_id.0 == ***group);
            found.map_or(Told::Nothing, |found| {
                let message = found.error_message.as_deref();
                Told::of(found.error_code, message, || of_consumer(found))
            })
        };
        groups.iter().map(tell).collect()
    }
}

fn of_classic(found: &classic::DescribedGroup) -> GroupDescription {
    let member = |member: &classic::DescribedGroupMember| {
        // Only consumers promise this form; what others say is theirs.
        let topics = Subscription::decode(&member.member_metadata).map(|told| told.topics);
        let assigned = decode_assignment(&member.member_assignment).unwrap_or_default();
        MemberDescription {
            member_id: member.member_id.to_string(),
            instance_id: member.group_instance_id.as_ref().map(StrBytes::to_string),
            client_id: member.client_id.to_string(),
            client_host: host(&member.client_host),
            topics: topics.unwrap_or_default(),
            assignment: flat(assigned),
        }
    };
    GroupDescription {
        group_id: found.group_id.to_string(),
        group_type: "classic",
        state: found.group_state.to_string(),
        protocol_type: found.protocol_type.to_string(),
        assignor: found.protocol_data.to_string(),
        members: by_id(found.members.iter().map(member).collect()),
    }
}

fn of_consumer(found: &consumer::DescribedGroup) -> GroupDescription {
    let member = |member: &consumer::Member| {
        let names = member.subscribed_topic_names.iter();
        let mut assigned: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for topic in &member.assignment.topic_partitions {
            let known = assigned.entry(topic.topic_name.to_string()).or_default();
            known.extend_from_slice(&topic.partitions);
        }
        MemberDescription {
            member_id: member.member_id.to_string(),
            instance_id: member.instance_id.as_ref().map(StrBytes::to_string),
            client_id: member.client_id.to_string(),
            client_host: host(&member.client_host),
            topics: names.map(|name| name.to_string()).collect(),
            assignment: flat(assigned),
        }
    };
    GroupDescription {
        group_id: found.group_id.to_string(),
        group_type: "consumer",
        state: found.group_state.to_string(),
        protocol_type: "consumer".to_owned(),
        assignor: found.assignor_name.to_string(),
        members: by_id(found.members.iter().map(member).collect()),
    }
}

fn flat(partitions: BTreeMap<String, Vec<i32>>) -> Vec<TopicPartition> {
    let mut flat = Vec::new();
    for (topic, mut numbers) in partitions {
        numbers.sort_unstable();
        let topic: std::sync::Arc<str> = topic.into();
        flat.extend(
            numbers
                .into_iter()
                .map(|number| TopicPartition::new(topic.clone(), number)),
        );
    }
    flat
}

fn by_id(mut members: Vec<MemberDescription>) -> Vec<MemberDescription> {
    members.sort_by(|left, right| left.member_id.cmp(&right.member_id));
    members
}

/// Kafka writes a slash before addresses.
fn host(told: &str) -> String {
    told.trim_start_matches('/').to_owned()
}
