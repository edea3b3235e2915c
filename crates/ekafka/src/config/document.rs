//! A configuration document and where it comes from.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use toml::{Table, Value};

use super::error::{ConfigError, Faults};
use super::{ConsumerServerConfig, KafkaConfig, Reading, Section};

/// A parsed document with the environment laid over it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka::config::Config;
///
/// let config = Config::from_toml("[kafka]\nbrokers = ['a:9092']\n[kafka.producers.p1]\ntopic = 'orders'")?;
/// let variable = ("EKAFKA_KAFKA__PRODUCERS__p1__BATCHSIZE".to_owned(), "500".to_owned());
/// let kafka = config.with_variables([variable]).kafka("kafka")?;
/// assert_eq!(kafka.producers["p1"].batch_size, 500);
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use ekafka::config::Config;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = "[kafka]\nbrokers = ['localhost:9092']\n[kafkaConsumerServers.s1]\nconsumerName = 'c1'";
/// let config = Config::from_reader(text.as_bytes())?.with_env();
/// assert_eq!(config.kafka_tables(), ["kafka"]);
/// assert_eq!(config.entries("kafkaConsumerServers"), ["s1"]);
/// println!("{}", config.consumer_server("kafkaConsumerServers.s1")?.consumer_name);
///
/// let changed = config.with_variables([("EKAFKA_KAFKA__BROKERS".to_owned(), "broker-1:9092".to_owned())]);
/// assert_eq!(changed.kafka("kafka")?.connection.brokers, ["broker-1:9092"]);
/// if let Err(error) = Config::from_file("absent.toml") {
///     println!("{:?}", error.faults());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Config {
    root: Table,
}

impl Config {
    /// Reads a TOML text.
    ///
    /// # Errors
    /// [`ConfigError`] with the line of the first mistake in the notation.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let root = text.parse::<Table>();
        let root = root.map_err(|error| ConfigError::one("(document)", error.to_string()))?;
        Ok(Self { root })
    }

    /// Reads a TOML text to its end.
    ///
    /// # Errors
    /// [`ConfigError`] when reading fails, or as [`from_toml`](Self::from_toml).
    pub fn from_reader(mut reader: impl Read) -> Result<Self, ConfigError> {
        let mut text = String::new();
        let read = reader.read_to_string(&mut text);
        read.map_err(|error| ConfigError::one("(document)", error.to_string()))?;
        Self::from_toml(&text)
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file when it cannot be read, or as [`from_toml`](Self::from_toml).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::one(path.display().to_string(), error.to_string()))?;
        Self::from_toml(&text)
    }

    /// Lays the process's `EKAFKA_…` variables over the document.
    ///
    /// The rest of a variable's name is the key's path, with two underscores between its parts, in any case:
    /// `EKAFKA_KAFKA__PRODUCERS__p1__BATCHSIZE=500` sets `kafka.producers.p1.batchSize`. Entries that the document does not
    /// have are made, named as written. Values are texts; numbers, lists (`a:9092,b:9092`) and the rest are read from them.
    #[must_use]
    pub fn with_env(self) -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        self.with_variables(variables)
    }

    /// As [`with_env`](Self::with_env), from other variables than the process's.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        for (name, value) in variables {
            if let Some(path) = name.strip_prefix("EKAFKA_")
                && path.contains("__")
            {
                let parts: Vec<&str> = path.split("__").collect();
                set(&mut self.root, &parts, value);
            }
        }
        self
    }

    /// The cluster described by the table at `path`, such as `kafka`.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault of the table, or that it is missing.
    pub fn kafka(&self, path: &str) -> Result<KafkaConfig, ConfigError> {
        KafkaConfig::read(path, self.table(path)?)
    }

    /// The consumer server described by the table at `path`, such as `kafkaConsumerServers.s1`.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault of the table, or that it is missing.
    pub fn consumer_server(&self, path: &str) -> Result<ConsumerServerConfig, ConfigError> {
        let mut faults = Faults::default();
        let mut reading = Reading::new(path, self.table(path)?, &mut faults);
        let config = ConsumerServerConfig::read(&mut reading);
        reading.warn_of_unknown_keys();
        faults.or(config)
    }

    /// The tables of the document that look like a cluster's: those with a list of brokers.
    pub fn kafka_tables(&self) -> Vec<String> {
        let has_brokers =
            |table: &Table| table.keys().any(|key| key.eq_ignore_ascii_case("brokers"));
        let tables = self.root.iter();
        tables
            .filter(|(_, value)| value.as_table().is_some_and(has_brokers))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The names of the tables inside the table at `path`, such as those of all consumer servers; none when it is missing.
    pub fn entries(&self, path: &str) -> Vec<String> {
        let table = self.table(path).into_iter().flatten();
        let tables = table.filter(|(_, value)| value.is_table());
        tables.map(|(name, _)| name.clone()).collect()
    }

    fn table(&self, path: &str) -> Result<&Table, ConfigError> {
        let mut table = &self.root;
        for part in path.split('.') {
            let found = table.iter().find(|(key, _)| key.eq_ignore_ascii_case(part));
            table = match found {
                Some((_, Value::Table(inner))) => inner,
                Some((_, other)) => {
                    let problem = format!("expected a table, found {}", other.type_str());
                    return Err(ConfigError::one(path, problem));
                }
                None => {
                    return Err(ConfigError::one(
                        path,
                        "there is no such table in the configuration",
                    ));
                }
            };
        }
        Ok(table)
    }
}

/// Makes a TOML text the process's configuration, which [`installed`] gives; the environment is laid over it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// ekafka::config::load_from_str("[kafka]\nbrokers = ['localhost:9092']")?;
/// let container = ekafka::load("kafka");
/// # let _ = container;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Config::from_toml`].
pub fn load_from_str(text: &str) -> Result<(), ConfigError> {
    install(Config::from_toml(text)?);
    Ok(())
}

/// As [`load_from_str`], from a reader.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = std::io::Cursor::new("[kafka]\nbrokers = ['localhost:9092']");
/// ekafka::config::load_from_reader(file)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`Config::from_reader`].
pub fn load_from_reader(reader: impl Read) -> Result<(), ConfigError> {
    install(Config::from_reader(reader)?);
    Ok(())
}

/// As [`load_from_str`], from a file.
///
/// ```
/// let error = ekafka::config::load_from_file("/nowhere/config.toml").unwrap_err();
/// assert!(error.to_string().contains("/nowhere/config.toml"));
/// ```
///
/// # Errors
/// As [`Config::from_file`].
pub fn load_from_file(path: impl AsRef<Path>) -> Result<(), ConfigError> {
    install(Config::from_file(path)?);
    Ok(())
}

/// The process's configuration; empty before one was made it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// ekafka::config::load_from_str("[kafka]\nbrokers = ['localhost:9092']")?;
/// let kafka = ekafka::config::installed().kafka("kafka")?;
/// assert_eq!(kafka.connection.brokers, ["localhost:9092"]);
/// # Ok(())
/// # }
/// ```
pub fn installed() -> Arc<Config> {
    let installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    installed.clone().unwrap_or_default()
}

fn install(config: Config) {
    let config = Arc::new(config.with_env());
    *INSTALLED.lock().unwrap_or_else(PoisonError::into_inner) = Some(config);
}

fn set(table: &mut Table, path: &[&str], value: String) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    let existing = table.keys().find(|key| key.eq_ignore_ascii_case(name));
    let key = existing.cloned().unwrap_or_else(|| (*name).to_owned());
    if rest.is_empty() {
        table.insert(key, Value::String(value));
        return;
    }
    let inner = table
        .entry(key)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        set(inner, rest, value);
    }
}

static INSTALLED: Mutex<Option<Arc<Config>>> = Mutex::new(None);
