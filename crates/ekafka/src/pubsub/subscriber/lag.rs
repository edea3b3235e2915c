//! How far a group is behind.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ekafka_admin::{AdminError, Client, OffsetSpec};

use super::Subscription;

/// Looks up how far a group is behind, again and again.
pub(super) struct Lag {
    pub(super) admin: Client,
    /// `None` never does.
    pub(super) interval: Option<Duration>,
    pub(super) subscription: Arc<Subscription>,
}

impl Lag {
    /// Never returns.
    pub(super) async fn look_up(self) {
        let Some(interval) = self.interval else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(interval).await;
            // A lag that cannot be had now is looked up next time.
            if let Ok(lag) = self.of_group().await {
                self.subscription.lag.store(lag, Ordering::Release);
            }
        }
    }

    async fn of_group(&self) -> Result<i64, AdminError> {
        let group = self.subscription.group.as_str();
        let committed = self.admin.offset_fetch(group).await?;
        let committed = committed.iter().filter_map(|(partition, offset)| {
            let offset = offset.ok()?.as_ref()?.offset;
            Some((partition.clone(), offset))
        });
        let committed: Vec<_> = committed.collect();
        let wanted = committed
            .iter()
            .map(|(at, _)| (at.clone(), OffsetSpec::Last));
        let ends = self.admin.list_offsets(wanted).await?;
        let ends = ends.iter().map(|(_, found)| found.ok()?.offset);
        let behind = committed.iter().zip(ends).map(|((_, offset), end)| {
            let behind = end.map_or(0, |end| end.saturating_sub(*offset));
            behind.max(0)
        });
        Ok(behind.sum())
    }
}
