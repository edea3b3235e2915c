//! One publication, from the writer's choice to its outcome.

use std::time::Duration;

use bytes::Bytes;
use ekafka_conn::{Header, Record};
use ekafka_writer::{Delivered, WriterError};
use tokio::time::Instant;

use super::balancing::Choice;
use super::kafka::Live;
use super::message::MessageHeader;
use super::publish_options::PublishOptions;
use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::{Call, Command, Operation};

impl Live {
    pub(super) async fn publish(
        &self,
        context: &Context,
        topic: &str,
        body: &Bytes,
        options: &PublishOptions,
    ) -> Result<(), ComponentError> {
        let headers: Vec<_> = options.headers.iter().map(header).collect();
        let record = Record {
            topic: Some(topic),
            partition: options.partition,
            key: options.key.as_deref(),
            value: Some(body),
            headers: &headers,
            ..Record::default()
        };
        let records = [record];
        let mut call = self
            .client_chain
            .call(Command::WriteMessages, topic, context);
        call.set_records(&records);
        let mut publishing = Publishing {
            live: self,
            topic,
            options,
        };
        self.client_chain.run(&mut call, &mut publishing).await
    }

    /// Writes a record, and writes it anew as often as the options say.
    async fn write(
        &self,
        topic: &str,
        record: Record<'_>,
    ) -> Result<Option<Delivered>, WriterError> {
        let mut retries = self.options.retries.unwrap_or(1);
        let may_double = self.options.retries.is_some();
        loop {
            let writer = self.writer(topic)?;
            let written = match writer.send(record).await {
                Ok(_) if self.options.is_asynchronous() => return Ok(None),
                Ok(delivery) => delivery.await,
                Err(error) => Err(error),
            };
            match written {
                Ok(delivered) => return Ok(Some(delivered)),
                Err(error) if retries == 0 => return Err(error),
                Err(error) if error.maybe_written() && !may_double => return Err(error),
                Err(error) if error.is_fatal() => self.forget_writer(topic),
                Err(error) if error.is_retriable() => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
            retries -= 1;
        }
    }

    /// The partition that a balancer of the publication's own chooses.
    async fn choose(
        &self,
        topic: &str,
        choice: &Choice,
        record: &Record<'_>,
    ) -> Result<i32, WriterError> {
        let deadline = Instant::now() + self.options.topic_timeout();
        let found = if self.options.auto_creates() {
            self.cluster.topic_or_create(topic, deadline).await
        } else {
            self.cluster.topic(topic, deadline).await
        };
        let unavailable = |source| WriterError::TopicUnavailable {
            topic: topic.into(),
            source: std::sync::Arc::new(source),
        };
        let view = found.map_err(unavailable)?;
        let count = view.topic(topic).map_or(0, |topic| topic.partitions.len());
        let partitions: Vec<i32> = (0..).take(count).collect();
        let balancer = self.balancers().find(topic, choice);
        Ok(balancer.balance(record, &partitions))
    }
}

struct Publishing<'p> {
    live: &'p Live,
    topic: &'p str,
    options: &'p PublishOptions,
}

impl Operation for Publishing<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        let Some(record) = call.records().first() else {
            return Ok(());
        };
        let added = call.added_headers();
        let headers = [record.headers, &added].concat();
        let mut record = record.headers(&headers);
        if let (Some(choice), None) = (&self.options.balancer, record.partition) {
            record.partition = Some(self.live.choose(self.topic, choice, &record).await?);
        }
        let delivered = self.live.write(self.topic, record).await?;
        #[cfg(feature = "otel")]
        note(call.context(), self.options.offset, delivered.as_ref());
        // Without spans nobody sees them.
        #[cfg(not(feature = "otel"))]
        let _ = (delivered, self.options.offset);
        Ok(())
    }
}

/// Tells the span where the message went.
#[cfg(feature = "otel")]
fn note(context: &Context, offset: Option<i64>, delivered: Option<&Delivered>) {
    use opentelemetry::KeyValue;
    use opentelemetry::trace::TraceContextExt;

    let context = context.trace();
    let span = context.span();
    let stored = delivered.and_then(Delivered::offset);
    if let Some(offset) = offset.or(stored) {
        span.set_attribute(KeyValue::new("messaging.message_id", offset.to_string()));
    }
    if let Some(delivered) = delivered {
        let partition = i64::from(delivered.partition());
        span.set_attribute(KeyValue::new("messaging.kafka.partition", partition));
    }
}

fn header(header: &MessageHeader) -> Header<'_> {
    Header {
        key: &header.key,
        value: header.value.as_deref(),
    }
}

/// Before a message is sent anew, so that the cluster can find a new leader.
const PAUSE: Duration = Duration::from_millis(200);
