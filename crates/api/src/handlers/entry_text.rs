//! What an entry says, for a person: histories, lists of what was refused, what came too late for a signature.

use shicha_domain::{Event, RecordState, event::EventFault};

use crate::handlers::record::value_text;

/// What was done, to what, and with which content. The screens have the words for the first two.
pub(crate) struct EntryText {
    /// `opened`, `set`, `attached`, `detached`, `signed`, `number_voided`, `annulled`, `settled`, `unknown` or `unreadable`.
    pub(crate) what: &'static str,
    /// Field or place; empty where the whole record is meant.
    pub(crate) field: String,
    /// Content as text.
    pub(crate) value: String,
}

impl EntryText {
    /// Of an event that may not be readable. `state`: the record as it is now, where it is known.
    pub(crate) fn read(state: Option<&RecordState>, event: Result<&Event, &EventFault>) -> Self {
        match event {
            Ok(event) => Self::of(state, event),
            Err(fault) => Self::new("unreadable", "", fault),
        }
    }

    /// Of an event.
    pub(crate) fn of(state: Option<&RecordState>, event: &Event) -> Self {
        match event {
            Event::Opened { fields, .. } => {
                let name = fields.get("name").or(fields.get("subject_name"));
                Self::new("opened", "", name.map(value_text).unwrap_or_default())
            }
            Event::Set { field, value, .. } => Self::new("set", field, value_text(value)),
            Event::Attached { place, evidence } => Self::new("attached", place, &evidence.name),
            Event::Detached { attachment, reason } => {
                let Some(found) = state.and_then(|state| state.attachment(*attachment)) else {
                    return Self::new("detached", "", reason);
                };
                Self::new("detached", &found.place, with(&found.evidence.name, reason))
            }
            Event::Signed(signature) => {
                Self::new("signed", "", with(&signature.name, &signature.note))
            }
            Event::NumberVoided { number, reason } => {
                Self::new("number_voided", "number", with(number, reason))
            }
            Event::Annulled { reason, .. } => Self::new("annulled", "", reason),
            Event::Settled { reason, .. } => Self::new("settled", "", reason),
            Event::Unknown { kind } => Self::new("unknown", "", kind),
        }
    }

    fn new(what: &'static str, field: &str, value: impl ToString) -> Self {
        Self {
            what,
            field: field.to_owned(),
            value: value.to_string(),
        }
    }
}

fn with(name: &str, note: &str) -> String {
    if note.is_empty() {
        name.to_owned()
    } else {
        format!("{name}：{note}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn told(event: &[u8]) -> (&'static str, String, String) {
        let event = Event::parse(event);
        let text = EntryText::read(None, event.as_ref());
        (text.what, text.field, text.value)
    }

    fn of(event: &Event) -> (&'static str, String, String) {
        told(&event.to_bytes().unwrap())
    }

    #[test]
    fn an_entry_is_told_as_what_was_done_to_what_and_no_word_of_the_program_is_among_its_content() {
        let set = Event::Set {
            field: "answers/TI-1.4/result".into(),
            value: json!("nonconforming"),
            replaces: Vec::new(),
        };
        let field = "answers/TI-1.4/result".to_owned();
        assert_eq!(of(&set), ("set", field, "nonconforming".to_owned()));
        let opened = |fields: serde_json::Value| Event::Opened {
            kind: shicha_domain::RecordKind::Inspection,
            fields: serde_json::from_value(fields).unwrap(),
        };
        let named = opened(json!({ "subject_name": "安泰" }));
        assert_eq!(of(&named), ("opened", String::new(), "安泰".to_owned()));
        let nameless = opened(json!({}));
        assert_eq!(of(&nameless), ("opened", String::new(), String::new()));
        let voided = Event::NumberVoided {
            number: "〔2022〕12号".into(),
            reason: "写错".into(),
        };
        let text = "〔2022〕12号：写错".to_owned();
        assert_eq!(of(&voided), ("number_voided", "number".to_owned(), text));
    }

    #[test]
    fn an_entry_that_cannot_be_read_says_so_and_why() {
        let (what, field, value) = told(b"{");
        assert_eq!((what, field.as_str()), ("unreadable", ""));
        assert!(!value.is_empty());
    }
}
