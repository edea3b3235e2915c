//! Text that must not be seen.

use std::fmt;

use zeroize::Zeroizing;

/// A password: wiped from memory when dropped, never printed.
///
/// `Debug` writes `***`; there is no `Display`. What the log-in puts on the wire is a copy whose
/// buffer belongs to the connection and is freed, not wiped, once written.
///
/// ```
/// use ekafka_conn::Secret;
///
/// let password = Secret::new("open sesame");
/// assert!(!password.is_empty() && !format!("{password:?}").contains("sesame"));
/// assert_eq!(password.expose(), "open sesame");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
