//! Counts what test runners say in their closing lines, and keeps the names of what failed and what was said of it.

use std::ops::AddAssign;

/// Lines kept of what a runner says about one failure.
const SAID: usize = 40;

/// Tests that passed and tests that failed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
    /// The names of those that failed.
    pub(crate) names: Vec<String>,
    /// What was said of them: a record of a long run may hold its end alone.
    pub(crate) said: Vec<String>,
    /// How many lines of the failure that is just being told are still kept.
    keeps: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.names.extend(other.names);
        self.said.extend(other.said);
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

    /// Keeps a line that tells of a failure.
    fn listen(&mut self, line: &str, begins: bool, ends: bool) {
        if begins {
            self.keeps = SAID;
        } else if ends {
            self.keeps = 0;
        }
        if self.keeps > 0 && !line.trim().is_empty() {
            self.keeps -= 1;
            self.said.push(line.trim_end().to_owned());
        }
    }

    /// Counts a line of `cargo test`: `test result: ok. 3 passed; 0 failed; …`.
    pub(crate) fn read_cargo(&mut self, line: &str) {
        let told = line.trim();
        let begins = told.starts_with("---- ") && told.ends_with(" ----");
        self.listen(line, begins, told == "failures:");
        if let Some(result) = told.strip_prefix("test result: ") {
            self.passed += before(result, "passed");
            self.failed += before(result, "failed");
        } else if let Some(name) = told
            .strip_prefix("test ")
            .and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            self.name(name);
        }
    }

    /// Counts a line of vitest: `Tests  1 failed | 11 passed (12)`.
    pub(crate) fn read_vitest(&mut self, line: &str) {
        let line = without_colours(line);
        let told = line.trim();
        let ends = told.starts_with("Test Files ");
        self.listen(&line, told.starts_with("FAIL "), ends);
        if let Some(result) = told.strip_prefix("Tests ") {
            self.passed += before(result, "passed");
            self.failed += before(result, "failed");
        } else if let Some(name) = told.strip_prefix("FAIL ") {
            self.name(name.trim());
        }
    }

    /// Counts a line of Playwright's list: `  2 failed`, `  29 passed (14.2s)`.
    pub(crate) fn read_playwright(&mut self, line: &str) {
        let line = without_colours(line);
        let words: Vec<&str> = line.split_whitespace().collect();
        // `  1) e2e/components.spec.ts:40:1 › it failed`, and the whole of it below.
        let begins = (words.first().and_then(|word| word.strip_suffix(')')))
            .is_some_and(|number| number.parse::<u64>().is_ok());
        let ends = matches!(words[..], [number, "failed"] if number.parse::<u64>().is_ok());
        self.listen(&line, begins, ends);
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
            "  1) e2e/components.spec.ts:40:1 › it failed ──",
            "    Error: expected 1, got 2",
            "",
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
        assert_eq!(
            tally.said,
            [
                "  1) e2e/components.spec.ts:40:1 › it failed ──",
                "    Error: expected 1, got 2"
            ]
        );
    }

    #[test]
    fn the_closing_lines_of_both_runners_are_counted_and_nothing_else() {
        let mut tally = Tally::default();
        tally.read_cargo("running 3 tests\n");
        tally.read_cargo("test a_promise ... ok\n");
        tally.read_cargo("test another::promise ... FAILED\n");
        tally.read_cargo("failures:\n");
        tally.read_cargo("---- another::promise stdout ----\n");
        tally.read_cargo("thread panicked: 1 is not 2\n");
        tally.read_cargo("failures:\n");
        tally.read_cargo("    another::promise\n");
        tally.read_cargo("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.05s\n");
        tally.read_cargo(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n",
        );
        assert_eq!((tally.passed, tally.failed), (4, 2));
        tally.read_vitest(" FAIL  src/a.test.ts > it holds\n");
        tally.read_vitest("AssertionError: 3 is not 4\n");
        tally.read_vitest(" Test Files  2 passed (2)\n");
        tally.read_vitest("\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m1 failed\u{1b}[39m\u{1b}[22m | \u{1b}[32m11 passed\u{1b}[39m (12)\n");
        assert_eq!((tally.passed, tally.failed), (15, 3));
        assert_eq!(
            tally.names,
            ["another::promise", "src/a.test.ts > it holds"]
        );
        assert_eq!(
            tally.said,
            [
                "---- another::promise stdout ----",
                "thread panicked: 1 is not 2",
                " FAIL  src/a.test.ts > it holds",
                "AssertionError: 3 is not 4"
            ]
        );
    }
}
