use super::*;

fn subscription(owned: &[(&str, &[i32])], generation: i32, rack: Option<&str>) -> Subscription {
    Subscription {
        topics: vec!["orders".to_owned(), "returns".to_owned()],
        user_data: Bytes::from_static(b"zone1"),
        owned: owned
            .iter()
            .map(|(topic, ids)| ((*topic).to_owned(), ids.to_vec()))
            .collect(),
        generation,
        rack: rack.map(str::to_owned),
    }
}

#[test]
fn t93_a_subscription_survives_the_trip_in_the_lowest_version_that_fits() {
    for (version, subscription) in [
        (0, subscription(&[], -1, None)),
        (1, subscription(&[("orders", &[0, 3])], -1, None)),
        (2, subscription(&[("orders", &[0, 3])], 7, None)),
        (3, subscription(&[], -1, Some("r1"))),
    ] {
        let bytes = subscription.encode();
        assert_eq!(bytes[..2], [0, version], "version");
        assert_eq!(Subscription::decode(&bytes).unwrap(), subscription);
    }
}

#[test]
fn t93_an_assignment_survives_the_trip_and_no_bytes_are_an_empty_one() {
    let partitions = BTreeMap::from([("a".to_owned(), vec![0, 2]), ("b".to_owned(), vec![])]);
    let bytes = encode_assignment(&partitions);
    assert_eq!(decode_assignment(&bytes).unwrap(), partitions);
    assert_eq!(decode_assignment(&[]).unwrap(), BTreeMap::new());
}

#[test]
fn t92_bytes_of_other_clients_are_read() {
    // Version 0, topics "one" and "two", user data 1 2 3.
    let metadata = b"\0\0\0\0\0\x02\0\x03one\0\x03two\0\0\0\x03\x01\x02\x03";
    let read = Subscription::decode(metadata).unwrap();
    assert_eq!(read.topics, ["one", "two"]);
    assert_eq!(&read.user_data[..], [1, 2, 3]);
    // Version 0, topic "one" with partitions 0, 2 and 4, user data 1 2 3.
    let assignment =
        b"\0\0\0\0\0\x01\0\x03one\0\0\0\x03\0\0\0\0\0\0\0\x02\0\0\0\x04\0\0\0\x03\x01\x02\x03";
    assert_eq!(
        decode_assignment(assignment).unwrap(),
        BTreeMap::from([("one".to_owned(), vec![0, 2, 4])])
    );
}

#[test]
fn t96_a_future_version_and_trailing_bytes_are_tolerated() {
    let mut bytes = subscription(&[("orders", &[1])], 3, Some("r"))
        .encode()
        .to_vec();
    bytes[1] = 9;
    bytes.extend_from_slice(b"more");
    let read = Subscription::decode(&bytes).unwrap();
    assert_eq!(read.owned["orders"], [1]);
    assert_eq!(read.rack.as_deref(), Some("r"));
}

#[test]
fn s48_a_cut_off_blob_is_an_error_and_never_a_shorter_list() {
    let whole = subscription(&[("orders", &[0, 3])], 7, Some("r")).encode();
    for cut in 0..whole.len() {
        assert!(Subscription::decode(&whole[..cut]).is_err(), "cut at {cut}");
    }
    let partitions = BTreeMap::from([("a".to_owned(), vec![0, 2])]);
    let whole = encode_assignment(&partitions);
    for cut in 1..whole.len() {
        assert!(decode_assignment(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn hostile_lengths_are_refused_before_memory_is_taken() {
    let whole = subscription(&[("orders", &[0, 3])], 7, Some("r")).encode();
    for at in 0..whole.len() {
        for pattern in [
            [0x7f, 0xff, 0xff, 0xff],
            [0xff, 0xff, 0xff, 0xfe],
            [0x80, 0, 0, 0],
        ] {
            let mut bytes = whole.to_vec();
            for (offset, byte) in pattern.into_iter().enumerate() {
                if let Some(place) = bytes.get_mut(at + offset) {
                    *place = byte;
                }
            }
            let _ = Subscription::decode(&bytes);
            let _ = decode_assignment(&bytes);
        }
    }
    let bytes = b"\0\0\x7f\xff\xff\xff";
    assert!(matches!(
        Subscription::decode(bytes),
        Err(DecodeError::Length {
            length: 0x7fff_ffff,
            limit: 0,
            ..
        })
    ));
    assert!(matches!(
        decode_assignment(b"\0\0\0\0\0\x01\0\x01a\0\0\0\x01\xff\xff\xff\xff\0\0\0\0"),
        Err(DecodeError::Corrupt { .. })
    ));
}
