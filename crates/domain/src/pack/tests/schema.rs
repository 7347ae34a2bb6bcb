//! The JSON Schema says of single values what the check says.

use serde_json::Value;

use super::super::schema as current_schema;
use super::{EXAMPLE, SHIPPED};

const COMMITTED: &str = include_str!("../../../../../packs/pack.schema.json");

fn faults_of(text: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(COMMITTED).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let pack: Value = serde_json::from_str(text).unwrap();
    validator
        .iter_errors(&pack)
        .map(|fault| fault.to_string())
        .collect()
}

#[test]
fn the_schema_in_the_tree_is_the_one_that_the_types_make() {
    let committed: Value = serde_json::from_str(COMMITTED).unwrap();
    assert_eq!(
        committed,
        current_schema(),
        "run: cargo run -p shicha-domain --example pack_schema > packs/pack.schema.json"
    );
}

#[test]
fn the_shipped_pack_and_the_example_fit_the_schema() {
    assert_eq!(faults_of(SHIPPED), Vec::<String>::new());
    assert_eq!(faults_of(EXAMPLE), Vec::<String>::new());
}

#[test]
fn a_value_that_the_check_refuses_does_not_fit_the_schema_either() {
    let cases = [
        ("\"id\": \"example\"", "\"id\": \"exa mple\""),
        ("\"version\": \"1.0.0\"", "\"version\": \"1.0\""),
        ("\"date\": \"2030-01-02\"", "\"date\": \"2030-13-02\""),
        ("\"issuer\": \"示例市应急管理局\"", "\"issuer\": \" \""),
        ("\"notes\": []", "\"notes\": null"),
        ("\"notes\": []", "\"notes\": [], \"note\": 1"),
        ("\"notes\": [],", ""),
        ("\"value\": 30", "\"value\": -30"),
        ("\"code\": \"999901\"", "\"code\": \"99990\""),
        (
            "\"roll_rule\": \"next_workday\"",
            "\"roll_rule\": \"later\"",
        ),
        ("[\"conforms\", \"to_verify\"]", "[]"),
        (
            "{organ}）{word}〔{year}〕{n}号",
            "{organ}）{word}〔{year}〕号",
        ),
        (
            "{organ}）{word}〔{year}〕{n}号",
            "{organ}）{n}〔{yaer}〕{n}号",
        ),
        ("\"core\": false", "\"core\": \"false\""),
    ];
    for (from, to) in cases {
        assert!(EXAMPLE.contains(from), "{from}");
        let text = EXAMPLE.replace(from, to);
        assert!(
            !faults_of(&text).is_empty(),
            "{from} → {to} fits the schema"
        );
        assert!(
            !super::super::check(text.as_bytes()).is_empty(),
            "{from} → {to} passes the check"
        );
    }
}
