//! Groups whose members keep what stays with them (KIP-429).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ekafka_testkit::EmbeddedKafka;

use super::group::{event, names};
use super::setup::*;
use crate::assignor::{Assignor, CooperativeStickyAssignor};
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::Reader;

fn group(kafka: &EmbeddedKafka) -> ReaderBuilder {
    let assignor: Arc<dyn Assignor> = Arc::new(CooperativeStickyAssignor);
    builder(kafka)
        .topic("t")
        .group_id("g")
        .assignors([assignor])
}

async fn partitions(reader: &mut Reader, count: usize) -> BTreeSet<i32> {
    let mut seen = BTreeSet::new();
    for _ in 0..count {
        seen.insert(fetch(reader).await.partition());
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn what_stays_flows_on_and_what_moves_is_handed_over_at_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 4).unwrap();
    let mut first = group(&kafka).build().unwrap();
    assert_eq!(
        event(&mut first).await,
        Event::Assigned(names(&[0, 1, 2, 3]))
    );
    let mut second = group(&kafka).build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a second member")]
    let joining = tokio::spawn(async move {
        let events = [event(&mut second).await, event(&mut second).await];
        (second, events)
    });
    assert_eq!(event(&mut first).await, Event::Revoked(names(&[2, 3])));
    let revoked = tokio::time::Instant::now();
    for partition in 0..4 {
        write(&kafka, "t", partition, 1);
    }
    assert_eq!(partitions(&mut first, 2).await, BTreeSet::from([0, 1]));
    let (mut second, events) = joining.await.unwrap();
    let pause = revoked.elapsed();
    assert!(pause < Duration::from_millis(300), "{pause:?}");
    assert_eq!(
        events,
        [Event::Assigned(Vec::new()), Event::Assigned(names(&[2, 3]))]
    );
    assert_eq!(partitions(&mut second, 2).await, BTreeSet::from([2, 3]));
    // Nothing of what was revoked comes to the first any more.
    for partition in 0..4 {
        write(&kafka, "t", partition, 1);
    }
    assert_eq!(partitions(&mut first, 2).await, BTreeSet::from([0, 1]));
}

#[tokio::test(start_paused = true)]
async fn s37_s38_finished_work_is_committed_at_the_revocation_and_refused_after_it() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    for partition in 0..2 {
        write(&kafka, "t", partition, 1);
    }
    let mut first = group(&kafka).build().unwrap();
    let messages = [fetch(&mut first).await, fetch(&mut first).await];
    let mut second = group(&kafka).build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a second member")]
    let joining = tokio::spawn(async move {
        let events = [event(&mut second).await, event(&mut second).await];
        (second, events)
    });
    assert_eq!(event(&mut first).await, Event::Revoked(names(&[1])));
    first.commit_messages(&messages).await.unwrap();
    let more = tokio::time::timeout(Duration::from_secs(1), first.recv()).await;
    assert!(more.is_err(), "{more:?}");
    let (mut second, events) = joining.await.unwrap();
    assert_eq!(events[1], Event::Assigned(names(&[1])));
    for message in &messages {
        let again = first.commit_messages(std::slice::from_ref(message)).await;
        if message.partition() == 0 {
            again.unwrap();
        } else {
            assert!(
                matches!(again, Err(ReaderError::NotAssigned { .. })),
                "{again:?}"
            );
        }
    }
    // The new owner goes on behind the commit.
    write(&kafka, "t", 1, 1);
    assert_eq!(offsets(&mut second, 1).await, [1]);
}
