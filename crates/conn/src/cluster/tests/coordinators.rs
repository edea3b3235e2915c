//! Looking up coordinators while some of them cannot be had.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_group_without_a_coordinator_holds_up_no_other() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let code = ErrorCode::COORDINATOR_NOT_AVAILABLE;
    // The first caller asks, and is told so; from then on the brokers are asked by turns.
    kafka.on_next(ApiKey::FIND_COORDINATOR).error(code);
    let lost = cluster.connection_to(To::Group("lost"), Purpose::Group, within(60));
    let found = async {
        while kafka.requests_of(ApiKey::FIND_COORDINATOR).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let asked = Instant::now();
        let group = CoordinatorKind::Group;
        cluster.coordinator(group, "found").await.unwrap();
        assert!(
            asked.elapsed() < Duration::from_millis(50),
            "{:?}",
            asked.elapsed()
        );
    };
    let (lost, ()) = tokio::join!(lost, found);
    lost.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_look_up_behind_a_silent_one_ends_at_its_own_deadline() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    kafka.on_next(ApiKey::FIND_COORDINATOR).silence();
    let start = Instant::now();
    let first = cluster.connection_to(To::Group("a"), Purpose::Group, within(20));
    let second = async {
        while kafka.requests_of(ApiKey::FIND_COORDINATOR).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let error = cluster
            .connection_to(
                To::Group("b"),
                Purpose::Group,
                start + Duration::from_secs(1),
            )
            .await
            .unwrap_err();
        assert!(matches!(error, ConnError::Timeout { .. }), "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    };
    let (first, ()) = tokio::join!(first, second);
    first.unwrap_err();
}
