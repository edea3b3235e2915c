//! What an acknowledged record costs in heap allocations: next to none, batches and requests included.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::mpsc;

use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Record, Writer};
use tokio::runtime::Runtime;

/// Allocations per acknowledged record, at most.
const MOST: f64 = 0.02;
const RECORDS: usize = 100_000;
const CALL: usize = 1000;
/// Records sent before the first of their handles is awaited.
const WINDOW: usize = 4 * CALL;

#[test]
fn writing_allocates_nothing_per_record() {
    let (runtime, writer) = writer();
    let value = [b'v'; 100];
    // Six batches and one request: what they cost is spread over 1,000 records.
    let keys: Vec<_> = (0..CALL).map(|number| format!("key-{number}")).collect();
    let plain = vec![Record::new(&value); CALL];
    let keyed: Vec<_> = keys
        .iter()
        .map(|key| Record::new(&value).key(key))
        .collect();

    let slices = |records: &[Record<'_>], rounds: usize| {
        runtime.block_on(async {
            for _ in 0..rounds {
                writer.write(records).await.unwrap();
            }
        });
    };
    let mut handles = Vec::with_capacity(WINDOW);
    let mut singles = |rounds: usize| {
        runtime.block_on(async {
            for _ in 0..rounds {
                for record in &plain {
                    handles.push(writer.send(*record).await.unwrap());
                }
                if handles.len() == WINDOW {
                    for handle in handles.drain(..) {
                        handle.await.unwrap();
                    }
                }
            }
        });
    };
    let measure = |what: &str, work: &mut dyn FnMut(usize)| {
        work(20);
        let info = allocation_counter::measure(|| work(RECORDS / CALL));
        let per_record = info.count_total as f64 / RECORDS as f64;
        println!("{what}: {per_record:.4} allocations per record");
        assert!(per_record < MOST, "{what}: {per_record}");
    };
    measure("write", &mut |rounds| slices(&plain, rounds));
    measure("write, keyed over six partitions", &mut |rounds| {
        slices(&keyed, rounds)
    });
    measure("send, every handle awaited", &mut singles);
}

/// Pages that are new to the process cost more than filling them.
#[test]
fn large_calls_are_written_into_the_memory_of_those_before() {
    let (runtime, writer) = writer();
    let value = [b'v'; 10 * 1024];
    let call = vec![Record::new(&value); CALL];
    let calls = |rounds: usize| {
        runtime.block_on(async {
            for _ in 0..rounds {
                writer.write(&call).await.unwrap();
            }
        });
    };
    calls(5);
    let info = allocation_counter::measure(|| calls(10));
    let share = info.bytes_total as f64 / (10 * CALL * value.len()) as f64;
    println!("calls of 10 MB: {share:.4} of their bytes allocated");
    assert!(share < 0.05, "{share}");
}

/// A writer, and a runtime of its own thread, so that the thread's allocations are the client's.
fn writer() -> (Runtime, Writer) {
    let bootstrap = broker();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let writer = runtime.block_on(async {
        let config = Writer::builder().brokers([bootstrap]).topic("t");
        config.build().unwrap()
    });
    (runtime, writer)
}

/// A broker on threads of its own, for as long as the process lives.
fn broker() -> String {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let kafka = EmbeddedKafka::builder()
                .nodes(1)
                .retention_bytes(16 << 20)
                .start()
                .await
                .unwrap();
            kafka.create_topic("t", 6).unwrap();
            tell.send(kafka.bootstrap()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}
