use super::*;

fn header(api: ApiKey, version: i16, client_id: Option<&str>) -> Bytes {
    let mut frame = Frame::new();
    put_request_header(&mut frame, api, version, 7, client_id).expect("fits");
    frame.put_slice(b"body");
    frame.to_bytes()
}

#[test]
fn a_request_header_reads_as_written_and_leaves_the_body() {
    for (version, client_id) in [(8, Some("me")), (9, Some("me")), (9, None), (8, Some(""))] {
        let mut frame = header(ApiKey::METADATA, version, client_id);
        let read = RequestHeader::decode(&mut frame).expect("readable");
        let client_id = client_id.map(|id| StrBytes::from_string(id.to_owned()));
        let expected = RequestHeader {
            api: ApiKey::METADATA,
            version,
            correlation_id: 7,
            client_id,
        };
        assert_eq!(read, expected);
        assert_eq!(frame, "body");
    }
}

#[test]
fn golden_bytes() {
    let plain = header(ApiKey::METADATA, 8, Some("me"));
    assert_eq!(
        plain,
        &[
            0, 3, 0, 8, 0, 0, 0, 7, 0, 2, b'm', b'e', b'b', b'o', b'd', b'y'
        ][..]
    );
    let flexible = header(ApiKey::METADATA, 9, None);
    assert_eq!(
        flexible,
        &[
            0, 3, 0, 9, 0, 0, 0, 7, 0xff, 0xff, 0, b'b', b'o', b'd', b'y'
        ][..]
    );
}

#[test]
fn a_header_of_an_unknown_version_can_still_be_refused() {
    let mut frame = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 7, 0xff, 0xff]);
    let read = RequestHeader::decode(&mut frame).expect("readable");
    assert_eq!(
        (read.api, read.version, read.correlation_id),
        (ApiKey::API_VERSIONS, 99, 7)
    );
}

#[test]
fn a_cut_off_header_is_an_error_at_each_length() {
    let whole = header(ApiKey::METADATA, 9, Some("me"));
    for end in 0..whole.len() - 4 {
        assert!(
            RequestHeader::decode(&mut whole.slice(..end)).is_err(),
            "{end}"
        );
    }
}

#[test]
fn response_tags_are_skipped_except_for_api_versions() {
    let mut frame = Bytes::from_static(&[0, 0, 0, 9, 1, 5, 2, 1, 1, 42]);
    assert_eq!(decode_correlation_id(&mut frame), Ok(9));
    skip_response_tags(ApiKey::FETCH, 12, &mut frame).expect("well formed");
    assert_eq!(frame, &[42][..]);

    let mut frame = Bytes::from_static(&[42]);
    skip_response_tags(ApiKey::API_VERSIONS, 3, &mut frame).expect("nothing to skip");
    assert_eq!(frame, &[42][..]);
}
