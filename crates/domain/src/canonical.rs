//! Canonical JSON: one spelling for one value, so that a digest of a value means the value.
//!
//! Object keys in byte order, no white space, strings escaped as `serde_json` does. The order in which a map type keeps its
//! keys is a matter of build features, so it is not relied on.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::suite;

/// Writes `value` in its one canonical spelling.
pub fn to_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write(value, &mut out);
    out
}

/// The hash of the canonical spelling, behind words of its own and the number of the algorithms.
pub fn digest(value: &Value) -> [u8; 32] {
    let mut text = suite::text(b"shicha-content-1\0", 0);
    write(value, &mut text);
    Sha256::digest(text).into()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.extend_from_slice(value.to_string().as_bytes());
        }
        Value::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push(b'{');
            for (n, key) in keys.into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(Value::String(key.clone()).to_string().as_bytes());
                out.push(b':');
                write(&map[key], out);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_order_in_which_fields_were_written_does_not_matter() {
        let a: Value = serde_json::from_str(r#"{"b":[1,{"y":2,"x":"中"}],"a":null}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{ "a":null, "b":[1,{"x":"中","y":2}] }"#).unwrap();
        assert_eq!(to_bytes(&a), to_bytes(&b));
        assert_eq!(
            String::from_utf8(to_bytes(&a)).unwrap(),
            r#"{"a":null,"b":[1,{"x":"中","y":2}]}"#
        );
    }
}
