//! Which versions the broker on a connection speaks, and which one a request takes. Pure.

use ekafka_protocol::messages::ApiVersionsResponse;
use ekafka_protocol::{ApiKey, VersionRange};

use crate::address::HostPort;
use crate::error::ConnError;

/// The version ranges one broker announced on one connection, indexed by API key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions(Vec<VersionRange>);

impl Versions {
    pub(crate) fn from_answer(answer: &ApiVersionsResponse) -> Self {
        let mut ranges = Vec::new();
        for listed in &answer.api_keys {
            // Keys beyond this were never given out by Kafka; a hostile list must not size the table.
            let Some(index) = usize::try_from(listed.api_key.0)
                .ok()
                .filter(|index| *index < KEYS)
            else {
                continue;
            };
            if ranges.len() <= index {
                ranges.resize(index + 1, VersionRange::EMPTY);
            }
            if let Some(range) = ranges.get_mut(index) {
                *range = listed.versions;
            }
        }
        Self(ranges)
    }

    /// What the broker speaks of `api`; `None` when it does not list it.
    pub(crate) fn of(&self, api: ApiKey) -> Option<VersionRange> {
        let index = usize::try_from(api.0).ok()?;
        self.0.get(index).copied().filter(|range| !range.is_empty())
    }

    /// Every API the broker lists, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ApiKey, VersionRange)> {
        let keys = (0i16..).map(ApiKey);
        keys.zip(self.0.iter().copied())
            .filter(|(_, range)| !range.is_empty())
    }

    /// The highest version both sides speak.
    pub(crate) fn choose(
        &self,
        broker: &HostPort,
        api: ApiKey,
        ours: VersionRange,
    ) -> Result<i16, ConnError> {
        let theirs = self.of(api);
        theirs
            .and_then(|theirs| ours.latest_common(theirs))
            .ok_or_else(|| ConnError::Unsupported {
                broker: broker.clone(),
                api,
                ours,
                theirs,
            })
    }
}

/// API keys are below this.
const KEYS: usize = 512;

#[cfg(test)]
mod tests;
