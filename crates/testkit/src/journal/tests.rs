use super::*;

/// Else a broker that keeps little of what is written would need memory for all of it.
#[test]
fn a_noted_request_keeps_nothing_of_the_bytes_that_came() {
    let came = Bytes::from(vec![b'x'; 100]);
    let header = ekafka_protocol::RequestHeader {
        api: ApiKey::PRODUCE,
        version: 9,
        correlation_id: 1,
        client_id: StrBytes::from_utf8(came.slice(..10)).ok(),
    };
    let request = LoggedRequest::new(0, 1, header, Instant::now(), came.slice(10..));
    let mut journal = Journal::new(false);
    journal.note(request);
    assert_eq!(journal.requests().len(), 1);
    assert!(came.is_unique());
}
