//! AlterClientQuotas, versions 0 and 1 (KIP-546): asked of the controller.

use std::time::Duration;

use ekafka_protocol::cold::alter_client_quotas_request::{EntityData, EntryData, OpData};
use ekafka_protocol::cold::{AlterClientQuotasRequest, AlterClientQuotasResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::quota::QuotaEntity;
use crate::wire::text;

/// Changes of quotas.
#[derive(Debug, Clone, Default)]
pub struct AlterClientQuotas {
    entries: Vec<Altered>,
    validate_only: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Altered {
    entity: QuotaEntity,
    /// Name and value; none removes it.
    values: Vec<(String, Option<f64>)>,
}

impl AlterClientQuotas {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a quota, such as `producer_byte_rate`.
    #[must_use]
    pub fn set(self, entity: QuotaEntity, name: impl Into<String>, value: f64) -> Self {
        self.change(entity, name.into(), Some(value))
    }

    /// Removes a quota.
    #[must_use]
    pub fn remove(self, entity: QuotaEntity, name: impl Into<String>) -> Self {
        self.change(entity, name.into(), None)
    }

    /// Only finds out whether it could be done. Default: off.
    #[must_use]
    pub fn validate_only(mut self, on: bool) -> Self {
        self.validate_only = on;
        self
    }

    fn change(mut self, entity: QuotaEntity, name: String, value: Option<f64>) -> Self {
        let known = self.entries.iter_mut().find(|known| known.entity == entity);
        match known {
            Some(known) => known.values.push((name, value)),
            None => self.entries.push(Altered {
                entity,
                values: vec![(name, value)],
            }),
        }
        self
    }
}

impl Client {
    /// Sets and removes quotas of users, client ids and addresses. Brokers from 2.6 on.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::{AlterClientQuotas, QuotaEntity};
    ///
    /// let changes = AlterClientQuotas::new()
    ///     .set(QuotaEntity::client_id("importer"), "producer_byte_rate", 1_048_576.0)
    ///     .remove(QuotaEntity::user("guest"), "consumer_byte_rate");
    /// client.alter_client_quotas(changes.clone().validate_only(true)).await?.all()?;
    /// client.alter_client_quotas(changes).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no broker answers; what became of each entity is in the result.
    ///
    /// # Cancel safety
    /// Safe; the quotas may be changed all the same.
    pub async fn alter_client_quotas(
        &self,
        changes: AlterClientQuotas,
    ) -> Result<Outcomes<QuotaEntity, ()>, AdminError> {
        let outcomes = self.call(&changes, &changes.entries).await?;
        let entities = changes.entries.into_iter().map(|altered| altered.entity);
        Ok(Outcomes::new(entities.zip(outcomes).collect()))
    }
}

impl Call for AlterClientQuotas {
    type Request = AlterClientQuotasRequest;
    type Item = Altered;
    type Value = ();

    fn place<'a>(&'a self, _altered: &'a Altered) -> Place<'a> {
        Place::Controller
    }

    fn subject(&self, altered: &Altered) -> String {
        altered.entity.to_string()
    }

    fn ask(
        &self,
        entries: &[&Altered],
        _version: i16,
        _patience: Duration,
    ) -> Result<AlterClientQuotasRequest, &'static str> {
        let entries = entries.iter().map(|altered| {
            let parts = altered.entity.parts().map(|(kind, name)| {
                EntityData::default()
                    .with_entity_type(text(kind))
                    .with_entity_name(name.map(text))
            });
            let values = altered.values.iter().map(|(name, value)| {
                OpData::default()
                    .with_key(text(name))
                    .with_value(value.unwrap_or_default())
                    .with_remove(value.is_none())
            });
            EntryData::default()
                .with_entity(parts.collect())
                .with_ops(values.collect())
        });
        Ok(AlterClientQuotasRequest::default()
            .with_entries(entries.collect())
            .with_validate_only(self.validate_only))
    }

    fn read(
        &self,
        entries: &[&Altered],
        answer: AlterClientQuotasResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |altered: &&Altered| {
            let found = answer.entries.iter().find(|found| {
                let is_part = |(kind, name): (&str, Option<&str>)| {
                    found.entity.iter().any(|part| {
                        *part.entity_type == *kind && part.entity_name.as_deref() == name
                    })
                };
                found.entity.len() == altered.entity.parts().len()
                    && altered.entity.parts().all(is_part)
            });
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, found.error_message.as_deref(), || ())
            })
        };
        entries.iter().map(tell).collect()
    }
}
