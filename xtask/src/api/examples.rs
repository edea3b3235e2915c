//! Which public functions no example of their crate calls.

use serde_json::Value;

/// The functions and methods of a crate's list that its examples do not call, as `Type::name` or `name`.
pub(super) fn uncalled(list: &str, json: &Value) -> Vec<String> {
    let code = code_of(json);
    let calls = |name: &str| {
        code.match_indices(name)
            .any(|(at, _)| is_call(&code, at, name))
    };
    let mut uncalled = Vec::new();
    for line in list.lines().filter_map(|line| line.strip_prefix("- ")) {
        let Some((kind, rest)) = line.split_once(" **") else {
            continue;
        };
        let (owner, parts) = rest.split_once("**").unwrap_or((rest, ""));
        if kind == "fn" && !calls(owner) {
            uncalled.push(owner.to_owned());
        }
        let methods = parts
            .split([' ', ','])
            .filter_map(|part| part.strip_suffix("()"));
        let missing = methods.filter(|method| !calls(method));
        uncalled.extend(missing.map(|method| format!("{owner}::{method}")));
    }
    uncalled
}

/// Whether what stands there is the whole name, and called.
fn is_call(code: &str, at: usize, name: &str) -> bool {
    let is_part = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    let before = code.as_bytes()[..at].last();
    let behind = &code[at + name.len()..];
    let is_called = behind.starts_with('(') || behind.starts_with("::<");
    is_called && !before.copied().is_some_and(is_part)
}

/// The code of all examples in a crate's documentation.
fn code_of(json: &Value) -> String {
    let items = json["index"]
        .as_object()
        .into_iter()
        .flat_map(|items| items.values());
    let mut code = String::new();
    for docs in items.filter_map(|item| item["docs"].as_str()) {
        // Text and code take turns.
        for block in docs.split("```").skip(1).step_by(2) {
            code += block;
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_example_calls_is_told() {
        let list = "\n### `a`\n\n- struct **Pump**: .size, new(), start(), stop()\n- fn **drain**\n- trait **Flow**: rate\n";
        let docs = "A pump.\n\n```\nlet pump = Pump::new(3);\npump.restart();\n```\nNever stop() it. ```\npump.stop();\n```";
        let json = json!({ "index": { "1": { "docs": docs }, "2": { "docs": null } } });
        assert_eq!(uncalled(list, &json), ["Pump::start", "drain"]);
    }
}
