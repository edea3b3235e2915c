//! Whether a cluster is ready, asked on the wire.
//!
//! Metadata v1 (schema `MetadataRequest`), written by hand so that this tool depends on no crate that it tests.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::cluster::{Cluster, Listener};

/// Length (4 bytes), api key 3, version 1, correlation id 1, no client id (-1), no topics.
const REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0];

const PATIENCE: Duration = Duration::from_secs(2);

/// Whether every node knows of every node.
pub(super) fn is_ready(cluster: &Cluster) -> bool {
    cluster.ids().all(|node| {
        let port = cluster.port(node, Listener::Plain);
        brokers_known(port).is_ok_and(|known| known == u32::from(cluster.nodes()))
    })
}

/// How many brokers the node on `port` has in its metadata.
fn brokers_known(port: u16) -> std::io::Result<u32> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&REQUEST)?;
    // Length and correlation id, then the count of the broker array.
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let [.., a, b, c, d] = head;
    Ok(u32::from_be_bytes([a, b, c, d]))
}
