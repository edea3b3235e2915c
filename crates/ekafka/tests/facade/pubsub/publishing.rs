//! How messages are written.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka::balancer::Balancer;
use ekafka::{Acks, ApiKey, Context, ErrorCode, Record};
use ekafka_protocol::messages::ProduceRequest;
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::rig::{soon, start, stored, values};

/// S4.9: by default publishing returns at once, and what fails is told to the completion alone.
#[tokio::test(start_paused = true)]
async fn publishing_is_asynchronous_unless_it_is_not() {
    let kafka = cluster().await;
    let quick = broker(&kafka, [with_publish_max_attempts(1)]);
    publish_text(&quick, "t", "first", []).await.unwrap();
    assert_eq!(values(&kafka, "t", 1).await, ["first"]);
    kafka.on_next(ApiKey::PRODUCE).silence();
    let begun = Instant::now();
    publish_text(&quick, "t", "lost", []).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "nothing is waited for");
    soon(quick.disconnect()).await.unwrap();

    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    let slow = broker(&kafka, [with_async(false)]);
    publish_text(&slow, "t", "refused", []).await.unwrap_err();
    publish_text(&slow, "t", "second", []).await.unwrap();
    assert_eq!(values(&kafka, "t", 2).await.last().unwrap(), "second");
}

/// S4.12: ten milliseconds, or as long as the option says.
#[tokio::test(start_paused = true)]
async fn a_batch_waits_for_its_timeout() {
    let kafka = cluster().await;
    for (options, wait) in [(None, 10), (Some(250), 250)] {
        let options = options.map(|wait| with_batch_timeout(Duration::from_millis(wait)));
        let broker = broker(&kafka, options.into_iter().chain([with_async(false)]));
        publish_text(&broker, "t", "looks the topic up", [])
            .await
            .unwrap();
        let begun = Instant::now();
        publish_text(&broker, "t", "x", []).await.unwrap();
        let took = begun.elapsed();
        let wait = Duration::from_millis(wait);
        assert!(
            took >= wait && took <= wait + Duration::from_millis(2),
            "{took:?}"
        );
    }
}

/// S4.11: a full batch does not wait: 100 messages, or as many as the option says.
#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let kafka = cluster().await;
    for (options, count) in [(None, 100), (Some(2), 2)] {
        let (told, mut batches) = mpsc::unbounded_channel();
        let completion = with_completion(move |messages, _| told.send(messages.len()).unwrap());
        let hour = with_batch_timeout(Duration::from_secs(3_600));
        let options = options
            .map(with_batch_size)
            .into_iter()
            .chain([completion, hour]);
        let broker = broker(&kafka, options);
        let begun = Instant::now();
        for _ in 1..count {
            publish_text(&broker, "t", "x", []).await.unwrap();
        }
        let none = tokio::time::timeout(Duration::from_secs(1), batches.recv()).await;
        assert!(none.is_err(), "{count} make a batch");
        publish_text(&broker, "t", "x", []).await.unwrap();
        assert_eq!(soon(batches.recv()).await, Some(count));
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}

/// S4.10: a message above the size of a batch is refused.
#[tokio::test(start_paused = true)]
async fn a_message_over_the_batch_bytes_is_refused() {
    let kafka = cluster().await;
    for (options, size) in [(None, 1_048_576), (Some(1_000), 1_000)] {
        let broker = waiting(&kafka, options.map(with_batch_bytes));
        publish_text(&broker, "t", &"x".repeat(size - 100), [])
            .await
            .unwrap();
        publish_text(&broker, "t", &"x".repeat(size), [])
            .await
            .unwrap_err();
    }
}

/// S4.14: what became of messages, with offsets or the error.
#[tokio::test(start_paused = true)]
async fn a_completion_is_told_what_became_of_messages() {
    let kafka = cluster().await;
    let (told, mut outcomes) = mpsc::unbounded_channel();
    let completion = with_completion(move |messages: &[Message], error| {
        let error = error.map(ToString::to_string);
        told.send((messages.to_vec(), error)).unwrap();
    });
    let broker = broker(&kafka, [completion, with_retries(0)]);
    for text in ["a", "b"] {
        let options = [with_message_key("k"), with_headers([("h", 1)])];
        publish_text(&broker, "t", text, options).await.unwrap();
    }
    let mut written = Vec::new();
    while written.len() < 2 {
        let (messages, error) = soon(outcomes.recv()).await.unwrap();
        assert_eq!(error, None);
        written.extend(messages);
    }
    let [a, b] = &written[..] else {
        panic!("{written:?}");
    };
    assert_eq!((a.offset, b.offset), (0, 1));
    assert_eq!((a.topic.as_str(), a.partition), ("t", 0));
    assert_eq!(b.value, Some(Bytes::from_static(b"b")));
    assert_eq!(b.key, Some(Bytes::from_static(b"k")));
    assert_eq!(b.header("h"), Some("1"));
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    publish_text(&broker, "t", "c", []).await.unwrap();
    let (messages, error) = soon(outcomes.recv()).await.unwrap();
    assert_eq!((messages.len(), messages[0].offset), (1, -1));
    assert!(error.unwrap().contains("INVALID_RECORD"));
}

/// S4.20: a producer id for each topic's writer, or one for all.
#[tokio::test(start_paused = true)]
async fn each_topic_has_a_writer_or_all_have_one() {
    for (enable, ids) in [(None, 2), (Some(true), 2), (Some(false), 1)] {
        let kafka = cluster().await;
        kafka.create_topic("u", 1).unwrap();
        let broker = waiting(&kafka, enable.map(with_enable_one_topic_one_writer));
        for topic in ["t", "u", "t"] {
            publish_text(&broker, topic, "x", []).await.unwrap();
        }
        assert_eq!(kafka.requests_of(ApiKey::INIT_PRODUCER_ID).len(), ids);
        let writers = broker.writers();
        assert_eq!(writers.enable_one_topic_one_writer, ids == 2);
        assert_eq!(writers.writers.len(), if ids == 2 { 2 } else { 0 });
        assert_eq!(writers.writer.is_some(), ids == 1);
    }
}

/// S4.23, S4.30, C-16: keys and headers as they were given; no key is none.
#[tokio::test(start_paused = true)]
async fn keys_and_headers_are_written() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    publish_text(&broker, "t", "bare", []).await.unwrap();
    let headers = [
        ("version", HeaderValue::from("1.0.0")),
        ("bytes", HeaderValue::from(vec![0xff, 0])),
        ("trace_id", HeaderValue::from(9527)),
    ];
    let options = [with_message_key("Key-A"), with_headers(headers)];
    publish_text(&broker, "t", "full", options).await.unwrap();
    let messages = stored(&kafka, "t", 2).await;
    let [bare, full] = &messages[..] else {
        panic!("{messages:?}");
    };
    assert_eq!((bare.key(), bare.headers().count()), (None, 0));
    assert_eq!(full.key(), Some(&b"Key-A"[..]));
    let headers = full.header_list().unwrap();
    let headers: Vec<_> = headers
        .iter()
        .map(|one| (one.key, one.value.unwrap()))
        .collect();
    let expected: [(&str, &[u8]); 3] = [
        ("version", b"1.0.0"),
        ("bytes", &[0xff, 0]),
        ("trace_id", b"9527"),
    ];
    assert_eq!(headers, expected);
}

/// S4.27, S4.36: requests for a batch that is refused.
#[tokio::test(start_paused = true)]
async fn attempts_are_bounded() {
    for (option, requests) in [
        (with_max_attempts(2), 2),
        (with_publish_max_attempts(3), 3),
        (with_batch_size(100), 10),
    ] {
        let kafka = cluster().await;
        let fault = kafka.on_next(ApiKey::PRODUCE);
        drop(fault.error(ErrorCode::NOT_LEADER_OR_FOLLOWER).times(1_000));
        let broker = waiting(&kafka, [with_retries(0), option]);
        publish_text(&broker, "t", "x", []).await.unwrap_err();
        assert_eq!(kafka.requests_of(ApiKey::PRODUCE).len(), requests);
    }
}

/// S4.44: a message that failed is sent anew as often as was said.
#[tokio::test(start_paused = true)]
async fn a_message_is_sent_anew_as_often_as_retries_say() {
    for (option, faults, is_written) in [
        (Some(2), 2, true),
        (Some(2), 3, false),
        (Some(0), 1, false),
        // Nobody asked for what may double it.
        (None, 1, false),
    ] {
        let kafka = cluster().await;
        let fault = kafka.on_next(ApiKey::PRODUCE);
        drop(fault.error(ErrorCode::NOT_LEADER_OR_FOLLOWER).times(faults));
        let options = [with_publish_max_attempts(1)].into_iter();
        let broker = waiting(&kafka, options.chain(option.map(with_retries)));
        let result = publish_text(&broker, "t", "x", []).await;
        assert_eq!(
            result.is_ok(),
            is_written,
            "{option:?}, {faults}: {result:?}"
        );
    }
}

/// S4.44: without being told, once, if nobody can have the message.
#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_has_is_sent_anew_once() {
    for (option, is_written) in [(None, true), (Some(0), false)] {
        let kafka = cluster().await;
        let patience = [with_read_timeout(Duration::from_secs(2))].into_iter();
        let broker = waiting(&kafka, patience.chain(option.map(with_retries)));
        let late = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            kafka.create_topic("late", 1).unwrap();
        };
        let (result, ()) = tokio::join!(publish_text(&broker, "late", "x", []), late);
        assert_eq!(result.is_ok(), is_written, "{result:?}");
    }
}

/// S4.39: how long a topic is looked for.
#[tokio::test(start_paused = true)]
async fn a_missing_topic_is_looked_for_as_long_as_the_read_timeout() {
    let kafka = cluster().await;
    for (option, wait) in [(None, 10), (Some(2), 2)] {
        let option = option.map(|wait| with_read_timeout(Duration::from_secs(wait)));
        let options = [with_retries(0)].into_iter().chain(option);
        let broker = waiting(&kafka, options);
        let begun = Instant::now();
        publish_text(&broker, "missing", "x", []).await.unwrap_err();
        let took = begun.elapsed();
        let wait = Duration::from_secs(wait);
        assert!(
            took >= wait && took < wait + Duration::from_secs(1),
            "{took:?}"
        );
    }
}

/// S4.51: how long an answer is waited for.
#[tokio::test(start_paused = true)]
async fn a_silent_broker_is_waited_for_as_long_as_the_write_timeout() {
    for (option, wait) in [(None, 10), (Some(2), 2)] {
        let kafka = cluster().await;
        let option = option.map(|wait| with_write_timeout(Duration::from_secs(wait)));
        let attempts = [with_retries(0), with_publish_max_attempts(1)];
        let broker = waiting(&kafka, attempts.into_iter().chain(option));
        publish_text(&broker, "t", "dials", []).await.unwrap();
        kafka.on_next(ApiKey::PRODUCE).silence();
        let begun = Instant::now();
        publish_text(&broker, "t", "x", []).await.unwrap_err();
        let took = begun.elapsed();
        let wait = Duration::from_secs(wait);
        assert!(
            took >= wait && took < wait + Duration::from_secs(2),
            "{took:?}"
        );
    }
}

/// S4.8: a topic that is missing is created by publishing to it, when that is allowed.
#[tokio::test(start_paused = true)]
async fn publishing_creates_topics_only_when_allowed() {
    let kafka = start(EmbeddedKafka::builder().auto_create(true)).await;
    let strict = waiting(
        &kafka,
        [with_read_timeout(Duration::from_secs(1)), with_retries(0)],
    );
    publish_text(&strict, "new", "x", []).await.unwrap_err();
    assert!(kafka.offsets("new", 0).is_err());
    let easy = waiting(&kafka, [with_allow_publish_auto_topic_creation(true)]);
    publish_text(&easy, "new", "x", []).await.unwrap();
    let other = [with_round_robin_balancer()];
    publish_text(&easy, "another", "y", other).await.unwrap();
    assert_eq!(values(&kafka, "new", 1).await, ["x"]);
    assert_eq!(values(&kafka, "another", 1).await, ["y"]);
}

/// S4.52, S4.58: a whole configuration takes the place of the broker's defaults.
#[tokio::test(start_paused = true)]
async fn a_writer_configuration_replaces_what_was_said() {
    let kafka = cluster().await;
    kafka.create_topic("three", 3).unwrap();
    let before = with_batch_timeout(Duration::from_secs(60));
    let broker = broker(
        &kafka,
        [before, with_writer_config(WriterConfig::default())],
    );
    publish_text(&broker, "three", "dials", []).await.unwrap();
    let begun = Instant::now();
    publish_text(&broker, "three", "a longer text", [])
        .await
        .unwrap();
    let took = begun.elapsed();
    assert_eq!(
        took.as_secs(),
        1,
        "it waits for the outcome, and the second of a batch"
    );
    publish_text(&broker, "three", "x", []).await.unwrap();
    let of = |partition| kafka.offsets("three", partition).unwrap().1;
    assert_eq!([of(0), of(1), of(2)], [1, 1, 1], "round robin");
    let address = with_writer_config(WriterConfig {
        brokers: vec!["broker-1:9092".to_owned()],
        ..WriterConfig::default()
    });
    assert_eq!(new_broker([address]).address(), "broker-1:9092");
}

/// S4.58, S4.59, C-14: all by default; none and one are there.
#[tokio::test(start_paused = true)]
async fn required_acks_are_asked_for() {
    for (required_acks, number) in [
        (None, -1),
        (Some(Acks::None), 0),
        (Some(Acks::One), 1),
        (Some(Acks::All), -1),
    ] {
        let kafka = cluster().await;
        let config = required_acks.map(|required_acks| WriterConfig {
            required_acks,
            ..WriterConfig::default()
        });
        let broker = broker(&kafka, config.map(with_writer_config));
        publish_text(&broker, "t", "x", []).await.unwrap();
        assert_eq!(values(&kafka, "t", 1).await, ["x"]);
        let requests = kafka.requests_of(ApiKey::PRODUCE);
        let request: ProduceRequest = requests[0].decode().unwrap();
        assert_eq!(request.acks, number);
    }
}

/// C-12: least bytes by default; the balancer of a configuration is used.
#[tokio::test(start_paused = true)]
async fn the_broker_balances_by_bytes_or_as_configured() {
    let kafka = cluster().await;
    for topic in ["least", "last"] {
        kafka.create_topic(topic, 3).unwrap();
    }
    let of = |topic: &str| [0, 1, 2].map(|partition| kafka.offsets(topic, partition).unwrap().1);
    let plain = waiting(&kafka, []);
    for text in ["0123456789", "01234", "01", "01"] {
        publish_text(&plain, "least", text, []).await.unwrap();
    }
    assert_eq!(of("least"), [1, 1, 2]);
    let to_last = |_: &Record<'_>, partitions: &[i32]| partitions[partitions.len() - 1];
    let balancer: Arc<dyn Balancer> = Arc::new(to_last);
    let config = WriterConfig {
        balancer: Some(balancer),
        ..WriterConfig::default()
    };
    let configured = broker(&kafka, [with_writer_config(config)]);
    publish_text(&configured, "last", "x", []).await.unwrap();
    assert_eq!(of("last"), [0, 0, 1]);
}

/// Values by a codec; what has none is refused before anything is sent.
#[tokio::test(start_paused = true)]
async fn values_are_published_as_the_codec_says() {
    let kafka = cluster().await;
    let context = Context::new();
    let value = vec![21.5_f64, 40.0];
    let raw = waiting(&kafka, []);
    let refused = soon(publish(&raw, &context, "t", &value, [])).await;
    assert!(refused.unwrap_err().to_string().contains("Vec<f64>"));
    let json = waiting(&kafka, [with_codec(PayloadCodec::Json)]);
    soon(json.publish(&context, "t", &value, [])).await.unwrap();
    assert_eq!(values(&kafka, "t", 1).await, ["[21.5,40.0]"]);
}

/// A layer around publications adds headers, and refuses.
#[tokio::test(start_paused = true)]
async fn middlewares_are_passed_by_publications() {
    use ekafka::ComponentError;
    use ekafka::interceptor::{Call, CallFuture, Interceptor, Next};

    struct Stamp(&'static str);

    impl Interceptor for Stamp {
        fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
            Box::pin(async move {
                if call.topic() == "forbidden" {
                    return Err(ComponentError::refused("not there"));
                }
                call.add_header(self.0, "1");
                next.run(call).await
            })
        }
    }

    let kafka = cluster().await;
    let layers: [Arc<dyn Interceptor>; 2] = [Arc::new(Stamp("outer")), Arc::new(Stamp("inner"))];
    let broker = waiting(&kafka, [with_publish_middlewares(layers)]);
    publish_text(&broker, "t", "x", []).await.unwrap();
    publish_text(&broker, "forbidden", "x", [])
        .await
        .unwrap_err();
    let messages = stored(&kafka, "t", 1).await;
    let headers = messages[0].header_list().unwrap();
    assert_eq!(
        headers.iter().map(|one| one.key).collect::<Vec<_>>(),
        ["outer", "inner"]
    );
}
