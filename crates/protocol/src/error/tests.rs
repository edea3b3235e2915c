use super::*;

#[test]
fn errors_fit_64_bytes() {
    assert!(size_of::<DecodeError>() <= 64);
    assert!(size_of::<EncodeError>() <= 64);
}

#[test]
fn display_is_lower_case_without_full_stop() {
    let shown = [
        DecodeError::Truncated {
            what: "record",
            needed: 7,
            left: 3,
        }
        .to_string(),
        DecodeError::Crc {
            stored: 1,
            computed: 0xfeed,
        }
        .to_string(),
        DecodeError::TooLarge {
            what: "gzip output",
            limit: 10,
        }
        .to_string(),
        EncodeError::TooLarge {
            what: "record",
            length: 11,
            limit: 10,
        }
        .to_string(),
    ];
    assert_eq!(shown[0], "record needs 7 bytes, 3 are left");
    assert_eq!(
        shown[1],
        "checksum is 0x0000feed, the batch says 0x00000001"
    );
    assert_eq!(shown[2], "gzip output is larger than the limit of 10 bytes");
    assert_eq!(shown[3], "record has 11 bytes, the limit is 10");
}

#[test]
fn only_damage_in_transit_is_worth_another_try() {
    assert!(
        DecodeError::Crc {
            stored: 1,
            computed: 2
        }
        .is_retriable()
    );
    assert!(DecodeError::UnknownMagic { magic: 9 }.is_fatal());
    assert!(!DecodeError::UnknownMagic { magic: 9 }.is_retriable());
    let too_large = EncodeError::TooLarge {
        what: "record",
        length: 11,
        limit: 10,
    };
    assert!(too_large.is_fatal() && !too_large.is_retriable());
}
