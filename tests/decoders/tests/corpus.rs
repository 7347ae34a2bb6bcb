//! Every decoder over its corpus, over the same inputs altered, and over what nobody should send: no panic, no broken promise, and never more
//! memory than the limits allow.
//!
//! One test after another in one function: they share the count of memory. A fault names the input, or the seed of the alteration.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use peak_alloc::PeakAlloc;
use shicha_decoders::{DECODERS, Decoder};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How long the inputs of one decoder are altered.
const ALTERING: Duration = Duration::from_millis(1_200);
/// How many are altered however slow the machine is.
const FEWEST: u64 = 10;
/// The most memory that a decoder may take for an input of the corpus, which is small: a ledger's caches included.
const MOST_MIB: f32 = 96.0;

fn corpus(decoder: &Decoder) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(decoder.name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} has a corpus", decoder.name);
    files
        .into_iter()
        .map(|file| {
            let bytes = fs::read(&file).unwrap();
            (file, bytes)
        })
        .collect()
}

/// Runs a decoder and names the input if it does not keep what it promises.
fn hold(decoder: &Decoder, bytes: &[u8], name: &dyn Fn() -> String) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage_as_mb();
    if catch_unwind(AssertUnwindSafe(|| (decoder.hold)(bytes))).is_err() {
        panic!(
            "{} breaks a promise on {}: {}",
            decoder.name,
            name(),
            bytes.escape_ascii()
        );
    }
    let taken = MEMORY.peak_usage_as_mb() - before;
    assert!(
        taken <= MOST_MIB,
        "{} takes {taken} MiB for {} bytes, {}",
        decoder.name,
        bytes.len(),
        name()
    );
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % end.max(1) as u64) as usize
    }
}

/// The same input with a few bytes turned, cut out, doubled, or replaced by a piece of another.
fn altered(bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        let upto = (at + dice.below(24)).min(bytes.len());
        match dice.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..upto)),
            2 => {
                let piece = bytes[at..upto].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let from = dice.below(other.len());
                let to = (from + dice.below(64)).min(other.len());
                bytes.splice(at..upto, other[from..to].iter().copied());
            }
            4 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)];
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
    bytes
}

#[test]
fn no_decoder_breaks_a_promise_on_its_corpus_or_on_altered_inputs() {
    let seed: u64 = std::env::var("SHICHA_SEED").map_or_else(
        |_| 20_211_125,
        |text| text.parse().expect("SHICHA_SEED is a number"),
    );
    // Faults of other people's decoders that ours contain need not be told one by one.
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |fault| {
        if fault
            .location()
            .is_some_and(|at| at.file().contains("decoders"))
        {
            told(fault);
        }
    }));
    for decoder in DECODERS {
        let inputs = corpus(decoder);
        for (file, bytes) in &inputs {
            hold(decoder, bytes, &|| file.display().to_string());
        }
        let begin = Instant::now();
        let mut round = 0;
        while round < FEWEST || begin.elapsed() < ALTERING {
            let mut dice = Dice(seed.wrapping_add(round));
            let (file, bytes) = &inputs[dice.below(inputs.len())];
            let (_, other) = &inputs[dice.below(inputs.len())];
            let bytes = altered(bytes, other, &mut dice);
            hold(decoder, &bytes, &|| {
                format!(
                    "{} altered, SHICHA_SEED={}",
                    file.display(),
                    seed.wrapping_add(round)
                )
            });
            round += 1;
        }
        println!(
            "{}: {} inputs, {round} altered from seed {seed}",
            decoder.name,
            inputs.len()
        );
    }
}

#[test]
fn every_decoder_has_a_fuzz_target_and_every_target_a_decoder() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    let mut targets: Vec<&str> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|bin| bin.split('"').nth(1))
        .collect();
    let mut decoders: Vec<&str> = DECODERS.iter().map(|decoder| decoder.name).collect();
    targets.sort_unstable();
    decoders.sort_unstable();
    assert_eq!(targets, decoders);
}
