//! What signals do to an application.

use std::process;
use std::time::Duration;

use ekafka::{ApiKey, App, AppError, Record, Server, ServerFuture, ServiceInfo, consumerserver};
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::watch;

use super::{Process, part, say};

/// Tells what it is asked for, and does it or not.
struct Telling {
    ends_when_asked: bool,
    stop: watch::Sender<bool>,
}

impl Server for Telling {
    fn name(&self) -> &str {
        "telling"
    }

    fn package_name(&self) -> &'static str {
        "test.telling"
    }

    fn info(&self) -> ServiceInfo {
        ServiceInfo::provider(self.name(), self.package_name())
    }

    fn init(&self) -> ServerFuture<'_> {
        Box::pin(async { Ok(()) })
    }

    fn start(&self) -> ServerFuture<'_> {
        Box::pin(async {
            say("serving");
            self.stop.subscribe().wait_for(|stop| *stop).await?;
            Ok(())
        })
    }

    fn stop(&self) -> ServerFuture<'_> {
        Box::pin(async {
            say("stopped at once");
            self.stop.send_replace(true);
            Ok(())
        })
    }

    fn graceful_stop(&self) -> ServerFuture<'_> {
        Box::pin(async {
            say("asked to end");
            self.stop.send_replace(self.ends_when_asked);
            Ok(())
        })
    }
}

/// The entry of the other process.
#[test]
fn an_application_in_a_process_of_its_own() {
    let Some((part, address)) = part() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(async {
        match part.as_str() {
            "obeying" => application(true, Duration::from_secs(60)).await,
            "hanging" => application(false, Duration::from_millis(300)).await,
            "hanging for long" => application(false, Duration::from_secs(60)).await,
            "consuming" => consuming(&address, true).await,
            "consuming for ever" => consuming(&address, false).await,
            other => panic!("nobody plays {other}"),
        }
    });
    let code = match ended {
        Ok(()) => 0,
        Err(error) => {
            say(&error.to_string());
            error.exit_code()
        }
    };
    process::exit(code.into());
}

async fn application(ends_when_asked: bool, budget: Duration) -> Result<(), AppError> {
    let server = Telling {
        ends_when_asked,
        stop: watch::Sender::new(false),
    };
    App::new().stop_timeout(budget).serve(server).run().await
}

/// A handler that ends what it has begun when it is told to stop, or never.
async fn consuming(brokers: &str, ends: bool) -> Result<(), AppError> {
    let toml = CONSUMING.replace(
        "BROKERS",
        &format!("{:?}", brokers.split(',').collect::<Vec<_>>()),
    );
    let component = ekafka::load_toml(&toml, "kafka").unwrap().build();
    let server = consumerserver::load_toml(&toml, "kafkaConsumerServers.s1").unwrap();
    let server = server.ekafka(&component).build();
    server.on_each_message(None, move |context, message| async move {
        say(&format!("begun {}", message.offset()));
        context.stopped().await;
        if !ends {
            std::future::pending::<()>().await;
        }
        say(&format!("done {}", message.offset()));
        Ok(())
    });
    App::new().serve(server).run().await
}

const CONSUMING: &str = r#"
    [kafka]
    brokers = BROKERS
    [kafka.producers.p1]
    topic = "orders"
    batchTimeout = "auto"
    [kafka.consumers.c1]
    topic = "orders"
    groupID = "shop"
    [kafka.consumerGroups.cg1]
    topic = "orders"
    groupID = "shop"
    [kafkaConsumerServers.s1]
    consumerName = "c1"
"#;

fn play(part: &str, address: &str) -> Process {
    let entry = "processes::signals::an_application_in_a_process_of_its_own";
    Process::start(entry, part, address)
}

#[test]
fn sigterm_and_sigint_end_gracefully() {
    for signal in ["TERM", "INT"] {
        let mut process = play("obeying", "");
        process.until("serving");
        process.signal(signal);
        process.until("asked to end");
        let (status, said) = process.end();
        assert_eq!(status.code(), Some(0), "{signal}: {said}");
        assert!(!said.contains("stopped at once"), "{signal}: {said}");
    }
}

#[test]
fn sigquit_ends_at_once() {
    let mut process = play("hanging for long", "");
    process.until("serving");
    process.signal("QUIT");
    let before = process.until("stopped at once");
    assert!(
        !before.iter().any(|line| line.contains("asked to end")),
        "{before:?}"
    );
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(128 + 3), "{said}");
    assert!(said.contains("killed by signal 3"), "{said}");
}

#[test]
fn what_is_not_stopped_within_the_budget_is_cut_off() {
    let mut process = play("hanging", "");
    process.until("serving");
    process.signal("TERM");
    process.until("asked to end");
    process.until("stopped at once");
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("not stopped within 300ms"), "{said}");
}

#[test]
fn a_second_signal_does_not_wait_for_the_budget() {
    for (first, second, number) in [("TERM", "TERM", 15), ("TERM", "INT", 2), ("INT", "QUIT", 3)] {
        let mut process = play("hanging for long", "");
        process.until("serving");
        process.signal(first);
        process.until("asked to end");
        process.signal(second);
        process.until("stopped at once");
        let (status, said) = process.end();
        assert_eq!(
            status.code(),
            Some(128 + number),
            "{first} {second}: {said}"
        );
    }
}

/// S2.47: a handler ends what it has begun, its message is committed, and the member leaves; SIGQUIT does none of these.
#[tokio::test]
async fn a_consumer_server_ends_with_its_process() {
    for (part, signal, leaves, committed) in [
        ("consuming", "TERM", 1, vec![1]),
        ("consuming for ever", "QUIT", 0, vec![]),
    ] {
        let kafka = EmbeddedKafka::builder()
            .initial_rebalance_delay(Duration::ZERO)
            .strict()
            .start()
            .await
            .unwrap();
        kafka.create_topic("orders", 1).unwrap();
        let toml = CONSUMING.replace("BROKERS", &format!("{:?}", kafka.addresses()));
        let component = ekafka::load_toml(&toml, "kafka").unwrap().build();
        let messages = [Record::new("a"), Record::new("b")];
        component
            .producer("p1")
            .write_messages(&messages)
            .await
            .unwrap();

        let addresses = kafka.addresses().join(",");
        let ended = tokio::task::spawn_blocking(move || {
            let mut process = play(part, &addresses);
            process.until("begun 0");
            process.signal(signal);
            process.end()
        });
        let (status, said) = ended.await.unwrap();
        assert_eq!(
            status.code(),
            Some(if signal == "TERM" { 0 } else { 131 }),
            "{said}"
        );
        assert_eq!(said.contains("done 0"), signal == "TERM", "{said}");
        assert!(!said.contains("begun 1"), "{said}");
        assert_eq!(
            kafka.requests_of(ApiKey::LEAVE_GROUP).len(),
            leaves,
            "{signal}"
        );
        let offsets = component.client().offset_fetch("shop").await.unwrap();
        let offsets = offsets.all().unwrap().into_iter();
        let found: Vec<i64> = offsets.filter_map(|(_, at)| Some(at?.offset)).collect();
        assert_eq!(found, committed, "{signal}");
        component.close().await.unwrap();
    }
}
