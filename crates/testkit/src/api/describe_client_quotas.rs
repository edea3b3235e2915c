//! DescribeClientQuotas, versions 0 and 1 (KIP-546).

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::describe_client_quotas_request::ComponentData;
use ekafka_protocol::cold::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use ekafka_protocol::cold::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::QuotaEntity;
use crate::server::Shared;

pub(super) type Request = DescribeClientQuotasRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, |cluster, call, request: Request| {
        let response = DescribeClientQuotasResponse::default()
            .with_throttle_time_ms(cluster.throttle_ms())
            .with_error_message(None);
        if let Some(code) = call.refused() {
            return response.with_error_code(code.0).with_entries(None);
        }
        let is_known = |part: &ComponentData| (EXACT..=ANY).contains(&part.match_type);
        if !request.components.iter().all(is_known) {
            let code = ErrorCode::INVALID_REQUEST;
            return response.with_error_code(code.0).with_entries(None);
        }
        let quotas = cluster.quotas.iter();
        let found = quotas.filter(|(entity, _)| fits(entity, &request));
        let entries = found.map(|(entity, values)| {
            let parts = entity.iter().map(|(kind, name)| {
                EntityData::default()
                    .with_entity_type(text(kind))
                    .with_entity_name(name.as_deref().map(text))
            });
            let values = values.iter();
            let values = values
                .map(|(name, value)| ValueData::default().with_key(text(name)).with_value(*value));
            EntryData::default()
                .with_entity(parts.collect())
                .with_values(values.collect())
        });
        response.with_entries(Some(entries.collect()))
    })
}

fn fits(entity: &QuotaEntity, request: &Request) -> bool {
    let fits = |wanted: &ComponentData| {
        let name = entity.get(&*wanted.entity_type);
        name.is_some_and(|name| match wanted.match_type {
            EXACT => name.is_some() && name.as_deref() == wanted._match.as_deref(),
            DEFAULT => name.is_none(),
            _ => true,
        })
    };
    request.components.iter().all(fits)
        && (!request.strict || request.components.len() == entity.len())
}

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;
