//! AlterClientQuotas, versions 0 and 1 (KIP-546). Quotas are kept; nobody is slowed down by them.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::alter_client_quotas_request::{EntryData as Wanted, OpData};
use ekafka_protocol::cold::alter_client_quotas_response::{EntityData, EntryData};
use ekafka_protocol::cold::{AlterClientQuotasRequest, AlterClientQuotasResponse};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::{Cluster, QuotaEntity};
use crate::server::Shared;

pub(super) type Request = AlterClientQuotasRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, |cluster, call, request: Request| {
        let entries = request.entries.into_iter().map(|wanted| {
            let checked = call.refused().map_or_else(|| check(&wanted), Err);
            if checked.is_ok() && !request.validate_only {
                apply(cluster, &wanted);
            }
            let parts = wanted.entity.iter().map(|part| {
                EntityData::default()
                    .with_entity_type(part.entity_type.clone())
                    .with_entity_name(part.entity_name.clone())
            });
            EntryData::default()
                .with_error_code(checked.err().unwrap_or(ErrorCode::NONE).0)
                .with_error_message(checked.err().map(|code| text(code.message())))
                .with_entity(parts.collect())
        });
        let entries = entries.collect();
        AlterClientQuotasResponse::default()
            .with_throttle_time_ms(cluster.throttle_ms())
            .with_entries(entries)
    })
}

fn check(wanted: &Wanted) -> Result<(), ErrorCode> {
    let is_kind = |kind: &str| ["user", "client-id", "ip"].contains(&kind);
    let has_kinds = wanted.entity.iter().all(|part| is_kind(&part.entity_type));
    let is_quota = |op: &OpData| {
        // Rates in bytes are whole numbers.
        let is_fit = op.remove || !op.key.ends_with("_byte_rate") || op.value.fract() == 0.0;
        is_fit && QUOTAS.contains(&op.key.as_str())
    };
    let has_quotas = wanted.ops.iter().all(is_quota);
    if has_kinds && has_quotas && !wanted.entity.is_empty() {
        Ok(())
    } else {
        Err(ErrorCode::INVALID_REQUEST)
    }
}

fn apply(cluster: &mut Cluster, wanted: &Wanted) {
    let parts = wanted.entity.iter().map(|part| {
        let name = part.entity_name.as_ref().map(ToString::to_string);
        (part.entity_type.to_string(), name)
    });
    let entity: QuotaEntity = parts.collect();
    let values = cluster.quotas.entry(entity.clone()).or_default();
    for op in &wanted.ops {
        if op.remove {
            values.remove(op.key.as_str());
        } else {
            values.insert(op.key.to_string(), op.value);
        }
    }
    if values.is_empty() {
        cluster.quotas.remove(&entity);
    }
}

const QUOTAS: [&str; 5] = [
    "producer_byte_rate",
    "consumer_byte_rate",
    "request_percentage",
    "controller_mutation_rate",
    "connection_creation_rate",
];
