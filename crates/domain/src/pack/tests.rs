//! What the pack format promises: the shipped pack against the campaign's facts, and every kind of fault at its line.

#![allow(clippy::unwrap_used)]

mod changes;
mod faults;
mod queries;
mod schema;
mod shipped;
mod shipped_campaign;

use super::Pack;

const SHIPPED: &str = include_str!("../../../../packs/lyg-2021-training/pack.json");
const EXAMPLE: &str = include_str!("../../../../packs/example/pack.json");

fn shipped() -> Pack {
    read(SHIPPED)
}

fn read(text: &str) -> Pack {
    match Pack::parse(text.as_bytes()) {
        Ok(pack) => pack,
        Err(faults) => panic!("the pack has faults:\n{}", lines(&faults)),
    }
}

fn lines(faults: &[super::Fault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
