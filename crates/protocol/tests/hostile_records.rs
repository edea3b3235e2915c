//! Mutated batches, message sets and compressed streams: no panic, no more memory than the bytes
//! justify, no input that takes long. Seeds are the golden files and what this crate writes.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::path::Path;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::{Codec, Compression, compress, decompress};
use ekafka_protocol::records::{BatchIter, ControlRecord, DecodeLimits};

/// Inputs per test; the five tests together pass a million.
const INPUTS: u32 = 300_000;
const CAP: usize = 128 * 1024;
const SLACK: usize = 64 * 1024;
const SLOW: Duration = Duration::from_millis(100);

/// xorshift64*: the same inputs in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit.max(1)
    }
}

/// Numbers that lengths, counts and offsets go wrong at.
const EXTREMES: [i64; 12] = [
    0,
    1,
    -1,
    127,
    128,
    255,
    65_535,
    i32::MAX as i64,
    i32::MIN as i64,
    0x00ff_ffff,
    i64::MAX,
    i64::MIN,
];

/// One to four changes of every kind that transport damage and malice bring.
fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(4) {
        let at = random.below(input.len());
        let left = input.len() - at;
        match random.below(8) {
            0 => input.truncate(at),
            1 => input.insert(at, random.next() as u8),
            2 if left > 0 => drop(input.remove(at)),
            3 if left > 0 => input[at] ^= 1 << random.below(8),
            4 if left > 0 => input[at] = random.next() as u8,
            5 => {
                let width = [1, 2, 4, 8][random.below(4)].min(left);
                let extreme = EXTREMES[random.below(EXTREMES.len())].to_be_bytes();
                input[at..at + width].copy_from_slice(&extreme[8 - width..]);
            }
            6 => {
                let start = random.below(other.len());
                let end = start + random.below(other.len() - start);
                input.splice(at..at, other[start..end].iter().copied());
            }
            _ => {
                // A varint that never ends, or is huge.
                let length = random.below(11).min(left);
                input[at..at + length].fill(0xff);
            }
        }
    }
}

/// Runs `decode` on mutations of `seeds` and watches what it costs. `decode` gets the cap on what it
/// may give out, which is zero half of the time: then memory is bounded by the input alone.
fn attack(seeds: &[Vec<u8>], decode: impl Fn(Bytes, usize)) {
    for seed in seeds {
        decode(seed.clone().into(), 4 * 1024 * 1024);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..INPUTS {
        let mut input = seeds[random.below(seeds.len())].clone();
        let other = &seeds[random.below(seeds.len())];
        mutate(&mut random, &mut input, other);
        let input = Bytes::from(input);
        let cap = if round % 2 == 0 { CAP } else { 0 };
        let started = Instant::now();
        let used = measure(|| decode(input.clone(), cap));
        let took = started.elapsed();
        let allowed = 16 * input.len() + SLACK + cap;
        assert!(
            used.bytes_total <= allowed as u64,
            "{} bytes from {input:x?}",
            used.bytes_total
        );
        // A busy machine may stop the clock's owner; what is slow by itself is slow each time.
        let slow = took > SLOW && (0..5).all(|_| elapsed(|| decode(input.clone(), cap)) > SLOW);
        assert!(!slow, "{took:?} for {input:x?}");
    }
}

fn elapsed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

fn golden(include: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/records");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".hex") && !name.contains("big") && include(name)
        })
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
        .iter()
        .map(|path| unhex(&std::fs::read_to_string(path).unwrap()))
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

/// Walks everything that can be walked, ignoring what is refused.
fn read_records(bytes: Bytes, max_decompressed: usize, check_crcs: bool) {
    let limits = DecodeLimits {
        max_decompressed,
        check_crcs,
    };
    for batch in BatchIter::new(bytes, &limits).flatten() {
        let mut next = batch.base_offset();
        let Ok(records) = batch.records(&limits) else {
            continue;
        };
        for record in records.iter().flatten() {
            assert!(record.offset >= 0 && record.offset <= batch.last_offset());
            next = next.max(record.offset);
            for header in record.headers().flatten() {
                let _ = header.key_str();
            }
            let _ = ControlRecord::parse(&record);
        }
        if let Ok(spans) = records.into_spans() {
            let bytes = spans.bytes().clone();
            for span in spans.flatten() {
                assert!(span.payload_len() <= bytes.len());
                let _ = (
                    span.key(&bytes),
                    span.value(&bytes),
                    span.headers(&bytes).count(),
                );
            }
        }
    }
}

#[test]
fn batches() {
    attack(&golden(|name| name.starts_with("v2")), |bytes, cap| {
        read_records(bytes, cap, false)
    });
}

#[test]
fn message_sets() {
    attack(&golden(|name| !name.starts_with("v2")), |bytes, cap| {
        read_records(bytes, cap, false)
    });
}

#[test]
fn mixed_logs_with_checksums() {
    let mut seeds = golden(|_| true);
    let all = seeds.concat();
    seeds.push(all);
    attack(&seeds, |bytes, cap| read_records(bytes, cap, true));
}

fn packed(codecs: &[Codec]) -> Vec<Vec<u8>> {
    let text = b"a line of text that repeats, a line of text that ".repeat(20);
    let noise: Vec<u8> = (0..600u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let mut seeds = Vec::new();
    for codec in codecs {
        for input in [&text[..], &noise, b"", &[0; 3_000]] {
            let mut output = BytesMut::new();
            compress(Compression::of(*codec), input, &mut output).unwrap();
            seeds.push(output.to_vec());
        }
    }
    seeds
}

fn check_cap(codec: Codec, bytes: &Bytes, cap: usize) {
    if let Ok(output) = decompress(codec, bytes, cap) {
        assert!(output.len() <= cap);
    }
}

#[test]
fn gzip_and_snappy_streams() {
    // A raw block and one in two chunks, beside the framed ones.
    let mut seeds = packed(&[Codec::Gzip, Codec::Snappy]);
    seeds.push(b"\x0a\x24snap-block".to_vec());
    attack(&seeds, |bytes, cap| {
        check_cap(Codec::Gzip, &bytes, cap);
        check_cap(Codec::Snappy, &bytes, cap);
    });
}

#[test]
fn lz4_and_zstd_streams() {
    attack(&packed(&[Codec::Lz4, Codec::Zstd]), |bytes, cap| {
        check_cap(Codec::Lz4, &bytes, cap);
        check_cap(Codec::Zstd, &bytes, cap);
    });
}

/// A frame of a few bytes may declare anything.
#[test]
fn declared_sizes_take_no_memory() {
    let lies: [(Codec, &[u8]); 4] = [
        // A raw block of 4 GiB; a xerial chunk of it.
        (Codec::Snappy, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
        (
            Codec::Snappy,
            b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x06\xff\xff\xff\xff\x0f\0",
        ),
        // A frame of 2^62 bytes with a window of its size, single segment, no block.
        (
            Codec::Zstd,
            &[
                0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0,
            ],
        ),
        // Blocks of 4 MiB, content of 2^62 bytes; the checksum is not reached.
        (
            Codec::Lz4,
            &[
                4, 0x22, 0x4d, 0x18, 0x68, 0x70, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,
            ],
        ),
    ];
    for (codec, lie) in lies {
        let _ = decompress(codec, lie, usize::MAX);
        let used = measure(|| drop(decompress(codec, lie, usize::MAX).unwrap_err()));
        assert!(used.bytes_total < 1_024, "{codec}: {used:?}");
    }
}

/// Each codec's bomb stops at the cap, and takes little more than that while it is decompressed.
#[test]
fn bombs_take_no_more_than_the_cap() {
    let cap = 1024 * 1024;
    let zeros = vec![0; 32 * 1024 * 1024];
    for codec in &Codec::ALL[1..] {
        let mut bomb = BytesMut::new();
        compress(Compression::of(*codec), &zeros, &mut bomb).unwrap();
        let used = measure(|| drop(decompress(*codec, &bomb, cap).unwrap_err()));
        assert!(used.bytes_max <= 2 * cap as u64, "{codec}: {used:?}");
    }
}
