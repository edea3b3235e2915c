use super::*;

#[test]
fn after_the_full_request_the_epoch_counts_up() {
    let mut session = Session::default();
    assert!(session.begin(true, false));
    assert_eq!((session.id(), session.epoch()), (0, 0));
    assert_eq!(session.handle(7, ErrorCode::NONE), SessionVerdict::Good);
    assert!(!session.begin(true, false));
    assert_eq!((session.id(), session.epoch()), (7, 1));
    assert_eq!(session.handle(7, ErrorCode::NONE), SessionVerdict::Good);
    session.begin(true, false);
    assert_eq!((session.id(), session.epoch()), (7, 2));
}

#[test]
fn s28_a_lost_session_begins_again_with_everything() {
    for code in [
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
        ErrorCode::INVALID_FETCH_SESSION_EPOCH,
        ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
    ] {
        let mut session = Session::default();
        session.begin(true, false);
        session.handle(7, ErrorCode::NONE);
        session.begin(true, false);
        assert_eq!(session.handle(0, code), SessionVerdict::Restart);
        assert!(session.begin(true, false));
        assert_eq!((session.id(), session.epoch()), (0, 0));
        assert_eq!(session.handle(0, code), SessionVerdict::Refused(code));
    }
}

#[test]
fn a_broker_without_sessions_gets_full_requests() {
    let mut session = Session::default();
    for _ in 0..3 {
        assert!(session.begin(false, false));
        assert_eq!(session.handle(0, ErrorCode::NONE), SessionVerdict::Good);
    }
}

#[test]
fn topics_by_name_and_by_id_do_not_share_a_session() {
    let mut session = Session::default();
    session.begin(false, false);
    session.handle(7, ErrorCode::NONE);
    assert!(session.begin(true, false));
    assert_eq!((session.id(), session.epoch()), (0, 0));
}

#[test]
fn s35_a_session_begins_anew_when_two_topics_of_one_name_would_meet_in_a_request() {
    let mut session = Session::default();
    session.begin(true, false);
    session.handle(7, ErrorCode::NONE);
    assert!(session.begin(true, true));
    assert_eq!((session.id(), session.epoch()), (0, 0));
}
