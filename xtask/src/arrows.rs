//! The direction of the dependencies: who may know whom.
//!
//! `src-tauri → api → {sync, papers, ledger} → domain`, `server → the protocol in sync → domain`. Only the shell knows Tauri. Tests
//! may know the parts that they put together; nothing that is shipped knows a test.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// Package, and the packages of ours that it may depend on outside its own tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("shicha-domain", &[]),
    ("shicha-ledger", &["shicha-domain"]),
    ("shicha-papers", &["shicha-domain"]),
    ("shicha-sync", &["shicha-domain", "shicha-ledger"]),
    (
        "shicha-api",
        &[
            "shicha-domain",
            "shicha-ledger",
            "shicha-papers",
            "shicha-sync",
        ],
    ),
    ("shicha-server", &["shicha-domain", "shicha-sync"]),
    ("shicha", &["shicha-api"]),
    ("shicha-host", &["shicha-api"]),
    // It makes keys and signatures for trials, and knows nothing of the product.
    ("xtask", &["shicha-maker"]),
];

/// The feature of the protocol that describes its messages, and brings nothing else.
const PROTOCOL_SCHEMAS: &str = "openapi";

/// The shell, and the bare window that its start is measured against.
const KNOW_TAURI: &[&str] = &["shicha", "shicha-bare"];

/// Checks the manifests.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let faults = faults(&workspace.metadata);
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    bail!("{} dependencies point the wrong way", faults.len());
}

fn faults(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]);
    let is_ours = |name: &str| packages.iter().any(|package| package["name"] == name);
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        for dependency in list(&package["dependencies"]) {
            let other = dependency["name"].as_str().unwrap_or_default();
            if other.starts_with("tauri") && !KNOW_TAURI.contains(&name) {
                faults.push(format!(
                    "{name} depends on {other}: only the shell knows Tauri"
                ));
            }
            if !is_ours(other) || dependency["kind"] == "dev" {
                continue;
            }
            let allowed = ARROWS.iter().find(|(from, _)| *from == name);
            if allowed.is_some_and(|(_, to)| !to.contains(&other)) {
                faults.push(format!("{name} depends on {other}"));
            }
            if name == "shicha-server"
                && other == "shicha-sync"
                && (dependency["uses_default_features"] != false
                    || list(&dependency["features"])
                        .iter()
                        .any(|feature| feature != PROTOCOL_SCHEMAS))
            {
                faults.push(format!("{name} takes more of {other} than the protocol"));
            }
        }
    }
    for (name, _) in ARROWS {
        if !is_ours(name) {
            faults.push(format!("{name} has no manifest, but its arrows are listed"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependencies: Value) -> Value {
        json!({ "name": name, "dependencies": dependencies })
    }

    fn all_with(changed: Value) -> Value {
        let packages: Vec<Value> = ARROWS
            .iter()
            .map(|(name, _)| {
                if changed["name"] == *name {
                    changed.clone()
                } else {
                    package(name, json!([]))
                }
            })
            .collect();
        json!({ "packages": packages })
    }

    #[test]
    fn the_allowed_arrows_pass() {
        let api = package(
            "shicha-api",
            json!([{ "name": "shicha-ledger", "kind": null }, { "name": "serde", "kind": null }]),
        );
        assert_eq!(faults(&all_with(api)), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_points_the_wrong_way_is_named() {
        let domain = package(
            "shicha-domain",
            json!([
                { "name": "shicha-ledger", "kind": null },
                { "name": "shicha-api", "kind": "dev" },
                { "name": "tauri", "kind": null },
            ]),
        );
        assert_eq!(
            faults(&all_with(domain)),
            [
                "shicha-domain depends on shicha-ledger",
                "shicha-domain depends on tauri: only the shell knows Tauri"
            ]
        );
    }

    #[test]
    fn the_server_may_take_the_protocol_only() {
        let server = |features: Value, default: bool| {
            package(
                "shicha-server",
                json!([{ "name": "shicha-sync", "kind": null, "features": features, "uses_default_features": default }]),
            )
        };
        assert!(faults(&all_with(server(json!([]), false))).is_empty());
        assert!(faults(&all_with(server(json!(["openapi"]), false))).is_empty());
        assert_eq!(faults(&all_with(server(json!([]), true))).len(), 1);
        assert_eq!(faults(&all_with(server(json!(["client"]), false))).len(), 1);
    }
}
