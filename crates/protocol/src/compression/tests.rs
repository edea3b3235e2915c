use super::*;

/// Compressible, but not by runs alone.
fn sample(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    (0..length)
        .map(|index| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if index % 7 < 5 {
                b"ekafka"[index % 6]
            } else {
                (state >> 28) as u8
            }
        })
        .collect()
}

/// Words in no order.
#[cfg(feature = "zstd")]
fn words(length: usize) -> Vec<u8> {
    const WORDS: &str = "order customer invoice payment shipped pending failed retry region cluster leader offset broker \
        partition record header timestamp producer consumer group member session commit fetch batch request response";
    let words: Vec<_> = WORDS.split_whitespace().collect();
    let chosen = noise(length).into_iter();
    chosen
        .flat_map(|byte| format!("{} ", words[usize::from(byte) % words.len()]).into_bytes())
        .take(length)
        .collect()
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

fn packed(compression: Compression, input: &[u8]) -> BytesMut {
    let mut output = BytesMut::new();
    compress(compression, input, &mut output).unwrap();
    output
}

fn every_compression() -> Vec<Compression> {
    let mut all: Vec<_> = Codec::ALL.map(Compression::of).into();
    for (codec, level) in [
        (Codec::Gzip, 1),
        (Codec::Gzip, 9),
        (Codec::Zstd, -5),
        (Codec::Zstd, 19),
    ] {
        all.push(Compression::with_level(codec, level).unwrap());
    }
    all.retain(|compression| cfg!(feature = "zstd") || compression.codec() != Codec::Zstd);
    all
}

#[test]
fn what_goes_in_comes_out_at_every_size() {
    for compression in every_compression() {
        for length in [
            0, 1, 2, 100, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 300_000,
        ] {
            for input in [sample(length), noise(length), vec![0; length]] {
                let output = packed(compression, &input);
                let back = decompress(compression.codec(), &output, length).unwrap();
                assert!(back == input, "{compression} {length}");
            }
        }
    }
}

#[test]
fn output_is_appended() {
    for compression in every_compression() {
        let mut output = BytesMut::from(&b"head"[..]);
        compress(compression, b"body body body body", &mut output).unwrap();
        assert_eq!(&output[..4], b"head");
        let back = decompress(compression.codec(), &output[4..], 100).unwrap();
        assert_eq!(back, &b"body body body body"[..]);
    }
}

#[test]
fn one_byte_over_the_cap_is_refused() {
    for compression in every_compression() {
        for length in [1, 100, 16_384, 70_000, 500_000] {
            let output = packed(compression, &sample(length));
            let refused = decompress(compression.codec(), &output, length - 1);
            assert!(
                matches!(refused, Err(DecodeError::TooLarge { .. })),
                "{compression} {length}: {refused:?}"
            );
        }
    }
}

#[test]
fn a_level_changes_the_output() {
    let input = sample(100_000);
    let fast = packed(Compression::with_level(Codec::Gzip, 1).unwrap(), &input);
    let best = packed(Compression::with_level(Codec::Gzip, 9).unwrap(), &input);
    assert!(best.len() < fast.len());
    if cfg!(not(feature = "zstd")) {
        return;
    }
    let fast = packed(Compression::with_level(Codec::Zstd, -50).unwrap(), &input);
    let best = packed(Compression::with_level(Codec::Zstd, 19).unwrap(), &input);
    assert!(best.len() < fast.len());
}

#[test]
fn text_form_round_trips() {
    for compression in every_compression() {
        assert_eq!(compression.to_string().parse(), Ok(compression));
    }
    for (text, expected) in [
        ("none", Compression::NONE),
        ("uncompressed", Compression::NONE),
        ("GZIP", Compression::GZIP),
        ("2", Compression::SNAPPY),
        ("zstd", Compression::ZSTD),
    ] {
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }
    assert_eq!("gzip:9".parse(), Compression::with_level(Codec::Gzip, 9));
    for text in [
        "", "brotli", "5", "gzip:", "gzip:x", "gzip:0", "gzip:10", "lz4:1", "zstd:23",
    ] {
        assert!(text.parse::<Compression>().is_err(), "{text}");
    }
    let error = "gzip:10".parse::<Compression>().unwrap_err();
    assert_eq!(error.to_string(), "gzip has levels 1 to 9");
}

#[test]
fn ids_are_those_of_the_batch_attributes() {
    for (id, codec) in Codec::ALL.into_iter().enumerate() {
        assert_eq!(Codec::from_id(id as u8), Ok(codec));
        assert_eq!(usize::from(codec.id()), id);
    }
    assert_eq!(Codec::from_id(5), Err(DecodeError::UnknownCodec { id: 5 }));
}

#[test]
fn every_cut_is_an_error_or_a_prefix() {
    for compression in every_compression().into_iter().skip(1) {
        let input = sample(2_000);
        let output = packed(compression, &input);
        for cut in 1..output.len() {
            match decompress(compression.codec(), &output[..cut], 10_000) {
                Err(_) => {}
                // Xerial streams and concatenated frames may end between chunks.
                Ok(bytes) => assert!(input.starts_with(&bytes) && bytes.len() < input.len()),
            }
        }
    }
}

#[test]
fn concatenated_streams_are_one() {
    for compression in every_compression().into_iter().skip(1) {
        let mut output = packed(compression, b"first, ");
        output.extend_from_slice(&packed(compression, b"second"));
        let back = decompress(compression.codec(), &output, 100).unwrap();
        assert_eq!(back, &b"first, second"[..], "{compression}");
    }
}

#[test]
fn raw_snappy_is_read_too() {
    let input = sample(100_000);
    let raw = snap::raw::Encoder::new().compress_vec(&input).unwrap();
    assert_eq!(decompress(Codec::Snappy, &raw, input.len()).unwrap(), input);
}

#[test]
fn truncated_xerial_headers_are_errors() {
    let output = packed(Compression::SNAPPY, b"something");
    for cut in 0..20 {
        assert!(
            matches!(
                decompress(Codec::Snappy, &output[..cut], 100),
                Err(DecodeError::Compression { .. })
            ) || cut == 16,
            "{cut}"
        );
    }
}

#[test]
fn snappy_lengths_are_not_believed() {
    let lie = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
    assert!(decompress(Codec::Snappy, &lie, usize::MAX).is_err());
}

#[test]
fn gzip_with_every_optional_field_is_read() {
    let plain = packed(Compression::GZIP, b"hello");
    let mut fancy = plain[..10].to_vec();
    fancy[3] = 0x1f;
    fancy.extend_from_slice(&[3, 0, 1, 2, 3]);
    fancy.extend_from_slice(b"name\0comment\0");
    fancy.extend_from_slice(&[9, 9]);
    fancy.extend_from_slice(&plain[10..]);
    assert_eq!(decompress(Codec::Gzip, &fancy, 100).unwrap(), &b"hello"[..]);
}

#[test]
fn damage_is_found_by_checksums() {
    let mut gzip = packed(Compression::GZIP, b"hello hello hello");
    let at = gzip.len() - 6;
    gzip[at] ^= 1;
    assert!(matches!(
        decompress(Codec::Gzip, &gzip, 100),
        Err(DecodeError::Compression { .. })
    ));

    let mut lz4 = packed(Compression::LZ4, b"hello");
    lz4[6] ^= 1;
    assert!(decompress(Codec::Lz4, &lz4, 100).is_err());
    assert_eq!(decompress_v0(Codec::Lz4, &lz4, 100).unwrap(), &b"hello"[..]);
}

/// Frames of the shapes that other writers choose.
#[test]
fn lz4_frames_of_other_writers() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write;
    let input = [sample(200_000), noise(70_000), sample(150_000)].concat();
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for size in [
            BlockSize::Max64KB,
            BlockSize::Max256KB,
            BlockSize::Max1MB,
            BlockSize::Max4MB,
        ] {
            for checksums in [false, true] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(checksums)
                    .content_checksum(checksums)
                    .content_size(checksums.then_some(input.len() as u64));
                let mut writer = FrameEncoder::with_frame_info(info, Vec::new());
                writer.write_all(&input).unwrap();
                let frame = writer.finish().unwrap();
                let back = decompress(Codec::Lz4, &frame, input.len()).unwrap();
                assert!(back == input, "{mode:?} {size:?} {checksums}");
                let refused = decompress(Codec::Lz4, &frame, input.len() - 1);
                assert!(
                    matches!(refused, Err(DecodeError::TooLarge { .. })),
                    "{refused:?}"
                );
            }
        }
    }
}

#[test]
fn our_lz4_frames_are_read_by_another_reader() {
    use std::io::Read;
    for input in [sample(200_000), noise(100_000), Vec::new()] {
        let frame = packed(Compression::LZ4, &input);
        let mut back = Vec::new();
        lz4_flex::frame::FrameDecoder::new(&frame[..])
            .read_to_end(&mut back)
            .unwrap();
        assert!(back == input);
    }
}

#[test]
#[cfg(feature = "zstd")]
fn zstd_frames_without_a_size_are_read() {
    use std::io::Write;
    for length in [0, 10, 1_000, 300_000] {
        for checksum in [false, true] {
            let input = sample(length);
            let mut writer = ::zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
            writer.include_checksum(checksum).unwrap();
            for part in input.chunks(1_000) {
                writer.write_all(part).unwrap();
                writer.flush().unwrap();
            }
            let frame = writer.finish().unwrap();
            assert!(decompress(Codec::Zstd, &frame, length).unwrap() == input);
            if length > 0 {
                let refused = decompress(Codec::Zstd, &frame, length - 1);
                assert!(
                    matches!(refused, Err(DecodeError::TooLarge { .. })),
                    "{refused:?}"
                );
            }
        }
    }
}

/// A kilobyte or so that unfolds to megabytes stops at the cap.
#[test]
fn bombs_stop_at_the_cap() {
    let zeros = vec![0; 64 * 1024 * 1024];
    for compression in every_compression().into_iter().skip(1) {
        if compression.level().is_some() {
            continue;
        }
        let bomb = packed(compression, &zeros);
        let refused = decompress(compression.codec(), &bomb, 1024 * 1024);
        assert!(
            matches!(refused, Err(DecodeError::TooLarge { .. })),
            "{compression}: {refused:?}"
        );
    }
}

#[test]
#[cfg(not(feature = "zstd"))]
fn a_codec_left_out_is_an_error() {
    let refused = compress(Compression::ZSTD, b"x", &mut BytesMut::new()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "zstd: not built in: enable the feature of that name"
    );
    let refused = decompress(Codec::Zstd, b"x", 10);
    assert_eq!(refused, Err(DecodeError::UnknownCodec { id: 4 }));
}

#[cfg(feature = "zstd")]
#[test]
fn zstd_without_a_level_is_nearly_as_small_as_level_3() {
    let level = Compression::with_level(Codec::Zstd, 3).unwrap();
    for length in [10_000, 250_000, 1_000_000] {
        let input = words(length);
        let (ours, named) = (packed(Compression::ZSTD, &input), packed(level, &input));
        assert!(ours != named, "a level that is named is that level");
        assert!(ours.len() * 100 <= named.len() * 105, "{length}");
    }
}
