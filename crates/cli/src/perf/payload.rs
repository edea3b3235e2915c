//! The bytes that are written: words in no order, which codecs can shorten, but not to nothing. The other clients that
//! `cargo xtask peers` compares with write the same.

/// Values of one size, taken one after another from one text, and keys that come again.
pub(super) struct Payload {
    text: Vec<u8>,
    size: usize,
    /// All keys one after the other.
    keys: Vec<u8>,
    /// How many they are.
    key_count: usize,
}

const WORDS: &str = "order customer invoice payment shipped pending failed retry region cluster leader offset \
    broker partition record header timestamp producer consumer group member session commit fetch batch request \
    response latency warning info error debug trace user account login token price amount currency total item \
    basket stock warehouse carrier parcel address street city country phone email status created updated deleted \
    true false null zero one two";

const TEXT: usize = 1 << 20;

/// Bytes of a key: `k` and seven digits.
const KEY: usize = 8;

/// More would not differ in seven digits.
pub(super) const MOST_KEYS: u64 = 10_000_000;

impl Payload {
    /// Values of `size` bytes, and so many different keys; no key at all with none.
    pub(super) fn new(size: usize, keys: u64) -> Self {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut text = Vec::with_capacity(TEXT + size + 16);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        while text.len() < TEXT + size {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let chosen = usize::try_from(state >> 32).unwrap_or_default() % words.len();
            text.extend_from_slice(words.get(chosen).unwrap_or(&"").as_bytes());
            text.push(b' ');
        }
        Self {
            text,
            size,
            keys: (0..keys.min(MOST_KEYS))
                .flat_map(|number| format!("k{number:07}").into_bytes())
                .collect(),
            key_count: usize::try_from(keys.min(MOST_KEYS)).unwrap_or_default(),
        }
    }

    /// The value of the record with that number.
    pub(super) fn value(&self, number: usize) -> &[u8] {
        let start = number.wrapping_mul(self.size) % TEXT;
        self.text.get(start..start + self.size).unwrap_or_default()
    }

    /// The key of the record with that number: neighbours differ, and each comes as often as the others.
    pub(super) fn key(&self, number: usize) -> Option<&[u8]> {
        let start = number.checked_rem(self.key_count)? * KEY;
        self.keys.get(start..start + KEY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_size_and_differ() {
        for size in [0, 1, 100, 10_000] {
            let payload = Payload::new(size, 0);
            assert_eq!(payload.value(usize::MAX).len(), size);
            assert_eq!(payload.value(3).len(), size);
        }
        let payload = Payload::new(100, 0);
        assert_ne!(payload.value(0), payload.value(1));
        assert_eq!(payload.key(7), None);
    }

    #[test]
    fn keys_come_again() {
        let payload = Payload::new(1, 3);
        assert_eq!(payload.key(2), Some(&b"k0000002"[..]));
        assert_eq!(payload.key(3), payload.key(0));
    }
}
