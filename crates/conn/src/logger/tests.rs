use std::sync::Mutex;

use super::*;

type Lines = Arc<Mutex<Vec<String>>>;

fn keep(lines: &Lines) -> Arc<dyn Logger> {
    let lines = Arc::clone(lines);
    Arc::new(move |line: fmt::Arguments<'_>| lines.lock().unwrap().push(line.to_string()))
}

#[test]
fn errors_go_to_the_error_logger() {
    let (all, bad) = (Lines::default(), Lines::default());
    let loggers = Loggers {
        logger: Some(keep(&all)),
        error_logger: Some(keep(&bad)),
    };
    loggers.log(format_args!("{} written", 3));
    loggers.error(format_args!("refused"));
    assert_eq!(*all.lock().unwrap(), ["3 written"]);
    assert_eq!(*bad.lock().unwrap(), ["refused"]);
}

#[test]
fn errors_go_to_the_logger_where_there_is_no_other() {
    let all = Lines::default();
    let loggers = Loggers {
        logger: Some(keep(&all)),
        error_logger: None,
    };
    loggers.error(format_args!("refused"));
    assert_eq!(*all.lock().unwrap(), ["refused"]);
    assert!(!loggers.is_silent());
    assert!(Loggers::default().is_silent());
}

#[test]
fn a_logger_that_panics_harms_nobody() {
    let loggers = Loggers {
        logger: Some(Arc::new(|_: fmt::Arguments<'_>| panic!("of no use"))),
        error_logger: None,
    };
    loggers.log(format_args!("a line"));
    loggers.error(format_args!("a line"));
}
