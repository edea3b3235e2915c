use super::*;

fn encode(value: i64) -> Vec<u8> {
    let mut out = vec![0; 12];
    let end = put(&mut out, 0, value);
    out.truncate(end);
    out
}

#[test]
fn vectors_of_the_zigzag_form() {
    let cases: [(i64, &[u8]); 8] = [
        (0, &[0]),
        (-1, &[1]),
        (1, &[2]),
        (63, &[0x7e]),
        (-64, &[0x7f]),
        (64, &[0x80, 0x01]),
        (i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
        (
            i64::MIN,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ),
    ];
    for (value, bytes) in cases {
        assert_eq!(encode(value), bytes, "{value}");
        assert_eq!(size(value), bytes.len(), "{value}");
        let mut rest = bytes;
        assert_eq!(take_long(&mut rest), Some(value));
        assert!(rest.is_empty());
    }
}

#[test]
fn every_bit_length_comes_back() {
    for bit in 0..64 {
        for value in [1i64 << bit, (1i64 << bit).wrapping_sub(1), !(1i64 << bit)] {
            let bytes = encode(value);
            assert_eq!(size(value), bytes.len());
            assert_eq!(take_long(&mut &bytes[..]), Some(value));
            let narrow = take_int(&mut &bytes[..]);
            assert_eq!(narrow, i32::try_from(value).ok(), "{value}");
        }
    }
}

#[test]
fn cut_off_and_over_long_input_is_refused_and_left_alone() {
    for bytes in [&[][..], &[0x80], &[0x80, 0x80], &[0xff; 11], &[0x80; 10]] {
        let mut rest = bytes;
        assert_eq!(take_long(&mut rest), None, "{bytes:?}");
        assert_eq!(rest, bytes);
    }
    let six = [0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    assert_eq!(take_int(&mut &six[..]), None);
    let too_big = [0xff, 0xff, 0xff, 0xff, 0x1f];
    assert_eq!(take_int(&mut &too_big[..]), None);
}
