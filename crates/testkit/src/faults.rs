//! Scripted faults: what happens to the next requests of an API.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::{ApiKey, BrokerRequest, ErrorCode, Frame, skip_response_tags};

use crate::api::Refusal;
use crate::journal::LoggedRequest;
use crate::server::Shared;

/// A fault being written down. It takes effect when this value is dropped, at the end of the statement.
///
/// Without [`times`](Self::times) it happens once. Rules are looked at in the order they were made; the first that fits a
/// request is used up by it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
/// # kafka.create_topic("orders", 3)?;
///
/// use std::time::Duration;
///
/// use ekafka_protocol::messages::MetadataRequest;
/// use ekafka_protocol::{ApiKey, ErrorCode};
///
/// // The request is refused, or done all the same and answered with an error.
/// kafka.on_next(ApiKey::PRODUCE).error(ErrorCode::NOT_LEADER_OR_FOLLOWER).partition("orders", 0);
/// kafka.on_next(ApiKey::PRODUCE).error_after(ErrorCode::REQUEST_TIMED_OUT).times(3);
/// // The connection ends, or nobody answers: before it is done, or behind that.
/// kafka.on_next(ApiKey::FETCH).drop_before().skip(2);
/// kafka.on_next(ApiKey::FETCH).drop_after().node(2);
/// kafka.on_any().silence().when(|request| request.size > 1_000_000);
/// kafka.on_any().silence_after();
/// // It takes longer.
/// kafka.on_next(ApiKey::HEARTBEAT).delay(Duration::from_secs(1));
/// kafka.on_next(ApiKey::HEARTBEAT).delay_answer(Duration::from_secs(1));
/// // The answer is another one.
/// kafka.on_next(ApiKey::METADATA).cut(10);
/// kafka.on_next(ApiKey::METADATA).replace(b"nonsense".to_vec());
/// kafka.on_next(ApiKey::METADATA).repeat_answer(2);
/// kafka.on_next(ApiKey::METADATA).edit::<MetadataRequest>(|answer| answer.brokers.clear());
/// assert!(kafka.pending_faults() > 0);
/// kafka.clear_faults();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FaultBuilder {
    rule: Rule,
    shared: Arc<Shared>,
}

/// Says whether a request is meant.
type Predicate = Arc<dyn Fn(&LoggedRequest) -> bool + Send + Sync>;

/// What one rule does, and to whom.
#[derive(Clone)]
struct Rule {
    api: Option<ApiKey>,
    node: Option<i32>,
    /// Fitting requests to let pass first.
    skip: usize,
    /// How often it still happens.
    times: usize,
    only: Option<Predicate>,
    plan: FaultPlan,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("api", &self.api)
            .field("times", &self.times)
            .field("plan", &self.plan)
            .finish()
    }
}

/// Changes an answer; see [`FaultBuilder::edit`].
type Edit = Arc<dyn Fn(i16, i32, Bytes) -> Result<Frame, Refusal> + Send + Sync>;

/// What happens to one request.
#[derive(Clone, Default)]
pub(crate) struct FaultPlan {
    /// Waited before the request is handled.
    pub(crate) delay: Option<Duration>,
    /// Waited between handling and answering.
    pub(crate) delay_answer: Option<Duration>,
    /// The connection is closed and the request not handled.
    pub(crate) drops_before: bool,
    /// The request is handled and the connection closed instead of answering.
    pub(crate) drops_after: bool,
    /// Neither handled nor answered; the connection stays open and dumb.
    pub(crate) is_silent: bool,
    /// Handled, but neither this nor a later request on the connection is answered.
    pub(crate) is_silent_after: bool,
    pub(crate) error: Option<Injected>,
    /// Only so many bytes of the answer are sent, then the connection is closed.
    pub(crate) cut: Option<usize>,
    /// Sent in place of the answer, length and all.
    pub(crate) replaced_by: Option<Bytes>,
    /// The answer is sent this often instead of once.
    pub(crate) copies: Option<usize>,
    /// Gets version, correlation id and body of the answer, and makes another one.
    pub(crate) edit: Option<Edit>,
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultPlan")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// An error code put into the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Injected {
    pub(crate) code: ErrorCode,
    /// Whether the request is carried out all the same.
    pub(crate) is_applied: bool,
    /// The partition it concerns; all of the request when none.
    pub(crate) partition: Option<(String, i32)>,
}

impl FaultBuilder {
    pub(crate) fn new(api: Option<ApiKey>, shared: Arc<Shared>) -> Self {
        let rule = Rule {
            api,
            node: None,
            skip: 0,
            times: 1,
            only: None,
            plan: FaultPlan::default(),
        };
        Self { rule, shared }
    }

    /// Answers with this error and does not carry the request out.
    pub fn error(mut self, code: ErrorCode) -> Self {
        self.rule.plan.error = Some(Injected {
            code,
            is_applied: false,
            partition: None,
        });
        self
    }

    /// Carries the request out and answers with this error all the same.
    pub fn error_after(mut self, code: ErrorCode) -> Self {
        self.rule.plan.error = Some(Injected {
            code,
            is_applied: true,
            partition: None,
        });
        self
    }

    /// Limits [`error`](Self::error) to one partition of the request; the others are handled as ever.
    pub fn partition(mut self, topic: &str, partition: i32) -> Self {
        if let Some(error) = &mut self.rule.plan.error {
            error.partition = Some((topic.to_owned(), partition));
        }
        self
    }

    /// Closes the connection without handling the request.
    pub fn drop_before(mut self) -> Self {
        self.rule.plan.drops_before = true;
        self
    }

    /// Handles the request and closes the connection instead of answering.
    pub fn drop_after(mut self) -> Self {
        self.rule.plan.drops_after = true;
        self
    }

    /// Waits before the request is handled.
    pub fn delay(mut self, time: Duration) -> Self {
        self.rule.plan.delay = Some(time);
        self
    }

    /// Handles the request at once and waits before answering.
    pub fn delay_answer(mut self, time: Duration) -> Self {
        self.rule.plan.delay_answer = Some(time);
        self
    }

    /// Does not handle this request and never answers on its connection again, which stays open.
    pub fn silence(mut self) -> Self {
        self.rule.plan.is_silent = true;
        self
    }

    /// Handles the request and never answers on its connection again, which stays open.
    pub fn silence_after(mut self) -> Self {
        self.rule.plan.is_silent_after = true;
        self
    }

    /// Sends only the first `bytes` of the answer (its length counts), then closes the connection.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.rule.plan.cut = Some(bytes);
        self
    }

    /// Sends these bytes in place of the answer, exactly as they are; also to a request that gets none (acks none).
    pub fn replace(mut self, bytes: impl Into<Bytes>) -> Self {
        self.rule.plan.replaced_by = Some(bytes.into());
        self
    }

    /// Sends the answer `copies` times.
    pub fn repeat_answer(mut self, copies: usize) -> Self {
        self.rule.plan.copies = Some(copies);
        self
    }

    /// Changes the answer to requests of type `R` before it is sent: leaves partitions out, names others, lies.
    ///
    /// An answer whose new form the request's version cannot carry ends the connection, as a violation of its own.
    pub fn edit<R: BrokerRequest>(
        mut self,
        change: impl Fn(&mut R::Response) + Send + Sync + 'static,
    ) -> Self {
        self.rule.plan.edit = Some(Arc::new(move |version, correlation_id, mut body| {
            skip_response_tags(R::API, version, &mut body)?;
            let mut response = R::decode_response(version, body)?;
            change(&mut response);
            Ok(Frame::response::<R>(version, correlation_id, &response)?)
        }));
        self
    }

    /// Only on this node.
    pub fn node(mut self, id: i32) -> Self {
        self.rule.node = Some(id);
        self
    }

    /// Happens to so many requests; `usize::MAX` is for ever.
    pub fn times(mut self, times: usize) -> Self {
        self.rule.times = times;
        self
    }

    /// Lets so many fitting requests pass before the first.
    pub fn skip(mut self, requests: usize) -> Self {
        self.rule.skip = requests;
        self
    }

    /// Only to requests for which `fits` says so; [`LoggedRequest::decode`] gives what they ask for.
    pub fn when(mut self, fits: impl Fn(&LoggedRequest) -> bool + Send + Sync + 'static) -> Self {
        self.rule.only = Some(Arc::new(fits));
        self
    }
}

impl Drop for FaultBuilder {
    fn drop(&mut self) {
        self.shared.faults().rules.push(self.rule.clone());
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    connects: Vec<ConnectRule>,
}

impl Faults {
    /// What happens to this request; the rule that fits is used up by one.
    pub(crate) fn take(&mut self, request: &LoggedRequest) -> FaultPlan {
        for at in 0..self.rules.len() {
            let Some(rule) = self.rules.get_mut(at).filter(|rule| rule.fits(request)) else {
                continue;
            };
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            let plan = rule.plan.clone();
            if rule.times != usize::MAX {
                rule.times -= 1;
            }
            self.rules.retain(|rule| rule.times > 0);
            return plan;
        }
        FaultPlan::default()
    }

    /// What happens to this new connection; the rule that fits is used up by one.
    pub(crate) fn take_connect(&mut self, node: i32) -> Option<ConnectFault> {
        let fits = |rule: &&mut ConnectRule| rule.node.is_none_or(|id| id == node);
        let rule = self.connects.iter_mut().find(fits)?;
        let fault = rule.fault;
        if rule.times != usize::MAX {
            rule.times -= 1;
        }
        self.connects.retain(|rule| rule.times > 0);
        Some(fault)
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
        self.connects.clear();
    }

    /// Faults that have not happened yet, those for ever aside.
    pub(crate) fn pending(&self) -> usize {
        let rules = self.rules.iter().map(|rule| rule.times);
        let connects = self.connects.iter().map(|rule| rule.times);
        rules
            .chain(connects)
            .filter(|times| *times != usize::MAX)
            .sum()
    }
}

/// What happens to the next new connections, being written down: it takes effect when this value is dropped, at the end of
/// the statement, and happens once unless told otherwise.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
/// # kafka.create_topic("orders", 3)?;
///
/// use std::time::Duration;
///
/// kafka.on_connect().close().times(2);
/// kafka.on_connect().silence().node(2);
/// kafka.on_connect().delay(Duration::from_secs(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ConnectFaultBuilder {
    rule: ConnectRule,
    shared: Arc<Shared>,
}

#[derive(Debug, Clone, Copy)]
struct ConnectRule {
    node: Option<i32>,
    times: usize,
    fault: ConnectFault,
}

/// What happens to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectFault {
    Close,
    Silence,
    Delay(Duration),
}

impl ConnectFaultBuilder {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            rule: ConnectRule {
                node: None,
                times: 1,
                fault: ConnectFault::Close,
            },
            shared,
        }
    }

    /// Accepts and closes: what happens when nothing else is said.
    pub fn close(mut self) -> Self {
        self.rule.fault = ConnectFault::Close;
        self
    }

    /// Accepts and never says a word, not even in a TLS handshake.
    pub fn silence(mut self) -> Self {
        self.rule.fault = ConnectFault::Silence;
        self
    }

    /// Accepts and begins to listen only after this time.
    pub fn delay(mut self, time: Duration) -> Self {
        self.rule.fault = ConnectFault::Delay(time);
        self
    }

    /// Only on this node.
    pub fn node(mut self, id: i32) -> Self {
        self.rule.node = Some(id);
        self
    }

    /// Happens to so many connections; `usize::MAX` is for ever.
    pub fn times(mut self, times: usize) -> Self {
        self.rule.times = times;
        self
    }
}

impl Drop for ConnectFaultBuilder {
    fn drop(&mut self) {
        if self.rule.times > 0 {
            self.shared.faults().connects.push(self.rule);
        }
    }
}

impl Rule {
    fn fits(&self, request: &LoggedRequest) -> bool {
        self.times > 0
            && self.api.is_none_or(|api| api == request.api)
            && self.node.is_none_or(|node| node == request.node)
            && self.only.as_ref().is_none_or(|only| only(request))
    }
}
