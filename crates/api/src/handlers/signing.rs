//! Numbers and signatures: what makes an inspection a document.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    Channel, Event, RecordId, RecordKind, RecordState,
    event::{SignMethod, Signature, SignerRole},
    inspection::{self, Result as Outcome},
    number,
    pack::{Numbered, Pack},
};
use shicha_ledger::Draft;

use crate::{
    desk::{Desk, draft, records_of, saved},
    error::{ApiError, ErrorCode},
    handlers::{
        evidence::take_in,
        inspection::{missing, number_of},
        record::{bad_value, reason_of},
        versions::annulment,
    },
    packs::pack_of,
    schema::*,
    time::day_of,
};

/// The pack's kind of document that an on-site record is.
pub(crate) const SITE_RECORD: &str = "site_record";

/// Gives an inspection its document number: from this computer's stock, or a provisional one while the stock is empty. A formal number
/// takes the place of a provisional one; after signing it stands beside it, because the signed content does not change.
pub(crate) fn number_take(desk: &Desk, request: RecordRef) -> Result<Saved, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    let has = number_of(&state);
    if state.annulled().is_some() {
        return Err(ApiError::new(ErrorCode::Frozen));
    }
    if !has.is_empty() && !number::is_provisional(has) {
        return Ok(Saved {
            entry: None,
            at_ms: desk.now_ms(),
        });
    }
    let pack = pack_of(&desk.app.0.packs, &desk.ledger, &state)?
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "pack"))?;
    let word = pack
        .document_kind(SITE_RECORD)
        .filter(|kind| kind.numbered == Numbered::Word)
        .and_then(|kind| kind.word.clone())
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "number word"))?;
    let org = state.channel().org().clone();
    let organ = desk
        .names
        .find_org(&org)
        .map(|org| org.short_name.clone())
        .unwrap_or_default();
    let started_ms = state.value("started_at").and_then(Value::as_u64);
    let year = day_of(started_ms.unwrap_or_else(|| desk.now_ms())).year();
    let format = pack.documents.number_format.as_str();
    let field = if state.frozen().is_some() {
        "after/number"
    } else {
        "number"
    };
    let has_provisional = !has.is_empty();
    let probe = desk.set_event(&state, field, Value::Null, None);
    desk.check_may_write(state.channel(), state.kind(), &probe)?;

    let build = |taken: Option<u32>, running: u32| -> Vec<Draft> {
        let text = match taken {
            Some(n) => number::format(format, &organ, &word, year, n),
            // One provisional number is enough.
            None if has_provisional => return Vec::new(),
            None => {
                number::format_provisional(format, &organ, &word, year, desk.me.device, running)
            }
        };
        vec![draft(
            &state,
            desk.set_event(&state, field, json!(text), None),
        )]
    };
    let now_ms = desk.now_ms();
    let appended =
        desk.ledger
            .append_numbered(desk.me.person, now_ms, &org, &word, year, &build)?;
    if !appended.is_empty() {
        desk.wrote(vec![request.record]);
    }
    Ok(saved(&appended, now_ms))
}

/// Says that a number will not be used, and why. Before signing the inspection can then take another.
pub(crate) fn number_void(desk: &Desk, request: Void) -> Result<Saved, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    let reason = reason_of(&request.reason)?;
    let has = number_of(&state).to_owned();
    if has.is_empty() {
        return Err(bad_value("number", "there is no number to void"));
    }
    let voided = Event::NumberVoided {
        number: has,
        reason,
    };
    desk.check_may_write(state.channel(), state.kind(), &voided)?;
    let mut drafts = vec![draft(&state, voided)];
    if state.frozen().is_none() {
        drafts.push(draft(
            &state,
            desk.set_event(&state, "number", Value::Null, None),
        ));
    } else if !state.text("after/number").is_empty() {
        drafts.push(draft(
            &state,
            desk.set_event(&state, "after/number", Value::Null, None),
        ));
    }
    desk.write(drafts)
}

pub(crate) fn inspection_annul(desk: &Desk, request: Void) -> Result<Saved, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    let reason = reason_of(&request.reason)?;
    if state.annulled().is_some() {
        return Err(ApiError::new(ErrorCode::Frozen));
    }
    let event = annulment(desk, &state, reason);
    desk.check_may_write(state.channel(), state.kind(), &event)?;
    desk.write(vec![draft(&state, event)])
}

/// Adds a signature. The first one freezes the content and opens a finding for everything that does not conform, in one transaction.
pub(crate) fn signature_add(desk: &Desk, request: SignatureAdd) -> Result<Saved, ApiError> {
    let state = desk.record_of(request.record, RecordKind::Inspection)?;
    if state.annulled().is_some() {
        return Err(ApiError::new(ErrorCode::Frozen));
    }
    if !desk.typed(request.record)?.is_empty() && state.frozen().is_none() {
        // Typed text that is no entry yet would be lost behind the frozen content.
        return Err(ApiError::new(ErrorCode::Stale).with("detail", "text is still being typed"));
    }
    let digest = state.frozen().unwrap_or_else(|| state.content_digest());
    if digest != request.digest {
        return Err(ApiError::new(ErrorCode::Stale));
    }
    check_signer(&state, &request)?;
    let is_first = state.frozen().is_none();
    if is_first {
        let lacks = missing(desk, &state)?;
        if !lacks.is_empty() {
            return Err(ApiError::new(ErrorCode::Incomplete).with("count", lacks.len()));
        }
    }
    let mark = match &request.mark {
        Some(source) => Some(take_in(desk, source, "signature")?),
        None => None,
    };
    let under = state.counting().map(|version| version.signature());
    let mut signature = Signature {
        digest,
        pin: None,
        under,
        role: request.role,
        name: request.name.trim().to_owned(),
        person: request.person,
        method: request.method,
        mark: mark.as_ref().map(|mark| mark.hash),
        mark_size: mark.as_ref().map(|mark| mark.size),
        note: request.note.trim().to_owned(),
        witness: request.witness.trim().to_owned(),
    };
    let probe = Event::Signed(signature.clone());
    desk.check_may_write(state.channel(), state.kind(), &probe)?;
    let further = if is_first {
        let pack = pack_of(&desk.app.0.packs, &desk.ledger, &state)?;
        findings(desk, &state, pack.as_deref())?
    } else {
        Vec::new()
    };
    let mut records = records_of(&further);
    records.push(request.record);
    // What is signed is read once more in the transaction that appends the signature: between this and the screen something may have come.
    let sign = |now: &RecordState, pin| {
        let is_same = now.counting().map(|version| version.signature()) == under
            && now.frozen().unwrap_or_else(|| now.content_digest()) == digest
            && (!is_first || now.conflicts().next().is_none() && now.content_kind() == now.kind());
        if !is_same {
            return None;
        }
        signature.pin = is_first.then_some(pin);
        let mut drafts = vec![draft(now, Event::Signed(signature))];
        drafts.extend(further);
        Some(drafts)
    };
    let now_ms = desk.now_ms();
    let appended = desk
        .ledger
        .append_signature(desk.me.person, request.record, now_ms, sign)?;
    desk.wrote(records);
    Ok(saved(&appended, now_ms))
}

fn check_signer(state: &RecordState, request: &SignatureAdd) -> Result<(), ApiError> {
    let name = request.name.trim();
    if name.is_empty() {
        return Err(bad_value("name", "a name is required"));
    }
    let inspectors = state
        .value("inspectors")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let is_inspector = inspectors
        .iter()
        .any(|one| one["name"].as_str() == Some(name));
    match (request.role, request.method) {
        (SignerRole::Inspector, _) if !is_inspector => {
            return Err(bad_value("name", "not one of the inspectors of this visit"));
        }
        (SignerRole::Inspector, SignMethod::Refused) => {
            return Err(bad_value("method", "an inspector cannot refuse"));
        }
        // 安全生产法 §68: why the subject refused, and who saw it, has to be on record.
        (SignerRole::Subject, SignMethod::Refused) if request.note.trim().is_empty() => {
            return Err(bad_value("note", "a refusal needs its reason"));
        }
        (SignerRole::Subject, SignMethod::Refused) if request.witness.trim().is_empty() => {
            return Err(bad_value("witness", "a refusal needs a witness"));
        }
        (_, SignMethod::Screen | SignMethod::Paper) if !request.witness.trim().is_empty() => {
            return Err(bad_value("witness", "only a refusal has a witness"));
        }
        (_, SignMethod::Screen) if request.mark.is_none() => {
            return Err(bad_value(
                "mark",
                "a signature on the screen needs its image",
            ));
        }
        _ => {}
    }
    let has_signed = state.signatures().iter().any(|signed| {
        signed.fits && signed.signature.role == request.role && signed.signature.name == name
    });
    if has_signed {
        return Err(bad_value("name", "has signed already").with("reason", "signed_already"));
    }
    Ok(())
}

/// A finding for each answer that does not conform. Its name follows from inspection and item, so that two devices that both think
/// theirs is the first signature open the same findings.
fn findings(desk: &Desk, state: &RecordState, pack: Option<&Pack>) -> Result<Vec<Draft>, ApiError> {
    let channel = match state.text("institution").parse() {
        // Elsewhere it lies below another bureau, or did before: what is found there stays with this one's own records.
        Ok(institution)
            if desk
                .names
                .tree()
                .is_pair(state.channel().org(), &institution) =>
        {
            Channel::Inst(state.channel().org().clone(), institution)
        }
        _ => state.channel().clone(),
    };
    let mut drafts = Vec::new();
    for (item, _) in inspection::answered(state) {
        if inspection::result(state, item) != Some(Outcome::Nonconforming) {
            continue;
        }
        let mut fields: BTreeMap<String, Value> = BTreeMap::new();
        for (to, from) in [
            ("subject", "subject".to_owned()),
            ("subject_name", "subject_name".to_owned()),
            ("region", "region".to_owned()),
            ("pack", "pack".to_owned()),
            ("pack_version", "pack_version".to_owned()),
            ("pack_hash", "pack_hash".to_owned()),
            ("checklist", "checklist".to_owned()),
            ("sample", "sample".to_owned()),
            ("description", format!("answers/{item}/finding/description")),
            ("measure", format!("answers/{item}/finding/measure")),
            ("responsible", format!("answers/{item}/finding/responsible")),
            ("due", format!("answers/{item}/finding/due")),
            ("basis", format!("answers/{item}/finding/basis")),
            ("penalty", format!("answers/{item}/finding/penalty")),
        ] {
            if let Some(value) = state.value(&from) {
                fields.insert(to.to_owned(), value.clone());
            }
        }
        fields.insert("inspection".into(), json!(state.record()));
        fields.insert("item".into(), json!(item));
        fields.insert("state".into(), json!("open"));
        if let Some(found) = pack.and_then(|pack| pack.item(item)) {
            fields.insert("question".into(), json!(found.question.zh));
        }
        let event = Event::Opened {
            kind: RecordKind::Finding,
            fields,
        };
        desk.check_may_write(&channel, None, &event)?;
        drafts.push(Draft {
            channel: channel.clone(),
            record: finding_id(state.record(), item),
            event,
        });
    }
    Ok(drafts)
}

/// The name of an inspection's finding about an item: UUID version 8 (RFC 9562) from a hash of both.
fn finding_id(inspection: RecordId, item: &str) -> RecordId {
    let mut hash = Sha256::new();
    hash.update(b"shicha-finding-1\0");
    hash.update(inspection.0.as_bytes());
    hash.update(item.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    RecordId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn two_devices_open_the_same_finding_for_the_same_item() {
        let inspection = RecordId(Uuid::from_u128(7));
        assert_eq!(
            finding_id(inspection, "TI-1.1"),
            finding_id(inspection, "TI-1.1")
        );
        assert_ne!(
            finding_id(inspection, "TI-1.1"),
            finding_id(inspection, "TI-1.2")
        );
        assert_eq!(finding_id(inspection, "TI-1.1").0.get_version_num(), 8);
    }
}
