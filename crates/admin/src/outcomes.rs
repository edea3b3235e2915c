//! What became of each thing that one call was about.

use std::borrow::Borrow;

use crate::error::AdminError;

/// What became of each topic, partition or group of a call, in the order asked.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
/// use ekafka_conn::TopicConfig;
///
/// let topics = [TopicConfig::new("orders", 3, 1), TopicConfig::new("returns", 3, 1)];
/// let outcomes = client.create_topics(topics).await?;
/// assert_eq!((outcomes.len(), outcomes.is_empty()), (2, false));
/// for (topic, error) in outcomes.failures() {
///     println!("{topic} was not created: {error}");
/// }
/// assert!(outcomes.get("returns").is_some_and(|created| created.is_ok()));
/// assert!(outcomes.iter().any(|(_, created)| created.is_err()));
/// // The first failure, or everything.
/// assert!(outcomes.all().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "each part of the call may have failed"]
pub struct Outcomes<K, V>(Vec<(K, Result<V, AdminError>)>);

impl<K, V> Outcomes<K, V> {
    pub(crate) fn new(outcomes: Vec<(K, Result<V, AdminError>)>) -> Self {
        Self(outcomes)
    }

    /// All results.
    ///
    /// # Errors
    /// The first failure; the others may have succeeded.
    pub fn all(self) -> Result<Vec<(K, V)>, AdminError> {
        let outcomes = self.0.into_iter();
        outcomes
            .map(|(key, outcome)| outcome.map(|value| (key, value)))
            .collect()
    }

    /// What became of `key`; `None` when it was not asked about.
    pub fn get<Q: PartialEq + ?Sized>(&self, key: &Q) -> Option<Result<&V, &AdminError>>
    where
        K: Borrow<Q>,
    {
        let found = self.0.iter().find(|(known, _)| known.borrow() == key);
        found.map(|(_, outcome)| outcome.as_ref())
    }

    /// Each with its outcome.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, Result<&V, &AdminError>)> {
        self.0.iter().map(|(key, outcome)| (key, outcome.as_ref()))
    }

    /// Those that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&K, &AdminError)> {
        let outcomes = self.0.iter();
        outcomes.filter_map(|(key, outcome)| Some((key, outcome.as_ref().err()?)))
    }

    /// How many were asked about.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was asked about.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K, V> IntoIterator for Outcomes<K, V> {
    type Item = (K, Result<V, AdminError>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
