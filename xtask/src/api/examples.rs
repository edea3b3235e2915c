//! Which public functions no example of their crate calls.

use std::collections::BTreeMap;

use serde_json::Value;

use super::items::{Function, Kind};

/// Those of a crate's functions that its examples do not call, as `Type::name` or `name`.
pub(super) fn uncalled(functions: &[Function], json: &Value) -> Vec<String> {
    let words = words_of(&code_of(json));
    let missing = functions
        .iter()
        .filter(|function| !is_shown(function, &words));
    missing.map(Function::to_string).collect()
}

/// Whether an example calls it as what it is. Of a trait's functions, writing one's own counts, too: that is how most traits
/// are used.
fn is_shown(function: &Function, words: &Words) -> bool {
    let Some(places) = words.get(function.name.as_str()) else {
        return false;
    };
    places.iter().any(|place| match function.kind {
        Kind::Free => place.is_call && !place.is_definition && place.before != Before::Dot,
        Kind::Method => is_called(place),
        Kind::OfType => matches!(&place.before, Before::Path(owner)
            if *owner == function.owner || owner == "Self" || owner == ">"),
        Kind::OfTrait => place.is_definition || is_called(place),
    })
}

/// `.name(` or `::name`, which may also be handed over without being called.
fn is_called(place: &Place) -> bool {
    match place.before {
        Before::Dot => place.is_call,
        Before::Path(_) => true,
        Before::Nothing => false,
    }
}

/// Each word of the examples with the places where it stands.
type Words = BTreeMap<String, Vec<Place>>;

/// How a word stands in code.
struct Place {
    before: Before,
    /// Whether arguments follow.
    is_call: bool,
    /// Whether it stands behind `fn`.
    is_definition: bool,
}

/// What stands right before a word.
#[derive(PartialEq, Eq)]
enum Before {
    Dot,
    /// `::` with the word before that, or `>` behind type arguments.
    Path(String),
    Nothing,
}

fn words_of(code: &str) -> Words {
    let mut words = Words::new();
    let is_part = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    let mut rest = code;
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let length = word
            .find(|letter: char| !is_part(letter))
            .unwrap_or(word.len());
        let (word, behind) = word.split_at(length);
        let at = code.len() - behind.len() - length;
        let ahead = &code[..at];
        let before = match ahead.strip_suffix("::") {
            Some(path) if path.ends_with('>') => Before::Path(owner_of(path)),
            Some(path) => Before::Path(last_word(path)),
            None if ahead.trim_end().ends_with('.') => Before::Dot,
            None => Before::Nothing,
        };
        words.entry(word.to_owned()).or_default().push(Place {
            before,
            is_call: behind.starts_with('(') || behind.starts_with("::<"),
            is_definition: ahead.trim_end().ends_with(" fn") || ahead.trim_end() == "fn",
        });
        rest = behind;
    }
    words
}

fn last_word(text: &str) -> String {
    let is_part = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    let from = text
        .rfind(|letter: char| !is_part(letter))
        .map_or(0, |at| at + 1);
    text[from..].to_owned()
}

/// Of `Type::<Argument>` the type; `>` where it is `<Type as Trait>`.
fn owner_of(path: &str) -> String {
    match path.rsplit_once("::<") {
        Some((owner, arguments)) if !arguments.contains(" as ") => last_word(owner),
        _ => ">".to_owned(),
    }
}

/// The code of all examples in a crate's documentation, without comments.
fn code_of(json: &Value) -> String {
    let items = json["index"]
        .as_object()
        .into_iter()
        .flat_map(|items| items.values());
    let mut code = String::new();
    for docs in items.filter_map(|item| item["docs"].as_str()) {
        // Text and code take turns.
        for line in docs.split("```").skip(1).step_by(2).flat_map(str::lines) {
            let is_comment = line.trim_start().starts_with("//");
            if !is_comment {
                code += line;
                code.push('\n');
            }
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn function(owner: &str, name: &str, kind: Kind) -> Function {
        Function {
            owner: owner.to_owned(),
            name: name.to_owned(),
            kind,
        }
    }

    #[test]
    fn what_no_example_calls_is_told() {
        let functions = [
            function("Pump", "new", Kind::OfType),
            function("Tank", "new", Kind::OfType),
            function("Pump", "start", Kind::Method),
            function("Pump", "stop", Kind::Method),
            function("Pump", "level", Kind::Method),
            function("", "drain", Kind::Free),
            function("", "fill", Kind::Free),
            function("Flow", "rate", Kind::OfTrait),
            function("Flow", "depth", Kind::OfTrait),
        ];
        let docs = "A pump.\n\n```\nlet pump = Pump::new(3);\npump.restart();\nfill(pump.level);\n// pump.start();\n```\nNever stop() it. ```\npump\n    .stop();\npump.drain();\nimpl Flow for Pump {\n    fn rate(&self) -> u8 { start() }\n}\n```";
        let json = json!({ "index": { "1": { "docs": docs }, "2": { "docs": null } } });
        assert_eq!(
            uncalled(&functions, &json),
            [
                "Tank::new",
                "Pump::start",
                "Pump::level",
                "drain",
                "Flow::depth"
            ]
        );
    }

    #[test]
    fn paths_count_with_their_types_arguments() {
        let docs = "```\nlet read = Frame::<u8>::read(1);\nlet all = names.map(Name::new);\n<Name as Call>::make(2);\n```";
        let json = json!({ "index": { "1": { "docs": docs } } });
        let functions = [
            function("Frame", "read", Kind::OfType),
            function("Name", "new", Kind::OfType),
            function("Call", "make", Kind::OfTrait),
            function("Other", "new", Kind::OfType),
        ];
        assert_eq!(uncalled(&functions, &json), ["Other::new"]);
    }
}
