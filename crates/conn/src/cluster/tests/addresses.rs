//! Names with several addresses, on real sockets.

use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::resolver_fn;

/// B75: a host that takes connections and does nothing with them, as behind a dead load balancer, is listed before one that
/// works.
#[tokio::test]
async fn an_address_that_leads_nowhere_is_not_the_first_for_ever() {
    let works = Ipv4Addr::new(127, 0, 0, 2);
    let kafka = EmbeddedKafka::builder().listen((works, 0).into());
    let kafka = kafka.start().await.unwrap();
    let there: SocketAddr = kafka.addresses()[0].parse().unwrap();
    let nowhere = Ipv4Addr::LOCALHOST;
    let _silent = std::net::TcpListener::bind((nowhere, there.port())).unwrap();
    let config = ConnConfig::default()
        .timeout(Duration::from_millis(200))
        .resolver(resolver_fn(move |_| {
            Ok([nowhere, works].map(|ip| (ip, 0).into()).to_vec())
        }));
    let name = format!("kafka:{}", there.port());
    let cluster = Cluster::new([name], config).unwrap();
    cluster.view_newer_than(0, within(10)).await.unwrap();
}
