use super::*;

fn spliced_frame() -> (Frame, Vec<u8>) {
    let mut frame = Frame::new();
    let big = Bytes::from(vec![7; SPLICE_FROM]);
    let other = Bytes::from(vec![8; SPLICE_FROM + 1]);
    frame.put_i16(1);
    frame.put_spliced(big.clone());
    frame.put_spliced(other.clone());
    frame.put_spliced(Bytes::from_static(b"small"));
    let mut flat = vec![0, 1];
    flat.extend_from_slice(&big);
    flat.extend_from_slice(&other);
    flat.extend_from_slice(b"small");
    (frame, flat)
}

#[test]
fn big_bytes_are_referenced_and_small_ones_copied() {
    let (frame, flat) = spliced_frame();
    assert_eq!(frame.len(), flat.len());
    assert_eq!(frame.to_bytes(), flat);
    assert_eq!(frame.segments().count(), 4);

    let big = Bytes::from(vec![1; SPLICE_FROM]);
    let mut frame = Frame::new();
    frame.put_spliced(big.clone());
    let first = frame.segments().next().expect("one segment");
    assert_eq!(first.as_ptr(), big.as_ptr(), "no copy");
}

#[test]
fn appending_keeps_the_order_of_splices() {
    let (mut frame, mut flat) = spliced_frame();
    let (other, other_flat) = spliced_frame();
    frame.append(other);
    flat.extend_from_slice(&other_flat);
    assert_eq!(frame.to_bytes(), flat);
    assert_eq!(frame.len(), flat.len());
}

#[test]
fn a_cursor_survives_partial_writes_of_any_size() {
    for step in [1, 2, 3, 100, 4095, 4096, 4097, 5000, 100_000] {
        let (frame, flat) = spliced_frame();
        let mut cursor = FrameCursor::new(frame);
        let mut written = Vec::new();
        while !cursor.is_done() {
            let mut slices = [IoSlice::new(&[]); 2];
            let filled = cursor.fill_io_slices(&mut slices);
            let mut budget = step;
            for slice in &slices[..filled] {
                let n = slice.len().min(budget);
                written.extend_from_slice(&slice[..n]);
                budget -= n;
            }
            assert!(budget < step, "progress");
            assert_eq!(cursor.advance(step - budget), 0);
        }
        assert_eq!(written, flat, "step {step}");
        assert_eq!(cursor.fill_io_slices(&mut [IoSlice::new(&[])]), 0);
    }
}

#[test]
fn bytes_beyond_the_frame_are_handed_on() {
    let (frame, flat) = spliced_frame();
    let mut cursor = FrameCursor::new(frame);
    assert_eq!(cursor.advance(flat.len() + 5), 5);
    assert!(cursor.is_done());
}

#[test]
fn varints_take_one_to_five_bytes() {
    let check = |value, bytes: &[u8]| {
        let mut frame = Frame::new();
        frame.put_uvarint(value);
        assert_eq!(frame.to_bytes(), bytes);
    };
    check(0, &[0]);
    check(127, &[0x7f]);
    check(128, &[0x80, 1]);
    check(300, &[0xac, 2]);
    check(u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0x0f]);
}

#[test]
fn the_length_counts_everything_behind_it() {
    let frame = Frame::with_length(|frame| {
        frame.put_i16(9);
        frame.put_spliced(Bytes::from(vec![0; SPLICE_FROM]));
        Ok(())
    })
    .expect("fits");
    assert_eq!(
        frame.to_bytes()[..4],
        (SPLICE_FROM as i32 + 2).to_be_bytes()
    );
}

#[test]
fn frame_lengths_are_checked_and_foreign_protocols_named() {
    assert_eq!(decode_frame_length([0, 0, 1, 0], 1000), Ok(256));
    assert_eq!(decode_frame_length(1000_i32.to_be_bytes(), 1000), Ok(1000));
    for length in [-1, 0, 3, 1001, i32::MIN, i32::MAX] {
        let error = decode_frame_length(length.to_be_bytes(), 1000).expect_err("refused");
        let what = "frame";
        assert_eq!(
            error,
            DecodeError::Length {
                what,
                length: length.into(),
                limit: 1000
            }
        );
    }
    for (prefix, word) in [
        (*b"HTTP", "HTTP"),
        ([0x15, 3, 3, 0], "expects TLS"),
        ([0x16, 3, 1, 2], "speaks TLS"),
        (*b"SSH-", "SSH"),
    ] {
        let error = decode_frame_length(prefix, usize::MAX).expect_err("foreign");
        assert!(error.to_string().contains(word), "{error}");
    }
}
