use std::time::Duration;

use bytes::BytesMut;
use ekafka_protocol::Uuid;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchBuilder, RecordData};

use super::*;
use crate::accumulator::{Limits, Patience, Shelf};

const LEADER: BrokerId = BrokerId(1);

fn lane(now: Instant, places: &[Place]) -> Lane {
    let limits = Limits {
        batch_bytes: 1000,
        max_record: 1000,
        batch_size: 10,
        estimate: None,
        patience: Patience::Adaptive,
        stretch: None,
    };
    let shelf = Shelf::new(limits, 1 << 20);
    let topic = shelf.set_topic("t", Uuid::nil(), 1);
    let mut lane = Lane::new(Arc::clone(&topic.partitions().list[0]));
    for (id, place) in (1..).zip(places) {
        let mut builder = BatchBuilder::new(BytesMut::new());
        builder.append(&RecordData::default()).unwrap();
        let ordinal = lane.admit();
        lane.flights.push_back(Flight {
            id,
            sealed: builder.seal(Compression::NONE).unwrap(),
            stamped: None,
            resolver: Some(crate::receipt::Receipt::new(lane.partition.at.clone()).1),
            permit: shelf.budget.try_take(1).unwrap(),
            expires: now + Duration::from_secs(1),
            ordinal,
            attempts: 1,
            place: *place,
            ambiguous: false,
            cause: None,
        });
    }
    lane
}

#[test]
fn nothing_overtakes() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    let wire = Place::OnWire(LEADER);
    let elsewhere = Place::OnWire(BrokerId(2));
    let until = |until| Place::Waiting {
        until,
        stale_epoch: None,
    };
    let check = |places: &[Place], expected: Next| {
        assert_eq!(
            lane(now, places).next(LEADER, 3, now),
            expected,
            "{places:?}"
        );
    };
    check(&[], Next::Take);
    check(&[wire], Next::Take);
    check(&[wire, wire], Next::Take);
    check(&[wire, wire, wire], Next::Wait(None));
    check(&[until(now)], Next::Resend);
    check(&[until(later)], Next::Wait(Some(later)));
    check(&[until(now), wire], Next::Resend);
    check(&[wire, until(now)], Next::Wait(None));
    check(&[elsewhere], Next::Wait(None));
    check(&[wire, elsewhere], Next::Wait(None));
}

#[test]
fn a_stamp_outlives_retries() {
    let now = Instant::now();
    let mut lane = lane(now, &[Place::OnWire(LEADER)]);
    let flight = &mut lane.flights[0];
    let stamp = Stamp {
        producer_id: 7,
        epoch: 0,
        sequence: 5,
    };
    let first = flight.bytes(|| Some(stamp)).unwrap();
    flight.land(Stored::Maybe);
    let second = flight.bytes(|| panic!("it has one")).unwrap();
    assert_eq!(first, second);
}

#[test]
fn failures_are_classed_by_all_attempts() {
    let now = Instant::now();
    let mut lane = lane(now, &[Place::OnWire(LEADER)]);
    let flight = &mut lane.flights[0];
    let maybe = |flight: &Flight| flight.failure(Cause::Expired).unwrap().maybe_written();
    assert!(maybe(flight), "on the wire");
    flight.land(Stored::No);
    assert!(!maybe(flight), "definitely refused");
    flight.land(Stored::Maybe);
    flight.land(Stored::No);
    assert!(maybe(flight), "a later refusal disproves nothing");
}
