//! One-time enrolment codes as people copy them: `K7QM-2XRD-9ABF-4T2W`.
//!
//! Sixteen symbols of Crockford's base 32: eight random ones (40 bits), seven from the fingerprint of the server's key (35 bits),
//! and one check symbol. So a typing error is noticed before anything is sent, and a code is of no use at another server than the
//! one that gave it. 40 bits are enough because codes work once, expire, are slowed down on the server, and are kept there only as
//! a keyed hash.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};
use shicha_domain::suite::PublicKey;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SECRET: usize = 8;
const SERVER: usize = 7;
const ALL: usize = SECRET + SERVER + 1;

/// An enrolment code.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolCode {
    symbols: [u8; ALL],
}

/// Why a text is no enrolment code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeFault {
    /// Not sixteen symbols.
    #[error("an enrolment code has 16 characters")]
    Length,
    /// A character that no code has.
    #[error("a character that no enrolment code has")]
    Character,
    /// The check symbol does not fit: a typing error.
    #[error("the code was not copied correctly")]
    Check,
}

impl EnrolCode {
    /// Makes the code from 40 random bits, for the server with this key.
    pub fn new(random: [u8; 5], server_key: &PublicKey) -> Self {
        let mut symbols = [0; ALL];
        spread(&random, &mut symbols[..SECRET]);
        spread(
            &Sha256::digest(server_key.tagged()),
            &mut symbols[SECRET..SECRET + SERVER],
        );
        symbols[ALL - 1] = check_symbol(&symbols[..ALL - 1]);
        Self { symbols }
    }

    /// Whether the code was given by the server with this key.
    pub fn is_for(&self, server_key: &PublicKey) -> bool {
        let mut expected = [0; SERVER];
        spread(&Sha256::digest(server_key.tagged()), &mut expected);
        self.symbols[SECRET..SECRET + SERVER] == expected
    }

    /// The one spelling that is sent and hashed.
    pub fn canonical(&self) -> String {
        self.symbols
            .iter()
            .map(|&symbol| char::from(ALPHABET[usize::from(symbol)]))
            .collect()
    }
}

/// Writes the first bits of `bytes` as symbols of five bits.
fn spread(bytes: &[u8], symbols: &mut [u8]) {
    let mut bits = 0_u64;
    for &byte in &bytes[..5] {
        bits = bits << 8 | u64::from(byte);
    }
    for (n, symbol) in symbols.iter_mut().enumerate() {
        *symbol = (bits >> (35 - 5 * n) & 31) as u8;
    }
}

/// Luhn's algorithm modulo 32: finds every wrong symbol and nearly every exchange of neighbours.
fn check_symbol(symbols: &[u8]) -> u8 {
    let sum: u32 = symbols
        .iter()
        .rev()
        .enumerate()
        .map(|(n, &symbol)| {
            let weighted = u32::from(symbol) * if n % 2 == 0 { 2 } else { 1 };
            weighted / 32 + weighted % 32
        })
        .sum();
    ((32 - sum % 32) % 32) as u8
}

impl FromStr for EnrolCode {
    type Err = CodeFault;

    /// Reads a code as people type it: any case, with or without dashes and spaces, full-width letters of an input method, `O` for
    /// `0`, `I` and `L` for `1`.
    fn from_str(text: &str) -> Result<Self, CodeFault> {
        let mut symbols = [0; ALL];
        let mut length = 0;
        for c in text.chars() {
            let c = match c {
                '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
                other => other,
            };
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                '-' | '－' | '—' | '–' | '_' => continue,
                space if space.is_whitespace() => continue,
                other => other,
            };
            let symbol = ALPHABET
                .iter()
                .position(|&a| char::from(a) == c)
                .ok_or(CodeFault::Character)?;
            *symbols.get_mut(length).ok_or(CodeFault::Length)? = symbol as u8;
            length += 1;
        }
        if length != ALL {
            return Err(CodeFault::Length);
        }
        if check_symbol(&symbols[..ALL - 1]) != symbols[ALL - 1] {
            return Err(CodeFault::Check);
        }
        Ok(Self { symbols })
    }
}

impl fmt::Display for EnrolCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.canonical();
        write!(
            f,
            "{}-{}-{}-{}",
            &text[..4],
            &text[4..8],
            &text[8..12],
            &text[12..]
        )
    }
}

impl fmt::Debug for EnrolCode {
    /// Says nothing: a code in a log is a code given away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolCode(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn server(key: u8) -> PublicKey {
        PublicKey::first(&[key; 32])
    }

    #[test]
    fn a_code_reads_back_however_a_person_types_it() {
        let code = EnrolCode::new([0x12, 0x34, 0x56, 0x78, 0x9a], &server(7));
        let text = code.to_string();
        assert_eq!(text.len(), 19);
        for typed in [
            text.clone(),
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', " "),
            format!("  {text}\n"),
        ] {
            assert_eq!(typed.parse::<EnrolCode>().unwrap(), code, "{typed:?}");
        }
        let full_width: String = text
            .chars()
            .map(|c| char::from_u32(c as u32 + 0xfee0).unwrap())
            .collect();
        assert_eq!(full_width.parse::<EnrolCode>().unwrap(), code);
        assert_eq!(
            text.replace('0', "O")
                .replace('1', "l")
                .parse::<EnrolCode>()
                .unwrap(),
            code
        );
    }

    #[test]
    fn a_typing_error_is_noticed_before_anything_is_sent() {
        let text = EnrolCode::new([1, 2, 3, 4, 5], &server(7)).canonical();
        for at in 0..text.len() {
            for wrong in ALPHABET {
                let mut typed = text.clone().into_bytes();
                if typed[at] == *wrong {
                    continue;
                }
                typed[at] = *wrong;
                let typed = String::from_utf8(typed).unwrap();
                assert_eq!(typed.parse::<EnrolCode>(), Err(CodeFault::Check), "{typed}");
            }
        }
        assert_eq!("K7QM".parse::<EnrolCode>(), Err(CodeFault::Length));
        assert_eq!(
            format!("{text}0").parse::<EnrolCode>(),
            Err(CodeFault::Length)
        );
        assert_eq!("登记码".parse::<EnrolCode>(), Err(CodeFault::Character));
    }

    #[test]
    fn a_code_of_one_server_is_not_taken_for_anothers() {
        let code = EnrolCode::new([9; 5], &server(7));
        assert!(code.is_for(&server(7)));
        assert!(!code.is_for(&server(8)));
    }
}
