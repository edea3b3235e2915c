//! Serves one embedded broker that is far away: `distant [ADDRESS] [ROUND-TRIP]`, the latter in milliseconds. Everything
//! arrives later by that time, in order and at full rate, so that it shows how well a client keeps a long way filled.

use std::error::Error;
use std::future::pending;
use std::time::Duration;

use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:9092".to_owned());
    let milliseconds = args.next().map_or(Ok(10), |number| number.parse())?;
    let kafka = EmbeddedKafka::builder()
        .listen(address.parse()?)
        .nodes(1)
        .retention_bytes(1 << 28)
        .round_trip(Duration::from_millis(milliseconds))
        .start()
        .await?;
    println!("{}", kafka.bootstrap());
    pending().await
}
