use std::time::{Duration, SystemTime};

use ekafka_conn::{Acks, ConnConfig, ConnError, Dialer, Header, Record};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::messages::ProduceRequest;
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;

use super::{leader, text, write_batch, write_numbers};
use crate::support::Kafka;

#[tokio::test]
async fn t03_writing_returns_the_length_of_the_value() {
    let kafka = Kafka::start().await;
    assert_eq!(
        leader(&kafka).await.write(b"Hello World!").await.unwrap(),
        12
    );
}

#[tokio::test]
async fn t04_s1_16_calls_after_close_fail() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    conn.close().unwrap();
    assert!(matches!(conn.write(b"x").await, Err(ConnError::Closed)));
    assert!(matches!(
        conn.read_message(1_000).await,
        Err(ConnError::Closed)
    ));
    assert!(matches!(conn.brokers().await, Err(ConnError::Closed)));
    assert!(matches!(conn.close(), Err(ConnError::Closed)));
}

#[tokio::test]
async fn s1_14_s1_15_several_values_in_one_call_are_stored_in_order() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    let records = [
        Record::new("one!"),
        Record::new("two!").key("k"),
        Record::new("three!"),
    ];
    assert_eq!(conn.write_messages(&records).await.unwrap(), 15);
    for (offset, value) in [(0, "one!"), (1, "two!"), (2, "three!")] {
        let message = conn.read_message(1_000).await.unwrap();
        assert_eq!((message.offset(), text(&message)), (offset, value));
    }
}

#[tokio::test]
async fn written_records_are_located() {
    let kafka = Kafka::start().await;
    let conn = leader(&kafka).await;
    write_numbers(&conn, 3).await;
    let records = [Record::new("a"), Record::new("bc").key("d")];
    let written = conn
        .write_compressed_messages_at(Compression::NONE, &records)
        .await
        .unwrap();
    assert_eq!(
        (written.bytes, written.partition, written.base_offset),
        (4, 0, 3)
    );
    assert_eq!(
        written.append_time, None,
        "the writer's timestamps are kept"
    );
}

#[tokio::test]
async fn broker_tells_the_time_it_stored_records_that_get_its_own() {
    let kafka = Kafka::start().await;
    let config = [("message.timestamp.type", "LogAppendTime")];
    let topic = kafka.topic_with(1, &config).await;
    let mut conn = super::leader_of(&kafka, &topic).await;
    let record = [Record::new("x").timestamp(5)];
    let written = conn
        .write_compressed_messages_at(Compression::NONE, &record)
        .await
        .unwrap();
    let stored = written.append_time.expect("a time");
    let age = SystemTime::now().duration_since(stored).unwrap_or_default();
    assert!(age < Duration::from_secs(60), "{age:?}");
    assert_eq!(conn.read_message(1_000).await.unwrap().time(), Some(stored));
}

#[tokio::test]
async fn every_codec_reads_back() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    let value = "compressible ".repeat(100);
    let headers = [
        Header {
            key: "h",
            value: None,
        },
        Header {
            key: "h",
            value: Some(b"2"),
        },
    ];
    let codecs = [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ];
    for codec in codecs {
        let records = [
            Record::new(&value).key("k").headers(&headers),
            Record::tombstone("gone"),
        ];
        let bytes = conn
            .write_compressed_messages(codec.into(), &records)
            .await
            .unwrap();
        assert_eq!(bytes, value.len() + 1 + 4);
        let message = conn.read_message(1_000_000).await.unwrap();
        assert_eq!(
            (message.key(), text(&message)),
            (Some(&b"k"[..]), value.as_str())
        );
        assert_eq!(message.header_list().unwrap(), headers);
        let message = conn.read_message(1_000_000).await.unwrap();
        assert_eq!((message.key(), message.value()), (Some(&b"gone"[..]), None));
    }
}

#[tokio::test]
async fn c_21_records_for_elsewhere_are_refused_and_nothing_is_sent() {
    let kafka = Kafka::start().await;
    let conn = leader(&kafka).await;
    let fine = Record::new("x");
    for wrong in [fine.topic("another"), fine.partition(1)] {
        let error = conn.write_messages(&[fine, wrong]).await.unwrap_err();
        assert!(matches!(error, ConnError::Config(_)), "{error}");
    }
    assert_eq!(conn.read_last_offset().await.unwrap(), 0);
    let own = conn.topic().to_owned();
    let fine = [fine.topic(&own), fine.topic(""), fine.partition(0)];
    assert_eq!(conn.write_messages(&fine).await.unwrap(), 3);
}

#[tokio::test]
async fn c_22_no_records_no_request_and_no_timestamp_means_now() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    assert_eq!(conn.write_messages(&[]).await.unwrap(), 0);
    if let Some(embedded) = kafka.embedded() {
        assert!(embedded.requests_of(ApiKey::PRODUCE).is_empty());
    }
    write_batch(&conn, &["x"]).await;
    let time = conn
        .read_message(1_000)
        .await
        .unwrap()
        .time()
        .expect("a time");
    let age = SystemTime::now().duration_since(time).unwrap_or_default();
    assert!(age < Duration::from_secs(60), "{age:?}");
}

#[tokio::test]
async fn c_23_only_real_acknowledgements_can_be_asked_for() {
    let kafka = Kafka::start().await;
    let conn = leader(&kafka).await;
    for acks in [0, 2, -2] {
        let error = conn.set_required_acks(acks).unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::INVALID_REQUIRED_ACKS));
    }
    assert!(conn.set_required_acks(Acks::None).is_err());
    for acks in [1, -1] {
        conn.set_required_acks(acks).unwrap();
        assert_eq!(conn.write(b"x").await.unwrap(), 1);
    }
    conn.set_required_acks(Acks::One).unwrap();
    assert_eq!(conn.write(b"x").await.unwrap(), 1);
}

#[tokio::test]
async fn write_without_a_topic_says_how_to_get_one() {
    let kafka = Kafka::start().await;
    let error = super::any(&kafka).await.write(b"x").await.unwrap_err();
    assert!(error.to_string().contains("dial_leader"), "{error}");
}

#[tokio::test]
async fn t12_one_writer_and_one_reader_on_the_same_connection_keep_order() {
    let limit = Duration::from_secs(10);
    let kafka = Kafka::start_slow(limit, "each write may wait behind a fetch").await;
    let mut conn = leader(&kafka).await;
    let writer = conn.clone();
    let reading = async {
        let mut buffer = [0; 128];
        for number in 0..50 {
            let filled = conn.read(&mut buffer).await.unwrap();
            let expected = number.to_string();
            assert_eq!(filled, ekafka_conn::Filled::Value(expected.len()));
            assert_eq!(&buffer[..expected.len()], expected.as_bytes());
        }
    };
    // The reader asks first, so its fetch waits for what is written behind it.
    tokio::join!(reading, write_numbers(&writer, 50));
}

#[tokio::test]
async fn refused_write_leaves_the_connection_usable() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let conn = leader(&kafka).await;
    let code = ErrorCode::NOT_ENOUGH_REPLICAS;
    embedded.on_next(ApiKey::PRODUCE).error(code);
    let error = conn.write(b"x").await.unwrap_err();
    assert_eq!(error.code(), Some(code));
    assert!(error.is_retriable());
    assert_eq!(conn.write(b"x").await.unwrap(), 1);
}

#[tokio::test]
async fn t29_an_empty_transactional_id_travels_as_null_and_others_as_they_are() {
    // What travelled is only seen in the embedded broker's log.
    let embedded = EmbeddedKafka::builder()
        .keep_bodies(true)
        .start()
        .await
        .unwrap();
    embedded.create_topic("orders", 1).unwrap();
    for (id, travels) in [("", None), ("orders-7", Some("orders-7"))] {
        embedded.clear_requests();
        let dialer = Dialer::new(ConnConfig::default().transactional_id(id));
        let address = embedded.addresses().remove(0);
        let conn = dialer.dial_leader(&address, "orders", 0).await.unwrap();
        // A record that is not part of a transaction may be refused; what was asked is what counts.
        let _ = conn.write_messages(&[Record::new("x")]).await;
        let asked = embedded.requests_of(ApiKey::PRODUCE);
        let request = asked[0].decode::<ProduceRequest>().unwrap();
        assert_eq!(request.transactional_id.as_deref(), travels);
    }
}
