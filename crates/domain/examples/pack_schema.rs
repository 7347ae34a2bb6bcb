//! Prints the JSON Schema of the pack format; `packs/pack.schema.json` is its output.

fn main() -> Result<(), serde_json::Error> {
    println!(
        "{}",
        serde_json::to_string_pretty(&shicha_domain::pack::schema())?
    );
    Ok(())
}
