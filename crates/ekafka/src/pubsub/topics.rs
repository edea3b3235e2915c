//! What a subscription reads: topics by name, or those that fit a pattern.

/// Topics to subscribe to: one, several, or all that fit a pattern, those that come later included.
///
/// A name in which `*`, `+` or `#` stands is a pattern, as no topic can have these in its name: `*` and `+` stand for
/// one or more characters without a dot, `#` for any characters. A name that begins with `^` is a regular expression.
///
/// ```
/// use ekafka::pubsub::Topics;
///
/// assert!(Topics::from("logger.sensor.*").is_pattern());
/// assert!(!Topics::from(["logger.sensor.ts", "logger.sensor.hg"]).is_pattern());
/// ```
///
/// ```
/// use ekafka::pubsub::Topics;
///
/// assert!(Topics::from("logger.sensor.*").is_pattern());
/// assert_eq!(Topics::from(["orders", "returns"]).text(), "orders,returns");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Named(Vec<String>),
    /// As given, and as a regular expression for whole names.
    Pattern(String, String),
}

impl Topics {
    /// Whether topics are found by a pattern.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        matches!(self.0, Kind::Pattern(..))
    }

    /// As they were given; several are joined by commas.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.0 {
            Kind::Named(names) => names.join(","),
            Kind::Pattern(given, _) => given.clone(),
        }
    }

    /// The names, or the regular expression.
    pub(super) fn names_or_pattern(&self) -> Result<&[String], &str> {
        match &self.0 {
            Kind::Named(names) => Ok(names),
            Kind::Pattern(_, regex) => Err(regex),
        }
    }

    fn of(names: Vec<String>) -> Self {
        if !names.iter().any(|name| is_pattern(name)) {
            return Self(Kind::Named(names));
        }
        let parts: Vec<_> = names.iter().map(|name| regex(name)).collect();
        let regex = match &parts[..] {
            [one] => one.clone(),
            many => format!("(?:{})", many.join("|")),
        };
        Self(Kind::Pattern(names.join(","), regex))
    }
}

impl From<&str> for Topics {
    fn from(topic: &str) -> Self {
        Self::of(vec![topic.to_owned()])
    }
}

impl From<&String> for Topics {
    fn from(topic: &String) -> Self {
        Self::from(topic.as_str())
    }
}

impl From<String> for Topics {
    fn from(topic: String) -> Self {
        Self::of(vec![topic])
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Topics {
    fn from(topics: [S; N]) -> Self {
        Self::of(topics.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String>> From<Vec<S>> for Topics {
    fn from(topics: Vec<S>) -> Self {
        Self::of(topics.into_iter().map(Into::into).collect())
    }
}

fn is_pattern(name: &str) -> bool {
    name.starts_with('^') || name.contains(['*', '+', '#'])
}

/// A name or pattern as a regular expression for whole names.
fn regex(name: &str) -> String {
    if let Some(expression) = name.strip_prefix('^') {
        return format!("(?:{})", expression.strip_suffix('$').unwrap_or(expression));
    }
    let mut regex = String::new();
    for character in name.chars() {
        match character {
            '*' | '+' => regex.push_str("[^.]+"),
            '#' => regex.push_str(".*"),
            // Letters, digits, `_` and `-` stand for themselves in both; all else is escaped.
            character if character.is_alphanumeric() || matches!(character, '_' | '-') => {
                regex.push(character);
            }
            character => {
                regex.push('\\');
                regex.push(character);
            }
        }
    }
    regex
}
