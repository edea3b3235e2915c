//! The origin clients' choices in `vectors.txt`, made once by running them.

use super::*;

const COUNTS: [i32; 8] = [1, 2, 3, 6, 7, 12, 100, 1000];

#[test]
fn keys_land_where_the_origin_clients_put_them() {
    let mut checked = 0;
    let lines = include_str!("vectors.txt").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let (name, key) = (words.next().unwrap(), words.next().unwrap());
        let bytes = bytes_of(key);
        let record = Record {
            key: bytes.as_deref(),
            ..Record::default()
        };
        let balancer = balancer(name);
        for count in COUNTS {
            let expected: i32 = words.next().unwrap().parse().unwrap();
            let partitions: Vec<i32> = (0..count).collect();
            let chosen = balancer.balance(&record, &partitions);
            assert_eq!(chosen, expected, "{name} of {key} over {count}");
            checked += 1;
        }
        assert_eq!(words.next(), None, "{line}");
    }
    assert_eq!(checked, (4 * 16 + 2) * COUNTS.len());
}

fn balancer(name: &str) -> Box<dyn Balancer> {
    match name {
        "hash" => Box::new(Hash::new()),
        "reference" => Box::new(ReferenceHash::new()),
        "crc32" => Box::new(Crc32Balancer { consistent: true }),
        "murmur2" => Box::new(Murmur2Balancer { consistent: true }),
        other => panic!("no balancer {other}"),
    }
}

fn bytes_of(key: &str) -> Option<Vec<u8>> {
    if let Some(length) = key.strip_prefix("pattern:") {
        let length: usize = length.parse().unwrap();
        return Some((0..length).map(|i| (31 * i + 7 * length) as u8).collect());
    }
    let digits = key.strip_prefix("hex:")?;
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    Some(digits.as_bytes().chunks(2).map(byte).collect())
}
