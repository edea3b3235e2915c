//! DeleteGroups, versions 0 to 2: asked of each group's coordinator.

use std::time::Duration;

use ekafka_protocol::cold::{DeleteGroupsRequest, DeleteGroupsResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::group_id;

impl Client {
    /// Deletes groups with their offsets. Only groups without members.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// # let join = ekafka_admin::OffsetCommit::of("shop").offset(ekafka_conn::TopicPartition::new("orders", 0), 5);
    /// # client.offset_commit(join).await?.all()?;
    /// client.delete_groups(["shop"]).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no coordinator answers; what became of each group is in the result. One with members is refused
    /// with `NON_EMPTY_GROUP`, one that does not exist with `GROUP_ID_NOT_FOUND`.
    ///
    /// # Cancel safety
    /// Safe; the groups may be deleted all the same.
    pub async fn delete_groups(
        &self,
        groups: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Outcomes<String, ()>, AdminError> {
        let groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        let outcomes = self.call(&DeleteGroups, &groups).await?;
        Ok(Outcomes::new(groups.into_iter().zip(outcomes).collect()))
    }
}

struct DeleteGroups;

impl Call for DeleteGroups {
    type Request = DeleteGroupsRequest;
    type Item = String;
    type Value = ();

    fn place<'a>(&'a self, group: &'a String) -> Place<'a> {
        Place::Group(group)
    }

    fn ask(
        &self,
        groups: &[&String],
        _version: i16,
        _patience: Duration,
    ) -> Result<DeleteGroupsRequest, &'static str> {
        let ids = groups.iter().map(|group| group_id(group)).collect();
        Ok(DeleteGroupsRequest::default().with_groups_names(ids))
    }

    fn read(
        &self,
        groups: &[&String],
        answer: DeleteGroupsResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |group: &&String| {
            let found = answer
                .results
                .iter()
                .find(|found| *found.group_id.0 == ***group);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, None, || ())
            })
        };
        groups.iter().map(tell).collect()
    }
}
