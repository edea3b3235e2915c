//! `ekafka broker`: the embedded broker as a process.

use std::io;
use std::net::SocketAddr;

use clap::Args;
use ekafka_testkit::EmbeddedKafka;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::stop::Stop;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Address of the first node; the others take the ports that follow. Port 0 takes any
    #[arg(long, default_value = "127.0.0.1:9092", value_parser = address)]
    listen: SocketAddr,
    /// How many nodes the cluster has
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    nodes: u16,
    /// Partitions of topics that are created without a number
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Do not create a topic because somebody asks for it
    #[arg(long)]
    no_auto_create: bool,
    /// Bytes kept per partition; the oldest batches go when there are more [default: all]
    #[arg(long, value_name = "BYTES")]
    retention_bytes: Option<u64>,
}

/// Serves until the process is interrupted or asked to stop.
pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let mut builder = EmbeddedKafka::builder()
        .listen(arguments.listen)
        .nodes(arguments.nodes)
        .default_partitions(arguments.partitions)
        .default_replication(i16::try_from(arguments.nodes.min(3)).unwrap_or(1))
        .auto_create(!arguments.no_auto_create);
    if let Some(bytes) = arguments.retention_bytes {
        builder = builder.retention_bytes(bytes);
    }
    let kafka = connection.guard(builder)?.start().await.map_err(|error| {
        let failure = Failure::new(
            format_args!("cannot listen on {}", arguments.listen),
            &error,
        );
        match error.kind() {
            io::ErrorKind::AddrInUse => failure
                .advise("another --listen, such as 127.0.0.1:19092, or port 0 for a free one"),
            _ => failure,
        }
    })?;
    say!("{}", kafka.bootstrap());
    eprintln!("everything is kept in memory and gone when this ends; interrupt to stop");
    stop.asked().await;
    Ok(())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let told = || "an IP address and a port, such as 127.0.0.1:9092".to_owned();
    text.replace("localhost", "127.0.0.1")
        .parse()
        .map_err(|_| told())
}
