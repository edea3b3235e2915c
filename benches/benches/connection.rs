//! What a request costs on one connection: CPU of the client's thread and requests per second, against a broker on
//! threads of its own that answers at once. `cargo bench -p ekafka-benches --bench connection`
#![expect(
    clippy::print_stdout,
    reason = "a bench of its own that prints a table"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ekafka_conn::{ConnConfig, Connection};
use ekafka_protocol::messages::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, PartitionProduceData, ProduceRequest,
    ProduceResponse, TopicProduceData,
};
use ekafka_protocol::{ApiKey, Frame, StrBytes, VersionRange};

fn main() {
    // `cargo test` runs benches too, with this argument; then one short round is enough.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let port = broker();
    println!(
        "{:>9} {:>9} {:>11} {:>13} {:>9}",
        "bytes", "in flight", "req/s", "CPU us/req", "MB/s"
    );
    for bytes in [100, 1_000, 16_000, 100_000, 1_000_000] {
        for in_flight in [1, 5, 64] {
            let time = Duration::from_millis(if is_test { 5 } else { 700 });
            measure(port, bytes, in_flight, time);
        }
    }
}

fn measure(port: u16, bytes: usize, in_flight: usize, time: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let config = ConnConfig::default();
        let connection = Connection::open("127.0.0.1", port, &config)
            .await
            .expect("the broker answers");
        let request = std::sync::Arc::new(produce(Bytes::from(vec![7; bytes])));
        let start = Instant::now();
        let cpu = cpu_time();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..in_flight {
            let (connection, request) = (connection.clone(), request.clone());
            tasks.spawn(async move {
                let mut count = 0u64;
                while start.elapsed() < time {
                    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
                    connection
                        .send(&*request, deadline)
                        .await
                        .expect("an answer");
                    count += 1;
                }
                count
            });
        }
        let count: u64 = tasks.join_all().await.into_iter().sum();
        let cpu = (cpu_time() - cpu).as_secs_f64() * 1e6 / count as f64;
        let rate = count as f64 / start.elapsed().as_secs_f64();
        let megabytes = rate * bytes as f64 / 1e6;
        println!("{bytes:>9} {in_flight:>9} {rate:>11.0} {cpu:>13.2} {megabytes:>9.0}");
    });
}

fn produce(records: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: StrBytes::from_static_str("bench"),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(records),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// CPU time of this thread so far.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .expect("Linux's scheduler statistics");
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

/// A broker that answers each produce request with the same bytes; its port.
fn broker() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("a TCP socket");
    let mut buffer = vec![0; 4 << 20];
    let mut filled = 0;
    loop {
        let Some(count) = stream
            .read(&mut buffer[filled..])
            .ok()
            .filter(|count| *count > 0)
        else {
            return;
        };
        filled += count;
        let mut at = 0;
        let mut answers = Vec::new();
        while let Some(head) = buffer[at..filled].first_chunk::<12>() {
            let [l0, l1, l2, l3, k0, k1, _, v1, c0, c1, c2, c3] = *head;
            let whole = 4 + i32::from_be_bytes([l0, l1, l2, l3]) as usize;
            if filled - at < whole {
                break;
            }
            let key = ApiKey(i16::from_be_bytes([k0, k1]));
            let answer = answer(key, i16::from(v1), i32::from_be_bytes([c0, c1, c2, c3]));
            answers.extend_from_slice(&answer);
            at += whole;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
        if stream.write_all(&answers).is_err() {
            return;
        }
    }
}

fn answer(key: ApiKey, version: i16, correlation_id: i32) -> Bytes {
    let frame = if key == ApiKey::API_VERSIONS {
        let listed = |api_key, versions| ApiVersion { api_key, versions };
        let answer = ApiVersionsResponse {
            api_keys: vec![
                listed(ApiKey::API_VERSIONS, VersionRange::new(0, 4)),
                listed(ApiKey::PRODUCE, VersionRange::new(3, 9)),
            ],
            ..ApiVersionsResponse::default()
        };
        Frame::response::<ApiVersionsRequest>(version, correlation_id, &answer)
    } else {
        let answer = ProduceResponse::default();
        Frame::response::<ProduceRequest>(version, correlation_id, &answer)
    };
    frame.expect("a small answer").to_bytes()
}
