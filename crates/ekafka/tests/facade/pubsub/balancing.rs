//! Publications that choose their partition in their own way.

use std::sync::Arc;

use ekafka::balancer::Hasher32;

use super::*;
use crate::rig::stored;

/// Where messages with these keys go.
async fn partitions(option: impl Fn() -> PublishOption, keys: &[Option<&'static str>]) -> Vec<i32> {
    let kafka = cluster().await;
    kafka.create_topic("three", 3).unwrap();
    let broker = waiting(&kafka, []);
    for (index, key) in keys.iter().enumerate() {
        let key = key.map(with_message_key);
        let options = [option()].into_iter().chain(key).collect::<Vec<_>>();
        let text = index.to_string();
        publish_text(&broker, "three", &text, options)
            .await
            .unwrap();
    }
    let mut messages = stored(&kafka, "three", keys.len()).await;
    messages.sort_by_key(|message| message.value().unwrap()[0]);
    messages.iter().map(ekafka::Message::partition).collect()
}

const KEYS: [Option<&str>; 3] = [Some("Key-A"), Some("Key-B"), Some("Key-C")];

/// S4.22, S4.42, S4.15, S4.33: the vectors of the clients that they are named after.
#[tokio::test(start_paused = true)]
async fn hashes_put_keys_where_other_clients_do() {
    assert_eq!(
        partitions(|| with_hash_balancer(None), &KEYS).await,
        [2, 0, 1]
    );
    let reference = || with_reference_hash_balancer(None);
    assert_eq!(partitions(reference, &KEYS).await, [2, 0, 1]);
    assert_eq!(partitions(reference, &[Some("")]).await, [2]);
    assert_eq!(
        partitions(|| with_hash_balancer(None), &[Some("")]).await,
        [0]
    );
    assert_eq!(
        partitions(|| with_crc32_balancer(false), &KEYS).await,
        [1, 1, 2]
    );
    assert_eq!(
        partitions(|| with_murmur2_balancer(false), &KEYS).await,
        [1, 2, 0]
    );
}

/// S4.15, S4.33: without a key, consistent ones always choose the same.
#[tokio::test(start_paused = true)]
async fn consistent_balancers_choose_one_partition_without_a_key() {
    let none = [None; 8];
    assert_eq!(
        partitions(|| with_crc32_balancer(true), &none).await,
        [0; 8]
    );
    let chosen = partitions(|| with_murmur2_balancer(true), &none).await;
    assert_eq!(chosen, [chosen[0]; 8]);
}

/// S4.22, S4.42: the hash is the caller's.
#[tokio::test(start_paused = true)]
async fn a_hasher_of_the_callers_is_used() {
    let by_length =
        || -> Option<Arc<dyn Hasher32>> { Some(Arc::new(|key: &[u8]| key.len() as u32)) };
    let keys = [Some("four"), Some("fivee"), Some("sixsix")];
    assert_eq!(
        partitions(|| with_hash_balancer(by_length()), &keys).await,
        [1, 2, 0]
    );
    let reference = || with_reference_hash_balancer(by_length());
    assert_eq!(partitions(reference, &keys).await, [1, 2, 0]);
    let without = partitions(|| with_hash_balancer(by_length()), &[None; 4]).await;
    assert_eq!(without, [0, 1, 2, 0], "round robin");
}

/// S4.45, S4.25: what they chose is remembered from one publication to the next.
#[tokio::test(start_paused = true)]
async fn round_robin_and_least_bytes_remember() {
    assert_eq!(
        partitions(with_round_robin_balancer, &[None; 4]).await,
        [0, 1, 2, 0]
    );
    let keys = [Some("a long key"), Some("short"), Some("s"), Some("s")];
    assert_eq!(
        partitions(with_least_bytes_balancer, &keys).await,
        [0, 1, 2, 2]
    );
    let by_name = || with_balancer(BalancerName::RoundRobin);
    assert_eq!(partitions(by_name, &[None; 3]).await, [0, 1, 2]);
}

/// D-16: each publication has the balancer it asks for, whatever the one before asked for.
#[tokio::test(start_paused = true)]
async fn the_balancer_counts_for_its_publication_alone() {
    let kafka = cluster().await;
    kafka.create_topic("three", 3).unwrap();
    let broker = waiting(&kafka, []);
    for (option, expected) in [
        (with_crc32_balancer(false), 2),
        (with_hash_balancer(None), 1),
        (with_murmur2_balancer(false), 0),
        (with_partition(2), 2),
    ] {
        let before = kafka.offsets("three", expected).unwrap().1;
        let options = [with_message_key("Key-C"), option];
        publish_text(&broker, "three", "x", options).await.unwrap();
        assert_eq!(kafka.offsets("three", expected).unwrap().1, before + 1);
    }
}
