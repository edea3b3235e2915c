//! From an open stream to a usable connection: agree on versions, log in (KIP-511, KIP-152).
//!
//! One request at a time, before anyone else can use the stream; the whole is under the dial's time limit.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use ekafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use ekafka_protocol::{
    ApiKey, DecodeError, ErrorCode, Frame, FrameCursor, Request, StrBytes, VersionRange,
    skip_response_tags,
};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::authentication::{self, Carrier};
use super::versions::Versions;
use crate::address::HostPort;
use crate::config::ConnConfig;
use crate::error::{ConnError, Stage};
use crate::frame::FrameReader;
use crate::sasl::{LoginError, MAX_TOKEN};
use crate::stream::{ReadSide, Stream, WriteSide};

/// An opened connection's parts, ready for its task.
pub(super) struct Ready {
    pub(super) read: ReadSide,
    pub(super) write: WriteSide,
    pub(super) frames: FrameReader,
    pub(super) versions: Versions,
    /// The first correlation id not used yet.
    pub(super) next_id: i32,
    /// When the log-in began, and how long it lasts, if the broker limits it.
    pub(super) session: Option<(Instant, Duration)>,
}

/// Agrees on versions and logs in, by `deadline`.
pub(super) async fn prepare(
    stream: Stream,
    address: &HostPort,
    config: &ConnConfig,
    deadline: Instant,
) -> Result<Ready, ConnError> {
    let late = |stage| ConnError::Timeout {
        broker: address.clone(),
        stage,
        sent: false,
    };
    let mut opening = Opening::new(stream, address, config.client_id.as_deref());
    let versions = timeout_at(deadline, opening.agree_on_versions())
        .await
        .map_err(|_| late(Stage::Versions))??;
    let mut session = None;
    if let Some(mechanism) = &config.sasl {
        opening.frames.set_cap(LOGIN_CAP);
        let logging_in =
            authentication::log_in(&mut opening, &**mechanism, address, &versions, config);
        let began = Instant::now();
        let lifetime = timeout_at(deadline, logging_in)
            .await
            .map_err(|_| late(Stage::Login))??;
        session = lifetime.map(|lifetime| (began, lifetime));
    }
    opening.frames.set_cap(config.max_frame);
    Ok(Ready {
        read: opening.read,
        write: opening.write,
        frames: opening.frames,
        versions,
        next_id: opening.next_id,
        session,
    })
}

/// A stream on which one request at a time is asked and answered.
pub(crate) struct Opening<'a> {
    pub(crate) read: ReadSide,
    pub(crate) write: WriteSide,
    pub(crate) frames: FrameReader,
    address: &'a HostPort,
    client_id: Option<&'a str>,
    next_id: i32,
}

impl<'a> Opening<'a> {
    pub(crate) fn new(stream: Stream, address: &'a HostPort, client_id: Option<&'a str>) -> Self {
        let (read, write) = stream.into_split();
        Self {
            read,
            write,
            frames: FrameReader::new(VERSIONS_CAP),
            address,
            client_id,
            next_id: 0,
        }
    }

    /// Asks which versions the broker speaks. A broker that does not know our version of the question says so in
    /// version 0; it is then asked in the newest version it knows.
    pub(crate) async fn agree_on_versions(&mut self) -> Result<Versions, ConnError> {
        let request = ApiVersionsRequest {
            client_software_name: StrBytes::from_static_str("ekafka"),
            client_software_version: StrBytes::from_static_str(env!("CARGO_PKG_VERSION")),
        };
        let mut version = ApiVersionsRequest::VERSIONS.max;
        loop {
            let body = self.ask(Stage::Versions, version, &request).await?;
            let code = body.first_chunk().copied().map(i16::from_be_bytes);
            let refused = code == Some(ErrorCode::UNSUPPORTED_VERSION.0);
            let read_as = if refused { 0 } else { version };
            let answer = ApiVersionsRequest::decode_response(read_as, body)
                .map_err(|fault| self.malformed(Stage::Versions, fault))?;
            if refused && version > 0 {
                version = next_version(version, &answer);
                continue;
            }
            if answer.error_code != ErrorCode::NONE {
                return Err(ConnError::Kafka {
                    broker: self.address.clone(),
                    api: ApiKey::API_VERSIONS,
                    code: answer.error_code,
                });
            }
            return Ok(Versions::from_answer(&answer));
        }
    }

    async fn ask<R: Request>(
        &mut self,
        stage: Stage,
        version: i16,
        request: &R,
    ) -> Result<Bytes, ConnError> {
        let correlation_id = self.next_id;
        self.next_id += 1;
        let frame = Frame::request(version, correlation_id, self.client_id, request)?;
        self.send(stage, frame).await?;
        let mut body = self.receive(stage).await?;
        let found = body.first_chunk().copied().map(i32::from_be_bytes);
        if found != Some(correlation_id) {
            return Err(self.malformed(stage, FOREIGN));
        }
        body.advance(size_of::<i32>());
        skip_response_tags(R::API, version, &mut body)
            .map_err(|fault| self.malformed(stage, fault))?;
        Ok(body)
    }

    async fn send(&mut self, stage: Stage, frame: Frame) -> Result<(), ConnError> {
        let sent = write_frame(&mut self.write, frame).await;
        sent.map_err(|error| self.broken(stage, error))
    }

    async fn receive(&mut self, stage: Stage) -> Result<Bytes, ConnError> {
        loop {
            match self.frames.next_frame() {
                Ok(Some(frame)) => return Ok(frame),
                Ok(None) => {}
                Err(fault) => return Err(self.malformed(stage, fault)),
            }
            self.receive_more(stage).await?;
        }
    }

    /// Receives a bare token, which may be empty.
    async fn receive_token(&mut self) -> Result<Bytes, ConnError> {
        while !self.frames.is_prefix_received() {
            self.receive_more(Stage::Login).await?;
        }
        match self.frames.take_empty_token() {
            Some(token) => Ok(token),
            None => self.receive(Stage::Login).await,
        }
    }

    async fn receive_more(&mut self, stage: Stage) -> Result<(), ConnError> {
        match self.read.read_buf(&mut self.frames.space()).await {
            Ok(0) => Err(self.broken(stage, io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.frames.note_received(count);
                Ok(())
            }
            Err(error) => Err(self.broken(stage, error)),
        }
    }

    fn broken(&self, stage: Stage, error: io::Error) -> ConnError {
        let ended = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
        );
        if ended && stage == Stage::Login {
            return ConnError::Login {
                broker: self.address.clone(),
                cause: Arc::new(LoginError::Ended),
            };
        }
        ConnError::Open {
            broker: self.address.clone(),
            stage,
            cause: Arc::new(error),
        }
    }

    fn malformed(&self, stage: Stage, fault: DecodeError) -> ConnError {
        ConnError::Malformed {
            broker: self.address.clone(),
            stage,
            cause: Arc::new(fault),
        }
    }
}

impl Carrier for Opening<'_> {
    async fn call<R: Request>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<R::Response, ConnError> {
        let body = self.ask(Stage::Login, version, request).await?;
        R::decode_response(version, body).map_err(|fault| self.malformed(Stage::Login, fault))
    }

    async fn exchange_token(&mut self, token: &[u8]) -> Result<Bytes, ConnError> {
        let frame = Frame::with_length(|frame| {
            frame.put_slice(token);
            Ok(())
        })?;
        self.send(Stage::Login, frame).await?;
        self.receive_token().await
    }
}

/// The version to ask in after `refused`: the newest the broker names, else the next one every broker knows.
fn next_version(refused: i16, answer: &ApiVersionsResponse) -> i16 {
    let below = VersionRange::new(0, refused - 1);
    let named = answer
        .api_keys
        .iter()
        .find(|listed| listed.api_key == ApiKey::API_VERSIONS);
    named
        .and_then(|listed| below.latest_common(listed.versions))
        .unwrap_or(0)
}

async fn write_frame(write: &mut WriteSide, frame: Frame) -> io::Result<()> {
    let mut cursor = FrameCursor::new(frame);
    while !cursor.is_done() {
        let count = poll_fn(|cx| {
            let mut slices = [IoSlice::new(&[]); 4];
            let filled = cursor.fill_io_slices(&mut slices);
            Pin::new(&mut *write).poll_write_vectored(cx, slices.get(..filled).unwrap_or_default())
        })
        .await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        cursor.advance(count);
    }
    write.flush().await
}

/// The longest answer about versions, bytes; real ones have less than 2 KiB.
const VERSIONS_CAP: usize = 1024 * 1024;

/// The longest answer during a log-in, bytes: a token of 64 KiB and what surrounds it.
const LOGIN_CAP: usize = MAX_TOKEN + 4 * 1024;

const FOREIGN: DecodeError = DecodeError::Corrupt {
    what: "correlation id",
    detail: "not that of the request",
};
