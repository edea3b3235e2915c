//! Many users of one connection: dropped at any moment, on several threads, and what a request costs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ekafka_protocol::StrBytes;
use ekafka_protocol::messages::{MetadataRequest, MetadataRequestTopic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::peer::{Peer, connected, encoded, metadata_answer, pipe, soon, versions_answer};
use crate::{ConnConfig, Connection};

/// Answers every metadata request with the first topic it names; the number of requests.
async fn echo(mut peer: Peer) -> usize {
    let mut count = 0;
    while let Some((header, body)) = peer.try_request().await {
        count += 1;
        let bytes = encoded::<MetadataRequest>(&header, &metadata_answer(&first_topic(&body)));
        if peer.0.write_all(&bytes).await.is_err() {
            break;
        }
    }
    count
}

fn first_topic(body: &bytes::Bytes) -> String {
    use ekafka_protocol::{BrokerRequest, Request};
    let version = MetadataRequest::VERSIONS.max;
    let request = MetadataRequest::decode(version, body.clone()).unwrap();
    request.topics.unwrap()[0]
        .name
        .as_ref()
        .unwrap()
        .to_string()
}

fn about(topic: &str) -> MetadataRequest {
    MetadataRequest {
        topics: Some(vec![MetadataRequestTopic::named(StrBytes::from_string(
            topic.to_owned(),
        ))]),
        ..MetadataRequest::default()
    }
}

#[tokio::test(start_paused = true)]
async fn s54_a_call_dropped_at_any_of_its_polls_harms_nobody() {
    // A tiny pipe makes frames leave in many pieces, so that calls are dropped in mid-frame too.
    let (config, mut peer) = pipe(16);
    let (connection, ()) = tokio::join!(
        Connection::open("kafka", 9092, &config),
        peer.say_versions()
    );
    let connection = connection.unwrap();
    let users = async {
        for polls in 0..40 {
            let doomed_request = about("doomed");
            let mut doomed = Box::pin(connection.send(&doomed_request, soon()));
            for _ in 0..polls {
                let is_done =
                    std::future::poll_fn(|cx| Poll::Ready(doomed.as_mut().poll(cx).is_ready()));
                if is_done.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(doomed);
            let name = format!("kept-{polls}");
            let answer = connection.send(&about(&name), soon()).await.unwrap();
            assert_eq!(answer.cluster_id.as_deref(), Some(name.as_str()));
        }
        assert_eq!(connection.in_flight(), 0);
        connection.close();
    };
    let (served, ()) = tokio::join!(echo(peer), users);
    assert!(
        (79..=80).contains(&served),
        "no torn frame, no lost one: {served}"
    );
}

#[tokio::test(start_paused = true)]
async fn s54_an_opening_dropped_at_any_of_its_polls_leaves_no_stream() {
    for polls in 0..12 {
        let (config, mut peer) = pipe(16);
        let mut opening = Box::pin(Connection::open("kafka", 9092, &config));
        for _ in 0..polls {
            let is_done =
                std::future::poll_fn(|cx| Poll::Ready(opening.as_mut().poll(cx).is_ready()));
            if is_done.await {
                break;
            }
        }
        drop(opening);
        drop(config);
        let mut rest = Vec::new();
        peer.0.read_to_end(&mut rest).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_many_threads_get_their_own_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut frame = Vec::new();
        loop {
            let Ok(length) = socket.read_i32().await else {
                return;
            };
            frame.resize(length as usize, 0);
            socket.read_exact(&mut frame).await.unwrap();
            let mut body = bytes::Bytes::copy_from_slice(&frame);
            let header = ekafka_protocol::RequestHeader::decode(&mut body).unwrap();
            let bytes = if header.api == ekafka_protocol::ApiKey::API_VERSIONS {
                encoded::<ekafka_protocol::messages::ApiVersionsRequest>(
                    &header,
                    &versions_answer(),
                )
            } else {
                encoded::<MetadataRequest>(&header, &metadata_answer(&first_topic(&body)))
            };
            socket.write_all(&bytes).await.unwrap();
        }
    });
    let connection = Connection::open("127.0.0.1", port, &ConnConfig::default())
        .await
        .unwrap();
    let mut users = JoinSet::new();
    for user in 0..16 {
        let connection = connection.clone();
        users.spawn(async move {
            for round in 0..200 {
                // Some are long enough to be written in pieces.
                let name = format!("{user}-{round}-{}", "x".repeat(round * 37 % 20_000));
                let answer = connection.send(&about(&name), soon()).await.unwrap();
                assert!(
                    answer.cluster_id.as_deref() == Some(name.as_str()),
                    "{user}-{round}"
                );
            }
        });
    }
    users.join_all().await;
    assert_eq!(connection.in_flight(), 0);
}

/// Counts how often a future was woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_woken_once_for_its_answer_and_not_for_writing() {
    let (connection, mut peer) = connected().await;
    // Past the first alarm, as on a connection in use.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let request = about("woken");
    let mut call = Box::pin(connection.send(&request, soon()));
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let (header, _) = peer.request().await;
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    peer.say_metadata(&header, "woken").await;
    while wakes.0.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    );
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
}
