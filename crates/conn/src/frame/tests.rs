use bytes::{BufMut, Bytes};
use ekafka_protocol::DecodeError;

use super::{FREE, FrameReader, GROWTH, KEPT, SMALL, SPARES};

const CAP: usize = 100 * 1024 * 1024;

/// Feeds `stream` in pieces of the sizes that `piece` gives, and collects the frames.
fn cut(
    reader: &mut FrameReader,
    mut stream: &[u8],
    mut piece: impl FnMut() -> usize,
) -> Vec<Bytes> {
    let mut frames = Vec::new();
    loop {
        while let Some(frame) = reader.next_frame().unwrap() {
            frames.push(frame);
        }
        if stream.is_empty() {
            return frames;
        }
        let mut space = reader.space();
        let count = piece().clamp(1, stream.len()).min(space.remaining_mut());
        assert!(count > 0, "no room to receive into");
        space.put_slice(&stream[..count]);
        reader.note_received(count);
        stream = &stream[count..];
        assert!(
            reader.allocated <= GROWTH * reader.received + FREE,
            "allocation rule"
        );
    }
}

fn stream_of(sizes: &[usize]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut stream = Vec::new();
    let mut bodies = Vec::new();
    for (index, size) in sizes.iter().enumerate() {
        let body: Vec<u8> = (0..*size).map(|at| (at * 7 + index) as u8).collect();
        stream.put_i32(*size as i32);
        stream.put_slice(&body);
        bodies.push(body);
    }
    (stream, bodies)
}

#[test]
fn s53_frames_are_the_same_however_the_stream_is_sliced() {
    let sizes = [
        4,
        5,
        100,
        SMALL - 4,
        SMALL - 3,
        SMALL,
        40_000,
        4,
        300_000,
        4,
        4,
        70_000,
    ];
    let (stream, bodies) = stream_of(&sizes);
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let most = [1, 3, 100, 5_000, usize::MAX][seed as usize % 5];
        let frames = cut(&mut FrameReader::new(CAP), &stream, || {
            if most == 1 { 1 } else { random.usize(1..most) }
        });
        assert_eq!(frames, bodies, "seed {seed}");
    }
}

#[test]
fn h01_bad_lengths_are_refused_before_memory_is_taken() {
    let cap = 1_000;
    for length in [-1, i32::MIN, 0, 3, 1_001, i32::MAX] {
        let mut reader = FrameReader::new(cap);
        reader.space().put_i32(length);
        assert!(
            matches!(reader.next_frame(), Err(DecodeError::Length { .. })),
            "{length}"
        );
        assert!(reader.allocated <= FREE);
    }
}

#[test]
fn a_huge_announced_length_takes_no_more_memory_than_received_bytes_pay_for() {
    let mut reader = FrameReader::new(CAP);
    let mut head = Vec::new();
    head.put_i32(CAP as i32);
    cut(&mut reader, &head, || 4);
    assert!(
        reader.allocated <= GROWTH * 4 + FREE,
        "{}",
        reader.allocated
    );
    cut(&mut reader, &[7; 100_000], || 1_000);
    assert!(reader.allocated <= GROWTH * 100_004 + FREE);
}

#[test]
fn a_large_frame_nobody_holds_gives_its_memory_to_the_next() {
    let mut reader = FrameReader::new(CAP);
    let (stream, _) = stream_of(&[1_000_000]);
    for _ in 0..3 {
        drop(cut(&mut reader, &stream, || usize::MAX));
    }
    let warm = reader.allocated;
    for _ in 0..20 {
        drop(cut(&mut reader, &stream, || usize::MAX));
    }
    assert_eq!(reader.allocated, warm);
}

#[test]
fn a_frame_that_is_still_held_is_never_overwritten() {
    let mut reader = FrameReader::new(CAP);
    let (stream, bodies) = stream_of(&[100_000, 100_001, 100_002, 100_003, 100_004]);
    let frames = cut(&mut reader, &stream, || 60_000);
    let again = cut(&mut reader, &stream, || 7_777);
    assert_eq!(frames, bodies);
    assert_eq!(again, bodies);
}

#[test]
fn the_correlation_id_is_seen_before_the_frame_is_whole() {
    for size in [20, 50_000] {
        let mut reader = FrameReader::new(CAP);
        let mut head = Vec::new();
        head.put_i32(size);
        cut(&mut reader, &head, || 1);
        assert_eq!(reader.correlation_id(), None);
        cut(&mut reader, &77i32.to_be_bytes(), || 1);
        assert_eq!(reader.correlation_id(), Some(77));
        assert!(reader.is_inside_frame());
    }
}

#[test]
fn little_is_kept_for_frames_to_come_and_nothing_once_none_come() {
    const MIB: usize = 1024 * 1024;
    for (size, kept) in [
        (100_000, SPARES),
        (MIB, SPARES),
        (3 * MIB, 2),
        (10 * MIB, 0),
    ] {
        let mut reader = FrameReader::new(CAP);
        let (stream, _) = stream_of(&[size; 20]);
        // All at once, as when a consumer sleeps.
        drop(cut(&mut reader, &stream, || usize::MAX));
        assert!(reader.kept() <= KEPT, "{} of {size}", reader.kept());
        assert_eq!(reader.spare.len(), kept, "{size}");
        reader.cool();
        assert_eq!(reader.spare.len(), kept, "they have just come");
        let (one, _) = stream_of(&[size]);
        drop(cut(&mut reader, &one, || usize::MAX));
        reader.cool();
        assert_eq!(reader.kept() > 0, kept > 0, "{size}");
        reader.cool();
        assert_eq!(reader.kept(), 0, "{size}");
    }
}
