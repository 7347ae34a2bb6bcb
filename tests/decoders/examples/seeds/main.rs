//! Writes the first inputs of each fuzz target, made by the real encoders: `cargo run -p shicha-decoders --example seeds -- <folder>`.
//!
//! What the fuzzer finds from there on is minimised and kept beside them in `fuzz/corpus`.
#![allow(clippy::unwrap_used)]

mod files;
mod words;

use std::{fs, path::Path};

fn main() {
    let folder = std::env::args().nth(1).expect("a folder to write to");
    let sets = [
        ("entry", words::entries()),
        ("fold", words::logs()),
        ("taken", words::logs()),
        ("push", words::pushes()),
        ("pull", words::pulls()),
        ("message", words::messages()),
        ("pack", files::packs()),
        ("package", words::packages()),
        ("picture", files::pictures()),
        ("roster", files::rosters()),
        ("update", words::updates()),
    ];
    for (name, seeds) in sets {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).unwrap();
        for (n, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{n:02}")), seed).unwrap();
        }
        println!("{name}: {} seeds", seeds.len());
    }
}
