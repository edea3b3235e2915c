//! Each message is compared with the generated codec: same bytes out, same values in.

use std::fmt::Debug;

use bytes::Bytes;
use kafka_protocol::protocol::{Decodable, Encodable};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

use crate::{BrokerRequest, DecodeError, ErrorCode, Frame, Request, StrBytes, Uuid};

/// Draws values out of random bytes, so that fewer bytes make smaller messages.
pub(super) struct Source(std::vec::IntoIter<u8>);

impl Source {
    pub(super) fn i8(&mut self) -> i8 {
        self.0.next().unwrap_or_default() as i8
    }

    pub(super) fn bool(&mut self) -> bool {
        self.i8() & 1 == 1
    }

    pub(super) fn i16(&mut self) -> i16 {
        i16::from_be_bytes([self.i8() as u8, self.i8() as u8])
    }

    pub(super) fn i32(&mut self) -> i32 {
        i32::from(self.i16()) << 16 | i32::from(self.i16() as u16)
    }

    pub(super) fn i64(&mut self) -> i64 {
        i64::from(self.i32()) << 32 | i64::from(self.i32() as u32)
    }

    pub(super) fn error_code(&mut self) -> ErrorCode {
        ErrorCode(self.i16())
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.i64() as u64, self.i64() as u64)
    }

    /// An id that is not nil.
    pub(super) fn topic_id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.i64() as u64 | 1, self.i64() as u64)
    }

    /// Up to 200 characters, so that compact lengths of one and two bytes both come up.
    pub(super) fn string(&mut self) -> StrBytes {
        let length = self.i8() as u8 as usize % 200;
        StrBytes::from_string("añb".chars().cycle().take(length).collect())
    }

    /// A string that is not empty.
    pub(super) fn name(&mut self) -> StrBytes {
        StrBytes::from_string(format!("t{}", self.string()))
    }

    pub(super) fn bytes(&mut self) -> Bytes {
        // Sometimes above the size from which a frame refers to bytes instead of copying them.
        let length = if self.bool() {
            5000
        } else {
            self.i8() as u8 as usize
        };
        Bytes::from(vec![self.i8() as u8; length])
    }

    pub(super) fn option<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.bool() { Some(draw(self)) } else { None }
    }

    pub(super) fn list<T>(&mut self, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.i8() as u8 as usize % 4;
        (0..count).map(|_| draw(self)).collect()
    }
}

/// Runs `check` on random sources.
fn for_random_sources(check: impl Fn(Source)) {
    let config = Config {
        cases: 128,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&vec(any::<u8>(), 0..600), |bytes| {
            check(Source(bytes.into_iter()));
            Ok(())
        })
        .expect("holds for every source");
}

/// Checks the codec of requests `R` against the generated type `K`.
///
/// `masked` is what is left of a value in a version, `generated` the same value as `K`.
pub(super) fn check_request<R, K>(
    draw: impl Fn(&mut Source) -> R,
    masked: impl Fn(&R, i16) -> R,
    generated: impl Fn(&R, i16) -> K,
) where
    R: BrokerRequest + PartialEq + Debug,
    K: Encodable + Decodable + PartialEq + Debug,
{
    for_random_sources(|mut source| {
        let value = draw(&mut source);
        for version in R::VERSIONS
            .iter()
            .filter(|version| value.versions().contains(*version))
        {
            let mut frame = Frame::new();
            value.encode(version, &mut frame).expect("encodes");
            let read = |body| R::decode(version, body);
            compare(
                version,
                frame.to_bytes(),
                &masked(&value, version),
                read,
                &generated,
            );
        }
    });
}

/// As [`check_request`], for the responses to `R`.
pub(super) fn check_response<R, K>(
    draw: impl Fn(&mut Source) -> R::Response,
    masked: impl Fn(&R::Response, i16) -> R::Response,
    generated: impl Fn(&R::Response, i16) -> K,
) where
    R: BrokerRequest,
    R::Response: PartialEq + Debug,
    K: Encodable + Decodable + PartialEq + Debug,
{
    for_random_sources(|mut source| {
        let value = draw(&mut source);
        for version in <R as Request>::VERSIONS.iter() {
            let mut frame = Frame::new();
            R::encode_response(&value, version, &mut frame).expect("encodes");
            let read = |body| R::decode_response(version, body);
            compare(
                version,
                frame.to_bytes(),
                &masked(&value, version),
                read,
                &generated,
            );
        }
    });
}

fn compare<V: PartialEq + Debug, K: Encodable + Decodable + PartialEq + Debug>(
    version: i16,
    ours: Bytes,
    masked: &V,
    read: impl Fn(Bytes) -> Result<V, DecodeError>,
    generated: &impl Fn(&V, i16) -> K,
) {
    let theirs = generated(masked, version);
    let mut buffer = bytes::BytesMut::new();
    theirs
        .encode(&mut buffer, version)
        .expect("the generated codec takes the masked value");
    assert_eq!(ours, buffer, "bytes of version {version}");
    assert_eq!(
        &read(ours.clone()).expect("reads"),
        masked,
        "value of version {version}"
    );
    let decoded = K::decode(&mut ours.clone(), version).expect("the generated codec reads");
    assert_eq!(decoded, theirs, "version {version}");
    let longer = read([&ours[..], &[0]].concat().into());
    assert!(
        longer.is_err(),
        "version {version} with a byte behind: {longer:?}"
    );
    for end in (0..ours.len()).step_by(1 + ours.len() / 100) {
        let cut = read(ours.slice(..end));
        // What is missing at the end shows, except where an empty rest is a message of its own.
        assert!(
            cut.is_err() || end == 0,
            "version {version} cut at {end}: {cut:?}"
        );
    }
}

#[test]
fn hot_messages_cover_kafka_s_stable_versions() {
    fn covers<R: Request>() {
        assert_eq!(R::VERSIONS, R::API.stable_versions(), "{}", R::API);
    }
    covers::<super::ApiVersionsRequest>();
    covers::<super::SaslHandshakeRequest>();
    covers::<super::SaslAuthenticateRequest>();
    covers::<super::MetadataRequest>();
    covers::<super::ProduceRequest>();
    covers::<super::FetchRequest>();
}
