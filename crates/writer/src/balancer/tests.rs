//! The vectors that the origin clients publish, and those computed with them.

mod vectors;

use super::*;

/// The key that both librdkafka and kafka-go test with.
const LONG: &[u8] = b"this is another string with more length to it perhaps";

fn keyed(key: &[u8]) -> Record<'_> {
    Record::default().key(key)
}

fn first(count: i32) -> Vec<i32> {
    (0..count).collect()
}

#[test]
fn round_robin_moves_after_each_chunk() {
    let check = |chunk: u32, expected: [i32; 9]| {
        let balancer = RoundRobin::new(chunk);
        let chosen = expected.map(|_| balancer.balance(&Record::default(), &first(3)));
        assert_eq!(chosen, expected, "chunk size {chunk}");
    };
    check(0, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    check(1, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    check(2, [0, 0, 1, 1, 2, 2, 0, 0, 1]);
    check(5, [0, 0, 0, 0, 0, 1, 1, 1, 1]);
}

#[test]
fn least_bytes_fills_the_emptiest_and_starts_over_when_partitions_change() {
    let balancer = LeastBytes::new();
    let chosen = [1, 2, 3, 4].map(|size| balancer.balance(&keyed(&[0; 4][..size]), &first(3)));
    assert_eq!(chosen, [0, 1, 2, 0]);
    for count in [2, 3] {
        assert_eq!(
            balancer.balance(&keyed(b"k"), &first(count)),
            0,
            "{count} partitions"
        );
    }
}

#[test]
fn hash_places_keys_where_sarama_does() {
    let check = |key: &[u8], count: i32, expected: i32| {
        assert_eq!(
            Hash::new().balance(&keyed(key), &first(count)),
            expected,
            "{key:?} over {count}"
        );
    };
    check(b"blah", 2, 0);
    check(b"blah", 3, 1);
    check(b"boop", 3, 2);
    check(b"20", 16, 1);
    check(b"Key-A", 3, 2);
    check(b"Key-B", 3, 0);
    check(b"Key-C", 3, 1);
    check(b"", 3, 0);
    check(b"Key-A", 10, 4);
    check(b"Key-B", 10, 5);
    check(b"Key-C", 10, 6);
    check(b"", 10, 5);
    let custom = Hash::with_hasher(crc32fast::hash as fn(&[u8]) -> u32);
    assert_eq!(custom.balance(&keyed(b"boop"), &first(3)), 1);
    let balancer = Hash::new();
    let without_key = [0; 4].map(|_: i32| balancer.balance(&Record::default(), &first(3)));
    assert_eq!(without_key, [0, 1, 2, 0]);
}

#[test]
fn reference_hash_places_keys_where_sarama_does() {
    let check = |key: &[u8], count: i32, expected: i32| {
        let chosen = ReferenceHash::new().balance(&keyed(key), &first(count));
        assert_eq!(chosen, expected, "{key:?} over {count}");
    };
    check(b"blah", 2, 0);
    check(b"blah", 3, 1);
    check(b"castle", 3, 2);
    check(b"20", 16, 15);
    check(b"Key-A", 3, 2);
    check(b"Key-B", 3, 0);
    check(b"Key-C", 3, 1);
    check(b"", 3, 2);
    check(b"", 10, 3);
    let custom = ReferenceHash::with_hasher(crc32fast::hash as fn(&[u8]) -> u32);
    assert_eq!(custom.balance(&keyed(b"boop"), &first(3)), 1);
    assert_spreads(&ReferenceHash::new(), Record::default());
}

#[test]
fn crc32_places_keys_where_librdkafka_does() {
    let partitions: Vec<i32> = (0..17).map(|id| id * id).collect();
    let check = |key: &[u8], crc: u32| {
        let expected = partitions[(crc % 17) as usize];
        for consistent in [false, true] {
            let chosen = Crc32Balancer { consistent }.balance(&keyed(key), &partitions);
            assert_eq!(chosen, expected, "{key:?}");
        }
    };
    check(b"23456", 0xb1b4_51d7);
    check(b"hejsan", 0xd077_037e);
    check(LONG, 0xb015_0df7);
    let hashed = Crc32Balancer { consistent: true };
    let check = |key: &[u8], count: i32, expected: i32| {
        assert_eq!(
            hashed.balance(&keyed(key), &first(count)),
            expected,
            "{key:?} over {count}"
        );
    };
    check(b"Key-A", 3, 1);
    check(b"Key-B", 3, 1);
    check(b"Key-C", 3, 2);
    check(b"", 3, 0);
    check(b"Key-A", 10, 0);
    check(b"Key-B", 10, 8);
    check(b"Key-C", 10, 4);
    for record in [Record::default(), keyed(b"")] {
        assert_spreads(&Crc32Balancer::default(), record);
        assert_eq!(hashed.balance(&record, &first(17)), 0);
    }
}

#[test]
fn murmur2_is_kafkas() {
    let check = |key: &[u8], expected: u32| assert_eq!(murmur2(key), expected, "{key:?}");
    check(b"kafka", 0xd067_cf64);
    check(b"giberish123456789", 0x8f55_2b0c);
    check(b"1234", 0x9fc9_7b14);
    check(b"234", 0xe7c0_09ca);
    check(b"34", 0x8739_30da);
    check(b"4", 0x5a4b_5ca1);
    check(b"", 0x106e_08d9);
    check(b"PreAmbleWillBeRemoved,ThePrePartThatIs", 0x7842_4f1c);
    check(b"reAmbleWillBeRemoved,ThePrePartThatIs", 0x4a62_b377);
    check(b"eAmbleWillBeRemoved,ThePrePartThatIs", 0xe0e4_e09e);
    check(b"AmbleWillBeRemoved,ThePrePartThatIs", 0x62b8_b43f);
}

#[test]
fn murmur2_balancer_places_keys_where_the_java_client_does() {
    let check = |key: &[u8], count: i32, expected: i32| {
        for consistent in [false, true] {
            let chosen = Murmur2Balancer { consistent }.balance(&keyed(key), &first(count));
            assert_eq!(chosen, expected, "{key:?} over {count}");
        }
    };
    check(b"", 1000, 681);
    check(b"a", 1000, 524);
    check(b"ab", 1000, 434);
    check(b"abc", 1000, 107);
    check(b"123456789", 1000, 566);
    check(b"\x00 ", 1000, 742);
    check(b"Key-A", 3, 1);
    check(b"Key-B", 3, 2);
    check(b"Key-C", 3, 0);
    check(b"", 3, 0);
    check(b"Key-A", 10, 0);
    check(b"Key-B", 10, 8);
    check(b"Key-C", 10, 6);
    check(b"", 10, 1);
    let partitions: Vec<i32> = (0..17).map(|id| id * id).collect();
    for (key, hash) in [
        (&b"23456"[..], 0x058d_780f_u32),
        (LONG, 0x4f77_03da),
        (b"hejsan", 0x5ec1_9395),
        (b"", 0x106e_08d9),
    ] {
        let chosen = Murmur2Balancer::default().balance(&keyed(key), &partitions);
        assert_eq!(chosen, partitions[(hash % 17) as usize], "{key:?}");
    }
    assert_spreads(&Murmur2Balancer::default(), Record::default());
    let hashed = Murmur2Balancer { consistent: true };
    assert_eq!(hashed.balance(&Record::default(), &first(1000)), 681);
}

#[test]
fn a_closure_is_a_balancer() {
    let last = |_: &Record<'_>, partitions: &[i32]| *partitions.last().unwrap_or(&-1);
    assert_eq!(Balancer::balance(&last, &keyed(LONG), &first(4)), 3);
}

/// Sends the same record often and sees every partition chosen: 1000 draws miss one of 17 once in 10^25 runs.
fn assert_spreads(balancer: &dyn Balancer, record: Record<'_>) {
    let mut seen = [false; 17];
    for _ in 0..1000 {
        seen[balancer.balance(&record, &first(17)) as usize] = true;
    }
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
}
