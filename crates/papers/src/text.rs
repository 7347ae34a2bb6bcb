//! Makes any text safe to print: what cannot be shown is replaced, what would be invisible is removed.
//!
//! Invariant: the result contains only line feeds and characters that some font covers, and no run
//! without a place to break that is wider than a line. Nothing is dropped that a reader could see:
//! a character without a glyph is written as 〔U+…〕.
//! Deliberately not here: escaping. Text is data for the typesetter and needs none.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::fonts::Fonts;

/// The longest run of letters and digits that is left without a place to break.
const MAX_UNBROKEN: usize = 24;

/// Cleans texts for one document.
pub(crate) struct Cleaner<'a> {
    fonts: &'a Fonts,
    /// Characters that a font claims to cover but that came out as an empty box.
    refused: BTreeSet<char>,
    /// Answers of the fonts, which search long lists for each.
    covered: RefCell<HashMap<char, bool>>,
}

impl<'a> Cleaner<'a> {
    pub(crate) fn new(fonts: &'a Fonts) -> Self {
        Self {
            fonts,
            refused: BTreeSet::new(),
            covered: RefCell::default(),
        }
    }

    /// Writes these characters by number from now on; false when none of them is new.
    pub(crate) fn refuse(&mut self, characters: &BTreeSet<char>) -> bool {
        let before = self.refused.len();
        self.refused.extend(characters);
        self.refused.len() > before
    }

    /// Cleans every text within a value; names of fields stay.
    pub(crate) fn clean_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.clean(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean_value(item)),
            Value::Object(fields) => fields
                .values_mut()
                .for_each(|field| self.clean_value(field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Cleans one text.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let (mut unbroken, mut line_feeds) = (0, 0);
        for character in text.replace("\r\n", "\n").chars() {
            let character = match character {
                '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}' => '\n',
                '\t' | '\u{a0}' | '\u{202f}' => ' ',
                other => other,
            };
            if character == '\n' {
                // Endless blank lines would only make endless blank pages.
                line_feeds += 1;
                if line_feeds <= 2 {
                    clean.push('\n');
                }
                unbroken = 0;
                continue;
            }
            if is_invisible(character) {
                continue;
            }
            line_feeds = 0;
            if character == ' ' || is_breakable(character) {
                unbroken = 0;
            } else {
                unbroken += 1;
                if unbroken > MAX_UNBROKEN {
                    clean.push('\u{200b}');
                    unbroken = 1;
                }
            }
            if self.can_show(character) {
                clean.push(character);
            } else {
                clean.push_str(&format!("〔U+{:04X}〕", u32::from(character)));
            }
        }
        clean.truncate(clean.trim_end_matches('\n').len());
        clean
    }

    fn can_show(&self, character: char) -> bool {
        if character == ' ' {
            return true;
        }
        let mut covered = self.covered.borrow_mut();
        let is_covered = covered.entry(character);
        *is_covered.or_insert_with(|| self.fonts.covers(character))
            && !self.refused.contains(&character)
    }
}

/// Control and format characters. Those that turn the direction of writing could make a document
/// read otherwise than it is stored.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a line may break beside the character: true of all Chinese text.
fn is_breakable(character: char) -> bool {
    u32::from(character) >= 0x2e80
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts::system_font_dirs;

    fn clean(text: &str) -> String {
        let fonts = Fonts::load(&system_font_dirs()).expect("install a Chinese font");
        Cleaner::new(&fonts).clean(text)
    }

    #[test]
    fn text_that_can_be_shown_stays_as_it_is() {
        let text =
            "《安全生产法》第28条：#let x = $1$ *粗* \\ \"引号\" <script>，见〔2022〕1号\n第二行";
        assert_eq!(clean(text), text);
        assert_eq!(clean("生僻字：𠮷 龘 镕"), "生僻字：𠮷 龘 镕");
    }

    #[test]
    fn control_characters_and_marks_that_turn_the_text_are_removed() {
        assert_eq!(
            clean("甲\0乙\u{1b}[31m丙\u{202e}丁\u{200b}戊\u{feff}"),
            "甲乙[31m丙丁戊"
        );
        assert_eq!(clean("一\r\n二\r三\t四"), "一\n二\n三 四");
    }

    #[test]
    fn a_character_without_a_glyph_is_named_by_its_number() {
        assert_eq!(clean("好😀"), "好〔U+1F600〕");
        assert_eq!(clean("\u{e123}"), "〔U+E123〕");
    }

    #[test]
    fn blank_lines_without_end_are_cut_short() {
        assert_eq!(clean(&format!("上{}下\n\n", "\n".repeat(9000))), "上\n\n下");
    }

    #[test]
    fn a_word_wider_than_the_page_gets_places_to_break() {
        let cleaned = clean(&"a".repeat(100));
        assert!(
            cleaned
                .split('\u{200b}')
                .all(|part| part.len() <= MAX_UNBROKEN)
        );
        assert_eq!(cleaned.replace('\u{200b}', ""), "a".repeat(100));
    }
}
