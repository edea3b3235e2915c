//! Configuration files: TOML in the form that ego's ekafka documents, read tolerantly, checked completely.
//!
//! A [`Config`] is a document: from a text, a reader or a file, with `EKAFKA_…` variables laid over it. One of its tables
//! is a [`KafkaConfig`] (the documents call it `kafka`), another a [`ConsumerServerConfig`]. Keys match in any case,
//! unknown ones are warned about, and all faults are told in one [`ConfigError`].

mod check;
mod document;
mod duration;
mod error;
pub(crate) mod loading;
mod properties;
mod reference;
mod section;
mod sections;
mod setting;

#[cfg(test)]
mod tests;

pub(crate) use check::READABLE_PASSWORD;
pub use document::{Config, installed, load_from_file, load_from_reader, load_from_str};
pub use error::{ConfigError, Fault};
pub use reference::reference;
pub use section::{Key, Reading, Section};
pub use sections::{
    ClientConfig, ConnectionConfig, ConsumerConfig, ConsumerGroupConfig, ConsumerServerConfig,
    ProducerConfig,
};
pub use setting::BatchTimeout;

use std::collections::BTreeMap;

use toml::{Table, Value};

pub(crate) use error::Faults;

/// A cluster and everything that is named in its table.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka::config::Config;
///
/// let kafka = Config::from_toml("[kafka]\nbrokers = ['a:9092']\nsaslPassword = 'geheim'")?.kafka("kafka")?;
/// assert_eq!(kafka.connection.brokers, ["a:9092"]);
/// assert!(!kafka.effective().to_string().contains("geheim"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct KafkaConfig {
    /// Where the table stands in its document, such as `kafka`; the component's name.
    pub path: String,
    /// The cluster itself.
    pub connection: ConnectionConfig,
    /// The client for topics, offsets and metadata.
    pub client: ClientConfig,
    /// Producers by name.
    pub producers: BTreeMap<String, ProducerConfig>,
    /// Consumers by name.
    pub consumers: BTreeMap<String, ConsumerConfig>,
    /// Polled group members by name.
    pub consumer_groups: BTreeMap<String, ConsumerGroupConfig>,
}

impl KafkaConfig {
    /// The values in effect, as a TOML table; passwords are blotted out.
    pub fn effective(&self) -> Table {
        let mut table = self.connection.effective();
        table.insert("client".to_owned(), Value::Table(self.client.effective()));
        for (name, entries) in [
            ("producers", effective_entries(&self.producers)),
            ("consumers", effective_entries(&self.consumers)),
            ("consumerGroups", effective_entries(&self.consumer_groups)),
        ] {
            if !entries.is_empty() {
                table.insert(name.to_owned(), Value::Table(entries));
            }
        }
        table
    }

    pub(crate) fn read(path: &str, table: &Table) -> Result<Self, ConfigError> {
        let mut faults = Faults::default();
        let table = properties::translated(path, table, properties::Of::Connection, &mut faults);
        let mut reading = Reading::new(path, &table, &mut faults);
        let mut config = Self {
            path: path.to_owned(),
            connection: ConnectionConfig::read(&mut reading),
            ..Self::default()
        };
        let client_path = reading.path_of("client");
        if let Some((client, faults)) = reading.table("client") {
            config.client = entry(&client_path, client, properties::Of::Nothing, faults);
        }
        config.producers = entries(&mut reading, "producers", properties::Of::Producer);
        config.consumers = entries(&mut reading, "consumers", properties::Of::Consumer);
        config.consumer_groups = entries(
            &mut reading,
            "consumerGroups",
            properties::Of::ConsumerGroup,
        );
        reading.warn_of_unknown_keys();
        check::kafka(&config, &mut faults);
        faults.or(config)
    }
}

/// The entries of a table of tables, such as `producers`.
fn entries<T: Section>(
    reading: &mut Reading<'_>,
    name: &'static str,
    of: properties::Of,
) -> BTreeMap<String, T> {
    let path = reading.path_of(name);
    let Some((table, faults)) = reading.table(name) else {
        return BTreeMap::new();
    };
    let mut entries = BTreeMap::new();
    for (key, value) in table {
        let path = format!("{path}.{key}");
        match value {
            Value::Table(table) => {
                entries.insert(key.clone(), entry(&path, table, of, faults));
            }
            other => faults.add(
                path,
                format!("expected a table, found {}", other.type_str()),
            ),
        }
    }
    entries
}

fn entry<T: Section>(path: &str, table: &Table, of: properties::Of, faults: &mut Faults) -> T {
    let table = properties::translated(path, table, of, faults);
    let mut reading = Reading::new(path, &table, faults);
    let read = T::read(&mut reading);
    reading.warn_of_unknown_keys();
    read
}

fn effective_entries<T: Section>(entries: &BTreeMap<String, T>) -> Table {
    entries
        .iter()
        .map(|(name, entry)| (name.clone(), Value::Table(entry.effective())))
        .collect()
}
