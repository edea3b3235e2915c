//! What rustdoc's JSON says about crates, as lists of names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use serde_json::{Map, Value};

/// The crates by their names in code.
#[derive(Default)]
pub(super) struct Crates(BTreeMap<String, Value>);

impl Crates {
    pub(super) fn add(&mut self, name: &str, json: Value) {
        self.0.insert(name.to_owned(), json);
    }

    /// What rustdoc said about a crate; null about one that was not added.
    pub(super) fn json(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// The public items of one crate as a chapter, and the functions among them.
    pub(super) fn list(&self, name: &str, title: &str) -> (String, Vec<Function>) {
        let (mut text, mut functions) = (format!("\n## {title}\n"), Vec::new());
        if let Some(json) = self.0.get(name) {
            let root = id_of(&json["root"]);
            Module {
                json,
                path: name.to_owned(),
            }
            .write(&root, &mut text, &mut functions);
        }
        (text, functions)
    }

    /// The types of messages that signatures of a crate name.
    pub(super) fn wire_types_of(&self, name: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        if let Some(json) = self.0.get(name) {
            let paths = object(&json["paths"]);
            for item in object(&json["index"])
                .values()
                .filter(|item| is_public(item))
            {
                collect_ids(&item["inner"], &mut |id| {
                    let path = paths.get(id).map(path_of).unwrap_or_default();
                    let is_wire = WIRE.iter().any(|wire| path.starts_with(wire));
                    if is_wire && !PLAIN.contains(&path.as_str()) {
                        found.insert(format!("{path} in {name}::{}", name_of(item)));
                    }
                });
            }
        }
        found.into_iter().collect()
    }
}

/// A public function.
pub(super) struct Function {
    /// Its type or trait; empty where there is none.
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By its name.
    Free,
    /// On a value.
    Method,
    /// On a type: it takes no `self`.
    OfType,
    /// As its trait's.
    OfTrait,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner.as_str() {
            "" => f.write_str(&self.name),
            owner => write!(f, "{owner}::{}", self.name),
        }
    }
}

/// What a module has, by name.
#[derive(Default)]
struct Found {
    lines: BTreeMap<String, String>,
    functions: Vec<Function>,
    /// Their ids.
    modules: BTreeMap<String, String>,
    /// What is passed on, by crate.
    passed_on: BTreeMap<String, BTreeSet<String>>,
}

/// A module being listed.
struct Module<'j> {
    json: &'j Value,
    path: String,
}

impl Module<'_> {
    fn write(&self, id: &str, text: &mut String, functions: &mut Vec<Function>) {
        let mut found = Found::default();
        self.gather(id, &mut found);
        let _ = write!(text, "\n### `{}`\n\n", self.path);
        for line in found.lines.values() {
            let _ = writeln!(text, "- {line}");
        }
        functions.append(&mut found.functions);
        for (from, names) in found.passed_on {
            let names: Vec<String> = names.into_iter().collect();
            let _ = writeln!(text, "- from `{from}`: {}", names.join(", "));
        }
        for (name, id) in found.modules {
            let path = format!("{}::{name}", self.path);
            Module {
                json: self.json,
                path,
            }
            .write(&id, text, functions);
        }
    }

    /// What a module has, with everything of a module of the same crate that it passes on as a whole.
    fn gather(&self, id: &str, found: &mut Found) {
        let index = object(&self.json["index"]);
        let Some(module) = index.get(id) else { return };
        for id in ids(&module["inner"]["module"]["items"]) {
            let Some(item) = index.get(&id).filter(|item| is_public(item)) else {
                continue;
            };
            let used = &item["inner"]["use"];
            if used.is_null() {
                self.note(&name_of(item), &id, found);
                continue;
            }
            let target = id_of(&used["id"]);
            let is_ours = index.contains_key(&target);
            let name = used["name"].as_str().unwrap_or_default().to_owned();
            if used["is_glob"] == true && is_ours {
                self.gather(&target, found);
            } else if used["is_glob"] == true {
                let source = used["source"].as_str().unwrap_or_default().to_owned();
                let names = found.passed_on.entry(source).or_default();
                names.insert("*".to_owned());
            } else if is_ours {
                self.note(&name, &target, found);
            } else {
                let paths = object(&self.json["paths"]);
                let from = paths.get(&target).map(path_of).unwrap_or_default();
                let from = from.split("::").next().unwrap_or_default().to_owned();
                found.passed_on.entry(from).or_default().insert(name);
            }
        }
    }

    fn note(&self, name: &str, id: &str, found: &mut Found) {
        let Some(item) = object(&self.json["index"]).get(id) else {
            return;
        };
        let Some(kind) = object(&item["inner"]).keys().next() else {
            return;
        };
        if kind == "module" {
            found.modules.insert(name.to_owned(), id.to_owned());
            return;
        }
        let parts = self.parts(name, kind, &item["inner"][kind], &mut found.functions);
        let parts = if parts.is_empty() {
            String::new()
        } else {
            format!(": {}", parts.join(", "))
        };
        if kind == "function" {
            found.functions.push(Function {
                owner: String::new(),
                name: name.to_owned(),
                kind: Kind::Free,
            });
        }
        let kind = if kind == "function" { "fn" } else { kind };
        let lines = &mut found.lines;
        lines.insert(name.to_owned(), format!("{kind} **{name}**{parts}"));
    }

    /// Variants, public fields, inherent methods, and what a trait has. Functions are noted besides.
    fn parts(
        &self,
        owner: &str,
        kind: &str,
        inner: &Value,
        functions: &mut Vec<Function>,
    ) -> Vec<String> {
        let index = object(&self.json["index"]);
        let named = |id: &String| index.get(id).map(name_of).filter(|name| !name.is_empty());
        let mut parts: Vec<String> = Vec::new();
        match kind {
            "enum" => parts.extend(ids(&inner["variants"]).iter().filter_map(named)),
            "struct" => {
                let fields = ids(&inner["kind"]["plain"]["fields"]);
                let fields = fields
                    .iter()
                    .filter(|id| index.get(*id).is_some_and(is_public));
                parts.extend(fields.filter_map(named).map(|name| format!(".{name}")));
            }
            _ => {}
        }
        let mut called = |id: &String, kind: Option<Kind>| {
            let item = &index.get(id)?["inner"]["function"];
            let name = named(id)?;
            if item.is_null() {
                return Some(name);
            }
            let first = item["sig"]["inputs"][0][0].as_str();
            let own = match first {
                Some("self") => Kind::Method,
                _ => Kind::OfType,
            };
            functions.push(Function {
                owner: owner.to_owned(),
                name: name.clone(),
                kind: kind.unwrap_or(own),
            });
            Some(format!("{name}()"))
        };
        if kind == "trait" {
            let items = ids(&inner["items"]);
            parts.extend(
                items
                    .iter()
                    .filter_map(|id| called(id, Some(Kind::OfTrait))),
            );
        }
        let mut methods = BTreeSet::new();
        for id in ids(&inner["impls"]) {
            let Some(of) = index.get(&id).map(|item| &item["inner"]["impl"]) else {
                continue;
            };
            if !of["trait"].is_null() {
                continue;
            }
            let items = ids(&of["items"]);
            let public = items
                .iter()
                .filter(|id| index.get(*id).is_some_and(is_public));
            methods.extend(public.filter_map(|id| called(id, None)));
        }
        parts.extend(methods);
        parts
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

fn ids(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.map(id_of).collect()
}

/// Ids are numbers or texts, by version of the format.
fn id_of(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

fn is_public(item: &Value) -> bool {
    let hidden = item["attrs"].to_string().contains("doc(hidden)");
    item["visibility"] == "public" && !hidden
}

fn name_of(item: &Value) -> String {
    item["name"].as_str().unwrap_or_default().to_owned()
}

fn path_of(path: &Value) -> String {
    let parts = path["path"].as_array().into_iter().flatten();
    let parts: Vec<&str> = parts.filter_map(Value::as_str).collect();
    parts.join("::")
}

/// Hands out every id of a resolved path in a signature.
fn collect_ids(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            if let Some(resolved) = fields.get("resolved_path") {
                found(&id_of(&resolved["id"]));
            }
            fields.values().for_each(|field| collect_ids(field, found));
        }
        Value::Array(list) => list.iter().for_each(|entry| collect_ids(entry, found)),
        _ => {}
    }
}

/// What stands there and is no message.
const PLAIN: [&str; 1] = ["ekafka_protocol::messages::fetch::IsolationLevel"];

/// Where the types of messages are.
const WIRE: [&str; 3] = [
    "ekafka_protocol::messages",
    "ekafka_protocol::cold",
    "kafka_protocol",
];
