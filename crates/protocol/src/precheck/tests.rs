//! The table against the generated decoders, for every message and version.

use bytes::Bytes;
use kafka_protocol::messages as generated;
use kafka_protocol::messages::{RequestKind, ResponseKind};

use super::generated::{MESSAGES, STRUCTURES};
use super::*;
use crate::VersionRange;

mod hostile;
mod sample;

use sample::Sample;

/// What the generated decoder makes of bytes, and how many of them it leaves.
fn decode_generated(layout: &Layout, version: i16, body: &Bytes) -> Result<usize, String> {
    let api = generated::ApiKey::try_from(layout.api).expect("a known key");
    let mut left = body.clone();
    let result = match layout.direction {
        Direction::Request => RequestKind::decode(api, &mut left, version).map(drop),
        Direction::Response => ResponseKind::decode(api, &mut left, version).map(drop),
    };
    result
        .map(|()| left.len())
        .map_err(|error| format!("{error:#}"))
}

/// Every message that the generated crate has, with the stable ones of its versions.
fn messages() -> impl Iterator<Item = (&'static Layout, VersionRange)> {
    let known = |layout: &&Layout| generated::ApiKey::try_from(layout.api).is_ok();
    let layouts = MESSAGES.iter().filter(known);
    layouts.map(|layout| (layout, ApiKey(layout.api).stable_versions()))
}

#[test]
fn the_table_is_complete_and_agrees_with_the_generated_versions() {
    for api in generated::ApiKey::iter() {
        let theirs = api.valid_versions();
        for direction in [Direction::Request, Direction::Response] {
            let layout = Layout::of(ApiKey(api as i16), direction).expect("in the table");
            assert_eq!(
                (layout.first, layout.last),
                (theirs.min, theirs.max),
                "{api:?}"
            );
            for version in theirs.min..=theirs.max {
                let flexible = api.request_header_version(version) == 2;
                assert_eq!(
                    version >= layout.first_flexible,
                    flexible,
                    "{api:?} {version}"
                );
            }
        }
    }
    let keys = MESSAGES
        .iter()
        .map(|layout| (layout.api, layout.direction == Direction::Response));
    assert!(keys.is_sorted(), "the search needs this order");
}

#[test]
fn stable_versions_are_within_the_table() {
    for api in ApiKey::all() {
        for version in api.stable_versions().iter() {
            let layout = Layout::of(api, Direction::Request).expect("in the table");
            assert!(
                layout.first <= version && version <= layout.last,
                "{api} {version}"
            );
            assert_eq!(
                version >= layout.first_flexible,
                api.is_flexible(version),
                "{api} {version}"
            );
        }
    }
}

#[test]
fn no_schema_nests_deeper_than_eight_levels() {
    fn depth(structure: &Structure) -> usize {
        let below = structure.fields.iter().map(|field| match field.kind {
            Kind::Structure(index) | Kind::Optional(index) => depth(Structure::at(index)),
            Kind::Array(Element::Structure(index)) => depth(Structure::at(index)),
            _ => 0,
        });
        1 + below.max().unwrap_or_default()
    }
    let deepest = MESSAGES.iter().map(|layout| depth(layout.root())).max();
    assert!(deepest <= Some(8), "{deepest:?}");
}

#[test]
fn the_committed_table_was_not_edited() {
    let file = include_str!("generated.rs");
    let (head, body) = file.split_once("\n\n").expect("a head");
    let body = format!("\n{body}");
    let hash = body.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert!(
        head.ends_with(&format!("table {hash:016x}")),
        "run `cargo xtask schema`"
    );
    assert!(!STRUCTURES.is_empty());
}

#[test]
fn what_follows_the_table_is_what_the_generated_decoders_read() {
    for (layout, versions) in messages() {
        for version in versions.iter() {
            for seed in 0..20 {
                let body = Sample::new(seed).message(layout, version);
                let name = format!("{layout:?} version {version} seed {seed}");
                let api = ApiKey(layout.api);
                assert_eq!(
                    check(api, version, layout.direction, &body),
                    Ok(()),
                    "{name}"
                );
                assert_eq!(decode_generated(layout, version, &body), Ok(0), "{name}");
                for end in 0..body.len() {
                    let cut = check(api, version, layout.direction, &body[..end]);
                    assert!(cut.is_err(), "{name}: cut at {end}");
                }
            }
        }
    }
}

#[test]
fn unknown_messages_and_versions_are_refused() {
    let check = |api, version| check(ApiKey(api), version, Direction::Response, &[0; 100]);
    let refused = |api, version| Err(DecodeError::Version { api, version });
    assert_eq!(check(999, 0), refused(999, 0));
    assert_eq!(check(4, 0), refused(4, 0));
    assert_eq!(check(12, 5), refused(12, 5));
    assert_eq!(check(12, -1), refused(12, -1));
}

#[test]
fn null_passes_and_other_negative_lengths_do_not() {
    // ListGroups version 0: error code, groups.
    let groups = |count: i32| {
        let body = [&[0, 0], &count.to_be_bytes()[..]].concat();
        check(ApiKey::LIST_GROUPS, 0, Direction::Response, &body)
    };
    assert_eq!(groups(0), Ok(()));
    assert_eq!(groups(-1), Ok(()));
    let what = "array";
    assert_eq!(
        groups(-2),
        Err(DecodeError::Length {
            what,
            length: -2,
            limit: 0
        })
    );
    assert_eq!(
        groups(1),
        Err(DecodeError::Length {
            what,
            length: 1,
            limit: 0
        })
    );
}

#[test]
fn a_known_tagged_field_must_fill_its_length() {
    // ApiVersions version 3: no keys, then tag 1, the epoch of 8 bytes.
    let body = |length: u8, bytes: &[u8]| {
        let head = [0, 0, 1, 0, 0, 0, 0, 1, 1, length];
        [&head[..], bytes].concat()
    };
    let check = |body: Vec<u8>| check(ApiKey::API_VERSIONS, 3, Direction::Response, &body);
    assert_eq!(check(body(8, &[0; 8])), Ok(()));
    let detail = "longer than its value";
    let long = DecodeError::Corrupt {
        what: "tagged field",
        detail,
    };
    assert_eq!(check(body(9, &[0; 9])), Err(long));
    let short = DecodeError::Truncated {
        what: "field",
        needed: 8,
        left: 7,
    };
    assert_eq!(check(body(7, &[0; 8])), Err(short));
}
