//! Encodes or decodes a number of batches and nothing else, to be run under callgrind:
//! `instructions encode|decode|headers|spans SHAPE BATCHES`. The difference between two runs with
//! different numbers is the cost of the batches alone; `cargo xtask bench instructions` takes it.

use std::error::Error;
use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use ekafka_benches::{SHAPES, encode, values};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchIter, DecodeLimits};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, shape, batches] = &arguments[..] else {
        return Err("usage: instructions encode|decode|headers|spans SHAPE BATCHES".into());
    };
    let shape = SHAPES
        .into_iter()
        .find(|known| known.name == shape)
        .ok_or("unknown shape")?;
    let values = values(shape);
    let mut buffer = BytesMut::with_capacity(2 * values.len() + 1_024 * 1_024);
    let wire = Bytes::copy_from_slice(&encode(shape, &values, BytesMut::new(), Compression::NONE)?);
    for _ in 0..batches.parse()? {
        match &what[..] {
            "encode" => {
                let sent = encode(shape, &values, buffer, Compression::NONE)?;
                buffer = sent
                    .try_into_mut()
                    .map_err(|_| "the batch is still shared")?;
            }
            "decode" => decode(&wire, false)?,
            "headers" => decode(&wire, true)?,
            "spans" => spans(&wire)?,
            _ => return Err("unknown job".into()),
        }
    }
    Ok(())
}

fn decode(wire: &Bytes, headers: bool) -> Result<(), Box<dyn Error>> {
    let limits = DecodeLimits::default();
    for batch in BatchIter::new(wire.clone(), &limits) {
        for record in &batch?.records(&limits)? {
            let record = record?;
            black_box((record.offset, record.timestamp, record.key, record.value));
            if headers {
                for header in record.headers() {
                    black_box(header?);
                }
            }
        }
    }
    Ok(())
}

fn spans(wire: &Bytes) -> Result<(), Box<dyn Error>> {
    let limits = DecodeLimits::default();
    for batch in BatchIter::new(wire.clone(), &limits) {
        let mut spans = batch?.records(&limits)?.into_spans()?;
        while let Some(span) = spans.next() {
            let span = span?;
            black_box((
                span.offset,
                span.timestamp,
                span.key(spans.bytes()),
                span.value(spans.bytes()),
            ));
        }
    }
    Ok(())
}
