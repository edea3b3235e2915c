//! One connection: requests are handled one after the other and answered in order, as a broker does.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};
use ekafka_protocol::{Frame, LENGTH_BYTES, RequestHeader, decode_correlation_id};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::Shared;
use super::inbound::Inbound;
use super::outbound::Outbound;
use crate::api::{self, Answer, Call, Waiting};
use crate::faults::FaultPlan;
use crate::journal::LoggedRequest;
use crate::sasl::{Login, Progress};

/// Serves one connection until the peer closes it or does something that ends it.
pub(crate) async fn serve<S>(shared: Arc<Shared>, node: i32, stream: S, client_host: Arc<str>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let _open = shared.count_open(node);
    let connection = shared.next_connection();
    let inbound = Inbound::new(shared.max_request_bytes);
    let waker = Arc::new(Notify::new());
    let outbound = Outbound::default();
    let login = Arc::default();
    let mut session = Session {
        shared,
        node,
        connection,
        stream,
        client_host,
        inbound,
        outbound,
        waker,
        login,
    };
    if let Err(error) = session.run().await {
        tracing::debug!(node, connection, %error, "connection ended");
    }
}

struct Session<S> {
    shared: Arc<Shared>,
    node: i32,
    connection: u64,
    stream: S,
    client_host: Arc<str>,
    inbound: Inbound,
    outbound: Outbound,
    waker: Arc<Notify>,
    login: Arc<Mutex<Login>>,
}

/// Whether the connection goes on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            let frame = match self.inbound.take_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => {
                    if self.inbound.fill(&mut self.stream).await? == 0 {
                        return Ok(());
                    }
                    continue;
                }
                Err(error) => {
                    self.violation(&format!("no request: {error}"));
                    return Ok(());
                }
            };
            if self.request(frame).await? == Next::End {
                return self.outbound.flush(&mut self.stream).await;
            }
            if !self.inbound.has_frame() {
                self.outbound.flush(&mut self.stream).await?;
            }
        }
    }

    async fn request(&mut self, mut body: Bytes) -> io::Result<Next> {
        if self
            .login
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_raw
        {
            return Ok(self.raw_token(&body));
        }
        let header = match RequestHeader::decode(&mut body) {
            Ok(header) => header,
            Err(error) => {
                self.violation(&format!("request header: {error}"));
                return Ok(Next::End);
            }
        };
        let now = Instant::now();
        let mut call = Call {
            node: self.node,
            api: header.api,
            version: header.version,
            correlation_id: header.correlation_id,
            now,
            client_id: header.client_id.as_deref().unwrap_or_default().to_owned(),
            client_host: Arc::clone(&self.client_host),
            waker: Arc::clone(&self.waker),
            login: Arc::clone(&self.login),
            injected: None,
        };
        let logged = LoggedRequest::new(self.node, self.connection, header, now, body.clone());
        let plan = self.shared.faults().take(&logged);
        self.shared.journal().note(logged);
        if plan.drops_before {
            return Ok(Next::End);
        }
        if plan.is_silent {
            return self.be_silent().await;
        }
        if let Some(time) = plan.delay {
            self.outbound.flush(&mut self.stream).await?;
            sleep(time).await;
            call.now = Instant::now();
        }
        call.injected.clone_from(&plan.error);
        let answer = match api::handle(&self.shared, &call, body) {
            Ok(Answer::Wait(waiting)) => self.wait(waiting, &mut call).await?,
            other => other,
        };
        let illegal = std::mem::take(&mut self.shared.cluster().illegal);
        for what in illegal {
            self.violation(&format!("{} v{}: {what}", call.api, call.version));
        }
        match answer {
            Ok(Answer::Reply(frame)) => self.answer(frame, plan, &call).await,
            Ok(Answer::Last(frame)) => {
                self.answer(frame, plan, &call).await?;
                Ok(Next::End)
            }
            Ok(Answer::Nothing) if plan.drops_after => Ok(Next::End),
            Ok(Answer::Nothing) => {
                // An answer nobody asked for.
                if let Some(bytes) = plan.replaced_by {
                    self.outbound.push_bytes(bytes);
                }
                Ok(Next::Continue)
            }
            Ok(Answer::Close | Answer::Wait(_)) => Ok(Next::End),
            Err(refusal) => {
                self.violation(&format!("{} v{}: {refusal}", call.api, call.version));
                Ok(Next::End)
            }
        }
    }

    /// A token without a header around it, as after SaslHandshake version 0; a refused log-in closes the connection.
    fn raw_token(&mut self, token: &Bytes) -> Next {
        let progress =
            api::sasl_authenticate::authenticate(&self.shared, &self.login, token, Instant::now());
        let Ok(Progress::Challenge(answer) | Progress::Done(answer, _)) = progress else {
            return Next::End;
        };
        let mut bytes = BytesMut::with_capacity(4 + answer.len());
        bytes.put_i32(i32::try_from(answer.len()).unwrap_or(0));
        bytes.put_slice(&answer);
        self.outbound.push_bytes(bytes.freeze());
        Next::Continue
    }

    /// Waits until the request can be answered; reads ahead meanwhile, so that a peer that leaves is noticed.
    async fn wait(
        &mut self,
        mut waiting: Box<dyn Waiting>,
        call: &mut Call,
    ) -> io::Result<Result<Answer, api::Refusal>> {
        self.outbound.flush(&mut self.stream).await?;
        loop {
            call.now = Instant::now();
            match waiting.resume(&self.shared, call) {
                Ok(None) => {}
                Ok(Some(answer)) => return Ok(Ok(answer)),
                Err(refusal) => return Ok(Err(refusal)),
            }
            let until = waiting.until();
            self.inbound.make_room(1);
            let may_read = !self.inbound.is_full();
            tokio::select! {
                biased;
                () = self.waker.notified() => {}
                () = sleep_until(until) => {}
                read = self.inbound.fill(&mut self.stream), if may_read => {
                    if read? == 0 {
                        return Ok(Ok(Answer::Close));
                    }
                }
            }
        }
    }

    async fn answer(&mut self, frame: Frame, plan: FaultPlan, call: &Call) -> io::Result<Next> {
        if plan.drops_after {
            return Ok(Next::End);
        }
        if plan.is_silent_after {
            return self.be_silent().await;
        }
        if let Some(time) = plan.delay_answer {
            self.outbound.flush(&mut self.stream).await?;
            sleep(time).await;
        }
        let frame = match plan.edit {
            None => frame,
            Some(edit) => {
                let mut body = frame.to_bytes().slice(LENGTH_BYTES..);
                let edited = decode_correlation_id(&mut body).map_err(api::Refusal::from);
                match edited.and_then(|_| edit(call.version, call.correlation_id, body)) {
                    Ok(frame) => frame,
                    Err(error) => {
                        self.violation(&format!("the test's edit of an answer: {error}"));
                        return Ok(Next::End);
                    }
                }
            }
        };
        if let Some(bytes) = plan.cut {
            let whole = frame.to_bytes();
            self.outbound
                .push_bytes(whole.slice(..bytes.min(whole.len())));
            return Ok(Next::End);
        }
        match plan.replaced_by {
            Some(bytes) => self.outbound.push_bytes(bytes),
            None => {
                for _ in 1..plan.copies.unwrap_or(1) {
                    self.outbound.push(frame.clone());
                }
                if plan.copies != Some(0) {
                    self.outbound.push(frame);
                }
            }
        }
        Ok(Next::Continue)
    }

    /// Reads and forgets until the peer goes away.
    async fn be_silent(&mut self) -> io::Result<Next> {
        self.outbound.flush(&mut self.stream).await?;
        loop {
            let mut sink = Inbound::new(self.shared.max_request_bytes);
            if sink.fill(&mut self.stream).await? == 0 {
                return Ok(Next::End);
            }
        }
    }

    fn violation(&self, what: &str) {
        let text = format!("node {}, connection {}: {what}", self.node, self.connection);
        self.shared.journal().violation(text);
    }
}
