//! The bytes that are written: letters in no order, so that codecs have something to do but no easy game.

/// Values of one size, taken from different places of one buffer.
pub(super) struct Payload {
    bytes: Vec<u8>,
    size: usize,
}

/// How far the places of neighbouring values are apart; odd, so that all places come up.
const STEP: usize = 7919;

const BUFFER: usize = 1 << 20;

impl Payload {
    pub(super) fn new(size: usize) -> Self {
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
        }
    }

    /// The value of the record with that number.
    pub(super) fn value(&self, number: usize) -> &[u8] {
        let start = number.wrapping_mul(STEP) % BUFFER;
        self.bytes.get(start..start + self.size).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_size_and_differ() {
        for size in [0, 1, 100, 10_000] {
            let payload = Payload::new(size);
            assert_eq!(payload.value(usize::MAX).len(), size);
            assert_eq!(payload.value(3).len(), size);
        }
        let payload = Payload::new(100);
        assert_ne!(payload.value(0), payload.value(1));
    }
}
