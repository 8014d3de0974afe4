//! Holds lines of JSON against docs/json.schema.json.
//!
//! Invariant: whatever the schema says is checked; a word of JSON Schema that is not known here fails the test.

use std::sync::OnceLock;

use serde_json::Value;

/// Checks a line.
pub fn check_line(line: &Value) {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let text = std::fs::read_to_string(crate::root().join("docs/json.schema.json")).expect("readable");
        serde_json::from_str(&text).expect("the schema is JSON")
    });
    assert!(fits(line, schema, schema), "docs/json.schema.json has no such line: {line}");
}

/// Whether the value is as the schema says, by <https://json-schema.org/draft/2020-12>.
fn fits(value: &Value, schema: &Value, root: &Value) -> bool {
    schema.as_object().expect("a schema is an object").iter().all(|(word, argument)| match word.as_str() {
        "$schema" | "$defs" | "title" | "description" => true,
        "$ref" => {
            let place = argument.as_str().and_then(|place| place.strip_prefix('#'));
            fits(value, place.and_then(|place| root.pointer(place)).expect("a reference within the file"), root)
        }
        "oneOf" => variants(argument).filter(|variant| fits(value, variant, root)).count() == 1,
        "const" => value == argument,
        "enum" => variants(argument).any(|allowed| value == allowed),
        "type" => match argument {
            Value::Array(types) => types.iter().any(|name| is_of(value, name)),
            name => is_of(value, name),
        },
        "required" => variants(argument).all(|name| value.get(name.as_str().expect("a name")).is_some()),
        "properties" => argument
            .as_object()
            .expect("properties are an object")
            .iter()
            .all(|(name, schema)| value.get(name).is_none_or(|value| fits(value, schema, root))),
        "additionalProperties" => {
            assert_eq!(argument, false, "additionalProperties");
            value.as_object().into_iter().flatten().all(|(name, _)| schema["properties"].get(name).is_some())
        }
        word => panic!("{word:?} is not known here"),
    })
}

fn variants(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().expect("an array").iter()
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str().expect("a type's name") {
        "object" => value.is_object(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        name => panic!("{name:?} is not known here"),
    }
}
