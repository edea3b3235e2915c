//! Codec ids as batch attributes carry them, and how a writer names codec and level.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::error::DecodeError;

/// A compression codec of Kafka.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Codec {
    /// Not compressed.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Snappy in the xerial framing, as the Java client writes it; raw blocks are read too.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (KIP-110).
    Zstd,
}

impl Codec {
    /// Every codec, in the order of the ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Bits 0-2 of a batch's attributes.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The codec of an id.
    ///
    /// # Errors
    /// [`DecodeError::UnknownCodec`] for ids that Kafka has not given out.
    pub fn from_id(id: u8) -> Result<Self, DecodeError> {
        Self::ALL
            .get(usize::from(id))
            .copied()
            .ok_or(DecodeError::UnknownCodec { id })
    }

    /// The value of Kafka's `compression.type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The levels a writer may choose from; `None` for codecs without.
    #[must_use]
    pub const fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Self::Gzip => Some(1..=9),
            Self::Zstd => Some(-131_072..=22),
            Self::None | Self::Snappy | Self::Lz4 => None,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a writer compresses with: a codec and, where the codec has one, a level.
///
/// Its text form is `none`, `gzip`, `snappy`, `lz4`, `zstd`, with a level `gzip:9`, `zstd:-1`;
/// parsing also takes `uncompressed` and the codec's number.
///
/// ```
/// use bytes::BytesMut;
/// use ekafka_protocol::compression::{Codec, Compression, compress, decompress};
///
/// let compression: Compression = "gzip:9".parse()?;
/// assert_eq!(compression, Compression::with_level(Codec::Gzip, 9)?);
/// assert_eq!((compression.codec(), compression.level()), (Codec::Gzip, Some(9)));
/// assert_eq!(Codec::from_id(Codec::Gzip.id())?, Codec::Gzip);
/// for codec in Codec::ALL {
///     println!("{} is {:?}, levels {:?}", codec.name(), Compression::of(codec), codec.levels());
/// }
///
/// let (mut packed, text) = (BytesMut::new(), "again ".repeat(1000));
/// compress(compression, text.as_bytes(), &mut packed)?;
/// assert!(packed.len() < 100);
/// // No more than a megabyte is taken, whatever the bytes claim.
/// assert_eq!(decompress(Codec::Gzip, &packed, 1 << 20)?, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Compression {
    codec: Codec,
    level: Option<i32>,
}

impl Compression {
    /// No compression.
    pub const NONE: Self = Self::of(Codec::None);
    /// gzip at its default level, 6.
    pub const GZIP: Self = Self::of(Codec::Gzip);
    /// Snappy.
    pub const SNAPPY: Self = Self::of(Codec::Snappy);
    /// LZ4.
    pub const LZ4: Self = Self::of(Codec::Lz4);
    /// Zstandard at its default level, which is 3 with smaller tables: nearly its ratio in less time.
    pub const ZSTD: Self = Self::of(Codec::Zstd);

    /// `codec` at its default level.
    #[must_use]
    pub const fn of(codec: Codec) -> Self {
        Self { codec, level: None }
    }

    /// `codec` at `level`: gzip 1 to 9, zstd -131072 to 22; higher is smaller and slower.
    ///
    /// # Errors
    /// [`ParseCompressionError`] when the codec has no levels or not this one.
    pub fn with_level(codec: Codec, level: i32) -> Result<Self, ParseCompressionError> {
        match codec.levels() {
            Some(levels) if levels.contains(&level) => Ok(Self {
                codec,
                level: Some(level),
            }),
            Some(levels) => Err(ParseCompressionError::Level {
                codec,
                first: *levels.start(),
                last: *levels.end(),
            }),
            None => Err(ParseCompressionError::NoLevels { codec }),
        }
    }

    /// The codec.
    #[must_use]
    pub const fn codec(self) -> Codec {
        self.codec
    }

    /// The level, `None` for the codec's default.
    #[must_use]
    pub const fn level(self) -> Option<i32> {
        self.level
    }
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        Self::of(codec)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            None => f.write_str(self.codec.name()),
            Some(level) => write!(f, "{}:{level}", self.codec.name()),
        }
    }
}

impl FromStr for Compression {
    type Err = ParseCompressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, level) = match text.split_once(':') {
            None => (text, None),
            Some((name, level)) => (name, Some(level)),
        };
        let unknown = || ParseCompressionError::Unknown { text: text.into() };
        let codec = Codec::ALL
            .into_iter()
            .find(|codec| name.eq_ignore_ascii_case(codec.name()) || name.parse() == Ok(codec.id()))
            .or_else(|| {
                name.eq_ignore_ascii_case("uncompressed")
                    .then_some(Codec::None)
            })
            .ok_or_else(unknown)?;
        match level {
            None => Ok(Self::of(codec)),
            Some(level) => Self::with_level(codec, level.parse().map_err(|_| unknown())?),
        }
    }
}

/// Why a text or level does not name a compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseCompressionError {
    /// Not the name of a codec.
    #[error("unknown compression {text:?}, expected none, gzip, snappy, lz4 or zstd")]
    Unknown {
        /// The text that was parsed.
        text: Box<str>,
    },
    /// The codec has levels, but not this one.
    #[error("{codec} has levels {first} to {last}")]
    Level {
        /// The codec.
        codec: Codec,
        /// Its lowest level.
        first: i32,
        /// Its highest level.
        last: i32,
    },
    /// The codec has no levels.
    #[error("{codec} has no levels")]
    NoLevels {
        /// The codec.
        codec: Codec,
    },
}
