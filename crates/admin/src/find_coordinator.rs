//! FindCoordinator, as every call to a coordinator does it.

use std::sync::Arc;

use ekafka_conn::{Broker, CoordinatorKind};
use ekafka_protocol::ApiKey;

use crate::client::Client;
use crate::error::AdminError;

impl Client {
    /// The broker that keeps a group or a transactional id, asked anew.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_conn::CoordinatorKind;
    ///
    /// println!("{}", client.find_coordinator(CoordinatorKind::Group, "shop").await?.address());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError::NoAnswer`] with the reason, also when the cluster refuses to tell.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn find_coordinator(
        &self,
        kind: CoordinatorKind,
        key: &str,
    ) -> Result<Broker, AdminError> {
        self.cluster.forget_coordinator(kind, key);
        let found = self.cluster.coordinator(kind, key).await;
        let id = found.map_err(|error| AdminError::NoAnswer {
            api: ApiKey::FIND_COORDINATOR,
            source: Arc::new(error),
        })?;
        let view = self.cluster.view();
        let known = view.broker(id);
        Ok(Broker {
            id: id.0,
            host: known.map_or_else(String::new, |known| known.address.host().to_owned()),
            port: known.map_or(0, |known| known.address.port()),
            rack: known.and_then(|known| known.rack.as_deref().map(str::to_owned)),
        })
    }
}
