//! How schemas are held: messages refer to structures, structures list their fields.

use super::Direction;
use super::generated::{MESSAGES, STRUCTURES};
use crate::ApiKey;

/// A message: which versions there are, and the structure its body is.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) api: i16,
    pub(super) direction: Direction,
    pub(super) first: i16,
    pub(super) last: i16,
    /// The first version with compact lengths and tagged fields; `i16::MAX` for none.
    pub(super) first_flexible: i16,
    root: u16,
}

impl Layout {
    pub(super) fn of(api: ApiKey, direction: Direction) -> Option<&'static Self> {
        let key = |layout: &Self| (layout.api, layout.direction == Direction::Response);
        let wanted = (api.0, direction == Direction::Response);
        // The table is in that order (asserted by a test).
        let index = MESSAGES.binary_search_by_key(&wanted, key).ok()?;
        MESSAGES.get(index)
    }

    pub(super) fn root(&self) -> &'static Structure {
        Structure::at(self.root)
    }
}

/// A body or an element.
#[derive(Debug)]
pub(super) struct Structure {
    /// Bytes the generated type takes in memory, without what it points to.
    pub(super) memory: u16,
    /// In the order of the bytes; fields of fixed size that follow each other are one.
    pub(super) fields: &'static [Field],
}

impl Structure {
    pub(super) fn at(index: u16) -> &'static Self {
        STRUCTURES.get(usize::from(index)).unwrap_or(&NO_FIELDS)
    }

    fn min_size(&self, version: i16, flexible: bool) -> usize {
        let fields = self
            .fields
            .iter()
            .filter(|field| field.tag.is_none() && field.is_in(version));
        let sizes = fields.map(|field| match field.kind {
            Kind::Fixed(size) => size.into(),
            Kind::String if !flexible => 2,
            Kind::Bytes | Kind::Array(_) if !flexible => 4,
            Kind::String | Kind::Bytes | Kind::Array(_) | Kind::Optional(_) => 1,
            Kind::Structure(index) => Self::at(index).min_size(version, flexible),
        });
        sizes.sum::<usize>() + usize::from(flexible)
    }
}

static NO_FIELDS: Structure = Structure {
    memory: 0,
    fields: &[],
};

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) kind: Kind,
    first: i8,
    last: i8,
    /// Its tag, when it is a tagged field (KIP-482).
    pub(super) tag: Option<u8>,
}

impl Field {
    pub(super) fn is_in(&self, version: i16) -> bool {
        i16::from(self.first) <= version && version <= i16::from(self.last)
    }

    const fn new(kind: Kind, first: i8, last: i8) -> Self {
        Self {
            kind,
            first,
            last,
            tag: None,
        }
    }

    pub(super) const fn tagged(self, tag: u8) -> Self {
        Self {
            tag: Some(tag),
            ..self
        }
    }
}

/// How a field's bytes are laid out. Numbers of structures are indexes of the table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// So many bytes.
    Fixed(u8),
    /// Length, UTF-8.
    String,
    /// Length, bytes; record batches too.
    Bytes,
    /// The fields of a structure.
    Structure(u16),
    /// One byte, -1 for null or 1, and then the fields of a structure.
    Optional(u16),
    /// Count, elements.
    Array(Element),
}

/// What an array holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element {
    /// So many bytes each.
    Fixed(u8),
    /// Strings.
    String,
    /// Structures.
    Structure(u16),
}

impl Element {
    /// The fewest bytes of one element, at least 1.
    pub(super) fn min_size(self, version: i16, flexible: bool) -> usize {
        match self {
            Self::Fixed(size) => usize::from(size).max(1),
            Self::String if flexible => 1,
            Self::String => 2,
            Self::Structure(index) => Structure::at(index).min_size(version, flexible).max(1),
        }
    }

    /// Bytes one element takes in memory, without what it points to.
    pub(super) fn memory(self) -> usize {
        match self {
            Self::Fixed(size) => size.into(),
            Self::String => size_of::<crate::StrBytes>(),
            Self::Structure(index) => Structure::at(index).memory.into(),
        }
    }
}

// Short names, because the generated table has hundreds of each.

pub(super) const fn request(api: i16, first: i16, last: i16, flexible: i16, root: u16) -> Layout {
    let direction = Direction::Request;
    Layout {
        api,
        direction,
        first,
        last,
        first_flexible: flexible,
        root,
    }
}

pub(super) const fn response(api: i16, first: i16, last: i16, flexible: i16, root: u16) -> Layout {
    let direction = Direction::Response;
    Layout {
        api,
        direction,
        first,
        last,
        first_flexible: flexible,
        root,
    }
}

pub(super) const fn structure(memory: u16, fields: &'static [Field]) -> Structure {
    Structure { memory, fields }
}

pub(super) const fn fixed(size: u8, first: i8, last: i8) -> Field {
    Field::new(Kind::Fixed(size), first, last)
}

pub(super) const fn string(first: i8, last: i8) -> Field {
    Field::new(Kind::String, first, last)
}

pub(super) const fn bytes(first: i8, last: i8) -> Field {
    Field::new(Kind::Bytes, first, last)
}

pub(super) const fn nested(index: u16, first: i8, last: i8) -> Field {
    Field::new(Kind::Structure(index), first, last)
}

pub(super) const fn optional(index: u16, first: i8, last: i8) -> Field {
    Field::new(Kind::Optional(index), first, last)
}

pub(super) const fn fixeds(size: u8, first: i8, last: i8) -> Field {
    Field::new(Kind::Array(Element::Fixed(size)), first, last)
}

pub(super) const fn strings(first: i8, last: i8) -> Field {
    Field::new(Kind::Array(Element::String), first, last)
}

pub(super) const fn structures(index: u16, first: i8, last: i8) -> Field {
    Field::new(Kind::Array(Element::Structure(index)), first, last)
}
