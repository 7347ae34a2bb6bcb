//! Document numbers (文号): unique though given without a network.
//!
//! The server lends each device blocks of numbers, per organisation, number word and year; a device gives them out in order. One
//! that has run out of numbers gives a provisional number that cannot be mistaken for a real one.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, OrgCode};

/// A block of numbers lent to one device. Both ends belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumberBlock {
    /// Whose numbers.
    pub org: OrgCode,
    /// The word of the document kind, e.g. 应急检记.
    pub word: String,
    /// The year in the number.
    pub year: u16,
    /// First number of the block.
    pub from: u32,
    /// Last number of the block.
    pub to: u32,
}

/// How many numbers a device asks for at a time.
pub const BLOCK_SIZE: u32 = 50;
/// A device asks for the next block when it has fewer than this left.
pub const ASK_BELOW: u32 = 20;

/// Writes a number by the pack's format, whose marks are `{organ}`, `{word}`, `{year}` and `{n}`.
pub fn format(format: &str, organ: &str, word: &str, year: u16, n: u32) -> String {
    fill(format, organ, word, year, &n.to_string())
}

/// Writes a provisional number: the device's first four digits and a running number, marked 临.
pub fn format_provisional(
    format: &str,
    organ: &str,
    word: &str,
    year: u16,
    device: DeviceId,
    n: u32,
) -> String {
    let device = device.0.simple().to_string();
    // The last digits are the random ones of a version 7 UUID; the first are the time.
    let tail = device[device.len() - 4..].to_uppercase();
    fill(format, organ, word, year, &format!("临{tail}-{n}"))
}

fn fill(format: &str, organ: &str, word: &str, year: u16, n: &str) -> String {
    format
        .replace("{organ}", organ)
        .replace("{word}", word)
        .replace("{year}", &year.to_string())
        .replace("{n}", n)
}

/// Whether a number is a provisional one.
pub fn is_provisional(number: &str) -> bool {
    number.contains("〕临")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const FORMAT: &str = "（{organ}）{word}〔{year}〕{n}号";

    #[test]
    fn a_number_reads_as_the_bureau_writes_it() {
        assert_eq!(
            format(FORMAT, "苏连", "应急检记", 2022, 1),
            "（苏连）应急检记〔2022〕1号"
        );
    }

    #[test]
    fn a_provisional_number_is_clearly_one() {
        let device = DeviceId(Uuid::from_u128(0x3f2a));
        let number = format_provisional(FORMAT, "苏连", "应急检记", 2022, device, 1);
        assert_eq!(number, "（苏连）应急检记〔2022〕临3F2A-1号");
        assert!(is_provisional(&number) && !is_provisional("（苏连）应急检记〔2022〕1号"));
    }
}
