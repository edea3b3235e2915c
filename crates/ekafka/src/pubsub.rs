//! Publish and subscribe through a broker, as kratos-transport's `broker/kafka` has it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ekafka::Context;
//! use ekafka::pubsub::*;
//! # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
//! # let address = kafka.bootstrap();
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Hygrothermograph {
//!     humidity: f64,
//!     temperature: f64,
//! }
//!
//! create_topic(&address, "logger.sensor.ts", 1, 1).await?;
//! let broker = new_broker([with_address([address]), with_codec(PayloadCodec::Json)]);
//! broker.connect().await?;
//!
//! let (sender, mut received) = tokio::sync::mpsc::channel(1);
//! let handler = move |_context, topic: String, headers: Headers, message: Hygrothermograph| {
//!     let sender = sender.clone();
//!     async move {
//!         let version = headers.get("version").unwrap_or_default();
//!         sender.send(format!("{topic} {version}: {} °C", message.temperature)).await?;
//!         Ok(())
//!     }
//! };
//! subscribe(&*broker, "logger.sensor.ts", handler, [with_queue_name("fx-group")]).await?;
//!
//! let message = Hygrothermograph { humidity: 40.5, temperature: 21.5 };
//! let options = [with_headers([("version", "1.0.0")]), with_message_key("kitchen")];
//! publish(&*broker, &Context::new(), "logger.sensor.ts", &message, options).await?;
//! assert_eq!(received.recv().await.as_deref(), Some("logger.sensor.ts 1.0.0: 21.5 °C"));
//!
//! broker.disconnect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What there is
//!
//! | item | what it is |
//! | --- | --- |
//! | [`new_broker`]`(options) -> Arc<dyn Broker>`, [`BrokerOptions::broker`]`() -> KafkaBroker` | a broker; nothing is dialled |
//! | [`Broker`]: `name`, `options`, `address`, `codec`, `init`, `connect`, `disconnect`, `publish_bytes`, `subscribe_events`, `request` | what brokers implement |
//! | [`BrokerExt`]: `publish(context, topic, &value, options)`, `publish_raw(context, topic, bytes, options)`, `subscribe(topics, handler, options)` | what applications call on any broker |
//! | [`publish`]`(broker, context, topic, &value, options)`, [`subscribe`]`(broker, topics, handler, options)` | the same with values: the handler gets context, topic, headers and value |
//! | [`Subscriber`]: `topic`, `group_id`, `options`, `is_active`, `lag`, `ended`, `unsubscribe` | a running subscription |
//! | [`Event`]: `topic`, `key`, `body`, `headers`, `decode::<T>`, `message`, `raw_message`, `ack` | what a handler gets |
//! | [`BrokerOptions`], [`PublishOptions`], [`SubscribeOptions`] | options as methods; [`BrokerOption`], [`PublishOption`] and [`SubscribeOption`] are what the `with_…` functions make |
//! | [`Topics`] | one topic, several, or those that fit a pattern |
//! | [`Payload`], [`PayloadCodec`], [`Raw`], `Proto` | values as bodies: as they are, JSON, or protocol buffers (feature `prost`) |
//! | [`Message`], [`MessageCarrier`], [`Headers`], [`HeaderValue`] | a message that can be changed, its headers for traces, headers that were read, one to be written |
//! | [`Writer`], [`WriterConfig`], [`new_writer`] | the writers that a broker holds and how they are set up |
//! | [`BalancerName`], [`ScramAlgorithm`] | names of balancers and of SCRAM's hashes |
//! | [`Logger`], [`ErrorLogger`] | the built-in loggers |
//! | [`create_topic`]`(address, topic, partitions, replication)`, [`delete_topic`]`(address, topics)` | topics made and deleted; also methods of [`KafkaBroker`] |
//!
//! # What is promised
//!
//! By default publishing is asynchronous: it returns once the message is accepted, and [`with_completion`] tells what
//! became of it; [`with_async`]`(false)` waits. Messages are acknowledged by all replicas in sync, idempotently.
//!
//! A handler's message is committed after the handler succeeded. One that fails with a
//! [`RecoverableError`](crate::consumerserver::RecoverableError) runs again, three times by default. A message that cannot
//! be handled goes to the [dead letter topic](with_dead_letter_topic) if there is one; else it ends the subscription,
//! uncommitted, or with [`with_skip_failures`] it is passed over. Every failure is logged and told to
//! [`with_error_handler`]. Handlers that panic have failed.
//!
//! Middlewares are [interceptors](crate::interceptor), those that components have.

mod balancing;
mod broker;
mod carrier;
mod event;
mod kafka;
mod logger;
mod message;
mod options;
mod payload;
mod publish_options;
mod publishing;
mod scram;
mod subscribe_options;
mod subscriber;
mod topic_calls;
mod topics;
#[cfg(feature = "otel")]
mod traces;
mod writer;

#[cfg(test)]
mod tests;

pub use balancing::{BalancerName, UnknownName};
pub use broker::{Broker, BrokerExt, BrokerFuture, publish, subscribe};
pub use carrier::{MessageCarrier, new_message_carrier};
pub use event::{Event, Handler, HandlerFuture};
pub use kafka::{KafkaBroker, new_broker};
pub use logger::{ErrorLogger, Logger};
pub use message::{Headers, Message, MessageHeader};
pub use options::*;
#[cfg(feature = "prost")]
pub use payload::Proto;
pub use payload::{Payload, PayloadCodec, Raw};
pub use publish_options::{
    HeaderValue, PublishOption, PublishOptions, with_balancer, with_crc32_balancer,
    with_hash_balancer, with_headers, with_least_bytes_balancer, with_message_key,
    with_message_offset, with_murmur2_balancer, with_partition, with_reference_hash_balancer,
    with_round_robin_balancer,
};
pub use scram::ScramAlgorithm;
pub use subscribe_options::{
    SubscribeOption, SubscribeOptions, disable_auto_ack, with_dead_letter_topic, with_queue_name,
    with_skip_failures, with_subscribe_auto_create_topic, with_subscribe_concurrency,
    with_subscribe_reader,
};
pub use subscriber::Subscriber;
pub use topic_calls::{create_topic, delete_topic};
pub use topics::Topics;
#[cfg(feature = "otel")]
pub use traces::{
    with_global_propagator, with_global_tracer_provider, with_propagator, with_tracer_provider,
};
pub use writer::{Completion, Writer, WriterConfig, new_writer};
