//! Bytes that lie: no message may make a decoder take more than 16 × its bytes + 64 KiB.

use allocation_counter::measure;

use super::*;
use crate::messages::{
    ApiVersionsRequest, FetchRequest, MetadataRequest, ProduceRequest, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use crate::{BrokerRequest, Request};

/// Runs check and generated decoder as the cold messages do, and this crate's own decoder where
/// there is one; whether the bytes passed the check.
fn decode_measured(layout: &Layout, version: i16, body: &Bytes) -> bool {
    let mut passed = false;
    let generated = measure(|| {
        if check(ApiKey(layout.api), version, layout.direction, body).is_ok() {
            passed = true;
            let _ = decode_generated(layout, version, body);
        }
    });
    let own = measure(|| decode_own(layout, version, body));
    let limit = 16 * body.len() as u64 + 64 * 1024;
    for bytes in [generated.bytes_total, own.bytes_total] {
        assert!(
            bytes <= limit,
            "{layout:?} version {version}: {} bytes took {bytes} of memory\n{body:?}",
            body.len(),
        );
    }
    passed
}

fn decode_own(layout: &Layout, version: i16, body: &Bytes) {
    let run = match ApiKey(layout.api) {
        ApiKey::API_VERSIONS => decode::<ApiVersionsRequest>,
        ApiKey::SASL_HANDSHAKE => decode::<SaslHandshakeRequest>,
        ApiKey::SASL_AUTHENTICATE => decode::<SaslAuthenticateRequest>,
        ApiKey::METADATA => decode::<MetadataRequest>,
        ApiKey::PRODUCE => decode::<ProduceRequest>,
        ApiKey::FETCH => decode::<FetchRequest>,
        _ => return,
    };
    run(layout.direction, version, body);
}

/// Errors are fine here; what counts is what it takes to find them.
fn decode<R: BrokerRequest>(direction: Direction, version: i16, body: &Bytes) {
    match direction {
        Direction::Request => drop(R::decode(version, body.clone())),
        Direction::Response => drop(<R as Request>::decode_response(version, body.clone())),
    }
}

#[test]
fn the_walk_allocates_nothing() {
    for (layout, versions) in messages() {
        for version in versions.iter() {
            let body = Sample::new(3).message(layout, version);
            let walk = || drop(check(ApiKey(layout.api), version, layout.direction, &body));
            assert_eq!(measure(walk).count_total, 0, "{layout:?}");
        }
    }
}

#[test]
fn a_lie_at_any_place_of_any_message_stays_within_the_allowance() {
    let lies: [&[u8]; 7] = [
        &[0x7f, 0xff, 0xff, 0xff],
        &[0xff, 0xff, 0xff, 0xff],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0x80, 0x80, 0x80, 0x80, 0x08],
        &[0x00, 0x01, 0x00, 0x00],
        &[0x7f, 0xff],
        &[0xff, 0x7f],
    ];
    let mut inputs = 0;
    for (layout, versions) in messages() {
        for version in versions.iter() {
            for seed in 0..2 {
                let body = Sample::new(seed).message(layout, version);
                for at in 0..body.len() {
                    for lie in lies {
                        let mut bytes = body.to_vec();
                        let end = bytes.len().min(at + lie.len());
                        bytes[at..end].copy_from_slice(&lie[..end - at]);
                        decode_measured(layout, version, &bytes.into());
                        inputs += 1;
                    }
                }
            }
        }
    }
    assert!(inputs > 300_000, "{inputs}");
}

#[test]
fn random_mutations_stay_within_the_allowance() {
    let mut random = Sample::new(11);
    let mut inputs = 0;
    for (layout, versions) in messages() {
        for version in versions.iter() {
            for seed in 0..3000 {
                let mut bytes = Sample::new(seed % 10).message(layout, version).to_vec();
                for _ in 0..=random.next(3) {
                    if bytes.is_empty() {
                        break;
                    }
                    let at = random.next(bytes.len());
                    match random.next(4) {
                        0 => bytes.truncate(at),
                        1 => bytes.insert(at, random.next(256) as u8),
                        _ => bytes[at] = random.next(256) as u8,
                    }
                }
                decode_measured(layout, version, &bytes.into());
                inputs += 1;
            }
        }
    }
    assert!(inputs > 1_000_000, "{inputs}");
}

/// Runs messages of one long array each; returns how many passed and how many were refused.
fn run_long_arrays(blob: usize) -> (usize, usize) {
    let (mut passed, mut refused) = (0, 0);
    for (layout, versions) in messages() {
        for version in versions.iter() {
            for array in 0.. {
                let sample = Sample::wide(array, 5_000, blob);
                let Some(body) = sample.wide_message(layout, version) else {
                    break;
                };
                if decode_measured(layout, version, &body) {
                    passed += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    (passed, refused)
}

#[test]
fn long_arrays_of_the_smallest_elements_stay_within_the_allowance() {
    let (passed, refused) = run_long_arrays(0);
    assert!(
        passed > 500 && refused > 0,
        "{passed} passed, {refused} refused"
    );
}

#[test]
fn long_arrays_of_elements_with_names_all_pass() {
    let (passed, refused) = run_long_arrays(6);
    assert!(
        passed > 500 && refused == 0,
        "{passed} passed, {refused} refused"
    );
}
