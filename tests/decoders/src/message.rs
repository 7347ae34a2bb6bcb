//! Control messages and codes: JSON of a few kilobytes, what a pull asks for, and what people type.
//!
//! The first byte says which message the rest is.

use serde::{Serialize, de::DeserializeOwned};
use shicha_domain::{
    Receipt,
    directory::parts::{DirectoryPart, RowChange},
    number::NumberBlock,
    suite::PublicKey,
};
use shicha_sync::protocol::{
    EnrolCode, MAX_HELD, Problem,
    messages::{
        ChallengeReply, ChallengeRequest, EnrolReply, EnrolRequest, ForkReport, IdentityReply,
        IdentityRequest, NumbersRequest, PushReply, ServerInfo, SessionReply, SessionRequest,
    },
    wire::{read_pull_request, write_pull_request},
};

use crate::frame::stored;

/// How each kind of message is read.
const KINDS: &[fn(&[u8])] = &[
    json::<ServerInfo>,
    json::<EnrolRequest>,
    json::<EnrolReply>,
    json::<ChallengeRequest>,
    json::<ChallengeReply>,
    json::<SessionRequest>,
    json::<SessionReply>,
    json::<PushReply>,
    asked,
    json::<ForkReport>,
    json::<NumbersRequest>,
    json::<NumberBlock>,
    json::<DirectoryPart>,
    json::<IdentityRequest>,
    json::<IdentityReply>,
    json::<Problem>,
    json::<RowChange>,
    json::<Receipt>,
    code,
];

/// A message that is read is written as one that reads the same.
pub fn hold(bytes: &[u8]) {
    if let Some((kind, rest)) = bytes.split_first() {
        KINDS[usize::from(*kind) % KINDS.len()](rest);
    }
}

fn json<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    if let Ok(message) = serde_json::from_slice::<T>(bytes) {
        let written = serde_json::to_vec(&message).unwrap();
        let again: T = serde_json::from_slice(&written).unwrap();
        assert_eq!(serde_json::to_vec(&again).unwrap(), written);
    }
}

/// What a pull asks for, packed, or as what lies inside of the compression where the first byte says so.
fn asked(bytes: &[u8]) {
    let inside = bytes.strip_prefix(&[1]).map(stored);
    match read_pull_request(inside.as_deref().unwrap_or(bytes)) {
        Ok(request) => {
            assert!(request.held.len().max(request.without.len()) <= MAX_HELD);
            let written = write_pull_request(&request).unwrap();
            assert_eq!(read_pull_request(&written), Ok(request));
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

fn code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(code) = text.parse::<EnrolCode>() {
        let canonical = code.canonical();
        let again: EnrolCode = canonical.parse().unwrap();
        assert!(
            again == code && again.canonical() == canonical,
            "one spelling"
        );
        assert!(code.to_string().parse::<EnrolCode>().unwrap() == code);
        let _ = code.is_for(&PublicKey::first(&[0; 32]));
    }
}
