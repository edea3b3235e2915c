use super::*;

#[test]
fn a_time_has_a_unit() {
    assert_eq!(duration("250us"), Ok(Duration::from_micros(250)));
    assert_eq!(duration("5ms"), Ok(Duration::from_millis(5)));
    assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
    assert_eq!(duration("0"), Ok(Duration::ZERO));
    for wrong in ["", "5", "ms", "-1s", "5 ms", "5h", "99999999999999999999s"] {
        assert!(duration(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn each_balancer_has_a_name() {
    let check = |name: &str, expected: Placing| assert_eq!(name.parse(), Ok(expected), "{name}");
    check("sticky", Placing::Sticky);
    check("round-robin", Placing::RoundRobin(1));
    check("round-robin:100", Placing::RoundRobin(100));
    check("least-bytes", Placing::LeastBytes);
    check("hash", Placing::Hash);
    check("reference-hash", Placing::ReferenceHash);
    check("crc32", Placing::Crc32 { consistent: false });
    check("crc32-consistent", Placing::Crc32 { consistent: true });
    check("murmur2", Placing::Murmur2 { consistent: false });
    check("murmur2-consistent", Placing::Murmur2 { consistent: true });
    for wrong in ["", "round-robin:0", "round-robin:x", "random"] {
        assert!(wrong.parse::<Placing>().is_err(), "{wrong:?}");
    }
}
