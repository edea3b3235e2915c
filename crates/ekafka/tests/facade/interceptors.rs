//! What layers see and may do, and what the built-in ones tell.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka::interceptor::{Call, CallFuture, Command, Interceptor, Next};
use ekafka::{ComponentError, Context, Record};
use tokio::time::Instant;

use crate::rig::{Lines, container, kafka, soon, stored};

const TOML: &str = r#"
    [kafka]
    brokers = ["localhost:9092"]
    [kafka.producers.p1]
    topic = "sre-infra-test"
    batchTimeout = "auto"
    [kafka.consumers.c1]
    topic = "sre-infra-test"
    groupID = "group-1"
"#;

type Log = Arc<Mutex<Vec<String>>>;

/// Notes what passes through it, and does as it is told.
struct Recording {
    name: &'static str,
    log: Log,
    refuses: Option<Command>,
}

impl Interceptor for Recording {
    fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
        Box::pin(async move {
            let note = |line: String| self.log.lock().unwrap().push(line);
            let (asked, count) = (call.command(), call.records().len() + call.messages().len());
            note(format!("{} > {asked} {count} {}", self.name, call.topic()));
            if self.refuses == Some(asked) {
                return Err(ComponentError::refused("not today"));
            }
            call.add_header("seen-by", self.name);
            let result = next.run(call).await;
            note(format!(
                "{} < {} {}",
                self.name,
                call.command(),
                result.is_ok()
            ));
            result
        })
    }
}

fn recording(name: &'static str, log: &Log) -> Recording {
    Recording {
        name,
        log: Arc::clone(log),
        refuses: None,
    }
}

/// S2.12: the first one added is outermost; each sees the command, the messages and the result.
#[tokio::test(start_paused = true)]
async fn interceptors_are_passed_from_the_first_to_the_last() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let log = Log::default();
    let component = container(&kafka, TOML)
        .client_interceptor(recording("a", &log))
        .client_interceptor(recording("b", &log))
        .server_interceptor(recording("s", &log))
        .build();
    let producer = component.producer("p1");
    let records = [Record::new("one"), Record::new("two")];
    soon(producer.write_messages(&records)).await.unwrap();
    let bad = [Record::new("three").topic("another")];
    soon(producer.write_messages(&bad)).await.unwrap_err();
    soon(producer.close()).await.unwrap();
    let consumer = component.consumer("c1");
    let message = soon(consumer.fetch_message()).await.unwrap();
    soon(consumer.commit_messages(&[message])).await.unwrap();
    soon(consumer.close()).await.unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        [
            "a > WriteMessages 2 sre-infra-test",
            "b > WriteMessages 2 sre-infra-test",
            "b < WriteMessages true",
            "a < WriteMessages true",
            "a > WriteMessages 1 sre-infra-test",
            "b > WriteMessages 1 sre-infra-test",
            "b < WriteMessages false",
            "a < WriteMessages false",
            "a > ProducerClose 0 sre-infra-test",
            "b > ProducerClose 0 sre-infra-test",
            "b < ProducerClose true",
            "a < ProducerClose true",
            "s > FetchMessage 0 sre-infra-test",
            "s < FetchMessage true",
            "s > CommitMessages 1 sre-infra-test",
            "s < CommitMessages true",
            "s > ConsumerClose 0 sre-infra-test",
            "s < ConsumerClose true",
        ]
    );
    let messages = stored(&kafka, "sre-infra-test", 2).await;
    let headers = messages[0].header_list().unwrap();
    let headers: Vec<_> = headers
        .iter()
        .map(|header| (header.key, header.value))
        .collect();
    assert_eq!(
        headers,
        [("seen-by", Some(&b"a"[..])), ("seen-by", Some(&b"b"[..]))]
    );
}

#[tokio::test(start_paused = true)]
async fn an_interceptor_may_refuse_a_call() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let log = Log::default();
    let refusing = Recording {
        refuses: Some(Command::WriteMessages),
        ..recording("a", &log)
    };
    let component = container(&kafka, TOML).client_interceptor(refusing).build();
    let error = component
        .producer("p1")
        .write_messages(&[Record::new("x")])
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, ComponentError::Refused(_)), "{error:?}");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "not today");
    assert!(kafka.requests_of(ekafka::ApiKey::PRODUCE).is_empty());
}

/// S2.13: command, brokers and values are printed when debug is on, and nothing when it is not.
#[tokio::test(start_paused = true)]
async fn debug_prints_each_call_with_its_response() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let lines = Lines::default();
    let begun = Instant::now();
    let unmeasured = TOML.replace("[kafka]", "[kafka]\nenableMetricInterceptor = false");
    let component = container(&kafka, &unmeasured)
        .debug(true)
        .debug_output(lines.clone())
        // Each look at the clock finds it a millisecond later.
        .clock(ticking(begun))
        .build();
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("Hello World!").key("k")]))
        .await
        .unwrap();
    let message = soon(component.consumer("c1").fetch_message())
        .await
        .unwrap();
    let text = lines.text();
    let brokers = kafka.bootstrap();
    let expected = format!(
        "[ekafka.response] kafka [{brokers}] [1.000ms] WriteMessages \
         [{{\"Headers\":[],\"Key\":\"k\",\"Value\":\"Hello World!\"}}] => {{}}\n\
         [ekafka.response] kafka [{brokers}] [1.000ms] FetchMessage => \
         {{\"Headers\":[],\"HighWaterMark\":1,\"Key\":\"k\",\"Offset\":0,\"Partition\":0,\"Time\":{},\
         \"Topic\":\"sre-infra-test\",\"Value\":\"Hello World!\"}}\n",
        message.timestamp()
    );
    // Keys come sorted or as written, depending on how JSON is compiled.
    assert_eq!(sorted(&text), sorted(&expected), "{text}\n{expected}");

    let silent = Lines::default();
    let component = container(&kafka, TOML).debug_output(silent.clone()).build();
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("x")]))
        .await
        .unwrap();
    assert_eq!(silent.text(), "");
}

/// The key does what the option does, and the option decides where both are.
#[tokio::test(start_paused = true)]
async fn the_debug_key_prints_too() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    for (key, option, prints) in [
        ("debug = true", None, true),
        ("debug = false", None, false),
        ("debug = true", Some(false), false),
        ("debug = false", Some(true), true),
    ] {
        let lines = Lines::default();
        let toml = TOML.replace("[kafka]", &format!("[kafka]\n{key}"));
        let mut container = container(&kafka, &toml).debug_output(lines.clone());
        if let Some(on) = option {
            container = container.debug(on);
        }
        let producer = container.build().producer("p1");
        soon(producer.write_messages(&[Record::new("x")]))
            .await
            .unwrap();
        let text = lines.text();
        assert_eq!(
            text.contains("WriteMessages"),
            prints,
            "{key} {option:?}: {text}"
        );
    }
}

fn ticking(begun: Instant) -> impl Fn() -> Instant + Send + Sync {
    let ticks = std::sync::atomic::AtomicU64::new(0);
    move || {
        let tick = ticks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        begun + Duration::from_millis(tick % 2)
    }
}

fn sorted(text: &str) -> Vec<char> {
    let mut all: Vec<char> = text.chars().collect();
    all.sort_unstable();
    all
}

/// Custom keys of the context become headers, and are found in the context of the message again.
#[tokio::test(start_paused = true)]
async fn custom_keys_travel_with_the_messages() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let component = container(&kafka, TOML).extra_keys(["X-Ego-Uid"]).build();
    let context = Context::new()
        .with_value("X-Ego-Uid", "9527")
        .with_value("other", "stays here");
    let producer = component.producer("p1");
    soon(producer.write_messages_with(&context, &[Record::new("x")]))
        .await
        .unwrap();
    let consumer = component.consumer("c1");
    let message = soon(consumer.fetch_message()).await.unwrap();
    let headers = message.header_list().unwrap();
    let headers: Vec<_> = headers
        .iter()
        .map(|header| (header.key, header.value))
        .collect();
    assert_eq!(headers, [("X-Ego-Uid", Some(&b"9527"[..]))]);
    let context = consumer.context(&message);
    assert_eq!(context.value("X-Ego-Uid"), Some("9527"));
    assert_eq!(context.value("other"), None);
}
