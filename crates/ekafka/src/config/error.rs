//! What is wrong with a configuration: everything at once.

use std::fmt;

/// One fault: where, and what is accepted there.
///
/// ```
/// use ekafka::config::Config;
///
/// let config = Config::from_toml("[kafka.consumers.c1]\ntopic = 't'\nminBytes = 9\nmaxBytes = 5").unwrap();
/// let error = config.kafka("kafka").unwrap_err();
/// let fault = &error.faults()[0];
/// assert_eq!(fault.path, "kafka.consumers.c1.minBytes");
/// assert_eq!(fault.problem, "9 is above maxBytes, 5");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The key's path as the file has it, such as `kafka.producers.p1.batchSize`.
    pub path: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// All faults of a configuration. Nothing has been dialled when it is returned.
///
/// ```
/// let error = ekafka::load_toml("[kafka.consumers.c1]\npartition = -1", "kafka").unwrap_err();
/// let paths: Vec<&str> = error.faults().iter().map(|fault| &*fault.path).collect();
/// assert_eq!(paths, ["kafka.consumers.c1.topic", "kafka.consumers.c1.partition"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    faults: Vec<Fault>,
}

impl ConfigError {
    /// The faults in the order of the file's keys.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub(crate) fn one(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let mut faults = Faults::default();
        faults.add(path, problem);
        Self { faults: faults.0 }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.as_slice() {
            [fault] => write!(f, "configuration: {}: {}", fault.path, fault.problem),
            faults => {
                write!(f, "configuration has {} faults", faults.len())?;
                for fault in faults {
                    write!(f, "\n  {}: {}", fault.path, fault.problem)?;
                }
                Ok(())
            }
        }
    }
}

/// Faults being collected.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Fault {
            path: path.into(),
            problem: problem.into(),
        });
    }

    /// The value of a result; its faults are kept.
    pub(crate) fn take<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.0.extend(error.faults)).ok()
    }

    pub(crate) fn into_error(self) -> ConfigError {
        ConfigError { faults: self.0 }
    }

    /// `value`, unless a fault was found.
    pub(crate) fn or<T>(self, value: T) -> Result<T, ConfigError> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError { faults: self.0 })
        }
    }
}
