//! DescribeConfigs, versions 1 to 4: a broker's settings are asked of that broker, all others of any.

use std::time::Duration;

use ekafka_protocol::cold::describe_configs_request::DescribeConfigsResource;
use ekafka_protocol::cold::describe_configs_response::DescribeConfigsResourceResult;
use ekafka_protocol::cold::{DescribeConfigsRequest, DescribeConfigsResponse};
use ekafka_protocol::{Request, StrBytes, VersionRange};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::config::{ConfigResource, ConfigSource};
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::text;

/// Which settings to read.
#[derive(Debug, Clone, Default)]
pub struct DescribeConfigs {
    resources: Vec<ConfigResource>,
    /// None means all.
    names: Option<Vec<String>>,
    synonyms: bool,
    documentation: bool,
}

impl DescribeConfigs {
    /// All settings of these resources.
    pub fn of(resources: impl IntoIterator<Item = ConfigResource>) -> Self {
        Self {
            resources: resources.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Only the settings of these names. Default: all.
    #[must_use]
    pub fn names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Also everything that would hold if the value in force did not. Default: off.
    #[must_use]
    pub fn synonyms(mut self, on: bool) -> Self {
        self.synonyms = on;
        self
    }

    /// Also Kafka's description of each setting; brokers from 2.6 on. Default: off.
    #[must_use]
    pub fn documentation(mut self, on: bool) -> Self {
        self.documentation = on;
        self
    }
}

impl<I: IntoIterator<Item = ConfigResource>> From<I> for DescribeConfigs {
    fn from(resources: I) -> Self {
        Self::of(resources)
    }
}

/// A setting and its value in force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigEntry {
    /// Its name.
    pub name: String,
    /// Its value; `None` when it has none or it is secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it is secret.
    pub is_sensitive: bool,
    /// Whether it cannot be changed while the broker runs.
    pub is_read_only: bool,
    /// What would hold one after the other, the value in force first; empty unless asked for.
    pub synonyms: Vec<ConfigSynonym>,
    /// Kafka's description; `None` unless asked for.
    pub documentation: Option<String>,
}

/// A value that a setting has in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigSynonym {
    /// The setting's name in that place.
    pub name: String,
    /// Its value there.
    pub value: Option<String>,
    /// The place.
    pub source: ConfigSource,
}

impl Client {
    /// The settings of topics, brokers and more.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::{ConfigResource, DescribeConfigs};
    ///
    /// let wanted = DescribeConfigs::of([ConfigResource::Topic("orders".into())])
    ///     .names(["retention.ms"])
    ///     .synonyms(true)
    ///     .documentation(true);
    /// for (resource, entries) in client.describe_configs(wanted).await?.all()? {
    ///     for entry in entries {
    ///         println!("{resource:?}: {} = {:?}", entry.name, entry.value);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no broker answers; what became of each resource is in the result.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn describe_configs(
        &self,
        wanted: impl Into<DescribeConfigs>,
    ) -> Result<Outcomes<ConfigResource, Vec<ConfigEntry>>, AdminError> {
        let call = wanted.into();
        let outcomes = self.call(&call, &call.resources).await?;
        Ok(Outcomes::new(
            call.resources.into_iter().zip(outcomes).collect(),
        ))
    }
}

impl Call for DescribeConfigs {
    type Request = DescribeConfigsRequest;
    type Item = ConfigResource;
    type Value = Vec<ConfigEntry>;

    fn versions(&self) -> VersionRange {
        let first = if self.documentation { 3 } else { 1 };
        DescribeConfigsRequest::VERSIONS.intersect(VersionRange::new(first, i16::MAX))
    }

    fn place<'a>(&'a self, resource: &'a ConfigResource) -> Place<'a> {
        resource.place(Place::Any)
    }

    fn subject(&self, resource: &ConfigResource) -> String {
        resource.subject()
    }

    fn ask(
        &self,
        resources: &[&ConfigResource],
        _version: i16,
        _patience: Duration,
    ) -> Result<DescribeConfigsRequest, &'static str> {
        let names = self.names.as_ref();
        let resources = resources.iter().map(|resource| {
            let (kind, name) = resource.wire();
            DescribeConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(&name))
                .with_configuration_keys(
                    names.map(|names| names.iter().map(|name| text(name)).collect()),
                )
        });
        Ok(DescribeConfigsRequest::default()
            .with_resources(resources.collect())
            .with_include_synonyms(self.synonyms)
            .with_include_documentation(self.documentation))
    }

    fn read(
        &self,
        resources: &[&ConfigResource],
        answer: DescribeConfigsResponse,
        _version: i16,
    ) -> Vec<Told<Vec<ConfigEntry>>> {
        let tell = |resource: &&ConfigResource| {
            let (kind, name) = resource.wire();
            let found = answer
                .results
                .iter()
                .find(|found| found.resource_type == kind && *found.resource_name == *name);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, found.error_message.as_deref(), || {
                    found.configs.iter().map(entry).collect()
                })
            })
        };
        resources.iter().map(tell).collect()
    }
}

fn entry(found: &DescribeConfigsResourceResult) -> ConfigEntry {
    let synonyms = found.synonyms.iter().map(|synonym| ConfigSynonym {
        name: synonym.name.to_string(),
        value: synonym.value.as_ref().map(StrBytes::to_string),
        source: ConfigSource::of(synonym.source),
    });
    ConfigEntry {
        name: found.name.to_string(),
        value: found.value.as_ref().map(StrBytes::to_string),
        source: ConfigSource::of(found.config_source),
        is_sensitive: found.is_sensitive,
        is_read_only: found.read_only,
        synonyms: synonyms.collect(),
        documentation: found
            .documentation
            .as_ref()
            .filter(|text| !text.is_empty())
            .map(StrBytes::to_string),
    }
}
