//! What the options come to.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{ConnConfig, Logger};
use ekafka_reader::ReaderBuilder;

use super::BrokerOptions;
use crate::pubsub::logger;
use crate::pubsub::writer::WriterConfig;

/// What the options come to.
impl BrokerOptions {
    /// The addresses, or the one by default.
    pub(in crate::pubsub) fn bootstrap(&self) -> Vec<String> {
        if self.addresses.is_empty() {
            vec![DEFAULT_ADDRESS.to_owned()]
        } else {
            self.addresses.clone()
        }
    }

    /// Connections, or what is wrong with the options.
    pub(in crate::pubsub) fn connection(&self) -> Result<ConnConfig, String> {
        if !self.faults.is_empty() {
            return Err(self.faults.join("; "));
        }
        let mut connection = self.connection.clone();
        if self.plaintext_sasl {
            connection = connection.allow_plaintext_sasl_plain();
        }
        if let Some(sasl) = &self.sasl {
            connection = connection.sasl(Arc::clone(sasl));
        }
        match (&self.tls, self.secure) {
            (Some(tls), None | Some(true)) => connection = connection.tls(tls.clone()),
            (None, Some(true)) => {
                return Err("enable_secure needs a TLS configuration: tls_config".to_owned());
            }
            (_, Some(false)) | (None, None) => {}
        }
        Ok(connection)
    }

    /// The settings of a new writer.
    pub(in crate::pubsub) fn writer(&self) -> WriterConfig {
        let mut writer = self.writer.clone();
        let balancer = || self.default_balancer.balancer();
        writer.balancer.get_or_insert_with(balancer);
        writer.logger = writer.logger.or_else(|| self.info());
        writer.error_logger = writer.error_logger.or_else(|| self.errors());
        writer
    }

    /// Whether publishing does not wait for the outcome.
    pub(in crate::pubsub) fn is_asynchronous(&self) -> bool {
        self.writer.asynchronous
    }

    pub(in crate::pubsub) fn auto_creates(&self) -> bool {
        self.writer.allow_auto_topic_creation
    }

    pub(in crate::pubsub) fn topic_timeout(&self) -> Duration {
        self.writer.read_timeout
    }

    /// The settings of a new reader.
    pub(in crate::pubsub) fn reader(&self) -> ReaderBuilder {
        let mut reader = self.reader.clone();
        if let Some(logger) = self.info() {
            reader = reader.logger(logger);
        }
        let is_said = self.error_logger.is_some() || self.enable_error_logger.is_some();
        if let Some(logger) = self.errors().filter(|_| is_said || !self.is_reader_given) {
            reader = reader.error_logger(logger);
        }
        reader
    }

    fn info(&self) -> Option<Arc<dyn Logger>> {
        match self.enable_logger {
            Some(false) => None,
            Some(true) => Some(match &self.logger {
                Some(logger) => Arc::clone(logger),
                None => Arc::new(logger::Logger),
            }),
            None => self.logger.clone(),
        }
    }

    fn errors(&self) -> Option<Arc<dyn Logger>> {
        if self.enable_error_logger == Some(false) {
            return None;
        }
        Some(match &self.error_logger {
            Some(logger) => Arc::clone(logger),
            None => Arc::new(logger::ErrorLogger),
        })
    }
}

/// What a broker that was not told an address asks.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9092";
