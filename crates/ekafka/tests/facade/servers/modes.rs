//! The manual modes, batches, and what a server says when it cannot start.

use std::sync::Arc;
use std::time::Duration;

use ekafka::{ApiKey, App, AppError, GroupEvent, Server, ServiceKind, consumerserver};
use tokio::time::Instant;

use super::{Seen, TOML, committed, container, run_until, setup, text, write};
use crate::rig::soon;

/// S2.45: nothing could be committed.
#[tokio::test(start_paused = true)]
async fn a_consumer_without_a_group_cannot_be_served() {
    let (_kafka, component) = setup(1, &[]).await;
    let server = consumerserver::load_toml(TOML, "kafkaConsumerServers.alone").unwrap();
    let server = server.ekafka(&component).build();
    let error = soon(server.start()).await.unwrap_err().to_string();
    assert!(error.starts_with("no handler is registered"), "{error}");
    server.on_each_message(None, |_, _| async { Ok(()) });
    let error = soon(server.start()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "consumer alone has no groupID, so nothing could be committed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_tells_what_it_is() {
    let (_kafka, component) = setup(1, &[]).await;
    let server = container(&component).build();
    assert_eq!(server.name(), "kafkaConsumerServers.s1");
    assert_eq!(server.package_name(), "component.ekafka.consumerserver");
    let info = server.info();
    assert_eq!(
        (&*info.name, info.kind),
        ("kafkaConsumerServers.s1", ServiceKind::Provider)
    );
    server.init().await.unwrap();
    let consumer = server.consumer().unwrap();
    assert!(Arc::ptr_eq(&consumer, &component.consumer("c1")));
    let group = server.consumer_group().unwrap();
    assert!(Arc::ptr_eq(&group, &component.consumer_group("cg1")));
}

/// S2.50, S2.67: the handler has the consumer, and hears when to stop; then the consumer is closed.
#[tokio::test(start_paused = true)]
async fn on_start_hands_the_consumer_over() {
    let (kafka, component) = setup(1, &["a"]).await;
    let server = container(&component).build();
    let seen = Seen::default();
    server.on_start({
        let seen = seen.clone();
        move |context, consumer| {
            let seen = seen.clone();
            async move {
                assert!(!context.is_stopping());
                let message = consumer.fetch_message().await?;
                consumer
                    .commit_messages(std::slice::from_ref(&message))
                    .await?;
                seen.note(text(&message));
                context.stopped().await;
                assert!(context.is_stopping());
                seen.note("stopped");
                Ok(())
            }
        }
    });
    let consumer = server.consumer().unwrap();
    run_until(&server, seen.reaches(1)).await;
    assert_eq!(seen.all(), ["a", "stopped"]);
    assert!(consumer.is_closed());
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    assert_eq!(committed(&component).await, 1);

    server.on_start(|_, _| async { Err("broken".into()) });
    let again = container(&component).build();
    again.on_start(|_, _| async { Err("broken".into()) });
    let error = soon(again.start()).await.unwrap_err();
    assert_eq!(error.to_string(), "broken", "the handler's own error");
}

/// S2.68, and the documents' count: one assignment, no revocation.
#[tokio::test(start_paused = true)]
async fn on_consumer_group_start_hands_the_group_over() {
    let (_kafka, component) = setup(3, &["a"]).await;
    let server = container(&component).build();
    let seen = Seen::default();
    server.on_consumer_group_start({
        let seen = seen.clone();
        move |_context, group| {
            let seen = seen.clone();
            async move {
                loop {
                    match group.poll().await? {
                        GroupEvent::AssignedPartitions(_) => seen.note("assigned"),
                        GroupEvent::RevokedPartitions(_) => seen.note("revoked"),
                        GroupEvent::Message(message) => {
                            group
                                .commit_messages(std::slice::from_ref(&message))
                                .await?;
                            seen.note(text(&message));
                            return Ok(());
                        }
                        other => return Err(format!("{other:?}").into()),
                    };
                }
            }
        }
    });
    soon(server.start()).await.unwrap();
    assert_eq!(seen.all(), ["assigned", "a"]);
    assert!(
        component.consumer_group("cg1").poll().await.is_ok(),
        "a new one"
    );
}

/// Beyond the documents: so many at a time, or those that came in time.
#[tokio::test(start_paused = true)]
async fn batches_are_full_or_out_of_time() {
    let (kafka, component) = setup(1, &["a", "b", "c", "d", "e"]).await;
    let server = container(&component).build();
    let seen = Seen::default();
    server.on_each_batch(None, 3, Duration::from_secs(2), {
        let seen = seen.clone();
        move |_context, messages| {
            let values: Vec<String> = messages.iter().map(text).collect();
            seen.note(values.join(","));
            async { Ok(()) }
        }
    });
    let begun = Instant::now();
    run_until(&server, seen.reaches(2)).await;
    assert_eq!(seen.all(), ["a,b,c", "d,e"]);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 2);
    assert_eq!(committed(&component).await, 5);
}

/// S2.46, S2.47, S2.65: two servers and a future of the application's own; one wish stops all.
#[tokio::test(start_paused = true)]
async fn an_application_runs_several_servers_beside_its_own_work() {
    let (_kafka, component) = setup(1, &[]).await;
    let seen = Seen::default();
    let mut app = App::new();
    for number in 0..2 {
        let server = container(&component).build();
        let seen = seen.clone();
        server.on_start(move |context, _consumer| {
            let seen = seen.clone();
            async move {
                seen.note(format!("started {number}"));
                context.stopped().await;
                seen.note("stopped");
                Ok(())
            }
        });
        app = app.serve(server);
    }
    let handle = app.handle();
    let beside = seen.clone();
    let app = app.beside(async move {
        beside.reaches(2).await;
        handle.stop();
        std::future::pending().await
    });
    soon(app.run()).await.unwrap();
    let mut all = seen.all();
    all.sort();
    assert_eq!(all, ["started 0", "started 1", "stopped", "stopped"]);
}

/// S2.66.
#[tokio::test(start_paused = true)]
async fn an_application_returns_the_first_failure() {
    let (_kafka, component) = setup(1, &["a"]).await;
    let seen = Seen::default();
    let (good, bad) = (container(&component).build(), container(&component).build());
    good.on_consumer_group_start({
        let seen = seen.clone();
        move |context, _| {
            let seen = seen.clone();
            async move {
                context.stopped().await;
                seen.note("stopped");
                Ok(())
            }
        }
    });
    bad.on_start(|_, _| async { Err("broken".into()) });
    let error = soon(App::new().serve(good).serve(bad).run())
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 1);
    let AppError::Failed { name, source } = error else {
        panic!("{error}");
    };
    assert_eq!(
        (&*name, &*source.to_string()),
        ("kafkaConsumerServers.s1", "broken")
    );
    assert_eq!(seen.all(), ["stopped"]);

    let failing = App::new().beside(async { Err("of its own".into()) });
    assert!(soon(failing.run()).await.is_err());
    let panicking = App::new().beside(async { panic!("oh dear") });
    let error = soon(panicking.run()).await.unwrap_err();
    assert_eq!(error.to_string(), "a server panicked: oh dear");
}

/// Handlers that do not end have the time of the stop, then they are cut off.
#[tokio::test(start_paused = true)]
async fn an_application_ends_when_its_time_is_up() {
    let (_kafka, component) = setup(1, &["a"]).await;
    let server = container(&component).build();
    server.on_each_message(None, |_, _| std::future::pending());
    let app = App::new()
        .serve(server)
        .stop_timeout(Duration::from_secs(3));
    let handle = app.handle();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        handle.stop();
    };
    let begun = Instant::now();
    let (error, ()) = soon(async { tokio::join!(app.run(), stopping) }).await;
    let took = begun.elapsed();
    assert!(matches!(error, Err(AppError::Timeout { .. })), "{error:?}");
    assert!(
        took >= Duration::from_secs(5) && took < Duration::from_secs(6),
        "{took:?}"
    );
}

/// S2.49: the commits of handled messages are collected, too.
#[tokio::test(start_paused = true)]
async fn the_commit_interval_holds_for_servers() {
    let kafka = crate::rig::kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let toml = TOML.replace(
        "groupID = \"group-1\"",
        "groupID = \"group-1\"\ncommitInterval = \"1s\"",
    );
    let component = crate::rig::component(&kafka, &toml);
    write(&component, &["a", "b", "c"]).await;
    let server = container(&component).build();
    let seen = Seen::default();
    server.on_each_message(None, {
        let seen = seen.clone();
        move |_, _| {
            seen.note("run");
            async { Ok(()) }
        }
    });
    run_until(&server, seen.reaches(3)).await;
    assert_eq!(
        kafka.requests_of(ApiKey::OFFSET_COMMIT).len(),
        1,
        "when it left"
    );
    assert_eq!(committed(&component).await, 3);
}
