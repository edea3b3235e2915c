//! Whose confirmation a write waits for.

use std::fmt;
use std::str::FromStr;

#[cfg(test)]
mod tests;

/// Who has to have a batch before it counts as written. Kafka: `acks`.
///
/// Kafka's numbers convert into it, and the words that configurations have for them.
///
/// ```
/// use ekafka_conn::Acks;
///
/// assert_eq!(Acks::try_from(-1)?, Acks::All);
/// assert_eq!("leader".parse(), Ok(Acks::One));
/// assert_eq!(Acks::None.number(), 0);
/// assert!(Acks::try_from(2).is_err());
/// # Ok::<(), ekafka_conn::UnknownAcks>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Acks {
    /// No one: written means handed to the operating system. Nothing is ever sent twice, and offsets are not known.
    None,
    /// The partition's leader. A record is lost if the leader fails before others have copied it.
    One,
    /// All replicas that are in sync.
    #[default]
    All,
}

impl Acks {
    /// The number that stands for it in requests: 0, 1 or -1.
    #[must_use]
    pub const fn number(self) -> i16 {
        match self {
            Self::None => 0,
            Self::One => 1,
            Self::All => -1,
        }
    }
}

impl TryFrom<i32> for Acks {
    type Error = UnknownAcks;

    fn try_from(number: i32) -> Result<Self, UnknownAcks> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::One),
            -1 => Ok(Self::All),
            _ => Err(UnknownAcks(number.to_string())),
        }
    }
}

impl TryFrom<i16> for Acks {
    type Error = UnknownAcks;

    fn try_from(number: i16) -> Result<Self, UnknownAcks> {
        i32::from(number).try_into()
    }
}

/// Reads `none` or `0`, `one`, `leader` or `1`, `all` or `-1`.
impl FromStr for Acks {
    type Err = UnknownAcks;

    fn from_str(text: &str) -> Result<Self, UnknownAcks> {
        match text {
            "none" | "0" => Ok(Self::None),
            "one" | "leader" | "1" => Ok(Self::One),
            "all" | "-1" => Ok(Self::All),
            _ => Err(UnknownAcks(text.to_owned())),
        }
    }
}

/// No [`Acks`] have this number or name.
///
/// ```
/// use ekafka_conn::Acks;
///
/// let error = Acks::try_from(2_i16).unwrap_err();
/// assert_eq!(error.to_string(), "no acks are called 2: there are 0 (none), 1 (one) and -1 (all)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAcks(String);

impl fmt::Display for UnknownAcks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = &self.0;
        write!(
            f,
            "no acks are called {asked}: there are 0 (none), 1 (one) and -1 (all)"
        )
    }
}

impl std::error::Error for UnknownAcks {}
