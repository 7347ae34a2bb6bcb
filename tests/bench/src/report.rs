//! How figures are printed: one line each, with the floor and the ratio.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// Prints a heading.
pub(crate) fn heading(text: &str) {
    println!("\n== {text}");
}

/// Prints a time against its floor.
pub(crate) fn time(what: &str, measured: Duration, floor: Duration) {
    let ratio = measured.as_secs_f64() / floor.as_secs_f64().max(1e-9);
    println!(
        "{what:<44} {:>10}   floor {:>10}   ratio {ratio:>6.2}",
        short(measured),
        short(floor)
    );
}

/// Prints a time that has a fixed aim instead of a floor, and the floor for comparison.
pub(crate) fn time_with_aim(what: &str, measured: Duration, floor: Duration, aim: Duration) {
    time(what, measured, floor);
    let verdict = if measured <= aim { "within" } else { "BEYOND" };
    println!("{:<44} {verdict} the aim of {}", "", short(aim));
}

/// Prints a rate against its floor.
pub(crate) fn rate(what: &str, per_second: f64, floor_per_second: f64, unit: &str) {
    let ratio = floor_per_second / per_second.max(1e-9);
    println!(
        "{what:<44} {per_second:>10.0} {unit}   floor {floor_per_second:>10.0} {unit}   ratio {ratio:>6.2}"
    );
}

/// Prints how much memory is held against its floor, in bytes.
pub(crate) fn memory(what: &str, measured: u64, floor: u64) {
    let ratio = measured as f64 / floor.max(1) as f64;
    println!(
        "{what:<44} {:>10}   floor {:>10}   ratio {ratio:>6.2}",
        megabytes(measured),
        megabytes(floor)
    );
}

/// Prints a plain figure.
pub(crate) fn figure(what: &str, value: &str) {
    println!("{what:<44} {value}");
}

/// The value below which the share `part` of all values lies.
pub(crate) fn percentile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    let at = ((times.len() as f64 - 1.0) * part).round() as usize;
    times.get(at).copied().unwrap_or_default()
}

/// A time as it is read.
pub(crate) fn short(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1_000.0 {
        format!("{micros:.0} µs")
    } else if micros < 1_000_000.0 {
        format!("{:.2} ms", micros / 1e3)
    } else {
        format!("{:.2} s", micros / 1e6)
    }
}

/// A size as it is read.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// The most memory that a process ever held, in bytes (`VmHWM`, proc_pid_status(5)).
pub(crate) fn peak_memory(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("a process tells its memory")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}
