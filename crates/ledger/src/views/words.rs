//! How text is cut for search, so that single Chinese characters, substrings and pinyin initials are found.
//!
//! Text is taken in runs of letters, digits and Chinese characters; all else only separates. A run is indexed as its overlapping
//! pairs of characters, the last character paired with an end mark: `连云港` gives `连云 云港 港·`. A substring is then a phrase of
//! pairs, and a single character is the beginning of a pair. Pinyin initials are cut in the same way and carry a mark in front.
//! A phrase never reaches from one run into the next, because each run ends with a pair that no query contains.

use pinyin::ToPinyinMulti;

const END: char = '·';
const INITIAL: char = 'ᵖ';
/// So much of one text is indexed, in characters; what was recorded about one item is rarely a tenth of it.
const MOST_CHARS: usize = 4_000;
/// Characters that may be read in two ways double the spellings; so many spellings of a name are kept.
const MOST_SPELLINGS: usize = 8;
/// A query has at most so many parts, each of so many characters.
const MOST_TERMS: usize = 8;
const MOST_TERM_CHARS: usize = 32;

/// What is put into the index for `texts`, and for the pinyin initials of `names`.
pub(crate) fn index_words(texts: &[&str], names: &[&str]) -> String {
    let mut words = String::new();
    for text in texts.iter().chain(names) {
        for run in runs(text, MOST_CHARS) {
            pairs(&run, None, &mut words);
        }
    }
    for name in names {
        for run in runs(name, 200) {
            for spelling in spellings(&run) {
                pairs(&spelling, Some(INITIAL), &mut words);
            }
        }
    }
    words
}

/// The key that sorts a name as its pinyin.
pub(crate) fn sort_key(name: &str) -> String {
    let mut key = String::new();
    for run in runs(name, 40) {
        for c in run {
            match c.to_pinyin_multi() {
                // A space sorts before any letter, so that shorter syllables come first.
                Some(readings) => {
                    key.push_str(readings.get(0).plain());
                    key.push(' ');
                }
                None => key.push(c),
            }
        }
        key.push(' ');
    }
    key.truncate(key.trim_end().len());
    key.push('\u{1}');
    key.extend(name.chars().take(40));
    key
}

/// A part of a query; all parts must be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    run: Vec<char>,
}

impl Term {
    /// The expression that finds it in a full-text index.
    pub(crate) fn expression(&self) -> String {
        let is_letters = self.run.iter().all(char::is_ascii_lowercase);
        let plain = phrase(&self.run, None);
        if is_letters {
            format!("{plain} OR {}", phrase(&self.run, Some(INITIAL)))
        } else {
            plain
        }
    }

    /// The begin of a credit code, if it can be one.
    pub(crate) fn credit_code(&self) -> Option<String> {
        let fits = self.run.len() >= 2
            && self.run.len() <= 18
            && self.run.iter().all(char::is_ascii_alphanumeric)
            && self.run[0].is_ascii_alphanumeric()
            && self.run.iter().any(char::is_ascii_digit);
        fits.then(|| self.run.iter().map(char::to_ascii_uppercase).collect())
    }
}

/// The parts of a query. None: it restricts nothing.
pub(crate) fn terms(query: &str) -> Vec<Term> {
    runs(query, MOST_TERMS * MOST_TERM_CHARS)
        .into_iter()
        .take(MOST_TERMS)
        .map(|mut run| {
            run.truncate(MOST_TERM_CHARS);
            Term { run }
        })
        .collect()
}

fn runs(text: &str, most: usize) -> Vec<Vec<char>> {
    let mut runs: Vec<Vec<char>> = Vec::new();
    let mut is_new = true;
    for c in text.chars().take(most) {
        // Full-width forms of ASCII, as Chinese input methods give them.
        let c = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            other => other,
        };
        if !c.is_alphanumeric() {
            is_new = true;
            continue;
        }
        if is_new {
            runs.push(Vec::new());
            is_new = false;
        }
        if let Some(run) = runs.last_mut() {
            run.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn pairs(run: &[char], mark: Option<char>, words: &mut String) {
    for (n, c) in run.iter().enumerate() {
        words.extend(mark);
        words.push(*c);
        words.push(run.get(n + 1).copied().unwrap_or(END));
        words.push(' ');
    }
}

fn phrase(run: &[char], mark: Option<char>) -> String {
    let mut words = String::from("\"");
    if let [one] = run {
        words.extend(mark);
        words.push(*one);
        words.push_str("\" *");
        return words;
    }
    for pair in run.windows(2) {
        words.extend(mark);
        words.extend(pair);
        words.push(' ');
    }
    words.pop();
    words.push('"');
    words
}

/// The initials of a run that has Chinese characters, in all readings up to a bound.
fn spellings(run: &[char]) -> Vec<Vec<char>> {
    let mut all: Vec<Vec<char>> = vec![Vec::with_capacity(run.len())];
    let mut is_chinese = false;
    for c in run {
        let mut letters: Vec<char> = Vec::new();
        if let Some(readings) = c.to_pinyin_multi() {
            is_chinese = true;
            for reading in readings {
                // Syllables such as `ê` have no letter that anybody types.
                let letter = reading
                    .plain()
                    .chars()
                    .next()
                    .filter(char::is_ascii_lowercase);
                letters.extend(letter.filter(|letter| !letters.contains(letter)));
            }
        }
        if letters.is_empty() {
            letters.push(*c);
        }
        if all.len() * letters.len() > MOST_SPELLINGS {
            letters.truncate(1);
        }
        let before = std::mem::take(&mut all);
        for letter in &letters {
            all.extend(before.iter().map(|spelling| {
                let mut longer = spelling.clone();
                longer.push(*letter);
                longer
            }));
        }
    }
    if is_chinese { all } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(query: &str) -> String {
        terms(query)
            .iter()
            .map(Term::expression)
            .collect::<Vec<_>>()
            .join(" & ")
    }

    #[test]
    fn a_run_is_cut_into_pairs_that_end_with_a_mark() {
        assert_eq!(index_words(&["连云港（A3）"], &[]), "连云 云港 港· a3 3· ");
    }

    #[test]
    fn a_name_is_also_found_by_its_initials() {
        let words = index_words(&[], &["连云港"]);
        for word in ["ᵖly ", "ᵖyg ", "ᵖg· "] {
            assert!(words.contains(word), "{words}");
        }
    }

    #[test]
    fn a_character_with_two_readings_is_found_by_both_initials() {
        let words = index_words(&[], &["重工"]);
        assert!(words.contains("ᵖcg ") && words.contains("ᵖzg "), "{words}");
    }

    #[test]
    fn a_query_is_cut_like_the_text_that_it_is_to_find() {
        assert_eq!(expression("云港"), "\"云港\"");
        assert_eq!(expression("港"), "\"港\" *");
        assert_eq!(expression("〔２０２２〕1号"), "\"20 02 22\" & \"1号\"");
        assert_eq!(expression("LYG"), "\"ly yg\" OR \"ᵖly ᵖyg\"");
        assert_eq!(expression("\"* OR ("), "\"or\" OR \"ᵖor\"");
        assert_eq!(expression("（）"), "");
    }

    #[test]
    fn names_sort_as_their_pinyin() {
        let mut names = ["赣榆", "安全", "连云", "东海", "ABC"];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, ["ABC", "安全", "东海", "赣榆", "连云"]);
    }
}
