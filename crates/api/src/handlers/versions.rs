//! The signed versions of an inspection: which there are, who made each, and the decisions which one counts and that none does.

use shicha_domain::{Event, RecordKind, RecordState, directory::Role, record::Version};

use crate::{
    desk::{Desk, draft},
    error::{ApiError, ErrorCode},
    handlers::{
        record::{bad_value, reason_of},
        rows::small,
    },
    schema::*,
};

/// Says which of several signed versions counts. For a supervisor who has no part in any of them.
pub(crate) fn version_settle(desk: &Desk, request: VersionSettle) -> Result<Saved, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    let reason = reason_of(&request.reason)?;
    let counts = state
        .versions()
        .iter()
        .find(|version| version.set == request.version)
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "version"))?;
    if !may_settle(desk, &state) {
        return Err(ApiError::new(ErrorCode::NotAllowed).with("reason", "has_part"));
    }
    if counts.counts && state.settled().is_some() {
        return Err(bad_value("version", "this version counts already"));
    }
    let event = settlement(&state, counts, reason);
    desk.write(vec![draft(&state, event)])
}

fn settlement(state: &RecordState, counts: &Version, reason: String) -> Event {
    let over = state
        .versions()
        .iter()
        .filter(|version| version.set != counts.set)
        .map(|version| version.first.0);
    Event::Settled {
        counts: counts.first.0,
        over: over.collect(),
        instead: state.settled().map(|note| note.trace.entry),
        reason,
    }
}

/// Whether this person may decide which version counts.
pub(crate) fn may_settle(desk: &Desk, state: &RecordState) -> bool {
    let [first, _, ..] = state.versions() else {
        return false;
    };
    let has_part = |version: &Version| version.people.contains(&desk.me.person);
    let event = settlement(state, first, String::new());
    desk.me.role == Role::Supervisor
        && !state.versions().iter().any(has_part)
        && desk
            .check_may_write(state.channel(), state.kind(), &event)
            .is_ok()
}

/// The annulment of a record by this person. What is signed is named; what somebody else opened is annulled by office.
pub(crate) fn annulment(desk: &Desk, state: &RecordState, reason: String) -> Event {
    let signature = state.counting().map(|version| version.first.0);
    let opened_it = state
        .opened()
        .is_some_and(|opened| opened.author == desk.me.person);
    Event::Annulled {
        reason,
        by_supervisor: signature.is_some() || !opened_it,
        signature,
    }
}

/// Whether this person may annul the record as it is now: what is signed, only who has no part in it.
pub(crate) fn may_annul(desk: &Desk, state: &RecordState) -> bool {
    let has_part = |version: &Version| version.people.contains(&desk.me.person);
    let event = annulment(desk, state, String::new());
    state.annulled().is_none()
        && !state.counting().is_some_and(has_part)
        && desk
            .check_may_write(state.channel(), state.kind(), &event)
            .is_ok()
}

/// All signed versions, as screens show them: the one that counts first.
pub(crate) fn version_views(desk: &Desk, state: &RecordState) -> Vec<VersionView> {
    let counting = state.counting().map(|version| version.digest);
    let mut views: Vec<VersionView> = state
        .versions()
        .iter()
        .map(|version| {
            let (place, trace) = &version.first;
            let names = state
                .signatures()
                .iter()
                .filter(|signed| signed.version == Some(version.set))
                .map(|signed| signed.signature.name.clone());
            VersionView {
                version: version.set,
                signature: place.name(),
                digest: version.digest,
                author: desk.person_name(trace.author),
                device: trace.written_on,
                device_label: desk.names.device(trace.written_on),
                is_unjudged: desk.is_unjudged(trace),
                names: names.collect(),
                at_ms: trace.at().ms(),
                received_ms: version.rank.map(|rank| rank.received_at_ms),
                signature_received_ms: trace.received.map(|rank| rank.received_at_ms),
                counts: version.counts,
                is_same_content: Some(version.digest) == counting,
                leaves_out: version
                    .leaves_out
                    .iter()
                    .map(|(author, entries)| LeftOutView {
                        author: desk.person_name(*author),
                        entries: small(*entries),
                    })
                    .collect(),
                knew_of_first: version.knew_of_first,
                has_conflict: version.has_conflict,
            }
        })
        .collect();
    views.sort_by_key(|view| !view.counts);
    views
}

/// The decision that holds, if there is one.
pub(crate) fn settlement_view(desk: &Desk, state: &RecordState) -> Option<SettlementView> {
    let settled = state.settled()?;
    Some(SettlementView {
        author: desk.person_name(settled.trace.author),
        is_unjudged: desk.is_unjudged(&settled.trace),
        at_ms: settled.trace.at().ms(),
        received_ms: settled.trace.received.map(|rank| rank.received_at_ms),
        reason: settled.what.reason.clone(),
    })
}
