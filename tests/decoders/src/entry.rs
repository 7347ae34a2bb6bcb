//! Events and the names that stand in entries.

use std::{fmt::Display, str::FromStr};

use shicha_domain::{
    BlobHash, Channel, Digest, EntryId, Event, OrgCode, PersonId, ReceiptId,
    entry::MAX_EVENT_BYTES, event::EventFault, fields,
};

/// An event that is read is written as one that reads the same; a name has one spelling.
pub fn hold(bytes: &[u8]) {
    if let (Ok(event), Ok(derived)) = (Event::parse(bytes), serde_json::from_slice(bytes)) {
        assert_eq!(
            event, derived,
            "the short way reads what the long one reads"
        );
    }
    match Event::parse(bytes) {
        Ok(Event::Unknown { kind }) => assert!(kind.chars().count() <= 64, "a short type"),
        Ok(event) => match event.to_bytes() {
            Ok(written) => {
                assert!(written.len() <= MAX_EVENT_BYTES);
                assert_eq!(
                    Event::parse(&written).as_ref(),
                    Ok(&event),
                    "an event reads back as it was written: {}",
                    String::from_utf8_lossy(&written)
                );
                let _ = event.blobs();
            }
            // Numbers may be written longer than they were read.
            Err(fault) => assert!(matches!(
                fault,
                EventFault::TooLong(_) | EventFault::Field { .. }
            )),
        },
        Err(fault) => assert!(!fault.to_string().is_empty(), "a refusal has a reason"),
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    same_spelling::<Channel>(text);
    same_spelling::<OrgCode>(text);
    same_spelling::<EntryId>(text);
    same_spelling::<ReceiptId>(text);
    same_spelling::<BlobHash>(text);
    same_spelling::<Digest>(text);
    if let Ok(person) = text.parse::<PersonId>() {
        assert_eq!(person.to_string().parse(), Ok(person));
    }
    if fields::check_path(text).is_ok() {
        assert!(text.len() <= fields::MAX_PATH_BYTES && !text.split('/').any(|p| p == ".."));
    }
}

fn same_spelling<T: FromStr + Display>(text: &str) {
    if let Ok(name) = text.parse::<T>() {
        assert_eq!(name.to_string(), text, "a name has one spelling");
    }
}
