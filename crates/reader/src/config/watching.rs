//! Which topics a group reads when they come and go, and how soon that is noticed.

use std::time::Duration;

use regex::Regex;

use super::ReaderBuilder;

/// How topics are chosen and watched.
#[derive(Debug, Clone)]
pub(super) struct Watching {
    pattern: Option<String>,
    is_on: bool,
    interval: Duration,
}

impl Default for Watching {
    fn default() -> Self {
        Self {
            pattern: None,
            is_on: false,
            interval: Duration::from_secs(5),
        }
    }
}

impl ReaderBuilder {
    /// Reads every topic whose whole name matches this regular expression, those that come later included; Kafka's own
    /// topics are left out. It takes the place of `topics` and needs a group.
    /// Kafka: `subscribe(Pattern)`. Default none. Topics are looked at again whenever metadata is refreshed
    /// ([`metadata_max_age`](ekafka_conn::ConnConfig::metadata_max_age)), or more often with `watch_partition_changes`.
    #[must_use]
    pub fn topic_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.watching.pattern = Some(pattern.into());
        self
    }

    /// Whether metadata is read every `partition_watch_interval`, so that partitions that are added are divided, and
    /// topics of a `topic_pattern` found, that soon.
    /// Kafka: none. Default no: with the metadata's age. Needs a group.
    #[must_use]
    pub fn watch_partition_changes(mut self, watch: bool) -> Self {
        self.watching.is_on = watch;
        self
    }

    /// How often, with `watch_partition_changes`.
    /// Kafka: none. Default 5 s. Less costs metadata requests.
    #[must_use]
    pub fn partition_watch_interval(mut self, interval: Duration) -> Self {
        self.watching.interval = interval;
        self
    }
}

impl Watching {
    fn has_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    pub(super) fn faults(&self, has_topics: bool, has_group: bool) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(Err(error)) = self.pattern.as_deref().map(whole) {
            faults.push(format!("topic_pattern: {error}"));
        }
        let checks = [
            (!self.has_pattern() && !has_topics, "no topic"),
            (
                self.has_pattern() && has_topics,
                "topics are given beside topic_pattern",
            ),
            (
                self.has_pattern() && !has_group,
                "topic_pattern needs a group",
            ),
            (
                self.is_on && !has_group,
                "watch_partition_changes needs a group",
            ),
            (
                self.is_on && self.interval.is_zero(),
                "partition_watch_interval is 0",
            ),
        ];
        let failed = checks.into_iter().filter(|(failed, _)| *failed);
        faults.extend(failed.map(|(_, fault)| fault.to_owned()));
        faults
    }

    pub(super) fn checked(&self) -> TopicWatch {
        TopicWatch {
            pattern: self
                .pattern
                .as_deref()
                .and_then(|pattern| whole(pattern).ok()),
            name: self.pattern.clone(),
            interval: self.is_on.then_some(self.interval),
        }
    }
}

/// A checked [`Watching`].
#[derive(Debug, Clone, Default)]
pub(crate) struct TopicWatch {
    /// Matches whole names.
    pub(crate) pattern: Option<Regex>,
    /// The pattern as it was given.
    pub(crate) name: Option<String>,
    /// `None` for no more often than the metadata's age.
    pub(crate) interval: Option<Duration>,
}

/// As Java's client does, a pattern has to match all of a name.
fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}
