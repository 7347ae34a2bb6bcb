//! Codes with a check character: unified social credit codes and citizen identity numbers.

/// What is wrong with a unified social credit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreditCodeFault {
    /// Not 18 characters.
    #[error("a credit code has 18 characters")]
    Length,
    /// A character outside the code's alphabet (no I, O, S, V, Z).
    #[error("a character that no credit code has")]
    Character,
    /// The check character does not fit.
    #[error("the check character does not fit")]
    Checksum,
}

const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Checks a unified social credit code 统一社会信用代码 (GB 32100-2015): 18 upper-case characters, the last a check character
/// over weights 3ⁱ mod 31.
///
/// # Errors
/// What is wrong with it.
pub fn credit_code_check(code: &str) -> Result<(), CreditCodeFault> {
    if code.chars().count() != 18 {
        return Err(CreditCodeFault::Length);
    }
    let mut weight = 1;
    let mut sum = 0;
    let mut last = 0;
    for (n, c) in code.bytes().enumerate() {
        let value = CREDIT_ALPHABET
            .iter()
            .position(|a| *a == c)
            .ok_or(CreditCodeFault::Character)?;
        if n < 17 {
            sum += value * weight;
            weight = weight * 3 % 31;
        } else {
            last = value;
        }
    }
    if (31 - sum % 31) % 31 == last {
        Ok(())
    } else {
        Err(CreditCodeFault::Checksum)
    }
}

/// Appends the check character to the first 17 characters of a credit code; `None` when they are no such characters.
pub fn credit_code_complete(body: &str) -> Option<String> {
    CREDIT_ALPHABET
        .iter()
        .map(|c| format!("{body}{}", char::from(*c)))
        .find(|code| credit_code_check(code).is_ok())
}

/// Whether `number` is a citizen identity number 公民身份号码 (GB 11643-1999): 18 characters, a real date of birth, and the ISO
/// 7064 MOD 11-2 check character.
pub fn is_identity_number(number: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let bytes = number.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = bytes[..17]
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    let born = format!("{}-{}-{}", &number[6..10], &number[10..12], &number[12..14]);
    bytes[17] == b"10X98765432"[(sum % 11) as usize] && born.parse::<crate::pack::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_credit_codes_pass_and_a_slip_of_one_character_does_not() {
        for code in [
            "91350100M000100Y43",
            "914403001922038216",
            "91110000600037341L",
        ] {
            assert_eq!(credit_code_check(code), Ok(()), "{code}");
        }
        assert_eq!(
            credit_code_check("91350100M000100Y44"),
            Err(CreditCodeFault::Checksum)
        );
        assert_eq!(
            credit_code_check("91350100M000100Y4"),
            Err(CreditCodeFault::Length)
        );
        assert_eq!(
            credit_code_check("91350100O000100Y43"),
            Err(CreditCodeFault::Character)
        );
        assert_eq!(
            credit_code_check("9135010连云港市应急管理局一二"),
            Err(CreditCodeFault::Character)
        );
    }

    #[test]
    fn a_completed_credit_code_passes() {
        let code = credit_code_complete("91320703MA1X00001").unwrap_or_default();
        assert_eq!(credit_code_check(&code), Ok(()));
        assert_eq!(credit_code_complete("短"), None);
    }

    #[test]
    fn real_identity_numbers_pass_and_impossible_birthdays_do_not() {
        assert!(is_identity_number("11010519491231002X"));
        assert!(is_identity_number("440524188001010014"));
        assert!(!is_identity_number("110105194912310021"));
        assert!(!is_identity_number("11010519490231002X"));
    }
}
