//! The code that opens a locked device, as a person copies it: 26 symbols of Crockford's base 32, in groups of four.
//!
//! 128 bits, because whoever holds the laptop can try codes without anybody noticing.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOLS: usize = 26;

/// Opens a locked device.
#[derive(Clone, PartialEq, Eq)]
pub struct UnlockSecret(u128);

/// A text that is no such code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an unlock code has 26 characters")]
pub struct NoUnlockCode;

impl UnlockSecret {
    /// From 16 secret bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// What the ledger's key is locked with. The code cannot be told from it.
    pub fn lock_key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"shicha-unlock-1\0");
        hash.update(self.0.to_be_bytes());
        hash.finalize().into()
    }
}

impl fmt::Display for UnlockSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for n in 0..SYMBOLS {
            if n > 0 && n % 4 == 0 {
                f.write_str("-")?;
            }
            // The first symbol holds the three bits that are over.
            let symbol = (self.0 >> (5 * (SYMBOLS - 1 - n))) & 31;
            write!(f, "{}", char::from(ALPHABET[symbol as usize]))?;
        }
        Ok(())
    }
}

impl FromStr for UnlockSecret {
    type Err = NoUnlockCode;

    /// Reads a code in any case, with or without dashes and spaces, full-width letters of an input method, `O` for `0`, `I` and `L`
    /// for `1`.
    fn from_str(text: &str) -> Result<Self, NoUnlockCode> {
        let mut value: u128 = 0;
        let mut count = 0;
        for c in text.chars() {
            let c = match c {
                '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).ok_or(NoUnlockCode)?,
                other => other,
            };
            let c = match c.to_ascii_uppercase() {
                '-' | '–' | '—' | ' ' | '\u{3000}' | '\t' => continue,
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let symbol = ALPHABET
                .iter()
                .position(|&known| char::from(known) == c)
                .ok_or(NoUnlockCode)?;
            count += 1;
            if count > SYMBOLS || (count == 1 && symbol > 7) {
                return Err(NoUnlockCode);
            }
            value = value << 5 | symbol as u128;
        }
        if count == SYMBOLS {
            Ok(Self(value))
        } else {
            Err(NoUnlockCode)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it_and_opens_the_same_lock() {
        for bytes in [[0; 16], [0xff; 16], *b"0123456789abcdef"] {
            let secret = UnlockSecret::new(bytes);
            let text = secret.to_string();
            assert_eq!(text.len(), 32, "{text}");
            assert!(text.parse::<UnlockSecret>().unwrap() == secret);
            let typed = text.to_lowercase().replace('-', " ").replace('0', "o");
            assert_eq!(
                typed.parse::<UnlockSecret>().unwrap().lock_key(),
                secret.lock_key()
            );
        }
        for wrong in ["", "K7QM", &"Z".repeat(26), &"0".repeat(27), "内容"] {
            assert!(wrong.parse::<UnlockSecret>().is_err(), "{wrong}");
        }
    }
}
