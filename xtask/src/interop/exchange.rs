//! Records from the `ekafka` command to other clients and back, with keys and headers, through every codec.

use crate::failure::Failure;
use crate::kafka::Tools;

use super::report::Report;
use super::{Site, client, distribution, kcat, lines};

const CODECS: [&str; 4] = ["gzip", "snappy", "lz4", "zstd"];

/// Enough for many batches, and for the compressed ones to be large.
const RECORDS: usize = 20_000;

/// Records of this job: key, tab, value.
fn records() -> Vec<String> {
    (0..RECORDS)
        .map(|n| format!("key-{n}\tthe same words over and over, then a number: {n}"))
        .collect()
}

pub(super) fn steps(site: &Site, tools: Option<&Tools>, has_kcat: bool, report: &mut Report) {
    let records = records();
    let input = records.join("\n") + "\n";
    for codec in CODECS {
        let from_us = site.name(&format!("ours-{codec}"));
        report.step(&format!("{codec}: ekafka produce"), || {
            from_ekafka(site, codec, &input)
        });
        if let Some(tools) = tools {
            report.step(&format!("{codec}: ekafka -> ConsoleConsumer"), || {
                let seen = distribution::consume(site, tools, &from_us, RECORDS, &[])?;
                lines::same(&with_header("origin:ekafka", &records), &seen)
            });
            report.step(&format!("{codec}: ConsoleProducer -> ekafka"), || {
                let topic = site.topic(&format!("java-{codec}"), "1")?;
                let lines = with_header("origin:java", &records).join("\n") + "\n";
                distribution::produce(site, tools, &topic, &lines, codec)?;
                to_ekafka(site, &topic, "origin=java", &records)
            });
        }
        if has_kcat {
            report.step(&format!("{codec}: ekafka -> kcat"), || {
                let seen = kcat::consume(site, &from_us)?;
                lines::same(&with_header("origin=ekafka", &records), &seen)
            });
            report.step(&format!("{codec}: kcat -> ekafka"), || {
                let topic = site.topic(&format!("kcat-{codec}"), "1")?;
                kcat::produce(site, &topic, &input, codec)?;
                to_ekafka(site, &topic, "origin=kcat", &records)
            });
        }
    }
}

fn from_ekafka(site: &Site, codec: &str, input: &str) -> Result<String, Failure> {
    let topic = site.topic(&format!("ours-{codec}"), "1")?;
    let produce = [
        "produce",
        "--topic",
        &topic,
        "--key-delimiter",
        "\t",
        "--header",
        "origin=ekafka",
        "--compression",
        codec,
    ];
    let said = client::run(&mut site.ekafka(&produce), input)?;
    lines::containing(&format!("{RECORDS} records written"), &said.err).map(str::to_owned)
}

fn to_ekafka(
    site: &Site,
    topic: &str,
    header: &str,
    records: &[String],
) -> Result<String, Failure> {
    let format = "%h\\t%k\\t%v\\n";
    let consume = [
        "consume",
        "--topic",
        topic,
        "--exit-at-end",
        "--format",
        format,
    ];
    let seen = client::run(&mut site.ekafka(&consume), "")?.out;
    lines::same(&with_header(header, records), &seen)
}

fn with_header(header: &str, records: &[String]) -> Vec<String> {
    let with = |record| format!("{header}\t{record}");
    records.iter().map(with).collect()
}
