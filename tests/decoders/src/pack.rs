//! Campaign packs.

use shicha_domain::pack::{Pack, check};

/// A pack is read whole, or refused with faults that each have a place and a reason in both languages.
pub fn hold(bytes: &[u8]) {
    match Pack::parse(bytes) {
        Ok(pack) => {
            let written = serde_json::to_vec(&pack).unwrap();
            match Pack::parse(&written) {
                Ok(again) => assert!(
                    serde_json::to_vec(&again).unwrap() == written,
                    "a pack reads back as it was written"
                ),
                Err(faults) => panic!("a pack that was read cannot be read again: {:?}", faults[0]),
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty() && faults.len() <= 500);
            for fault in &faults {
                assert!(fault.line >= 1 && fault.column >= 1);
                assert!(!fault.reason_zh.is_empty() && !fault.reason_en.is_empty());
            }
            assert!(!check(bytes).is_empty(), "parse and check agree");
        }
    }
}
