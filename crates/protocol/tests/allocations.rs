//! Heap allocations of the record path, counted: none per record in either direction.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use allocation_counter::{AllocationInfo, measure};
use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::{BatchBuilder, BatchIter, DecodeLimits, Header, RecordData};

const HEADERS: [Header<'static>; 2] = [
    Header {
        key: "trace",
        value: Some(b"0123456789"),
    },
    Header {
        key: "empty",
        value: None,
    },
];

fn encode(count: i64, buffer: BytesMut, spare: BytesMut, compression: Compression) -> Bytes {
    let value = [b'v'; 100];
    let mut open = BatchBuilder::new(buffer);
    for timestamp in 0..count {
        let record = RecordData {
            timestamp,
            key: Some(b"key"),
            value: Some(&value),
            headers: &HEADERS,
        };
        open.append(&record).unwrap();
    }
    open.seal_into(compression, spare).unwrap().stamp(1, 2, 3)
}

fn encoding(count: i64, compression: Compression) -> AllocationInfo {
    let (buffer, spare) = (
        BytesMut::with_capacity(1 << 20),
        BytesMut::with_capacity(1 << 20),
    );
    measure(|| drop(encode(count, buffer, spare, compression)))
}

#[test]
fn encoding_allocates_for_a_batch_and_not_for_a_record() {
    for compression in Codec::ALL.map(Compression::of) {
        // The first batch of a thread makes its codec's context.
        encoding(10, compression);
        let (few, many) = (encoding(10, compression), encoding(5_000, compression));
        assert_eq!(few.count_total, many.count_total, "{compression}");
        assert!(many.count_total <= 2, "{compression}: {many:?}");
    }
}

fn decoding(wire: &Bytes, walk: impl Fn(&Bytes)) -> u64 {
    walk(wire);
    measure(|| walk(wire)).count_total
}

fn walk_borrowed(wire: &Bytes) {
    let limits = DecodeLimits::default();
    for batch in BatchIter::new(wire.clone(), &limits) {
        for record in &batch.unwrap().records(&limits).unwrap() {
            let record = record.unwrap();
            assert_eq!(record.value.map(<[u8]>::len), Some(100));
            assert_eq!(record.headers().map(Result::unwrap).count(), 2);
        }
    }
}

fn walk_spans(wire: &Bytes) {
    let limits = DecodeLimits::default();
    for batch in BatchIter::new(wire.clone(), &limits) {
        let spans = batch
            .unwrap()
            .records(&limits)
            .unwrap()
            .into_spans()
            .unwrap();
        let bytes = spans.bytes().clone();
        for span in spans {
            assert_eq!(span.unwrap().value(&bytes).map(<[u8]>::len), Some(100));
        }
    }
}

#[test]
fn decoding_allocates_for_a_compressed_batch_and_not_for_a_record() {
    for compression in Codec::ALL.map(Compression::of) {
        let few = encode(10, BytesMut::new(), BytesMut::new(), compression);
        let many = encode(5_000, BytesMut::new(), BytesMut::new(), compression);
        // Reading the large one first grows what the thread keeps.
        for walk in [walk_borrowed, walk_spans] {
            let most = decoding(&many, walk);
            assert_eq!(most, decoding(&few, walk), "{compression}");
            let limit = if compression == Compression::NONE {
                0
            } else {
                3
            };
            assert!(most <= limit, "{compression}: {most}");
        }
    }
}
