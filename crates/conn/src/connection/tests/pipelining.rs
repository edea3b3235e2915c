use std::time::Duration;

use ekafka_protocol::messages::{MetadataRequest, ProduceRequest, ProduceResponse};
use ekafka_protocol::{ApiKey, VersionRange};
use tokio::time::Instant;

use super::peer::{
    Log, connected, connected_with, encoded, enqueue, metadata_answer, pipe, soon, versions_answer,
};
use crate::{ConnError, Connection, Stage};

#[tokio::test(start_paused = true)]
async fn answers_reach_their_requests_in_order() {
    let (connection, mut peer) = connected().await;
    let log = Log::default();
    for name in 0..50 {
        enqueue(&connection, &log, name, soon());
    }
    assert_eq!(connection.in_flight(), 50);
    for name in 0..50 {
        let (header, _) = peer.request().await;
        peer.say_metadata(&header, &name.to_string()).await;
    }
    let request = MetadataRequest::default();
    let last = connection.send(&request, soon());
    let answering = async {
        let (header, _) = peer.request().await;
        peer.say_metadata(&header, "last").await;
    };
    let (last, ()) = tokio::join!(last, answering);
    assert_eq!(last.unwrap().cluster_id.as_deref(), Some("last"));
    let log = log.lock().unwrap();
    for (index, (name, answer)) in log.iter().enumerate() {
        assert_eq!(
            (index as u32, index.to_string()),
            (*name, answer.clone().unwrap())
        );
    }
    assert_eq!((log.len(), connection.in_flight()), (50, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_written_to_by_its_caller() {
    let (connection, mut peer) = connected().await;
    let log = Log::default();
    enqueue(&connection, &log, 0, soon());
    // Without an await in between, no other task can have run: the bytes are in the pipe already.
    let request = peer.try_request();
    let request = futures_poll(request);
    assert!(request.is_some(), "the frame was not written at once");
}

/// Polls once; the future must be ready.
fn futures_poll<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("not ready at the first poll"),
    }
}

#[tokio::test(start_paused = true)]
async fn frames_larger_than_the_pipe_are_finished_by_the_write_loop() {
    let (config, mut peer) = pipe(64);
    let (connection, ()) = tokio::join!(
        Connection::open("kafka", 9092, &config),
        peer.say_versions()
    );
    let connection = connection.unwrap();
    let request = MetadataRequest {
        topics: Some(
            (0..500)
                .map(|n| {
                    ekafka_protocol::messages::MetadataRequestTopic::named(
                        ekafka_protocol::StrBytes::from_string(format!("topic-{n}")),
                    )
                })
                .collect(),
        ),
        ..MetadataRequest::default()
    };
    let sending = async {
        tokio::join!(
            connection.send(&request, soon()),
            connection.send(&request, soon())
        )
    };
    let answering = async {
        for name in ["a", "b"] {
            let (header, body) = peer.request().await;
            assert!(body.len() > 4_000);
            peer.say_metadata(&header, name).await;
        }
    };
    let ((a, b), ()) = tokio::join!(sending, answering);
    assert_eq!(a.unwrap().cluster_id.as_deref(), Some("a"));
    assert_eq!(b.unwrap().cluster_id.as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn s54_a_dropped_caller_leaves_the_connection_to_the_others() {
    let (connection, mut peer) = connected().await;
    let request = MetadataRequest::default();
    let kept = connection.send(&request, soon());
    let driving = async {
        // Each of these is dropped after its first poll, with its request on the wire.
        for _ in 0..5 {
            let dropped = connection.send(&request, soon());
            assert!(tokio::time::timeout(Duration::ZERO, dropped).await.is_err());
        }
        let answer = kept.await;
        assert_eq!(answer.unwrap().cluster_id.as_deref(), Some("5"));
    };
    let answering = async {
        for n in 0..6 {
            let (header, _) = peer.request().await;
            peer.say_metadata(&header, &n.to_string()).await;
        }
    };
    tokio::join!(driving, answering);
    assert!(!connection.is_closed());
    assert_eq!(connection.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn s56_a_silent_broker_ends_the_request_at_its_deadline_and_tells_everyone() {
    let (connection, _peer) = connected().await;
    let start = Instant::now();
    let log = Log::default();
    enqueue(&connection, &log, 0, start + Duration::from_secs(60));
    let error = connection
        .send(&MetadataRequest::default(), start + Duration::from_secs(5))
        .await
        .unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let expected = Stage::Request(ApiKey::METADATA);
    assert!(
        matches!(error, ConnError::Timeout { stage, sent: true, .. } if stage == expected),
        "{error}"
    );
    assert!(connection.is_closed());
    let log = log.lock().unwrap();
    assert!(
        matches!(log[..], [(0, Err(ConnError::Timeout { .. }))]),
        "{log:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn h05_progress_does_not_extend_a_deadline() {
    let (connection, mut peer) = connected().await;
    let start = Instant::now();
    let dripping = async {
        let (header, _) = peer.request().await;
        let bytes = encoded::<MetadataRequest>(
            &header,
            &metadata_answer("a cluster id that takes a while"),
        );
        for byte in bytes {
            tokio::time::sleep(Duration::from_secs(4)).await;
            if tokio::io::AsyncWriteExt::write_all(&mut peer.0, &[byte])
                .await
                .is_err()
            {
                return;
            }
        }
    };
    let request = MetadataRequest::default();
    let sending = connection.send(&request, start + Duration::from_secs(30));
    let (answer, ()) = tokio::join!(sending, dripping);
    assert!(matches!(answer, Err(ConnError::Timeout { .. })));
    assert!(connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn s57_a_broker_that_hangs_up_tells_what_was_sent_and_what_was_not() {
    let (connection, peer) = connected().await;
    let log = Log::default();
    enqueue(&connection, &log, 0, soon());
    drop(peer);
    // The write loop and the read loop find the end; whichever is first, everyone is told.
    let error = connection
        .send(&MetadataRequest::default(), soon())
        .await
        .unwrap_err();
    assert!(matches!(error, ConnError::Disconnected { .. }), "{error:?}");
    let error = connection
        .send(&MetadataRequest::default(), soon())
        .await
        .unwrap_err();
    assert!(!error.maybe_sent(), "{error:?}");
    assert!(error.is_retriable());
    let log = log.lock().unwrap();
    assert!(
        matches!(
            log[..],
            [(0, Err(ConnError::Disconnected { sent: true, .. }))]
        ),
        "{log:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_closes_itself() {
    let (connection, mut peer) =
        connected_with(|config| config.connections_max_idle(Duration::from_secs(60))).await;
    let start = Instant::now();
    assert!(peer.try_request().await.is_none());
    let lived = start.elapsed();
    assert!(
        (Duration::from_secs(60)..Duration::from_secs(75)).contains(&lived),
        "{lived:?}"
    );
    assert!(connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_dropped_closes_the_socket_and_tells_the_waiters() {
    let (connection, mut peer) = connected().await;
    let log = Log::default();
    enqueue(&connection, &log, 0, soon());
    let clone = connection.clone();
    drop(connection);
    assert!(peer.try_request().await.is_some());
    assert!(!clone.is_closed());
    drop(clone);
    assert!(peer.try_request().await.is_none());
    assert!(matches!(
        log.lock().unwrap()[..],
        [(0, Err(ConnError::Closed))]
    ));
}

#[test]
fn a_runtime_that_shuts_down_tells_the_waiters() {
    let log = Log::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (connection, peer) = runtime.block_on(connected());
    enqueue(&connection, &log, 0, soon());
    drop(runtime);
    assert!(matches!(
        log.lock().unwrap()[..],
        [(0, Err(ConnError::Closed))]
    ));
    enqueue(&connection, &log, 1, soon());
    assert_eq!(log.lock().unwrap().len(), 2);
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_is_done_once_written() {
    let (connection, mut peer) = connected().await;
    let (tell, told) = tokio::sync::oneshot::channel();
    connection.enqueue_no_reply(&MetadataRequest::default(), soon(), |done| {
        let _ = tell.send(done);
    });
    told.await.unwrap().unwrap();
    assert_eq!(connection.in_flight(), 0);
    peer.request().await;
    // The next answer belongs to the next request.
    let request = MetadataRequest::default();
    let answering = async {
        let (header, _) = peer.request().await;
        peer.say_metadata(&header, "next").await;
    };
    let (answer, ()) = tokio::join!(connection.send(&request, soon()), answering);
    assert_eq!(answer.unwrap().cluster_id.as_deref(), Some("next"));
}

#[tokio::test(start_paused = true)]
async fn s64_a_broker_that_refuses_our_version_question_is_asked_in_its_own() {
    let (config, mut peer) = pipe(1 << 16);
    let answering = async {
        let (mut header, _) = peer.request().await;
        assert_eq!((header.api, header.version), (ApiKey::API_VERSIONS, 4));
        header.version = 0;
        let mut refusal = versions_answer();
        refusal.error_code = ekafka_protocol::ErrorCode::UNSUPPORTED_VERSION;
        refusal.api_keys.truncate(1);
        refusal.api_keys[0].versions = VersionRange::new(0, 3);
        let bytes = encoded::<ekafka_protocol::messages::ApiVersionsRequest>(&header, &refusal);
        peer.send(&bytes).await;
        let (mut header, _) = peer.request().await;
        assert_eq!(header.version, 3);
        header.version = 0;
        refusal.api_keys.clear();
        let bytes = encoded::<ekafka_protocol::messages::ApiVersionsRequest>(&header, &refusal);
        peer.send(&bytes).await;
        peer
    };
    let answering = async {
        let mut peer = answering.await;
        let (header, _) = peer.request().await;
        assert_eq!(header.version, 0);
        let bytes =
            encoded::<ekafka_protocol::messages::ApiVersionsRequest>(&header, &versions_answer());
        peer.send(&bytes).await;
        peer
    };
    let (connection, _peer) = tokio::join!(Connection::open("kafka", 9092, &config), answering);
    let connection = connection.unwrap();
    assert_eq!(
        connection
            .version_of(ApiKey::PRODUCE, VersionRange::new(3, 13))
            .unwrap(),
        9
    );
    let error = connection
        .version_of(ApiKey::FETCH, VersionRange::new(4, 18))
        .unwrap_err();
    assert!(
        matches!(error, ConnError::Unsupported { theirs: None, .. }),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_throttled_connection_pauses_and_goes_on() {
    let (connection, mut peer) = connected().await;
    let request = MetadataRequest::default();
    let throttled = async {
        let (header, _) = peer.request().await;
        let mut answer = metadata_answer("slow down");
        answer.throttle_time_ms = 2_000;
        let bytes = encoded::<MetadataRequest>(&header, &answer);
        peer.send(&bytes).await;
    };
    let (answer, ()) = tokio::join!(connection.send(&request, soon()), throttled);
    answer.unwrap();
    let start = Instant::now();
    let until = start + Duration::from_secs(2);
    assert_eq!(connection.throttled_until(), Some(until));
    let answering = async {
        let (header, _) = peer.request().await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        peer.say_metadata(&header, "awake").await;
    };
    let (answer, ()) = tokio::join!(connection.send(&request, soon()), answering);
    assert_eq!(answer.unwrap().cluster_id.as_deref(), Some("awake"));
    assert_eq!(connection.throttled(), Duration::from_secs(2));
    assert_eq!(connection.throttled_until(), None);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_times_out_while_throttled_fails_alone() {
    let (connection, mut peer) = connected().await;
    let request = MetadataRequest::default();
    let throttled = async {
        let (header, _) = peer.request().await;
        let mut answer = metadata_answer("slow down");
        answer.throttle_time_ms = i32::MAX;
        let bytes = encoded::<MetadataRequest>(&header, &answer);
        peer.send(&bytes).await;
    };
    let (answer, ()) = tokio::join!(connection.send(&request, soon()), throttled);
    answer.unwrap();
    let start = Instant::now();
    let late = connection.send(&request, start + Duration::from_secs(1));
    let kept = connection.send(&request, start + Duration::from_secs(90));
    let answering = async {
        let (header, _) = peer.request().await;
        assert_eq!(
            start.elapsed(),
            Duration::from_secs(60),
            "H13: the pause is capped"
        );
        peer.say_metadata(&header, "kept").await;
    };
    let (late, kept, ()) = tokio::join!(late, kept, answering);
    assert!(
        matches!(late, Err(ConnError::Timeout { sent: false, .. })),
        "{late:?}"
    );
    assert_eq!(kept.unwrap().cluster_id.as_deref(), Some("kept"));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_producer_pauses_before_its_next_request() {
    let (connection, mut peer) = connected().await;
    let start = Instant::now();
    let again = connection.clone();
    let (tell, told) = tokio::sync::oneshot::channel();
    let produce = || ProduceRequest {
        acks: -1,
        ..ProduceRequest::default()
    };
    // The next request is sent while the first answer is being told.
    connection.enqueue(&produce(), soon(), move |_| {
        again.enqueue(&produce(), soon(), |answer| {
            tell.send(answer.is_ok()).unwrap()
        });
    });
    let answering = async {
        for pause in [1_500, 0] {
            let (header, _) = peer.request().await;
            let answer = ProduceResponse {
                throttle_time_ms: pause,
                ..ProduceResponse::default()
            };
            let bytes = encoded::<ProduceRequest>(&header, &answer);
            peer.send(&bytes).await;
        }
    };
    let (told, ()) = tokio::join!(told, answering);
    assert!(told.unwrap());
    assert_eq!(start.elapsed(), Duration::from_millis(1_500));
}

#[tokio::test(start_paused = true)]
async fn s68_a_connection_closes_at_once_while_its_peer_takes_nothing() {
    let (config, mut peer) = pipe(64);
    let (connection, ()) = tokio::join!(
        Connection::open("kafka", 9092, &config),
        peer.say_versions()
    );
    let connection = connection.unwrap();
    let log = Log::default();
    for name in 0..20 {
        enqueue(&connection, &log, name, soon());
    }
    tokio::task::yield_now().await;
    let start = Instant::now();
    connection.close();
    connection.close();
    assert_eq!(log.lock().unwrap().len(), 20);
    // The peer neither reads nor hangs up, and no time passes: the task must end by itself.
    let tasks = tokio::runtime::Handle::current().metrics();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks.num_alive_tasks(), 0);
    drop(peer);
    assert_eq!(start.elapsed(), Duration::ZERO);
}
