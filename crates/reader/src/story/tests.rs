use std::sync::{Arc, Mutex};

use ekafka_conn::Loggers;

use super::{Few, LINES, Story, narrate};
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::inbox::Item;

#[tokio::test]
async fn events_and_errors_reach_their_loggers_and_a_flood_is_cut() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let logger = |name: &'static str| {
        let told = Arc::clone(&told);
        Some(Arc::new(move |line: std::fmt::Arguments<'_>| {
            told.lock().unwrap().push(format!("{name} {line}"));
        }) as Arc<dyn ekafka_conn::Logger>)
    };
    let loggers = Loggers {
        logger: logger("log"),
        error_logger: logger("error"),
    };
    let (story, lines) = Story::new();
    let event = Event::Assigned(vec![TopicPartition::new("t", 1)]);
    story.tell_item(&Item::Event {
        event,
        ticket: None,
    });
    story.tell_item(&Item::Error(ReaderError::Closed));
    let event = Event::Truncated {
        partition: TopicPartition::new("t", 1),
        from: 30,
        to: 20,
    };
    story.tell_item(&Item::Event {
        event,
        ticket: None,
    });
    for _ in 0..LINES {
        story.tell("more".to_owned());
    }
    drop(story);
    narrate(loggers, lines).await;
    let told = told.lock().unwrap();
    assert_eq!(
        told[..3],
        [
            "log assigned: t[1]",
            "error the reader is closed",
            "log t[1]: the log was cut, reading on at 20 instead of 30"
        ]
    );
    assert_eq!(told.len(), LINES);
}

#[test]
fn a_long_list_is_cut() {
    let names: Vec<TopicPartition> = (0..20).map(|at| TopicPartition::new("t", at)).collect();
    assert_eq!(Few(&names[..2]).to_string(), "t[0], t[1]");
    let all = Few(&names).to_string();
    assert!(all.ends_with("t[14], t[15] and 4 more"), "{all}");
    assert_eq!(Few(&names[..0]).to_string(), "nothing");
}
