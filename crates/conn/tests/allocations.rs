//! Heap allocations of a request, and of what a hostile peer makes a connection take, counted.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::sync::Mutex;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use bytes::{BufMut, Bytes, BytesMut};
use ekafka_conn::{ConnConfig, Connection, dial_fn};
use ekafka_protocol::messages::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse,
    MetadataTopic,
};
use ekafka_protocol::{ApiKey, Frame, Request, RequestHeader, StrBytes, VersionRange};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

async fn connected() -> (Connection, DuplexStream) {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let ours = Mutex::new(Some(ours));
    let dial = dial_fn(move |_, _| Ok(ours.lock().unwrap().take().unwrap()));
    let config = ConnConfig::default().dial_fn(dial);
    let opening = Connection::open("kafka", 9092, &config);
    let serving = async {
        let (header, _) = request(&mut theirs, &mut BytesMut::new()).await;
        let listed = |api_key, versions| ApiVersion { api_key, versions };
        let answer = ApiVersionsResponse {
            api_keys: vec![listed(ApiKey::METADATA, MetadataRequest::VERSIONS)],
            ..ApiVersionsResponse::default()
        };
        let frame = Frame::response::<ApiVersionsRequest>(header.0, header.1, &answer).unwrap();
        theirs.write_all(&frame.to_bytes()).await.unwrap();
    };
    let (opened, ()) = tokio::join!(opening, serving);
    (opened.unwrap(), theirs)
}

/// Reads a request into `buffer`; its version and correlation id, and its API.
async fn request(stream: &mut DuplexStream, buffer: &mut BytesMut) -> ((i16, i32), ApiKey) {
    let length = stream.read_i32().await.unwrap();
    buffer.resize(length as usize, 0);
    stream.read_exact(buffer).await.unwrap();
    let mut bytes = Bytes::copy_from_slice(buffer);
    let header = RequestHeader::decode(&mut bytes).unwrap();
    ((header.version, header.correlation_id), header.api)
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What `count` requests, one after another, allocate on a connection in use.
fn requests(count: i32) -> AllocationInfo {
    let runtime = runtime();
    let (connection, mut peer) = runtime.block_on(connected());
    let version = VersionRange::new(1, MetadataRequest::VERSIONS.max).max;
    let answer = Frame::response::<MetadataRequest>(version, 0, &MetadataResponse::default());
    let mut answer = answer.unwrap().to_bytes().to_vec();
    let request = MetadataRequest::default();
    let mut head = [0; 64];
    let mut round = || {
        runtime.block_on(async {
            let deadline = Instant::now() + Duration::from_secs(30);
            let serving = async {
                // Without the parsing of `request`, which allocates: the correlation id is at a fixed place.
                let length = peer.read_i32().await.unwrap() as usize;
                peer.read_exact(&mut head[..length]).await.unwrap();
                answer[4..8].copy_from_slice(&head[4..8]);
                peer.write_all(&answer).await.unwrap();
            };
            let (answered, ()) = tokio::join!(connection.send(&request, deadline), serving);
            answered.unwrap();
        });
    };
    for _ in 0..100 {
        round();
    }
    measure(|| {
        for _ in 0..count {
            round();
        }
    })
}

#[test]
fn a_request_allocates_its_frame_its_reply_and_the_callers_cell() {
    let few = requests(100);
    let many = requests(1_100);
    let each = (many.count_total - few.count_total) as f64 / 1_000.0;
    assert!(each <= 3.05, "{each} allocations a request");
}

#[test]
fn h01_a_huge_announced_answer_takes_at_most_what_was_received_pays_for() {
    let runtime = runtime();
    let (connection, mut peer) = runtime.block_on(connected());
    let mut sent = 0usize;
    let taken = measure(|| {
        runtime.block_on(async {
            let request_of_ours = MetadataRequest::default();
            let deadline = Instant::now() + Duration::from_secs(30);
            let serving = async {
                let ((_, correlation_id), _) = request(&mut peer, &mut BytesMut::new()).await;
                let mut head = Vec::new();
                head.put_i32(100 * 1024 * 1024);
                head.put_i32(correlation_id);
                peer.write_all(&head).await.unwrap();
                for _ in 0..50 {
                    peer.write_all(&[1; 1_000]).await.unwrap();
                    sent += 1_000;
                    tokio::task::yield_now().await;
                }
                drop(peer);
            };
            let (answered, ()) = tokio::join!(connection.send(&request_of_ours, deadline), serving);
            answered.unwrap_err();
        });
    });
    let most = 16 * sent as u64 + 64 * 1024;
    assert!(
        taken.bytes_total <= most,
        "{} bytes for {sent}",
        taken.bytes_total
    );
    assert!(taken.bytes_max <= most);
}

#[test]
fn an_idle_connection_keeps_nothing_of_a_burst_of_large_answers() {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let (connection, mut peer) = runtime.block_on(connected());
    let version = VersionRange::new(1, MetadataRequest::VERSIONS.max).max;
    let name = "n".repeat(20_000);
    let topic = || MetadataTopic {
        name: Some(StrBytes::from_string(name.clone())),
        ..MetadataTopic::default()
    };
    let answer = MetadataResponse {
        topics: std::iter::repeat_with(topic).take(150).collect(),
        ..MetadataResponse::default()
    };
    let answer = Frame::response::<MetadataRequest>(version, 0, &answer);
    let mut answer = answer.unwrap().to_bytes().to_vec();
    assert!(answer.len() > 3_000_000);
    let asked = MetadataRequest::default();
    let deadline = Instant::now() + Duration::from_secs(600);
    let mut burst = || {
        runtime.block_on(async {
            let asking = async {
                let mut held = Vec::new();
                for _ in 0..20 {
                    held.push(connection.send(&asked, deadline).await.unwrap());
                }
            };
            let serving = async {
                for _ in 0..20 {
                    let ((_, id), _) = request(&mut peer, &mut BytesMut::new()).await;
                    answer[4..8].copy_from_slice(&id.to_be_bytes());
                    peer.write_all(&answer).await.unwrap();
                }
            };
            tokio::join!(asking, serving);
        });
    };
    let after_burst = measure(&mut burst);
    assert!(after_burst.bytes_max > 50_000_000, "all were held");
    let most = 9_000_000;
    assert!(after_burst.bytes_current <= most, "{after_burst:?}");
    let idle = measure(|| {
        burst();
        runtime.block_on(async { tokio::time::sleep(Duration::from_secs(25)).await });
    });
    // What the first burst left is given back as well.
    let left = after_burst.bytes_current + idle.bytes_current;
    assert!(left <= 200_000, "{left} bytes are kept");
}
