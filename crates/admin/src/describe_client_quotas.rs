//! DescribeClientQuotas, versions 0 and 1 (KIP-546): asked of the controller.

use std::collections::BTreeMap;
use std::time::Duration;

use ekafka_protocol::StrBytes;
use ekafka_protocol::cold::describe_client_quotas_request::ComponentData;
use ekafka_protocol::cold::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::quota::QuotaEntity;
use crate::wire::text;

/// Which quotas to read.
#[derive(Debug, Clone, Default)]
pub struct DescribeClientQuotas {
    /// Kind, how it is compared, and the name where that matters.
    components: Vec<(String, i8, Option<String>)>,
    strict: bool,
}

impl DescribeClientQuotas {
    /// All quotas.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only of entities with this name of the kind (`user`, `client-id`, `ip`).
    #[must_use]
    pub fn named(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        self.components
            .push((kind.into(), EXACT, Some(name.into())));
        self
    }

    /// Only of the default of the kind.
    #[must_use]
    pub fn default_of(mut self, kind: impl Into<String>) -> Self {
        self.components.push((kind.into(), DEFAULT, None));
        self
    }

    /// Only of entities that have the kind at all.
    #[must_use]
    pub fn any(mut self, kind: impl Into<String>) -> Self {
        self.components.push((kind.into(), ANY, None));
        self
    }

    /// Only of entities without further kinds. Default: off.
    #[must_use]
    pub fn strict(mut self, on: bool) -> Self {
        self.strict = on;
        self
    }
}

impl Client {
    /// The quotas of users, client ids and addresses: values by name, such as `producer_byte_rate`. Brokers from 2.6 on.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::DescribeClientQuotas;
    ///
    /// // Those of one client, of the default client, of any; and of nothing else beside.
    /// let one = DescribeClientQuotas::all().named("client-id", "importer").strict(true);
    /// let by_default = DescribeClientQuotas::all().default_of("client-id");
    /// let any = DescribeClientQuotas::all().any("client-id");
    /// for which in [one, by_default, any] {
    ///     for (entity, quotas) in client.describe_client_quotas(which).await? {
    ///         println!("{entity:?}: {quotas:?}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no broker answers or refuses.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn describe_client_quotas(
        &self,
        which: DescribeClientQuotas,
    ) -> Result<Vec<(QuotaEntity, BTreeMap<String, f64>)>, AdminError> {
        self.call_one(&which, ()).await
    }
}

impl Call for DescribeClientQuotas {
    type Request = DescribeClientQuotasRequest;
    type Item = ();
    type Value = Vec<(QuotaEntity, BTreeMap<String, f64>)>;

    fn place<'a>(&'a self, (): &'a ()) -> Place<'a> {
        Place::Controller
    }

    fn ask(
        &self,
        _items: &[&()],
        _version: i16,
        _patience: Duration,
    ) -> Result<DescribeClientQuotasRequest, &'static str> {
        let components = self.components.iter().map(|(kind, comparison, name)| {
            ComponentData::default()
                .with_entity_type(text(kind))
                .with_match_type(*comparison)
                .with_match(name.as_deref().map(text))
        });
        Ok(DescribeClientQuotasRequest::default()
            .with_components(components.collect())
            .with_strict(self.strict))
    }

    fn read(
        &self,
        _items: &[&()],
        answer: DescribeClientQuotasResponse,
        _version: i16,
    ) -> Vec<Told<Self::Value>> {
        let message = answer.error_message.as_deref();
        vec![Told::of(answer.error_code, message, || described(&answer))]
    }
}

fn described(answer: &DescribeClientQuotasResponse) -> Vec<(QuotaEntity, BTreeMap<String, f64>)> {
    let entries = answer.entries.iter().flatten().map(|entry| {
        let parts = entry.entity.iter().map(|part| {
            let name = part.entity_name.as_ref().map(StrBytes::to_string);
            (part.entity_type.to_string(), name)
        });
        let values = entry.values.iter();
        let values = values.map(|value| (value.key.to_string(), value.value));
        let parts = parts.collect();
        (QuotaEntity { parts }, values.collect())
    });
    let mut quotas: Vec<(QuotaEntity, BTreeMap<String, f64>)> = entries.collect();
    quotas.sort_by(|left, right| left.0.cmp(&right.0));
    quotas
}

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;
