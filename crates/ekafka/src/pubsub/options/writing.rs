//! How messages are written.

use std::sync::Arc;
use std::time::Duration;

use ekafka_writer::WriterError;

use super::BrokerOptions;
use crate::pubsub::balancing::BalancerName;
use crate::pubsub::message::Message;
use crate::pubsub::writer::WriterConfig;

/// How messages are written.
impl BrokerOptions {
    /// All of the writers' settings at once, in the place of what was said before; its brokers, if there are any, are the
    /// addresses. Default: as [`WriterConfig::default`], but 10 ms for a batch, asynchronous, and balanced by bytes.
    #[must_use]
    pub fn writer_config(mut self, config: WriterConfig) -> Self {
        if !config.brokers.is_empty() {
            self = self.address(config.brokers.clone());
        }
        self.writer = config;
        self.default_balancer = BalancerName::RoundRobin;
        self
    }

    /// Attempts of the writer for a batch. Default: 10.
    #[must_use]
    pub fn publish_max_attempts(self, attempts: u32) -> Self {
        self.write(|writer| writer.max_attempts = attempts)
    }

    /// Messages at which a batch is full. Kafka: `batch.size`, which counts bytes. Default: 100.
    #[must_use]
    pub fn batch_size(self, messages: usize) -> Self {
        self.write(|writer| writer.batch_size = messages)
    }

    /// Bytes at which a batch is full, and of the largest message. Default: 1,048,576.
    #[must_use]
    pub fn batch_bytes(self, bytes: usize) -> Self {
        self.write(|writer| writer.batch_bytes = bytes)
    }

    /// How long a batch that is not full waits. Kafka: `linger.ms`. Default: 10 ms.
    #[must_use]
    pub fn batch_timeout(self, timeout: Duration) -> Self {
        self.write(|writer| writer.batch_timeout = timeout)
    }

    /// Whether publishing returns once a message is accepted; what then becomes of it is told to
    /// [`completion`](Self::completion). Default: yes.
    #[must_use]
    pub fn asynchronous(self, enable: bool) -> Self {
        self.write(|writer| writer.asynchronous = enable)
    }

    /// How long a topic's partitions are looked for. Default: 10 s.
    #[must_use]
    pub fn read_timeout(self, timeout: Duration) -> Self {
        self.write(|writer| writer.read_timeout = timeout)
    }

    /// How long the answer to one request is waited for. Default: 10 s.
    #[must_use]
    pub fn write_timeout(self, timeout: Duration) -> Self {
        self.write(|writer| writer.write_timeout = timeout)
    }

    /// Whether publishing to a topic that is missing creates it, where the cluster allows that. Default: no.
    #[must_use]
    pub fn allow_publish_auto_topic_creation(self, enable: bool) -> Self {
        self.write(|writer| writer.allow_auto_topic_creation = enable)
    }

    /// Is told what became of messages, a batch at a time: with their offsets, or with the error. It must not wait for the
    /// broker. Default: none.
    #[must_use]
    pub fn completion(
        self,
        completion: impl Fn(&[Message], Option<&WriterError>) + Send + Sync + 'static,
    ) -> Self {
        self.write(|writer| writer.completion = Some(Arc::new(completion)))
    }

    fn write(mut self, change: impl FnOnce(&mut WriterConfig)) -> Self {
        change(&mut self.writer);
        self
    }
}
