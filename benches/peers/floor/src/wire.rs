//! One connection: requests are written whole, answers are read whole, in order.

use std::collections::BTreeMap;
use std::io::{IoSlice, Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::messages::{MetadataRequest, MetadataRequestTopic};
use ekafka_protocol::{
    Frame, FrameCursor, LENGTH_BYTES, Request, StrBytes, decode_correlation_id,
    decode_frame_length, skip_response_tags,
};
use peer_line::{Error, Line};

pub(crate) struct Wire {
    stream: TcpStream,
    correlation_id: i32,
}

impl Wire {
    pub(crate) fn connect(address: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            correlation_id: 0,
        })
    }

    pub(crate) fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<(), Error> {
        self.correlation_id += 1;
        let frame = Frame::request(version, self.correlation_id, Some("floor"), request)?;
        let mut cursor = FrameCursor::new(frame);
        while !cursor.is_done() {
            let mut slices = [IoSlice::new(&[]); 32];
            let count = cursor.fill_io_slices(&mut slices);
            let written = self.stream.write_vectored(&slices[..count])?;
            cursor.advance(written);
        }
        Ok(())
    }

    /// Reads the next answer; `buffer` is used again once nobody holds a part of the last one.
    pub(crate) fn receive<R: Request>(
        &mut self,
        version: i16,
        buffer: &mut Vec<u8>,
    ) -> Result<(Bytes, R::Response), Error> {
        let mut prefix = [0; LENGTH_BYTES];
        self.stream.read_exact(&mut prefix)?;
        let length = decode_frame_length(prefix, 1 << 28)?;
        let mut bytes = std::mem::take(buffer);
        if bytes.len() < length {
            bytes.resize(length, 0);
        }
        self.stream.read_exact(&mut bytes[..length])?;
        let whole = Bytes::from(bytes);
        let mut body = whole.slice(..length);
        decode_correlation_id(&mut body)?;
        skip_response_tags(R::API, version, &mut body)?;
        Ok((whole, R::decode_response(version, body)?))
    }
}

/// Gives the buffer of an answer back.
pub(crate) fn recycle(whole: Bytes, buffer: &mut Vec<u8>) {
    if let Ok(unique) = whole.try_into_mut() {
        *buffer = Vec::from(unique);
    }
}

/// The partitions by the address of their leader.
pub(crate) fn leaders(line: &Line) -> Result<BTreeMap<String, Vec<i32>>, Error> {
    let first = line.brokers.split(',').next().unwrap_or_default();
    let mut wire = Wire::connect(first)?;
    let topic = StrBytes::from(line.topic.clone());
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic::named(topic)]),
        ..MetadataRequest::default()
    };
    wire.send(METADATA, &request)?;
    let (_, answer) = wire.receive::<MetadataRequest>(METADATA, &mut Vec::new())?;
    let mut leaders: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    for partition in partitions.filter(|partition| line.uses(partition.partition_index)) {
        let leader = answer
            .brokers
            .iter()
            .find(|broker| broker.node_id == partition.leader_id)
            .ok_or("a partition has no leader")?;
        leaders
            .entry(format!("{}:{}", &*leader.host, leader.port))
            .or_default()
            .push(partition.partition_index);
    }
    match leaders.is_empty() {
        true => Err(format!("no topic {}", line.topic).into()),
        false => Ok(leaders),
    }
}

pub(crate) fn compression(line: &Line) -> Result<Compression, Error> {
    Ok(match line.codec.as_str() {
        "none" => Compression::NONE,
        "gzip" => Compression::GZIP,
        "snappy" => Compression::SNAPPY,
        "lz4" => Compression::LZ4,
        "zstd" => Compression::ZSTD,
        other => return Err(format!("unknown codec {other}").into()),
    })
}

/// Version 9, which brokers from 2.4 on have.
const METADATA: i16 = 9;
