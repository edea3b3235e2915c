//! Whom a quota is about.

use std::collections::BTreeMap;
use std::fmt;

/// A user, a client id, an address, or a combination: whom a quota is about. Without a name, everybody of that kind who
/// has no quota of their own.
///
/// ```
/// use ekafka_admin::QuotaEntity;
///
/// let entities = [
///     QuotaEntity::user("guest").and("client-id", Some("importer".into())),
///     QuotaEntity::client_id("importer"),
///     QuotaEntity::ip("10.0.0.7"),
///     QuotaEntity::default_of("user"),
/// ];
/// assert_eq!(entities[0].parts().len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuotaEntity {
    /// Names by kind; `None` is the default of the kind.
    pub(crate) parts: BTreeMap<String, Option<String>>,
}

impl QuotaEntity {
    /// A user, by name.
    pub fn user(name: impl Into<String>) -> Self {
        Self::default().and("user", Some(name.into()))
    }

    /// A client id.
    pub fn client_id(id: impl Into<String>) -> Self {
        Self::default().and("client-id", Some(id.into()))
    }

    /// Clients at an address (KIP-612).
    pub fn ip(address: impl Into<String>) -> Self {
        Self::default().and("ip", Some(address.into()))
    }

    /// Everybody of a kind (`user`, `client-id`, `ip`) who has no quota of their own.
    pub fn default_of(kind: impl Into<String>) -> Self {
        Self::default().and(kind, None)
    }

    /// The same, narrowed by another kind.
    #[must_use]
    pub fn and(mut self, kind: impl Into<String>, name: Option<String>) -> Self {
        self.parts.insert(kind.into(), name);
        self
    }

    /// The kinds and names; no name is the default of the kind.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&str, Option<&str>)> {
        let parts = self.parts.iter();
        parts.map(|(kind, name)| (kind.as_str(), name.as_deref()))
    }
}

impl fmt::Display for QuotaEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, name)) in self.parts().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{kind} {}", name.unwrap_or("by default"))?;
        }
        Ok(())
    }
}
