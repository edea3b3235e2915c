use super::*;

fn decoder(bytes: &'static [u8], flexible: bool) -> Decoder {
    Decoder::new(Bytes::from_static(bytes), flexible)
}

#[test]
fn null_and_empty_are_kept_apart() {
    let string = |bytes, flexible| decoder(bytes, flexible).nullable_string("s");
    assert_eq!(string(&[0xff, 0xff], false), Ok(None));
    assert_eq!(string(&[0, 0], false), Ok(Some(StrBytes::default())));
    assert_eq!(string(&[0], true), Ok(None));
    assert_eq!(string(&[1], true), Ok(Some(StrBytes::default())));
    let bytes = |bytes, flexible| decoder(bytes, flexible).nullable_bytes("b");
    assert_eq!(bytes(&[0xff; 4], false), Ok(None));
    assert_eq!(bytes(&[0; 4], false), Ok(Some(Bytes::new())));
    assert_eq!(bytes(&[0], true), Ok(None));
    assert_eq!(bytes(&[1], true), Ok(Some(Bytes::new())));
    let array = |bytes, flexible| decoder(bytes, flexible).nullable_array("a", 4, |d| d.i32("i"));
    assert_eq!(array(&[0xff; 4], false), Ok(None));
    assert_eq!(array(&[0; 4], false), Ok(Some(vec![])));
    assert_eq!(array(&[0], true), Ok(None));
    assert_eq!(array(&[1], true), Ok(Some(vec![])));
}

#[test]
fn null_where_none_is_allowed_is_an_error() {
    let null = |what, limit| DecodeError::Length {
        what,
        length: -1,
        limit,
    };
    assert_eq!(decoder(&[0xff, 0xff], false).string("s"), Err(null("s", 0)));
    assert_eq!(decoder(&[0, 9], true).bytes("b"), Err(null("b", 1)));
    assert_eq!(
        decoder(&[0], true).array("a", 1, |d| d.i8("i")),
        Err(null("a", 0))
    );
}

#[test]
fn lengths_are_compared_with_what_is_left() {
    let length = |what, length, limit| DecodeError::Length {
        what,
        length,
        limit,
    };
    let string = |bytes, flexible| decoder(bytes, flexible).string("s").expect_err("refused");
    assert_eq!(string(&[0, 3, b'a', b'b'], false), length("s", 3, 2));
    assert_eq!(string(&[0x80, 0, b'a'], false), length("s", -32768, 1));
    assert_eq!(string(&[4, b'a', b'b'], true), length("s", 3, 2));
    let count = |bytes| decoder(bytes, false).count("a", 4).expect_err("refused");
    assert_eq!(
        count(&[0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
        length("a", i32::MAX.into(), 1)
    );
    assert_eq!(count(&[0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7]), length("a", 2, 1));
    assert_eq!(count(&[0xff, 0xff, 0xff, 0xfe]), length("a", -2, 0));
}

#[test]
fn a_string_above_kafka_s_limit_is_refused_even_if_it_is_there() {
    let mut bytes = vec![0x81, 0x80, 0x02];
    bytes.resize(40_000, b'a');
    let error = Decoder::new(bytes.into(), true)
        .string("s")
        .expect_err("too long");
    assert_eq!(
        error,
        DecodeError::Length {
            what: "s",
            length: 32_768,
            limit: 32_767
        }
    );
}

#[test]
fn strings_are_slices_of_the_body_and_must_be_utf8() {
    let body = Bytes::from_static(b"\0\x02hi");
    let string = Decoder::new(body.clone(), false)
        .string("s")
        .expect("valid");
    assert_eq!(string.as_ptr(), body[2..].as_ptr());
    assert_eq!(
        decoder(&[0, 1, 0xff], false).string("s"),
        Err(DecodeError::Utf8 { what: "s" })
    );
}

#[test]
fn varints_end_after_32_bits() {
    let uvarint = |bytes| decoder(bytes, true).uvarint("v");
    assert_eq!(uvarint(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
    let long = Err(DecodeError::Corrupt {
        what: "v",
        detail: "varint of more than 32 bits",
    });
    assert_eq!(uvarint(&[0xff, 0xff, 0xff, 0xff, 0x1f]), long);
    assert_eq!(uvarint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), long);
    assert_eq!(
        uvarint(&[0x80]),
        Err(DecodeError::Truncated {
            what: "v",
            needed: 1,
            left: 0
        })
    );
}

#[test]
fn a_tagged_field_is_read_within_its_bounds_and_unknown_ones_are_skipped() {
    // Two fields: tag 7 with 3 unknown bytes, tag 1 with 4 bytes of which 2 are read. Then 0x2a.
    let mut decoder = decoder(&[2, 7, 3, 9, 9, 9, 1, 4, 0, 5, 6, 7, 0x2a], true);
    let mut seen = Vec::new();
    let read = |tag, field: &mut Decoder| {
        seen.push((tag, field.left()));
        if tag == 1 {
            assert_eq!(field.i16("known"), Ok(5));
            assert_eq!(field.left(), 2);
        }
        Ok(())
    };
    assert_eq!(decoder.tags(read), Ok(()));
    assert_eq!(seen, [(7, 3), (1, 4)]);
    assert_eq!(decoder.i8("next"), Ok(0x2a));
}

#[test]
fn a_tagged_field_cannot_reach_behind_its_end() {
    let mut decoder = decoder(&[1, 0, 1, 0, 0, 0, 0], true);
    let error = decoder
        .tags(|_, field| field.i32("value").map(drop))
        .expect_err("too short");
    assert_eq!(
        error,
        DecodeError::Truncated {
            what: "value",
            needed: 4,
            left: 1
        }
    );
}

#[test]
fn arrays_together_stay_within_the_memory_allowance() {
    // 100,000 empty strings of 2 bytes each would take 96 bytes of memory each.
    let mut bytes = 100_000_i32.to_be_bytes().to_vec();
    bytes.resize(4 + 200_000, 0);
    let error = Decoder::new(bytes.into(), false)
        .array("strings", 2, |d| {
            d.string("s").map(|string| (string, [0_u64; 4]))
        })
        .expect_err("more than the allowance");
    assert!(
        matches!(
            error,
            DecodeError::TooLarge {
                what: "strings",
                ..
            }
        ),
        "{error}"
    );
}
