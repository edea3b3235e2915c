//! The bytes that are written: letters in no order, so that codecs have something to do but no easy game.

/// Values of one size, taken one after another from one buffer, and keys that come again.
pub(super) struct Payload {
    bytes: Vec<u8>,
    size: usize,
    /// All keys one after the other.
    keys: Vec<u8>,
    /// How many they are.
    key_count: usize,
}

const BUFFER: usize = 1 << 20;

/// Bytes of a key: `k` and seven digits.
const KEY: usize = 8;

/// More would not differ in seven digits.
pub(super) const MOST_KEYS: u64 = 10_000_000;

impl Payload {
    /// Values of `size` bytes, and so many different keys; no key at all with none.
    pub(super) fn new(size: usize, keys: u64) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let letter = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            b'a' + u8::try_from(state % 26).unwrap_or_default()
        };
        Self {
            bytes: (0..BUFFER + size).map(letter).collect(),
            size,
            keys: (0..keys.min(MOST_KEYS))
                .flat_map(|number| format!("k{number:07}").into_bytes())
                .collect(),
            key_count: usize::try_from(keys.min(MOST_KEYS)).unwrap_or_default(),
        }
    }

    /// The value of the record with that number.
    pub(super) fn value(&self, number: usize) -> &[u8] {
        let start = number.wrapping_mul(self.size) % BUFFER;
        self.bytes.get(start..start + self.size).unwrap_or_default()
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
