//! The floor: a blocking socket and our codec, without an API, tasks or retries. No client on this codec can be cheaper.

mod consuming;
mod producing;
mod wire;

use std::process::ExitCode;

use peer_line::no_mode;

fn main() -> ExitCode {
    peer_line::run(|line| match line.mode.as_str() {
        "produce" => producing::produce(line),
        "latency" => producing::latency(line),
        "tick" => producing::tick(line),
        "consume" => consuming::consume(line),
        "receive" => consuming::receive(line),
        "end-to-end" => consuming::end_to_end(line),
        _ => Err(no_mode(line)),
    })
}
