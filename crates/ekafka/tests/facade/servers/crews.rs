//! Several handlers at a time.

use std::sync::Arc;

use ekafka::consumerserver::Order;
use ekafka::{Record, Server};
use tokio::sync::Semaphore;

use super::{Seen, committed, container, run_until, setup, text};
use crate::rig::soon;

/// Offsets are committed up to the first message that is not done.
#[tokio::test(start_paused = true)]
async fn commits_have_no_gaps() {
    let (_kafka, component) = setup(1, &[]).await;
    let producer = component.producer("p1");
    let records = ["slow", "b", "c", "d"].map(|value| Record::new(value).key(value));
    soon(producer.write_messages(&records)).await.unwrap();
    let server = container(&component)
        .concurrency(4)
        .order(Order::Key)
        .build();
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    server.on_each_message(None, {
        let (seen, gate) = (seen.clone(), Arc::clone(&gate));
        move |_, message| {
            let (seen, gate) = (seen.clone(), Arc::clone(&gate));
            async move {
                if text(&message) == "slow" {
                    gate.acquire().await?.forget();
                }
                seen.note(text(&message));
                Ok(())
            }
        }
    });
    // The other three are done while the first is at work; then it is cut off.
    let (started, ()) = soon(async {
        tokio::join!(server.start(), async {
            seen.reaches(3).await;
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            server.stop().await.unwrap();
        })
    })
    .await;
    started.unwrap();
    assert_eq!(
        committed(&component).await,
        -2,
        "nothing before the slow one"
    );

    let server = container(&component)
        .concurrency(4)
        .order(Order::Key)
        .build();
    let again = Seen::default();
    server.on_each_message(None, {
        let again = again.clone();
        move |_, message| {
            again.note(text(&message));
            async { Ok(()) }
        }
    });
    run_until(&server, again.reaches(4)).await;
    assert_eq!(committed(&component).await, 4);
}

/// Within a partition one after another, partitions side by side.
#[tokio::test(start_paused = true)]
async fn partitions_are_handled_side_by_side() {
    let (_kafka, component) = setup(2, &[]).await;
    let producer = component.producer("p1");
    let records = ["0a", "0b", "1a", "1b"]
        .map(|value| Record::new(value).partition(i32::from(value.starts_with('1'))));
    soon(producer.write_messages(&records)).await.unwrap();
    let server = container(&component).concurrency(8).build();
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    server.on_each_message(None, {
        let (seen, gate) = (seen.clone(), Arc::clone(&gate));
        move |_, message| {
            let (seen, gate) = (seen.clone(), Arc::clone(&gate));
            async move {
                let value = text(&message);
                seen.note(format!("{value} begun"));
                if value.ends_with('a') {
                    gate.acquire().await?.forget();
                }
                seen.note(format!("{value} done"));
                Ok(())
            }
        }
    });
    run_until(&server, async {
        seen.reaches(2).await;
        let mut begun = seen.all();
        begun.sort();
        assert_eq!(
            begun,
            ["0a begun", "1a begun"],
            "both partitions, the first of each"
        );
        gate.add_permits(2);
        seen.reaches(8).await;
    })
    .await;
    let all = seen.all();
    for partition in ["0", "1"] {
        let of: Vec<_> = all
            .iter()
            .filter(|line| line.starts_with(partition))
            .collect();
        let expected = ["a begun", "a done", "b begun", "b done"];
        assert_eq!(
            of,
            expected.map(|what| format!("{partition}{what}")).each_ref()
        );
    }
}

/// Two servers of one consumer: the first to end closes it, and the other has ended well.
#[tokio::test(start_paused = true)]
async fn closing_the_consumer_ends_its_servers() {
    for concurrency in [1, 4] {
        let (_kafka, component) = setup(1, &["a"]).await;
        let server = container(&component).concurrency(concurrency).build();
        let seen = Seen::default();
        server.on_each_message(None, {
            let seen = seen.clone();
            move |_, message| {
                seen.note(text(&message));
                async { Ok(()) }
            }
        });
        let consumer = component.consumer("c1");
        let (started, closed) = soon(async {
            tokio::join!(server.start(), async {
                seen.reaches(1).await;
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                consumer.close().await
            })
        })
        .await;
        started.unwrap();
        closed.unwrap();
        assert_eq!(committed(&component).await, 1);
    }
}

/// A graceful stop lets what was begun end, and commits it.
#[tokio::test(start_paused = true)]
async fn a_graceful_stop_finishes_what_was_begun() {
    for concurrency in [1, 4] {
        let (_kafka, component) = setup(1, &["a", "b"]).await;
        let server = container(&component).concurrency(concurrency).build();
        let seen = Seen::default();
        server.on_each_message(None, {
            let seen = seen.clone();
            move |context, _| {
                let seen = seen.clone();
                async move {
                    seen.note("begun");
                    context.stopped().await;
                    seen.note("done");
                    Ok(())
                }
            }
        });
        run_until(&server, seen.reaches(1)).await;
        assert_eq!(seen.all(), ["begun", "done"], "concurrency {concurrency}");
        assert_eq!(committed(&component).await, 1);
    }
}

/// When another member joins, what is at work is finished and committed first: nothing is handled twice.
#[tokio::test(start_paused = true)]
async fn a_rebalance_waits_for_what_is_at_work() {
    let (kafka, component) = setup(2, &[]).await;
    let producer = component.producer("p1");
    let records: Vec<_> = (0..40).map(|number| format!("{number}")).collect();
    let server = container(&component)
        .concurrency(4)
        .order(Order::Key)
        .build();
    let (seen, other_seen) = (Seen::default(), Seen::default());
    server.on_each_message(None, {
        let seen = seen.clone();
        move |_, message| {
            let seen = seen.clone();
            async move {
                tokio::time::sleep(std::time::Duration::from_secs(2)).await;
                seen.note(text(&message));
                Ok(())
            }
        }
    });
    let other = crate::rig::component(&kafka, super::TOML);
    let second = container(&other).build();
    second.on_each_message(None, {
        let other_seen = other_seen.clone();
        move |_, message| {
            other_seen.note(text(&message));
            async { Ok(()) }
        }
    });
    let written: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(index, value)| Record::new(value).key(value).partition(index as i32 % 2))
        .collect();
    soon(producer.write_messages(&written)).await.unwrap();
    let (one, two, ()) = soon(async {
        tokio::join!(
            server.start(),
            async {
                seen.reaches(3).await;
                second.start().await
            },
            async {
                while seen.all().len() + other_seen.all().len() < 40 {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
                server.graceful_stop().await.unwrap();
                second.graceful_stop().await.unwrap();
            }
        )
    })
    .await;
    one.unwrap();
    two.unwrap();
    let mut all: Vec<usize> = [seen.all(), other_seen.all()]
        .concat()
        .iter()
        .map(|value| value.parse().unwrap())
        .collect();
    all.sort_unstable();
    assert_eq!(all, (0..40).collect::<Vec<_>>(), "each once");
    assert!(!other_seen.all().is_empty(), "the other had its share");
}
