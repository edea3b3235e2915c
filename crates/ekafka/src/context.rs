//! What belongs to one call or message and is not part of it: custom keys, the trace, the wish to stop.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::server::Stop;

/// Travels with a call: custom keys that are logged and passed on in message headers, the trace it belongs to, and, in a
/// consumer server, the wish to stop. Cheap to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 1)?;
/// # let toml = "
/// #     [kafka]
/// #     brokers = ['localhost:9092']
/// #     [kafka.producers.p1]
/// #     topic = 'orders'
/// #     batchTimeout = 'auto'
/// #     [kafka.consumers.c1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafka.consumerGroups.cg1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafkaConsumerServers.s1]
/// #     consumerName = 'c1'
/// # ";
/// # let component = ekafka::load_toml(toml, "kafka")?.brokers(kafka.addresses()).build();
/// use ekafka::{Context, Record};
///
/// let context = Context::new().with_value("X-Ego-Uid", "9527");
/// assert_eq!(context.value("X-Ego-Uid"), Some("9527"));
/// let records = [Record::new("two apples")];
/// component.producer("p1").write_messages_with(&context, &records).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Context {
    /// Few, so that a list beats a map.
    values: Arc<Vec<(String, String)>>,
    stopping: Option<watch::Receiver<Stop>>,
    #[cfg(feature = "otel")]
    trace: Option<opentelemetry::Context>,
}

impl Context {
    /// Nothing: no keys, no trace, and nobody who wants to stop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a value. It is passed on and logged only if its key is a custom key of the component
    /// (`EGO_LOG_EXTRA_KEYS`, [`Container::extra_keys`](crate::Container::extra_keys)).
    #[must_use]
    pub fn with_value(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let key = key.into();
        let values = Arc::make_mut(&mut self.values);
        values.retain(|(there, _)| *there != key);
        values.push((key, value.into()));
        self
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        let mut values = self.values.iter();
        values
            .find(|(there, _)| there == key)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the consumer server that runs the handler was told to stop; never elsewhere.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping
            .as_ref()
            .is_some_and(|stopping| *stopping.borrow() != Stop::No)
    }

    /// Waits until the consumer server that runs the handler is told to stop; for ever elsewhere.
    ///
    /// ```no_run
    /// # async fn example(context: ekafka::Context, consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// let message = tokio::select! {
    ///     message = consumer.fetch_message() => message?,
    ///     () = context.stopped() => return Ok(()),
    /// };
    /// # let _ = message;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn stopped(&self) {
        let Some(mut stopping) = self.stopping.clone() else {
            return std::future::pending().await;
        };
        // A server that is gone has stopped.
        let _ = stopping.wait_for(|stopping| *stopping != Stop::No).await;
    }

    pub(crate) fn with_stopping(mut self, stopping: &watch::Sender<Stop>) -> Self {
        self.stopping = Some(stopping.subscribe());
        self
    }

    /// The trace this belongs to: the one given, else the current one of OpenTelemetry.
    #[cfg(feature = "otel")]
    #[must_use]
    pub fn trace(&self) -> opentelemetry::Context {
        self.trace
            .clone()
            .unwrap_or_else(opentelemetry::Context::current)
    }

    /// Runs `f` with the trace as OpenTelemetry's current one, so that whatever it writes continues it.
    pub(crate) fn within_trace<T>(&self, f: impl FnOnce() -> T) -> T {
        #[cfg(feature = "otel")]
        let _attached = self.trace.clone().map(opentelemetry::Context::attach);
        f()
    }

    /// Makes calls with this context part of a trace.
    ///
    /// ```
    /// use ekafka::Context;
    ///
    /// let context = Context::new().with_trace(opentelemetry::Context::current());
    /// println!("{:?}", context.trace());
    /// ```
    #[cfg(feature = "otel")]
    #[must_use]
    pub fn with_trace(mut self, trace: opentelemetry::Context) -> Self {
        self.trace = Some(trace);
        self
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("values", &self.values)
            .field("is_stopping", &self.is_stopping())
            .finish_non_exhaustive()
    }
}
