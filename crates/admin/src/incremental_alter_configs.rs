//! IncrementalAlterConfigs, versions 0 and 1 (KIP-339): a broker's settings are changed by that broker, all others by the
//! controller.

use std::time::Duration;

use ekafka_protocol::cold::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use ekafka_protocol::cold::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::config::ConfigResource;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::text;

/// What happens to one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigChange {
    /// It has this value from now on.
    Set(String),
    /// It has its default again.
    Delete,
    /// A setting that is a list gets this value too.
    Append(String),
    /// A setting that is a list loses this value.
    Subtract(String),
}

/// Changes of settings.
#[derive(Debug, Clone, Default)]
pub struct IncrementalAlterConfigs {
    resources: Vec<Altered>,
    validate_only: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Altered {
    resource: ConfigResource,
    changes: Vec<(String, ConfigChange)>,
}

impl IncrementalAlterConfigs {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes one setting of a resource; others of the same resource may follow and are changed together.
    #[must_use]
    pub fn change(
        mut self,
        resource: ConfigResource,
        name: impl Into<String>,
        change: ConfigChange,
    ) -> Self {
        let change = (name.into(), change);
        let known = self.resources.iter_mut();
        match known.into_iter().find(|known| known.resource == resource) {
            Some(known) => known.changes.push(change),
            None => self.resources.push(Altered {
                resource,
                changes: vec![change],
            }),
        }
        self
    }

    /// Only finds out whether it could be done. Default: off.
    #[must_use]
    pub fn validate_only(mut self, on: bool) -> Self {
        self.validate_only = on;
        self
    }
}

impl Client {
    /// Changes settings and leaves all others as they are; brokers from 2.3 on.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::{ConfigChange, ConfigResource, IncrementalAlterConfigs};
    ///
    /// let a_day = ConfigChange::Set("86400000".into());
    /// let orders = ConfigResource::Topic("orders".into());
    /// let changes = IncrementalAlterConfigs::new().change(orders, "retention.ms", a_day);
    /// client.incremental_alter_configs(changes.clone().validate_only(true)).await?.all()?;
    /// client.incremental_alter_configs(changes).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no broker answers; what became of each resource is in the result. A resource is changed as a
    /// whole or not at all.
    ///
    /// # Cancel safety
    /// Safe; the settings may be changed all the same.
    pub async fn incremental_alter_configs(
        &self,
        changes: IncrementalAlterConfigs,
    ) -> Result<Outcomes<ConfigResource, ()>, AdminError> {
        let outcomes = self.call(&changes, &changes.resources).await?;
        let resources = changes
            .resources
            .into_iter()
            .map(|altered| altered.resource);
        Ok(Outcomes::new(resources.zip(outcomes).collect()))
    }
}

impl Call for IncrementalAlterConfigs {
    type Request = IncrementalAlterConfigsRequest;
    type Item = Altered;
    type Value = ();

    fn place<'a>(&'a self, altered: &'a Altered) -> Place<'a> {
        altered.resource.place(Place::Controller)
    }

    fn subject(&self, altered: &Altered) -> String {
        altered.resource.subject()
    }

    fn ask(
        &self,
        resources: &[&Altered],
        _version: i16,
        _patience: Duration,
    ) -> Result<IncrementalAlterConfigsRequest, &'static str> {
        let resources = resources.iter().map(|altered| {
            let (kind, name) = altered.resource.wire();
            AlterConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(&name))
                .with_configs(altered.changes.iter().map(alterable).collect())
        });
        Ok(IncrementalAlterConfigsRequest::default()
            .with_resources(resources.collect())
            .with_validate_only(self.validate_only))
    }

    fn read(
        &self,
        resources: &[&Altered],
        answer: IncrementalAlterConfigsResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |altered: &&Altered| {
            let (kind, name) = altered.resource.wire();
            let found = answer
                .responses
                .iter()
                .find(|found| found.resource_type == kind && *found.resource_name == *name);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, found.error_message.as_deref(), || ())
            })
        };
        resources.iter().map(tell).collect()
    }
}

fn alterable((name, change): &(String, ConfigChange)) -> AlterableConfig {
    let (operation, value) = match change {
        ConfigChange::Set(value) => (0, Some(value)),
        ConfigChange::Delete => (1, None),
        ConfigChange::Append(value) => (2, Some(value)),
        ConfigChange::Subtract(value) => (3, Some(value)),
    };
    AlterableConfig::default()
        .with_name(text(name))
        .with_config_operation(operation)
        .with_value(value.map(|value| text(value)))
}
