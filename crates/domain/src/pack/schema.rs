//! Writes the JSON Schema (2020-12) of the pack format, for editors and for anyone who makes packs with other tools.
//!
//! The schema says what one value may be. What must hold between values is beyond it: `check` is what decides.

use serde_json::{Map, Value, json};

use super::Pack;
use super::shape::{Record, Shape, Shaped};
use super::walk::MAX_TEXT;

/// The schema of the pack format.
#[must_use]
pub fn schema() -> Value {
    let mut defs = Map::new();
    let root = shape(&Pack::SHAPE, &mut defs);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Shicha campaign pack, format 1",
        "$ref": root["$ref"],
        "$defs": defs,
    })
}

fn shape(of: &Shape, defs: &mut Map<String, Value>) -> Value {
    match of {
        Shape::Text => {
            define(defs, "Text", || {
                json!({
                    "description": "Text with something to read in it.",
                    "type": "string", "pattern": r"\S", "maxLength": MAX_TEXT,
                })
            });
            reference("Text")
        }
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Whole => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Form(form) => {
            define(
                defs,
                form.name,
                || json!({ "description": form.about.trim(), "type": "string", "pattern": form.pattern }),
            );
            reference(form.name)
        }
        Shape::Row(table) => {
            let id = shape(&super::ids::Id::SHAPE, defs);
            let (place, _, en) = table.words();
            json!({ "description": format!("The id of a {en} in {place}."), "$ref": id["$ref"] })
        }
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::List { of, at_least_one } => {
            json!({ "type": "array", "items": shape(of, defs), "minItems": u32::from(*at_least_one) })
        }
        Shape::Record(record) => {
            if !defs.contains_key(record.name) {
                // Reserved first: fields may use the same record.
                defs.insert(record.name.to_owned(), Value::Null);
                let written = object(record, defs);
                defs.insert(record.name.to_owned(), written);
            }
            reference(record.name)
        }
    }
}

fn define(defs: &mut Map<String, Value>, name: &str, make: impl FnOnce() -> Value) {
    if !defs.contains_key(name) {
        defs.insert(name.to_owned(), make());
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn object(record: &Record, defs: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in record.fields {
        let mut value = shape(field.shape, defs);
        // What the field says is more exact than what its type says.
        value["description"] = field.about.trim().into();
        properties.insert(field.name.to_owned(), value);
        if field.is_required {
            required.push(field.name);
        }
    }
    json!({
        "description": record.about.trim(),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
