//! What administrators do, from the application or by the command line: checked, done and noted in the audit log in one place.
//!
//! Whether somebody may do it is asked before ([`crate::http`]); whoever uses the command line owns the data anyway.

use serde_json::{Value, json};
use shicha_domain::{
    DeviceId, OrgCode, PersonId,
    directory::{Org, Person},
};
use shicha_sync::protocol::{
    EnrolCode,
    admin::{MadeCode, act},
    order::{Obeyed, OrderAct, obeyed_bytes},
    signing,
    unlock::UnlockSecret,
};

use crate::{
    home::Home,
    intake,
    store::{
        Appended, DeviceState, Judge, Pushed, StoreError,
        administration::{By, CodeId, Deed, Note, Noting, Sign},
        refusals::{Released, Releasing},
    },
};

const DAY_MS: u64 = 86_400_000;
const NAME: StoreError = StoreError::Contradiction("a name has 1 to 100 characters");

/// Somebody who does something now.
pub(crate) struct Hand<'a> {
    pub(crate) home: &'a Home,
    pub(crate) by: By,
    pub(crate) now_ms: u64,
}

impl<'a> Hand<'a> {
    /// Whoever uses the command line.
    pub(crate) const fn command_line(home: &'a Home, now_ms: u64) -> Self {
        Self {
            home,
            by: By::command_line(),
            now_ms,
        }
    }

    /// States that the clock was ahead and is right now.
    pub(crate) fn correct_clock(&self) -> Result<(), StoreError> {
        let newest_ms = self.home.store.newest_receipt_ms()?;
        let note = Note {
            act: act::CLOCK_CORRECTED,
            org: None,
            target: self.home.info.name.clone(),
            detail: json!({ "newest_receipt_ms": newest_ms, "now_ms": self.now_ms }),
        };
        self.does(Deed::CorrectClock, &note).map(|_| ())
    }

    pub(crate) fn put_org(&self, org: &Org) -> Result<bool, StoreError> {
        check_name(&org.name)?;
        if org.short_name.chars().count() > 20 || org.short_name.chars().any(char::is_control) {
            return Err(StoreError::Contradiction(
                "an abbreviation has at most 20 characters",
            ));
        }
        if let Some(region) = &org.region
            && (region.chars().count() > 20 || region.chars().any(char::is_control))
        {
            return Err(StoreError::Contradiction(
                "a region code has at most 20 characters",
            ));
        }
        let register = self.home.store.register()?;
        let before = register
            .directory
            .orgs
            .iter()
            .find(|known| known.code == org.code);
        let note = Note {
            act: if before.is_some() {
                act::ORG_CHANGED
            } else {
                act::ORG_ADDED
            },
            org: Some(org.code.clone()),
            target: format!("{} {}", org.code, org.name),
            detail: json!({ "before": before, "after": org }),
        };
        self.does(Deed::Org(org), &note)
    }

    pub(crate) fn put_person(&self, person: &Person) -> Result<bool, StoreError> {
        check_name(&person.name)?;
        if let Some(certificate) = &person.certificate
            && (certificate.chars().count() > 40 || certificate.chars().any(char::is_control))
        {
            return Err(StoreError::Contradiction(
                "a certificate number has at most 40 characters",
            ));
        }
        let register = self.home.store.register()?;
        let before = register
            .directory
            .people
            .iter()
            .find(|known| known.id == person.id);
        let note = Note {
            act: match before {
                None => act::PERSON_ADDED,
                Some(before) if before.is_active && !person.is_active => act::PERSON_RETIRED,
                Some(before) if !before.is_active && person.is_active => act::PERSON_RETURNED,
                Some(_) => act::PERSON_CHANGED,
            },
            org: Some(person.org.clone()),
            target: person.name.clone(),
            detail: json!({ "before": before, "after": person }),
        };
        self.does(Deed::Person(person), &note)
    }

    /// Makes an enrolment code. `None`: the person acts no more.
    pub(crate) fn make_code(
        &self,
        person: &Person,
        days: u32,
    ) -> Result<Option<MadeCode>, StoreError> {
        if !person.is_active {
            return Ok(None);
        }
        let signer = &self.home.signer;
        let code = EnrolCode::new(rand::random(), &signer.public_key());
        let expires_at_ms = self.now_ms + u64::from(days) * DAY_MS;
        let hash = signer.code_hash(&code.canonical());
        let id = CodeId::of(&hash).to_string();
        let deed = Deed::Code {
            hash: &hash,
            person: person.id,
            expires_at_ms,
        };
        let note = Note {
            act: act::CODE_MADE,
            org: Some(person.org.clone()),
            target: person.name.clone(),
            detail: json!({ "person": person.id, "code": id, "expires_at_ms": expires_at_ms }),
        };
        self.does(deed, &note)?;
        Ok(Some(MadeCode {
            id,
            code: code.to_string(),
            expires_at_ms,
            fingerprint: signer.fingerprint(),
        }))
    }

    pub(crate) fn withdraw_code(&self, id: CodeId, person: &Person) -> Result<bool, StoreError> {
        let note = Note {
            act: act::CODE_WITHDRAWN,
            org: Some(person.org.clone()),
            target: person.name.clone(),
            detail: json!({ "person": person.id, "code": id.to_string() }),
        };
        self.does(Deed::WithdrawCode(id), &note)
    }

    pub(crate) fn revoke(
        &self,
        state: &DeviceState,
        order: Option<OrderAct>,
    ) -> Result<bool, StoreError> {
        let note = device_note(
            match order {
                None => act::DEVICE_REVOKED,
                Some(OrderAct::Lock) => act::DEVICE_LOCK,
                Some(OrderAct::Wipe) => act::DEVICE_WIPE,
            },
            state,
            json!({ "entries": state.head.seq, "last_contact_ms": state.last_contact_ms }),
        );
        self.does(Deed::Revoke(state.device.id, order), &note)
    }

    /// The code that opens a device that was ordered to lock itself; that it was shown is noted. `None`: there is no such order.
    pub(crate) fn show_unlock(
        &self,
        state: &DeviceState,
    ) -> Result<Option<UnlockSecret>, StoreError> {
        let Some(order) = state.order.filter(|order| order.act == OrderAct::Lock) else {
            return Ok(None);
        };
        let note = device_note(act::UNLOCK_SHOWN, state, json!({}));
        self.does(Deed::Elsewhere, &note)?;
        let device = state.device.id;
        Ok(Some(self.home.signer.unlock_secret(device, order.at_ms)))
    }

    /// Lets an entry in that was refused for the directory's sake. `None`: there is none at that place.
    pub(crate) fn release(
        &self,
        device: DeviceId,
        seq: u64,
        reason: &str,
    ) -> Result<Option<Released>, StoreError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > 500 || reason.chars().any(char::is_control)
        {
            return Err(StoreError::Contradiction(
                "a reason has 1 to 500 characters",
            ));
        }
        let store = &self.home.store;
        let (Some(state), Some(refused)) = (store.device(device)?, store.refused_at(device, seq)?)
        else {
            return Ok(None);
        };
        let entry = &refused.candidate.entry;
        let mut note = device_note(
            act::ENTRY_RELEASED,
            &state,
            json!({
                "seq": seq,
                "entry": refused.candidate.id,
                "channel": entry.channel,
                "record": entry.record,
                "refused": refused.code,
                "reason": reason,
            }),
        );
        note.org = Some(entry.channel.org().clone());
        let register = store.register()?;
        let signer = &self.home.signer;
        let sign = |bytes: &[u8]| signer.sign(bytes);
        store.release(
            device,
            seq,
            Releasing {
                may: &|refused, placed| intake::may_release(&register.tree, refused, placed),
                seal: &|receipt| signer.seal(receipt),
                now_ms: self.now_ms,
                noting: self.noting(&note, &sign),
            },
        )
    }

    /// Notes something that is done elsewhere.
    pub(crate) fn note(
        &self,
        act: &'static str,
        org: Option<OrgCode>,
        target: String,
        detail: Value,
    ) -> Result<(), StoreError> {
        let note = Note {
            act,
            org,
            target,
            detail,
        };
        self.does(Deed::Elsewhere, &note).map(|_| ())
    }

    /// Takes entries in and notes what was done with them, if they are new and all were accepted.
    pub(crate) fn append(
        &self,
        push: &Pushed,
        judge: Judge<'_>,
        note: &Note,
    ) -> Result<Appended, StoreError> {
        let sign = |bytes: &[u8]| self.home.signer.sign(bytes);
        let store = &self.home.store;
        store.append_noted(push, judge, self.noting(note, &sign))
    }

    pub(crate) fn does(&self, deed: Deed<'_>, note: &Note) -> Result<bool, StoreError> {
        let sign = |bytes: &[u8]| self.home.signer.sign(bytes);
        self.home.store.administer(deed, self.noting(note, &sign))
    }

    fn noting<'n>(&'n self, note: &'n Note, sign: Sign<'n>) -> Noting<'n> {
        Noting {
            by: &self.by,
            note,
            now_ms: self.now_ms,
            sign,
        }
    }
}

/// Notes a device's word that it did what it was ordered. `None`: the word is not its.
pub(crate) fn obeyed(home: &Home, said: &Obeyed, now_ms: u64) -> Result<Option<bool>, StoreError> {
    let Some(state) = home.store.device(said.device)? else {
        return Ok(None);
    };
    let bytes = obeyed_bytes(said.device, said.act, said.at_ms);
    let is_ordered = state
        .order
        .is_some_and(|order| (order.act, order.at_ms) == (said.act, said.at_ms));
    if !signing::is_signed(&state.device.public_key, &bytes, &said.signature) || !is_ordered {
        return Ok(None);
    }
    let hand = Hand {
        home,
        by: By {
            person: Some(state.person.id),
            name: state.person.name.clone(),
            device: Some(said.device),
        },
        now_ms,
    };
    let note = device_note(
        act::DEVICE_OBEYED,
        &state,
        json!({ "act": said.act, "ordered_at_ms": said.at_ms }),
    );
    let deed = Deed::Obeyed(said.device, said.act, said.at_ms);
    hand.does(deed, &note).map(Some)
}

fn device_note(act: &'static str, state: &DeviceState, mut detail: Value) -> Note {
    if let Value::Object(detail) = &mut detail {
        let device: DeviceId = state.device.id;
        let person: PersonId = state.person.id;
        detail.insert("device".to_owned(), json!(device));
        detail.insert("person".to_owned(), json!(person));
    }
    Note {
        act,
        org: Some(state.person.org.clone()),
        target: format!("{}（{}）", state.device.label, state.person.name),
        detail,
    }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let fits = !name.trim().is_empty()
        && name.chars().count() <= 100
        && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(NAME) }
}
