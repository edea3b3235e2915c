//! The metrics of each call, served as OpenMetrics text for Prometheus and its kin.
//!
//! `cargo run -p ekafka --example metrics_endpoint`; end it with Ctrl-C, and meanwhile look at the address it prints.
//!
//! > # TYPE ego_client_handle counter
//! > ego_client_handle_total{type="kafka",name="kafka.orders",method="WriteMessages",peer="…",code="OK"} 3
//! > # TYPE ego_client_handle_seconds histogram
//! > ego_client_handle_seconds_bucket{type="kafka",name="kafka.orders",method="WriteMessages",peer="…",le="10.0"} 3
//! > ego_client_handle_seconds_bucket{type="kafka",name="kafka.orders",method="WriteMessages",peer="…",le="+Inf"} 3
//! > ego_client_handle_seconds_count{type="kafka",name="kafka.orders",method="WriteMessages",peer="…"} 3
//! > # EOF

mod open_metrics;

use ekafka::Record;
use ekafka_testkit::EmbeddedKafka;
use open_metrics::{CONTENT_TYPE, OpenMetrics};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

const CONFIG: &str = r#"
[kafka]
brokers = ["localhost:9092"]
[kafka.producers.p1]
topic = "orders"
batchTimeout = "auto"
"#;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let metrics = OpenMetrics::default();
    metrics::set_global_recorder(metrics.clone())?;
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("orders", 1)?;
    let component = ekafka::load_toml(CONFIG, "kafka")?
        .brokers(kafka.addresses())
        .try_build()?;
    for _ in 0..3 {
        let orders = [Record::new("two apples")];
        component.producer("p1").write_messages(&orders).await?;
    }

    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", first_scrape(&listener, &metrics).await?);
    println!("the same is at http://{}/metrics", listener.local_addr()?);
    loop {
        tokio::select! {
            served = serve(&listener, &metrics) => served?,
            _ = terminate.recv() => break Ok(()),
            ended = tokio::signal::ctrl_c() => break Ok(ended?),
        }
    }
}

/// Answers one request.
async fn serve(listener: &TcpListener, metrics: &OpenMetrics) -> std::io::Result<()> {
    let (stream, _) = listener.accept().await?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let text = metrics.text();
    let length = text.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await
}

/// What whoever collects metrics gets.
async fn first_scrape(listener: &TcpListener, metrics: &OpenMetrics) -> std::io::Result<String> {
    let scrape = async {
        let mut stream = TcpStream::connect(listener.local_addr()?).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    let (answer, served) = tokio::join!(scrape, serve(listener, metrics));
    served.and(answer)
}
