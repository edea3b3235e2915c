//! The tables in docs/acceptance: each line names the test, example or document that proves one promised behaviour.

mod claims;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ekafka::config::{
    ClientConfig, ConnectionConfig, ConsumerConfig, ConsumerGroupConfig, ConsumerServerConfig,
    ProducerConfig, Section,
};

use self::claims::{Claim, Proof, claims, keys};
use crate::tidy::sources::root;

#[test]
fn what_the_acceptance_tables_name_exists() {
    let faults: Vec<String> = claims().iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The guides, and how many statements each has.
const GUIDES: [(&str, usize); 5] = [("S0", 18), ("S1", 77), ("S2", 89), ("S3", 55), ("S4", 61)];

#[test]
fn every_statement_of_the_guides_is_claimed() {
    let claimed: BTreeSet<String> = claims().into_iter().map(|claim| claim.id).collect();
    let statements = GUIDES
        .iter()
        .flat_map(|(guide, count)| (1..=*count).map(move |number| format!("{guide}.{number}")));
    let missing: Vec<String> = statements.filter(|id| !claimed.contains(id)).collect();
    assert!(missing.is_empty(), "nothing proves {}", missing.join(", "));
}

#[test]
fn every_key_of_a_configuration_has_a_test_that_sees_its_effect() {
    let of = |table: &str, keys: Vec<ekafka::config::Key>| -> Vec<String> {
        let keys = keys.into_iter();
        keys.map(|key| format!("{table}.{}", key.name)).collect()
    };
    let expected: BTreeSet<String> = [
        of("kafka", ConnectionConfig::keys()),
        of("kafka.client", ClientConfig::keys()),
        of("kafka.producers.NAME", ProducerConfig::keys()),
        of("kafka.consumers.NAME", ConsumerConfig::keys()),
        of("kafka.consumerGroups.NAME", ConsumerGroupConfig::keys()),
        of("kafkaConsumerServers.NAME", ConsumerServerConfig::keys()),
    ]
    .concat()
    .into_iter()
    .collect();
    let found: BTreeSet<String> = keys().into_iter().collect();
    let differ: Vec<_> = expected.symmetric_difference(&found).collect();
    assert!(differ.is_empty(), "docs/acceptance/keys.md: {differ:?}");
}

#[test]
fn no_behaviour_is_claimed_in_two_places() {
    let mut lines = BTreeMap::<&str, Vec<&str>>::new();
    let claims = claims();
    for claim in &claims {
        lines.entry(&claim.id).or_default().push(&claim.table);
    }
    let twice: Vec<_> = lines.iter().filter(|(_, at)| at.len() > 1).collect();
    assert!(twice.is_empty(), "claimed more than once: {twice:?}");
}

/// What is wrong with a line, if anything is.
fn fault(claim: &Claim) -> Option<String> {
    let said = |wrong: String| Some(format!("{}: {}: {wrong}", claim.table, claim.id));
    if claim.proofs.is_empty() {
        return said("names nothing that proves it".to_owned());
    }
    for proof in &claim.proofs {
        let path = root().join(&proof.path);
        let Ok(text) = fs::read_to_string(path) else {
            return said(format!("there is no file {}", proof.path));
        };
        if let Some(missing) = proof.missing_in(&text) {
            return said(format!("{} has no {missing}", proof.path));
        }
    }
    None
}

#[test]
fn a_line_is_read_as_its_proofs() {
    let claim = Claim::read("t.md", "| T1 | a/b.rs::x, c.md \"d, e\" | beside |").unwrap();
    assert_eq!(claim.id, "T1");
    let [test, text] = &claim.proofs[..] else {
        panic!("two proofs: {:?}", claim.proofs);
    };
    assert_eq!(test.missing_in("#[test]\nfn x() {}"), None);
    assert!(test.missing_in("fn xy() {}").is_some());
    assert_eq!(text.missing_in("d, e"), None);
    assert!(text.missing_in("d").is_some());
    assert_eq!(Proof::read("f.rs").unwrap().missing_in(""), None);
}
