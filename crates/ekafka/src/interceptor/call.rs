//! One call on its way through a chain.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{Header, Message, Record};
use ekafka_reader::TopicPartition;
use tokio::time::Instant;

use super::chain::Identity;
use crate::context::Context;

/// What is asked for. The names are those of the documents.
///
/// ```
/// use ekafka::interceptor::Command;
///
/// assert_eq!(Command::WriteMessages.name(), "WriteMessages");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Command {
    /// A producer writes records.
    WriteMessages,
    /// A producer ends.
    ProducerClose,
    /// A consumer takes a message, or a group was polled and gave one.
    FetchMessage,
    /// A consumer takes and commits a message.
    ReadMessage,
    /// Offsets are committed.
    CommitMessages,
    /// A consumer or a group ends.
    ConsumerClose,
    /// A consumer asks how far it is behind.
    ReadLag,
    /// A consumer goes to an offset.
    SetOffset,
    /// A consumer goes to a time.
    SetOffsetAt,
    /// A poll told of partitions that were given to this member.
    AssignedPartitions,
    /// A poll told of partitions that were taken from this member.
    RevokedPartitions,
    /// A poll told of an error.
    FetchError,
    /// A consumer server runs its handler on a message.
    Handler,
    /// A consumer server commits what its handler is done with.
    Commit,
    /// The client makes topics.
    CreateTopics,
    /// The client deletes topics.
    DeleteTopics,
    /// The client asks for offsets of partitions.
    ListOffsets,
    /// The client asks for offsets that a group committed.
    OffsetFetch,
    /// The client asks what the cluster is made of.
    Metadata,
}

impl Command {
    /// As logs and metrics have it, such as `WriteMessages`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WriteMessages => "WriteMessages",
            Self::ProducerClose => "ProducerClose",
            Self::FetchMessage => "FetchMessage",
            Self::ReadMessage => "ReadMessage",
            Self::CommitMessages => "CommitMessages",
            Self::ConsumerClose => "ConsumerClose",
            Self::ReadLag => "ReadLag",
            Self::SetOffset => "SetOffset",
            Self::SetOffsetAt => "SetOffsetAt",
            Self::AssignedPartitions => "AssignedPartitions",
            Self::RevokedPartitions => "RevokedPartitions",
            Self::FetchError => "FetchError",
            Self::Handler => "HANDLER",
            Self::Commit => "COMMIT",
            Self::CreateTopics => "CreateTopics",
            Self::DeleteTopics => "DeleteTopics",
            Self::ListOffsets => "ListOffsets",
            Self::OffsetFetch => "OffsetFetch",
            Self::Metadata => "Metadata",
        }
    }

    /// Whether it mostly waits for somebody to write, so that its length says nothing.
    #[must_use]
    pub fn waits_for_messages(self) -> bool {
        matches!(
            self,
            Self::FetchMessage
                | Self::ReadMessage
                | Self::AssignedPartitions
                | Self::RevokedPartitions
                | Self::FetchError
        )
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a call brought, besides success.
///
/// ```
/// use ekafka::interceptor::{Call, Response};
///
/// fn offset(call: &Call<'_>) -> Option<i64> {
///     match call.response() {
///         Response::Message(message) => Some(message.offset()),
///         _ => None,
///     }
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Response {
    /// Nothing, or nothing yet.
    #[default]
    Nothing,
    /// A message.
    Message(Message),
    /// Partitions that were given or taken.
    Partitions(Vec<TopicPartition>),
    /// A number, such as a lag.
    Number(i64),
    /// Anything else, as text for people.
    Text(String),
}

/// One call: what is asked for, of whom, and later what came of it.
///
/// ```
/// use ekafka::interceptor::{Call, Command};
///
/// fn describe(call: &Call<'_>) -> String {
///     match call.command() {
///         Command::WriteMessages => format!("{} records to {}", call.records().len(), call.topic()),
///         other => format!("{other} after {:?}", call.elapsed()),
///     }
/// }
/// ```
///
/// ```
/// use ekafka::Context;
/// use ekafka::interceptor::{Call, CallFuture, Interceptor, Next};
///
/// /// Marks what is written, and tells of calls that take long.
/// struct Marks;
///
/// impl Interceptor for Marks {
///     fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
///         Box::pin(async move {
///             let context = call.context().clone();
///             call.set_context(context.with_value("marked", "yes"));
///             if !call.records().is_empty() {
///                 call.add_header("written-by", "shop");
///             }
///             let outcome = next.run(call).await;
///             let what = call.command();
///             if !what.waits_for_messages() && call.elapsed().as_secs() > 1 {
///                 println!("{} of {} at {:?} took {:?}", what.name(), call.component(), call.brokers(), call.elapsed());
///                 println!("{} {:?}: {} messages", call.topic(), call.request(), call.messages().len());
///                 println!("{:?}", call.response());
///             }
///             outcome
///         })
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Call<'a> {
    pub(super) command: Command,
    pub(super) identity: &'a Arc<Identity>,
    pub(super) topic: &'a str,
    pub(super) records: &'a [Record<'a>],
    pub(super) messages: &'a [Message],
    /// What the call is about when it is neither records nor messages.
    pub(super) request: Option<String>,
    pub(super) added_headers: Vec<(String, Vec<u8>)>,
    pub(super) response: Response,
    pub(super) context: Context,
    pub(super) started: Instant,
    pub(super) clock: &'a super::chain::Clock,
}

impl<'a> Call<'a> {
    /// What is asked for. A poll knows it only afterwards: before, it is [`Command::FetchMessage`].
    #[must_use]
    pub fn command(&self) -> Command {
        self.command
    }

    /// The component's name: where its table stands in the configuration, such as `kafka`.
    #[must_use]
    pub fn component(&self) -> &str {
        &self.identity.name
    }

    /// The brokers the component was given.
    #[must_use]
    pub fn brokers(&self) -> &[String] {
        &self.identity.brokers
    }

    /// The topic: the configured one, or that of the message; empty when there is none.
    #[must_use]
    pub fn topic(&self) -> &str {
        match &self.response {
            Response::Message(message) if self.topic.is_empty() => message.topic(),
            _ => self.topic,
        }
    }

    /// The records to write; empty for other commands.
    #[must_use]
    pub fn records(&self) -> &'a [Record<'a>] {
        self.records
    }

    /// The messages to commit or to handle; empty for other commands.
    #[must_use]
    pub fn messages(&self) -> &'a [Message] {
        self.messages
    }

    /// What is asked for in words, where it is neither records nor messages.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        self.request.as_deref()
    }

    /// Adds a header to each of the records to write, behind their own.
    pub fn add_header(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.added_headers.push((key.into(), value.into()));
    }

    /// What came of the call; [`Response::Nothing`] before.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The context the caller gave; a handler gets it as the layers leave it.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Puts another context in its place.
    pub fn set_context(&mut self, context: Context) {
        self.context = context;
    }

    /// How long ago the call was begun.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.started)
    }

    pub(crate) fn set_command(&mut self, command: Command) {
        self.command = command;
    }

    pub(crate) fn set_records(&mut self, records: &'a [Record<'a>]) {
        self.records = records;
    }

    pub(crate) fn set_messages(&mut self, messages: &'a [Message]) {
        self.messages = messages;
    }

    pub(crate) fn set_request(&mut self, request: impl fmt::Display) {
        self.request = Some(request.to_string());
    }

    pub(crate) fn respond(&mut self, response: Response) {
        self.response = response;
    }

    /// The headers that layers added, as records have them.
    pub(crate) fn added_headers(&self) -> Vec<Header<'_>> {
        let headers = self.added_headers.iter();
        headers
            .map(|(key, value)| Header {
                key,
                value: Some(value),
            })
            .collect()
    }
}
