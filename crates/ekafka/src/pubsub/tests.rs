//! Names, patterns, bodies and headers: all that needs no broker.

use bytes::Bytes;

use super::*;

/// S4.53
#[test]
fn balancers_have_the_documented_names() {
    let names = BalancerName::ALL.map(BalancerName::as_str);
    let documented = [
        "LeastBytes",
        "RoundRobin",
        "Hash",
        "ReferenceHash",
        "CRC32Balancer",
        "Murmur2Balancer",
    ];
    assert_eq!(names, documented);
    for name in BalancerName::ALL {
        assert_eq!(name.as_str().parse(), Ok(name));
    }
    assert!("Random".parse::<BalancerName>().is_err());
}

/// S4.56
#[test]
fn scram_algorithms_have_the_documented_names() {
    for (algorithm, name) in [
        (ScramAlgorithm::Sha256, "SHA256"),
        (ScramAlgorithm::Sha512, "SHA512"),
    ] {
        assert_eq!(algorithm.to_string(), name);
        assert_eq!(name.parse(), Ok(algorithm));
    }
    assert!("SHA1".parse::<ScramAlgorithm>().is_err());
}

/// S4.55
#[test]
fn a_carrier_replaces_headers_and_lists_them() {
    let mut message = Message::new("t", "v")
        .with_header("a", "1")
        .with_header("b", "2")
        .with_header("a", "3");
    let mut carrier = new_message_carrier(&mut message);
    assert_eq!(carrier.get("a"), "1", "the first");
    assert_eq!(carrier.get("A"), "", "exactly this key");
    assert_eq!(carrier.keys(), ["a", "b", "a"]);
    carrier.set("a", "4");
    carrier.set("c", "5");
    assert_eq!(carrier.keys(), ["b", "a", "c"]);
    assert_eq!(carrier.get("a"), "4");
    assert_eq!(message.header("c"), Some("5"));
}

/// S4.55: what a propagator writes into one message, it reads from it.
#[cfg(feature = "otel")]
#[test]
fn a_carrier_takes_a_trace_from_one_message_to_its_reader() {
    use opentelemetry::propagation::TextMapPropagator;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };
    use opentelemetry_sdk::propagation::TraceContextPropagator;

    let span = SpanContext::new(
        TraceId::from(7),
        SpanId::from(9),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    );
    let context = opentelemetry::Context::new().with_remote_span_context(span.clone());
    let mut message = Message::new("t", "v");
    let propagator = TraceContextPropagator::new();
    propagator.inject_context(&context, &mut MessageCarrier::new(&mut message));
    assert!(message.header("traceparent").is_some());
    let found = propagator.extract(&MessageCarrier::new(&mut message));
    assert_eq!(found.span().span_context().trace_id(), span.trace_id());
    assert_eq!(found.span().span_context().span_id(), span.span_id());
}

/// S4.58, S4.10, S4.11, S4.39, S4.51
#[test]
fn a_writers_configuration_has_the_documented_defaults() {
    let config = WriterConfig::default();
    let seconds = std::time::Duration::from_secs;
    assert!(config.brokers.is_empty());
    assert!(config.balancer.is_none(), "round robin");
    assert_eq!(config.max_attempts, 10);
    assert_eq!(config.batch_size, 100);
    assert_eq!(config.batch_bytes, 1_048_576);
    assert_eq!(config.batch_timeout, seconds(1));
    assert_eq!(config.read_timeout, seconds(10));
    assert_eq!(config.write_timeout, seconds(10));
    assert_eq!(config.required_acks, crate::Acks::All);
    assert!(!config.asynchronous);
    assert!(config.logger.is_none() && config.error_logger.is_none());
    assert!(!config.allow_auto_topic_creation);
    assert!(config.completion.is_none());
}

#[test]
fn patterns_stand_for_whole_names() {
    let fits = |pattern: &str, topic: &str| {
        let topics = Topics::from(pattern);
        let regex = topics.names_or_pattern().unwrap_err();
        regex::Regex::new(&format!("^(?:{regex})$"))
            .unwrap()
            .is_match(topic)
    };
    for (pattern, topic, expected) in [
        ("logger.sensor.*", "logger.sensor.ts", true),
        ("logger.sensor.+", "logger.sensor.ts", true),
        ("logger.sensor.*", "logger.sensor.ts.raw", false),
        ("logger.sensor.*", "logger_sensor_ts", false),
        ("logger.#", "logger.sensor.ts.raw", true),
        ("log*.sensor.ts", "logger.sensor.ts", true),
        ("^logger\\.(a|b)$", "logger.a", true),
        ("^logger\\.(a|b)", "logger.c", false),
    ] {
        assert_eq!(fits(pattern, topic), expected, "{pattern} {topic}");
    }
    let several = Topics::from(["a.*", "b"]);
    let regex = several.names_or_pattern().unwrap_err();
    assert_eq!(regex, "(?:a\\.[^.]+|b)");
    assert_eq!(several.text(), "a.*,b");
}

/// C-16: texts and bytes as they are, other values by a codec, none by chance.
#[test]
fn values_are_bodies_as_the_codec_says() {
    let text = "21.5".to_owned();
    let raw = text.to_body(PayloadCodec::Raw).unwrap();
    assert_eq!(raw, "21.5");
    assert_eq!(String::from_body(PayloadCodec::Raw, raw).unwrap(), text);
    assert_eq!(text.to_body(PayloadCodec::Json).unwrap(), "\"21.5\"");
    let bytes = vec![0xff, 0];
    for codec in [PayloadCodec::Raw, PayloadCodec::Json, PayloadCodec::Proto] {
        let body = bytes.to_body(codec).unwrap();
        assert_eq!(body, bytes);
        assert_eq!(Vec::<u8>::from_body(codec, body.clone()).unwrap(), bytes);
        assert_eq!(Raw::from_body(codec, body.clone()).unwrap().0, body);
    }
    let numbers = vec![1_u32, 2];
    assert_eq!(numbers.to_body(PayloadCodec::Json).unwrap(), "[1,2]");
    let refused = numbers.to_body(PayloadCodec::Raw).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "message body as alloc::vec::Vec<u32>: it needs a codec: with_codec"
    );
    assert!(numbers.to_body(PayloadCodec::Proto).is_err());
    let nonsense = Bytes::from_static(b"{");
    assert!(Vec::<u32>::from_body(PayloadCodec::Json, nonsense).is_err());
    assert_eq!("json".parse(), Ok(PayloadCodec::Json));
    assert!("gob".parse::<PayloadCodec>().is_err());
}

/// S4.23
#[test]
fn headers_are_texts_bytes_or_json() {
    let options = PublishOptions::default()
        .headers([("text", HeaderValue::from("a"))])
        .headers([("bytes", vec![0xff])])
        .headers([("number", 9527)])
        .headers([("flag", true)])
        .headers([("other", HeaderValue::json(&[1, 2]).unwrap())])
        .headers([("null", HeaderValue::null())]);
    let values = options.headers.iter().map(|header| header.value.as_deref());
    let expected = [
        Some(&b"a"[..]),
        Some(&[0xff]),
        Some(b"9527"),
        Some(b"true"),
        Some(b"[1,2]"),
        None,
    ];
    assert_eq!(values.collect::<Vec<_>>(), expected);
}

#[test]
fn the_default_address_is_the_local_one() {
    assert_eq!(new_broker([]).address(), "127.0.0.1:9092");
    let broker = new_broker([with_address(["", "a:1", "b:2"])]);
    assert_eq!(broker.address(), "a:1");
}
