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
        assert_eq!(take_long(bytes), Some((value, &[][..])));
    }
}

#[test]
fn every_bit_length_comes_back() {
    for bit in 0..64 {
        for value in [1i64 << bit, (1i64 << bit).wrapping_sub(1), !(1i64 << bit)] {
            let bytes = encode(value);
            assert_eq!(size(value), bytes.len());
            assert_eq!(take_long(&bytes), Some((value, &[][..])));
            let narrow = take_unsigned(&bytes).map(|(value, _)| unzigzag(u64::from(value)));
            assert_eq!(narrow, i32::try_from(value).ok().map(i64::from), "{value}");
        }
    }
}

#[test]
fn what_follows_is_returned() {
    for length in [1, 2, 5, 9, 10] {
        let value = if length == 1 {
            1
        } else {
            1i64 << (7 * length - 8)
        };
        let bytes = [&encode(value)[..], b"rest"].concat();
        assert_eq!(bytes.len(), length + 4);
        assert_eq!(take_long(&bytes), Some((value, &b"rest"[..])));
    }
}

#[test]
fn cut_off_and_over_long_input_is_refused() {
    for bytes in [&[][..], &[0x80], &[0x80, 0x80], &[0xff; 11], &[0x80; 10]] {
        assert_eq!(take_long(bytes), None, "{bytes:?}");
        assert_eq!(take_unsigned(bytes), None, "{bytes:?}");
    }
    assert_eq!(take_unsigned(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01]), None);
    assert_eq!(take_unsigned(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None);
}
