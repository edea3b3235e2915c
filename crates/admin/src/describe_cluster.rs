//! DescribeCluster, versions 0 to 2 (KIP-700): asked of any broker.

use std::time::Duration;

use ekafka_conn::{Broker, BrokerId};
use ekafka_protocol::cold::{DescribeClusterRequest, DescribeClusterResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;

/// A cluster, without its topics.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterDescription {
    /// The cluster's id.
    pub cluster_id: String,
    /// The broker for administrative requests, if there is one.
    pub controller: Option<BrokerId>,
    /// The brokers, by id.
    pub brokers: Vec<Broker>,
}

impl Client {
    /// The cluster's id, controller and brokers; from brokers before 2.8 by [`metadata`](Self::metadata) only.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// let cluster = client.describe_cluster().await?;
    /// println!("{:?}: {} brokers", cluster.cluster_id, cluster.brokers.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no broker answers or refuses.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription, AdminError> {
        self.call_one(&DescribeCluster, ()).await
    }
}

struct DescribeCluster;

impl Call for DescribeCluster {
    type Request = DescribeClusterRequest;
    type Item = ();
    type Value = ClusterDescription;

    fn place<'a>(&'a self, (): &'a ()) -> Place<'a> {
        Place::Any
    }

    fn ask(
        &self,
        _items: &[&()],
        _version: i16,
        _patience: Duration,
    ) -> Result<DescribeClusterRequest, &'static str> {
        Ok(DescribeClusterRequest::default())
    }

    fn read(
        &self,
        _items: &[&()],
        answer: DescribeClusterResponse,
        _version: i16,
    ) -> Vec<Told<ClusterDescription>> {
        let message = answer.error_message.as_deref();
        vec![Told::of(answer.error_code, message, || described(&answer))]
    }
}

fn described(answer: &DescribeClusterResponse) -> ClusterDescription {
    let broker = answer.brokers.iter().map(|broker| Broker {
        id: broker.broker_id.0,
        host: broker.host.to_string(),
        port: u16::try_from(broker.port).unwrap_or(0),
        rack: broker.rack.as_deref().map(str::to_owned),
    });
    let mut brokers: Vec<Broker> = broker.collect();
    brokers.sort_unstable_by_key(|broker| broker.id);
    ClusterDescription {
        cluster_id: answer.cluster_id.to_string(),
        controller: Some(BrokerId(answer.controller_id.0)).filter(|id| id.0 >= 0),
        brokers,
    }
}
