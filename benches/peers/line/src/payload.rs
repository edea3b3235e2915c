//! The bytes that are written: words in no order, which codecs can shorten, but not to nothing. The programs in Go and
//! `ekafka perf` write the same.

/// Values of one size, taken one after another from one text.
#[derive(Debug)]
pub struct Payload {
    text: Vec<u8>,
    size: usize,
}

impl Payload {
    /// Values of `size` bytes.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut text = Vec::with_capacity(TEXT + size + 16);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        while text.len() < TEXT + size {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let word = words[(state >> 32) as usize % words.len()];
            text.extend_from_slice(word.as_bytes());
            text.push(b' ');
        }
        Self { text, size }
    }

    /// The value of the record with that number.
    #[must_use]
    pub fn value(&self, number: usize) -> &[u8] {
        let start = number.wrapping_mul(self.size) % TEXT;
        &self.text[start..start + self.size]
    }
}

const WORDS: &str = "order customer invoice payment shipped pending failed retry region cluster leader offset \
    broker partition record header timestamp producer consumer group member session commit fetch batch request \
    response latency warning info error debug trace user account login token price amount currency total item \
    basket stock warehouse carrier parcel address street city country phone email status created updated deleted \
    true false null zero one two";

const TEXT: usize = 1 << 20;
