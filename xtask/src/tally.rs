//! Counts what test runners say in their closing lines, and keeps the names of what failed.

use std::ops::AddAssign;

/// Tests that passed and tests that failed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
    /// The names of those that failed.
    pub(crate) names: Vec<String>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.names.extend(other.names);
    }
}

impl Tally {
    /// A check that holds.
    pub(crate) fn held() -> Self {
        Self {
            passed: 1,
            ..Self::default()
        }
    }

    /// A check that does not hold.
    pub(crate) fn failed(why: String) -> Self {
        Self {
            failed: 1,
            names: vec![why],
            ..Self::default()
        }
    }

    fn name(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }

    /// Counts a line of `cargo test`: `test result: ok. 3 passed; 0 failed; …`.
    pub(crate) fn read_cargo(&mut self, line: &str) {
        if let Some(result) = line.trim().strip_prefix("test result: ") {
            self.passed += before(result, "passed");
            self.failed += before(result, "failed");
        } else if let Some(name) = line
            .trim()
            .strip_prefix("test ")
            .and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            self.name(name);
        }
    }

    /// Counts a line of vitest: `Tests  1 failed | 11 passed (12)`.
    pub(crate) fn read_vitest(&mut self, line: &str) {
        let line = without_colours(line);
        if let Some(result) = line.trim().strip_prefix("Tests ") {
            self.passed += before(result, "passed");
            self.failed += before(result, "failed");
        } else if let Some(name) = line.trim().strip_prefix("FAIL ") {
            self.name(name.trim());
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
            ["✘" | "x", _, .., _] => self.name(&words[2..].join(" ")),
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
            "  ✘  4 e2e/components.spec.ts:40:1 › it failed (1.2s)",
            "  1 failed",
            "    e2e/components.spec.ts:40:1 › it failed ",
            "\u{1b}[32m  30 passed\u{1b}[39m (14.2s)",
        ] {
            tally.read_playwright(line);
        }
        assert_eq!((tally.passed, tally.failed), (30, 1));
        assert_eq!(
            tally.names,
            ["e2e/components.spec.ts:40:1 › it failed (1.2s)"]
        );
    }

    #[test]
    fn the_closing_lines_of_both_runners_are_counted_and_nothing_else() {
        let mut tally = Tally::default();
        tally.read_cargo("running 3 tests\n");
        tally.read_cargo("test a_promise ... ok\n");
        tally.read_cargo("test another::promise ... FAILED\n");
        tally.read_cargo("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.05s\n");
        tally.read_cargo(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n",
        );
        assert_eq!((tally.passed, tally.failed), (4, 2));
        tally.read_vitest(" FAIL  src/a.test.ts > it holds\n");
        tally.read_vitest(" Test Files  2 passed (2)\n");
        tally.read_vitest("\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m | \u{1b}[32m11 passed\u{1b}[39m (12)\n");
        assert_eq!((tally.passed, tally.failed), (15, 3));
        assert_eq!(
            tally.names,
            ["another::promise", "src/a.test.ts > it holds"]
        );
    }
}
