use std::{fs, path::Path};

fn main() {
    // `generate_context!` panics when the front end is missing; a fresh clone must still check and test.
    let dist = Path::new("ui/dist");
    if !dist.join("index.html").exists() {
        fs::create_dir_all(dist).expect("create ui/dist");
        fs::write(
            dist.join("index.html"),
            "<!doctype html><p>run: cargo xtask setup</p>",
        )
        .expect("write the placeholder page");
        println!(
            "cargo:warning=ui/dist is missing: a placeholder page was written; run `cargo xtask setup`"
        );
    }
    println!("cargo:rerun-if-changed=ui/dist");
    tauri_build::try_build(
        tauri_build::Attributes::new()
            .capabilities_path_pattern("src-tauri/capabilities/**/*")
            .windows_attributes(
                tauri_build::WindowsAttributes::new()
                    .app_manifest(include_str!("../packaging/windows/app.manifest")),
            ),
    )
    .expect("tauri-build");
}
