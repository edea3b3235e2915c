//! ListGroups, versions 0 to 5: asked of every broker, because each knows the groups that it coordinates.

use std::time::Duration;

use ekafka_conn::BrokerId;
use ekafka_protocol::cold::{ListGroupsRequest, ListGroupsResponse};
use ekafka_protocol::{Request, StrBytes, VersionRange};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::metadata::Metadata;
use crate::outcomes::Outcomes;
use crate::wire::text;

/// Which groups to list.
#[derive(Debug, Clone, Default)]
pub struct ListGroups {
    states: Vec<String>,
    types: Vec<String>,
}

impl ListGroups {
    /// All groups.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only groups in one of these states, such as `Stable` or `Empty` (KIP-518); brokers from 2.6 on. Default: all.
    #[must_use]
    pub fn states(mut self, states: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.states = states.into_iter().map(Into::into).collect();
        self
    }

    /// Only groups of these types, such as `classic` or `consumer` (KIP-848); brokers from 3.8 on. Default: all.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }
}

/// A group as its coordinator lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupListing {
    /// The group's id.
    pub group_id: String,
    /// What its members do: `consumer`; empty for a group that only has offsets.
    pub protocol_type: String,
    /// Its state; `None` from brokers before 2.6.
    pub state: Option<String>,
    /// Its type; `None` from brokers before 3.8.
    pub group_type: Option<String>,
    /// Its coordinator.
    pub coordinator: BrokerId,
}

impl Client {
    /// The groups of the cluster, by coordinator.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// # let join = ekafka_admin::OffsetCommit::of("shop").offset(ekafka_conn::TopicPartition::new("orders", 0), 5);
    /// # client.offset_commit(join).await?.all()?;
    /// use ekafka_admin::ListGroups;
    ///
    /// let idle = ListGroups::all().states(["Empty"]).types(["classic"]);
    /// for (broker, groups) in client.list_groups(idle).await?.all()? {
    ///     println!("{broker:?} coordinates {} of them", groups.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no broker answers; a broker that does not, or refuses, is in the result.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn list_groups(
        &self,
        which: ListGroups,
    ) -> Result<Outcomes<BrokerId, Vec<GroupListing>>, AdminError> {
        let brokers = self.every_broker().await?;
        let outcomes = self.call(&which, &brokers).await?;
        Ok(Outcomes::new(brokers.into_iter().zip(outcomes).collect()))
    }

    /// The ids of all brokers that are up.
    pub(crate) async fn every_broker(&self) -> Result<Vec<BrokerId>, AdminError> {
        let known = self.metadata(Metadata::brokers_only()).await?;
        let mut ids: Vec<BrokerId> = known
            .brokers
            .iter()
            .map(|known| BrokerId(known.id))
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }
}

impl Call for ListGroups {
    type Request = ListGroupsRequest;
    type Item = BrokerId;
    type Value = Vec<GroupListing>;

    fn versions(&self) -> VersionRange {
        let first = match (self.states.is_empty(), self.types.is_empty()) {
            (_, false) => FIRST_WITH_TYPES,
            (false, true) => FIRST_WITH_STATES,
            (true, true) => 0,
        };
        ListGroupsRequest::VERSIONS.intersect(VersionRange::new(first, i16::MAX))
    }

    fn place<'a>(&'a self, broker: &'a BrokerId) -> Place<'a> {
        Place::Broker(*broker)
    }

    fn ask(
        &self,
        _brokers: &[&BrokerId],
        _version: i16,
        _patience: Duration,
    ) -> Result<ListGroupsRequest, &'static str> {
        Ok(ListGroupsRequest::default()
            .with_states_filter(self.states.iter().map(|state| text(state)).collect())
            .with_types_filter(self.types.iter().map(|name| text(name)).collect()))
    }

    fn read(
        &self,
        brokers: &[&BrokerId],
        answer: ListGroupsResponse,
        version: i16,
    ) -> Vec<Told<Vec<GroupListing>>> {
        let told = |given: &StrBytes, first| (version >= first).then(|| given.to_string());
        let tell = |broker: &&BrokerId| {
            Told::of(answer.error_code, None, || {
                let groups = answer.groups.iter().map(|listed| GroupListing {
                    group_id: listed.group_id.to_string(),
                    protocol_type: listed.protocol_type.to_string(),
                    state: told(&listed.group_state, FIRST_WITH_STATES),
                    group_type: told(&listed.group_type, FIRST_WITH_TYPES),
                    coordinator: **broker,
                });
                groups.collect()
            })
        };
        brokers.iter().map(tell).collect()
    }
}

const FIRST_WITH_STATES: i16 = 4;
const FIRST_WITH_TYPES: i16 = 5;
