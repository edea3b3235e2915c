//! A table of a configuration file and the keys it may have, declared once: the type, its default, how it is read and
//! shown, and its line in the reference all come from one `section!`.

use toml::{Table, Value};

use super::error::Faults;
use super::setting::Setting;

/// One key as the reference shows it.
///
/// ```
/// use ekafka::config::{Key, ProducerConfig, Section};
///
/// let keys: Vec<Key> = ProducerConfig::keys();
/// let key = keys.iter().find(|key| key.name == "batchSize").unwrap();
/// assert_eq!(key.default.as_integer(), Some(100));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Key {
    /// As the documents spell it; files may use any case.
    pub name: &'static str,
    /// What may be written.
    pub accepts: &'static str,
    /// What holds without it.
    pub default: Value,
    /// What it does.
    pub effect: &'static str,
}

/// What the keys of one table become.
///
/// ```
/// use ekafka::config::{ClientConfig, Section};
///
/// assert_eq!(ClientConfig::keys().len(), ClientConfig::default().effective().len());
/// ```
pub trait Section: Sized + Default {
    /// Every key of the table, in the order of the reference.
    fn keys() -> Vec<Key>;

    /// The values in effect, passwords blotted out.
    fn effective(&self) -> Table;

    #[doc(hidden)]
    fn read(reading: &mut Reading<'_>) -> Self;
}

#[doc(hidden)]
/// A table being read: finds keys in any case, remembers which were asked for, collects faults.
#[derive(Debug)]
pub struct Reading<'a> {
    path: String,
    table: &'a Table,
    known: Vec<&'static str>,
    faults: &'a mut Faults,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(path: impl Into<String>, table: &'a Table, faults: &'a mut Faults) -> Self {
        let reading = Self {
            path: path.into(),
            table,
            known: Vec::new(),
            faults,
        };
        reading.check_doubles()
    }

    /// The value of `name`, or `default` when it is absent or faulty or zero where zero asks for the default.
    pub(crate) fn key<T: Setting>(&mut self, name: &'static str, default: T) -> T {
        let Some(value) = self.find(name) else {
            return default;
        };
        match T::read(value) {
            Some(read) if read.means_default() => default,
            Some(read) => read,
            None => {
                let found = if T::PUBLIC {
                    value.to_string()
                } else {
                    format!("a value of type {}", value.type_str())
                };
                self.fault(name, format!("expected {}, found {found}", T::ACCEPTS));
                default
            }
        }
    }

    /// The sub-table `name`, empty when absent.
    pub(crate) fn table(&mut self, name: &'static str) -> Option<(&'a Table, &mut Faults)> {
        match self.find(name) {
            None => None,
            Some(Value::Table(table)) => Some((table, self.faults)),
            Some(other) => {
                let problem = format!("expected a table, found {}", other.type_str());
                self.fault(name, problem);
                None
            }
        }
    }

    pub(crate) fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    pub(crate) fn fault(&mut self, name: &str, problem: impl Into<String>) {
        let path = self.path_of(name);
        self.faults.add(path, problem);
    }

    /// Warns about each key that nobody asked for, with the nearest one that exists.
    pub(crate) fn warn_of_unknown_keys(&self) {
        for key in self.table.keys() {
            if self
                .known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(key))
            {
                continue;
            }
            let path = self.path_of(key);
            match nearest(key, &self.known) {
                Some(near) => {
                    tracing::warn!(%path, nearest = near, "unknown key: did you mean `{near}`?")
                }
                None => tracing::warn!(%path, "unknown key"),
            }
        }
    }

    fn find(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.table
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn check_doubles(self) -> Self {
        let mut keys: Vec<String> = self
            .table
            .keys()
            .map(|key| key.to_ascii_lowercase())
            .collect();
        keys.sort();
        for pair in keys.windows(2) {
            if let [one, other] = pair
                && one == other
            {
                self.faults
                    .add(self.path_of(one), "is there twice, in different cases");
            }
        }
        self
    }
}

/// The known key that is fewest edits away, if that is few for its length.
pub(crate) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let key = key.to_ascii_lowercase();
    known
        .iter()
        .map(|known| (edits(&key, &known.to_ascii_lowercase()), *known))
        .filter(|(edits, known)| *edits <= 1 + known.len() / 4)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, known)| known)
}

/// Levenshtein's distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (r, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            *cell = (diagonal + usize::from(l != *r))
                .min(above + 1)
                .min(before + 1);
            diagonal = above;
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Declares the keys of a table: one line of documentation, the field, its type, its default, the key's name.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident {
            $( $(#[doc = $effect:literal])+ $field:ident: $type:ty = $default:expr => $key:literal, )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[doc = $effect])+ pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::config::Section for $name {
            fn keys() -> Vec<$crate::config::Key> {
                let defaults = Self::default();
                vec![ $( $crate::config::Key {
                    name: $key,
                    accepts: <$type as $crate::config::setting::Setting>::ACCEPTS,
                    default: $crate::config::setting::Setting::show(&defaults.$field),
                    effect: concat!($($effect),+).trim_ascii_start(),
                }, )* ]
            }

            fn effective(&self) -> toml::Table {
                let mut table = toml::Table::new();
                $( table.insert($key.to_owned(), $crate::config::setting::Setting::show(&self.$field)); )*
                table
            }

            fn read(reading: &mut $crate::config::Reading<'_>) -> Self {
                let defaults = Self::default();
                Self { $( $field: reading.key($key, defaults.$field), )* }
            }
        }
    };
}

pub(crate) use section;
