//! The algorithms that SCRAM is told by name.

use std::fmt;
use std::str::FromStr;

use super::balancing::UnknownName;

/// Which hash SCRAM uses.
///
/// ```
/// use ekafka::pubsub::ScramAlgorithm;
///
/// assert_eq!(ScramAlgorithm::Sha512.as_str(), "SHA512");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScramAlgorithm {
    /// `SHA256`: SCRAM-SHA-256.
    Sha256,
    /// `SHA512`: SCRAM-SHA-512.
    Sha512,
}

impl ScramAlgorithm {
    /// The name as the documents have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

impl fmt::Display for ScramAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ScramAlgorithm {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "SHA256" => Ok(Self::Sha256),
            "SHA512" => Ok(Self::Sha512),
            name => Err(UnknownName::new(name, "SHA256, SHA512")),
        }
    }
}

impl From<ScramAlgorithm> for ekafka_conn::ScramAlgorithm {
    fn from(algorithm: ScramAlgorithm) -> Self {
        match algorithm {
            ScramAlgorithm::Sha256 => Self::Sha256,
            ScramAlgorithm::Sha512 => Self::Sha512,
        }
    }
}
