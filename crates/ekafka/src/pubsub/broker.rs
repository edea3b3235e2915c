//! What every broker can do, whatever carries the messages.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::event::{Event, Handler, HandlerFuture};
use super::message::Headers;
use super::options::{BrokerOption, BrokerOptions};
use super::payload::{Payload, PayloadCodec};
use super::publish_options::{PublishOption, PublishOptions};
use super::subscribe_options::{SubscribeOption, SubscribeOptions};
use super::subscriber::Subscriber;
use super::topics::Topics;
use crate::context::Context;
use crate::error::ComponentError;
use crate::server::BoxError;

/// A call of a [`Broker`].
pub type BrokerFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, ComponentError>> + Send + 'a>>;

/// Takes messages and hands them to whoever subscribed. [`KafkaBroker`](super::KafkaBroker) is one; an application's tests
/// may have another.
///
/// This is what brokers implement; [`BrokerExt`] has the calls that applications make.
///
/// ```
/// use std::sync::Arc;
///
/// use ekafka::ComponentError;
/// use ekafka::pubsub::*;
///
/// /// Subscribes with a handler that is a value, as code that is not generic has it.
/// async fn listen(broker: &dyn Broker, handler: Handler) -> Result<Subscriber, ComponentError> {
///     let options = SubscribeOptions::from([with_queue_name("shop")]);
///     broker.subscribe_events("orders".into(), handler, options).await
/// }
///
/// let handler: Handler = Arc::new(|_context, _event| Box::pin(async { Ok(()) }));
/// ```
pub trait Broker: Send + Sync {
    /// What carries the messages, such as `kafka`.
    fn name(&self) -> &'static str;

    /// The options in force.
    fn options(&self) -> BrokerOptions;

    /// The first address.
    fn address(&self) -> String;

    /// How values become bodies.
    fn codec(&self) -> PayloadCodec;

    /// Sets further options. Not needed: what was given when the broker was made counts anyhow.
    ///
    /// # Errors
    /// [`ComponentError::Config`] once the broker is connected.
    fn init(&self, options: Vec<BrokerOption>) -> Result<(), ComponentError>;

    /// Checks the options and makes the broker ready. Nothing is dialled before it must be. Connected brokers stay so, and
    /// publishing and subscribing connect by themselves.
    ///
    /// # Errors
    /// [`ComponentError::Config`] with every fault.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready changes nothing.
    fn connect(&self) -> BrokerFuture<'_, ()>;

    /// Ends every subscription after the message it is handling, delivers what was published, and lets go of everything.
    /// Brokers that are not connected stay so; one that was may be connected again.
    ///
    /// # Errors
    /// What a writer could not deliver; all are closed. Failures of subscriptions are told when they happen.
    ///
    /// # Cancel safety
    /// Dropping the future gives up what was not delivered; subscriptions end all the same.
    fn disconnect(&self) -> BrokerFuture<'_, ()>;

    /// Publishes a body as it is.
    ///
    /// # Errors
    /// Why the message was not, or may not have been, written. Asynchronous brokers tell only why it was not accepted.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the message is published.
    fn publish_bytes<'a>(
        &'a self,
        context: &'a Context,
        topic: &'a str,
        body: Bytes,
        options: PublishOptions,
    ) -> BrokerFuture<'a, ()>;

    /// Runs a handler on each message of the topics, until the subscription is ended.
    ///
    /// # Errors
    /// [`ComponentError`] when the options are wrong, or a topic to be created was refused.
    ///
    /// # Cancel safety
    /// Dropping the future subscribes to nothing; a topic may be created all the same.
    fn subscribe_events<'a>(
        &'a self,
        topics: Topics,
        handler: Handler,
        options: SubscribeOptions,
    ) -> BrokerFuture<'a, Subscriber>;

    /// Publishes a body and waits for what comes back.
    ///
    /// # Errors
    /// [`ComponentError::Unsupported`] from brokers that only publish, as Kafka's does.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the message is published.
    fn request<'a>(
        &'a self,
        context: &'a Context,
        topic: &'a str,
        body: Bytes,
    ) -> BrokerFuture<'a, Bytes>;
}

/// What applications call, on any [`Broker`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("names", 1)?;
/// use ekafka::Context;
/// use ekafka::pubsub::*;
///
/// let broker = new_broker([
///     with_address(kafka.addresses()),
///     with_codec(PayloadCodec::Json),
///     with_async(false),
/// ]);
/// let context = Context::new();
/// // By the broker's codec, as it is, and with its options given as a value.
/// broker.publish(&context, "names", &"Ada".to_owned(), [with_message_key("a")]).await?;
/// broker.publish_raw(&context, "names", "\"Grace\"", []).await?;
/// broker.publish_bytes(&context, "names", "\"Mary\"".into(), PublishOptions::default()).await?;
///
/// let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
/// let handler = move |_context, event: Event| {
///     let told = told.clone();
///     async move { Ok(told.send(event.decode::<String>()?)?) }
/// };
/// let subscriber = broker.subscribe("names", handler, [with_queue_name("greeters")]).await?;
/// for name in ["Ada", "Grace", "Mary"] {
///     assert_eq!(heard.recv().await.as_deref(), Some(name));
/// }
/// subscriber.unsubscribe().await?;
/// broker.disconnect().await?;
/// # Ok(())
/// # }
/// ```
pub trait BrokerExt: Broker {
    /// Publishes a value, encoded by the broker's codec.
    ///
    /// # Errors
    /// As [`Broker::publish_bytes`], and [`ComponentError::Codec`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the message is published.
    fn publish<T: Payload>(
        &self,
        context: &Context,
        topic: &str,
        message: &T,
        options: impl IntoIterator<Item = PublishOption>,
    ) -> impl Future<Output = Result<(), ComponentError>> + Send {
        let body = message.to_body(self.codec());
        let options = PublishOptions::from(options);
        async move { self.publish_bytes(context, topic, body?, options).await }
    }

    /// Publishes a text or bytes as they are, whatever the codec is.
    ///
    /// # Errors
    /// As [`Broker::publish_bytes`].
    ///
    /// # Cancel safety
    /// As [`publish`](Self::publish).
    fn publish_raw(
        &self,
        context: &Context,
        topic: &str,
        body: impl Into<Bytes>,
        options: impl IntoIterator<Item = PublishOption>,
    ) -> impl Future<Output = Result<(), ComponentError>> + Send {
        let (body, options) = (body.into(), PublishOptions::from(options));
        async move { self.publish_bytes(context, topic, body, options).await }
    }

    /// Runs a handler on each message of a topic, of several, or of all that fit a pattern.
    ///
    /// # Errors
    /// As [`Broker::subscribe_events`].
    ///
    /// # Cancel safety
    /// Dropping the future subscribes to nothing.
    fn subscribe<F, R>(
        &self,
        topics: impl Into<Topics>,
        handler: F,
        options: impl IntoIterator<Item = SubscribeOption>,
    ) -> impl Future<Output = Result<Subscriber, ComponentError>> + Send
    where
        F: Fn(Context, Event) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let handler: Handler =
            Arc::new(move |context, event| -> HandlerFuture { Box::pin(handler(context, event)) });
        self.subscribe_events(topics.into(), handler, SubscribeOptions::from(options))
    }
}

impl<B: Broker + ?Sized> BrokerExt for B {}

/// Publishes a value through any broker: [`BrokerExt::publish`].
///
/// # Errors
/// As [`BrokerExt::publish`].
///
/// # Cancel safety
/// As [`BrokerExt::publish`].
pub async fn publish<T: Payload + Sync>(
    broker: &(impl Broker + ?Sized),
    context: &Context,
    topic: &str,
    message: &T,
    options: impl IntoIterator<Item = PublishOption>,
) -> Result<(), ComponentError> {
    broker.publish(context, topic, message, options).await
}

/// Runs a handler on values: each message's body is decoded by the broker's codec, and one that is something else has
/// failed as if the handler had.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka::pubsub::*;
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("names", 1)?;
/// let broker = new_broker([with_address(kafka.addresses())]);
/// let handler = |_context, topic: String, _headers: Headers, name: String| async move {
///     println!("{topic}: {name}");
///     Ok(())
/// };
/// let subscriber = subscribe(&*broker, "names", handler, [with_queue_name("greeters")]).await?;
/// # subscriber.unsubscribe().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`BrokerExt::subscribe`].
///
/// # Cancel safety
/// As [`BrokerExt::subscribe`].
pub async fn subscribe<T, F, R>(
    broker: &(impl Broker + ?Sized),
    topics: impl Into<Topics>,
    handler: F,
    options: impl IntoIterator<Item = SubscribeOption>,
) -> Result<Subscriber, ComponentError>
where
    T: Payload,
    F: Fn(Context, String, Headers, T) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let handler: Handler = Arc::new(move |context, event: Event| -> HandlerFuture {
        match event.decode::<T>() {
            Ok(value) => Box::pin(handler(
                context,
                event.topic().to_owned(),
                event.headers(),
                value,
            )),
            Err(error) => Box::pin(async move { Err(error.into()) }),
        }
    });
    let options = SubscribeOptions::from(options);
    broker
        .subscribe_events(topics.into(), handler, options)
        .await
}
