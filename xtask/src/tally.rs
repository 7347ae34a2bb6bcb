//! Counts what test runners say in their closing lines.

use std::ops::AddAssign;

/// Tests that passed and tests that failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Tally {
    /// Counts a line of `cargo test`: `test result: ok. 3 passed; 0 failed; …`.
    pub(crate) fn read_cargo(&mut self, line: &str) {
        if let Some(result) = line.trim().strip_prefix("test result: ") {
            self.passed += before(result, "passed");
            self.failed += before(result, "failed");
        }
    }

    /// Counts a line of vitest: `Tests  1 failed | 11 passed (12)`.
    pub(crate) fn read_vitest(&mut self, line: &str) {
        let line = without_colours(line);
        if let Some(result) = line.trim().strip_prefix("Tests ") {
            self.passed += before(result, "passed");
            self.failed += before(result, "failed");
        }
    }

    /// Counts a line of Playwright's list: `  2 failed`, `  29 passed (14.2s)`.
    pub(crate) fn read_playwright(&mut self, line: &str) {
        let line = without_colours(line);
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [number, "passed", ..] => self.passed += number.parse().unwrap_or(0),
            [number, "failed" | "flaky" | "interrupted"] => {
                self.failed += number.parse().unwrap_or(0);
            }
            _ => {}
        }
    }
}

/// The number before a word.
fn before(line: &str, word: &str) -> u64 {
    let mut last = 0;
    for token in line
        .split([' ', ';', '|', '(', ')'])
        .filter(|token| !token.is_empty())
    {
        if token == word {
            return last;
        }
        last = token.parse().unwrap_or(0);
    }
    0
}

fn without_colours(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut is_escape = false;
    for c in line.chars() {
        match (is_escape, c) {
            (false, '\u{1b}') => is_escape = true,
            (false, c) => text.push(c),
            (true, c) => is_escape = !c.is_ascii_alphabetic(),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_playwright_are_counted_and_the_lines_of_its_tests_are_not() {
        let mut tally = Tally::default();
        for line in [
            "Running 31 tests using 2 workers",
            "  ✓  3 e2e/components.spec.ts:40:1 › 2 passed through (1.2s)",
            "  1 failed",
            "    e2e/components.spec.ts:40:1 › it failed ",
            "\u{1b}[32m  30 passed\u{1b}[39m (14.2s)",
        ] {
            tally.read_playwright(line);
        }
        assert_eq!((tally.passed, tally.failed), (30, 1));
    }

    #[test]
    fn the_closing_lines_of_both_runners_are_counted_and_nothing_else() {
        let mut tally = Tally::default();
        tally.read_cargo("running 3 tests\n");
        tally.read_cargo("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.05s\n");
        tally.read_cargo(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n",
        );
        assert_eq!(
            tally,
            Tally {
                passed: 4,
                failed: 2
            }
        );
        tally.read_vitest(" Test Files  2 passed (2)\n");
        tally.read_vitest("\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m | \u{1b}[32m11 passed\u{1b}[39m (12)\n");
        assert_eq!(
            tally,
            Tally {
                passed: 15,
                failed: 3
            }
        );
    }
}
