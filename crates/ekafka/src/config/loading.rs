//! From where a table is loaded, for whatever is made of it.

use std::path::Path;

use super::document::{Config, installed};
use super::error::ConfigError;

/// What one table of a document becomes.
pub(crate) trait FromTable: Sized {
    fn from_table(document: &Config, key: &str) -> Result<Self, ConfigError>;
}

/// From the process's configuration.
pub(crate) fn from_installed<T: FromTable>(key: &str) -> Result<T, ConfigError> {
    T::from_table(&installed(), key)
}

/// From a text, with the environment laid over it.
pub(crate) fn from_toml<T: FromTable>(text: &str, key: &str) -> Result<T, ConfigError> {
    T::from_table(&Config::from_toml(text)?.with_env(), key)
}

/// From a file, with the environment laid over it.
pub(crate) fn from_file<T: FromTable>(path: &Path, key: &str) -> Result<T, ConfigError> {
    T::from_table(&Config::from_file(path)?.with_env(), key)
}

/// As the documents do.
///
/// # Panics
/// With every fault.
#[track_caller]
pub(crate) fn or_panic<T>(loaded: Result<T, ConfigError>) -> T {
    match loaded {
        Ok(loaded) => loaded,
        Err(error) => panic!("parse config error: {error}"),
    }
}
