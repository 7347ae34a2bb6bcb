//! The answers of one inspection as one short row.
//!
//! ```text
//!   results: per item 6 bytes, big-endian: item's code (45 bits) | result (3 bits); ascending
//!   texts:   per item 16 bytes: item's code (6 bytes) | running number (2) | print of the indexed text (8); ascending by code
//! ```
//! An item's code is a stable hash, so that no table has to be asked for it; `view_item` names the items. Two items of one code would be
//! counted as one: among a thousand items the odds are 1 in 70 million, and nothing but a figure depends on it.

use std::collections::BTreeMap;

use shicha_domain::inspection;

/// Bytes of one result.
const RESULT: usize = 6;
/// Bytes of one text.
const TEXT: usize = 16;

/// The code of an item.
pub(crate) fn code(item: &str) -> u64 {
    // FNV-1a, then a mix so that the upper bits depend on all bytes.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in item.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (hash ^ (hash >> 32)) >> 19
}

/// The number of a result.
pub(crate) const fn number(result: inspection::Result) -> u8 {
    match result {
        inspection::Result::Conforms => 0,
        inspection::Result::Nonconforming => 1,
        inspection::Result::NotApplicable => 2,
        inspection::Result::NotChecked => 3,
        inspection::Result::ToVerify => 4,
    }
}

/// The number of the result that does not conform.
pub(crate) const NONCONFORMING: u8 = number(inspection::Result::Nonconforming);

/// Results by item code.
pub(crate) fn pack_results(results: &BTreeMap<u64, u8>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(results.len() * RESULT);
    for (code, result) in results {
        bytes.extend_from_slice(&(code << 3 | u64::from(*result)).to_be_bytes()[2..]);
    }
    bytes
}

/// Results by item code, from their packed form.
pub(crate) fn results(bytes: &[u8]) -> impl Iterator<Item = (u64, u8)> + '_ {
    bytes.chunks_exact(RESULT).map(|part| {
        let value = part
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        (value >> 3, (value & 7) as u8)
    })
}

/// The result of one item, from the packed form of all.
pub(crate) fn result_of(bytes: &[u8], code: u64) -> Option<u8> {
    let (parts, _) = bytes.as_chunks::<RESULT>();
    let first = &(code << 3).to_be_bytes()[2..];
    let at = parts.partition_point(|part| &part[..] < first);
    results(parts.get(at)?)
        .next()
        .filter(|(other, _)| *other == code)
        .map(|(_, result)| result)
}

/// A text that is in the search index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    /// Which running number it has in its inspection.
    pub(crate) slot: u16,
    /// Tells whether it changed.
    pub(crate) print: [u8; 8],
}

/// Texts by item code.
pub(crate) fn pack_texts(texts: &BTreeMap<u64, Text>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(texts.len() * TEXT);
    for (code, text) in texts {
        bytes.extend_from_slice(&code.to_be_bytes()[2..]);
        bytes.extend_from_slice(&text.slot.to_be_bytes());
        bytes.extend_from_slice(&text.print);
    }
    bytes
}

/// Texts by item code, from their packed form.
pub(crate) fn texts(bytes: &[u8]) -> BTreeMap<u64, Text> {
    bytes
        .chunks_exact(TEXT)
        .map(|part| {
            let code = part[..6]
                .iter()
                .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
            let mut print = [0; 8];
            print.copy_from_slice(&part[8..]);
            let slot = u16::from_be_bytes([part[6], part[7]]);
            (code, Text { slot, print })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_read_back_as_they_were_packed() {
        let all: BTreeMap<u64, u8> = (0..95)
            .map(|n| (code(&format!("TI-{}.{}", n / 10, n % 10)), (n % 5) as u8))
            .collect();
        assert_eq!(all.len(), 95, "no two items of a checklist share a code");
        let bytes = pack_results(&all);
        assert_eq!(bytes.len(), 95 * RESULT);
        assert_eq!(results(&bytes).collect::<BTreeMap<_, _>>(), all);
        for (code, result) in &all {
            assert_eq!(result_of(&bytes, *code), Some(*result));
            assert_eq!(result_of(&bytes, code + 1), None);
        }
        let some: BTreeMap<u64, Text> = all
            .keys()
            .enumerate()
            .map(|(n, code)| {
                (
                    *code,
                    Text {
                        slot: n as u16,
                        print: [n as u8; 8],
                    },
                )
            })
            .collect();
        assert_eq!(texts(&pack_texts(&some)), some);
    }
}
