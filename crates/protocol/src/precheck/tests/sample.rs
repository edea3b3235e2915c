//! Valid bodies made by walking the table.

use bytes::Bytes;

use super::super::table::{Element, Kind, Layout, Structure};

/// Random bytes of a message.
pub(super) struct Sample {
    state: u64,
    out: Vec<u8>,
    version: i16,
    flexible: bool,
    shape: Shape,
    /// Arrays written so far.
    arrays: usize,
}

/// How many elements arrays get, and what strings and tagged fields hold.
#[derive(Clone, Copy)]
enum Shape {
    Random,
    /// One array of many elements, others with one, those in it with none if strings have no bytes;
    /// strings and bytes all of one length.
    Wide {
        array: usize,
        count: usize,
        blob: usize,
    },
}

impl Sample {
    pub(super) fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let shape = Shape::Random;
        Self {
            state,
            out: Vec::new(),
            version: 0,
            flexible: false,
            shape,
            arrays: 0,
        }
    }

    /// A message whose `array`th array has `count` elements, with strings of `blob` bytes.
    pub(super) fn wide(array: usize, count: usize, blob: usize) -> Self {
        let shape = Shape::Wide { array, count, blob };
        Self {
            shape,
            ..Self::new(1)
        }
    }

    pub(super) fn message(mut self, layout: &Layout, version: i16) -> Bytes {
        self.write(layout, version);
        self.out.into()
    }

    /// As [`Self::message`]; `None` when the message has no such array.
    pub(super) fn wide_message(mut self, layout: &Layout, version: i16) -> Option<Bytes> {
        self.write(layout, version);
        match self.shape {
            Shape::Wide { array, .. } if array < self.arrays => Some(self.out.into()),
            _ => None,
        }
    }

    /// The next of a sequence of random numbers (xorshift).
    pub(super) fn next(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % below
    }

    fn write(&mut self, layout: &Layout, version: i16) {
        self.version = version;
        self.flexible = version >= layout.first_flexible;
        self.structure(layout.root());
    }

    fn structure(&mut self, structure: &Structure) {
        for field in structure.fields {
            if field.tag.is_none() && field.is_in(self.version) {
                self.value(field.kind);
            }
        }
        if self.flexible {
            self.tags(structure);
        }
    }

    fn value(&mut self, kind: Kind) {
        match kind {
            Kind::Fixed(size) => self.noise(size.into()),
            Kind::String => {
                let length = self.blob_length();
                if self.flexible {
                    self.uvarint(length + 1);
                } else {
                    self.out.extend((length as i16).to_be_bytes());
                }
                self.out.extend(std::iter::repeat_n(b'a', length));
            }
            Kind::Bytes => {
                let length = self.blob_length();
                self.length(length);
                self.noise(length);
            }
            Kind::Structure(index) => self.structure(Structure::at(index)),
            Kind::Optional(index) => {
                if matches!(self.shape, Shape::Random) && self.next(2) == 0 {
                    self.out.push(0xff);
                } else {
                    self.out.push(1);
                    self.structure(Structure::at(index));
                }
            }
            Kind::Array(element) => self.array(element),
        }
    }

    fn array(&mut self, element: Element) {
        let ordinal = self.arrays;
        self.arrays += 1;
        let count = match self.shape {
            Shape::Random => self.next(4),
            Shape::Wide { array, count, .. } if array == ordinal => count,
            Shape::Wide { array, blob, .. } => usize::from(ordinal < array || blob > 0),
        };
        self.length(count);
        for _ in 0..count {
            match element {
                Element::Fixed(size) => self.noise(size.into()),
                Element::String => self.value(Kind::String),
                Element::Structure(index) => self.structure(Structure::at(index)),
            }
        }
    }

    fn tags(&mut self, structure: &Structure) {
        let wide = matches!(self.shape, Shape::Wide { .. });
        let known = structure
            .fields
            .iter()
            .filter(|field| field.is_in(self.version));
        let mut fields: Vec<_> = known
            .filter_map(|field| Some((field.tag?, field.kind)))
            .collect();
        // A wide array may lie in a tagged field, so there they are all written once.
        let keep = !wide || self.out.len() < 1000;
        fields.retain(|_| keep && (wide || self.next(2) == 0));
        let unknown = !wide && self.next(4) == 0;
        self.uvarint(fields.len() + usize::from(unknown));
        for (tag, kind) in fields {
            let outer = std::mem::take(&mut self.out);
            self.value(kind);
            let value = std::mem::replace(&mut self.out, outer);
            self.uvarint(tag.into());
            self.uvarint(value.len());
            self.out.extend(value);
        }
        if unknown {
            self.uvarint(200);
            self.uvarint(3);
            self.noise(3);
        }
    }

    fn blob_length(&mut self) -> usize {
        match self.shape {
            Shape::Random => self.next(12),
            Shape::Wide { blob, .. } => blob,
        }
    }

    fn length(&mut self, length: usize) {
        if self.flexible {
            self.uvarint(length + 1);
        } else {
            self.out.extend((length as i32).to_be_bytes());
        }
    }

    fn uvarint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    fn noise(&mut self, length: usize) {
        for _ in 0..length {
            let byte = self.next(256) as u8;
            self.out.push(byte);
        }
    }
}
