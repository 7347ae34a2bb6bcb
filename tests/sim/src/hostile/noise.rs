//! What is no entry: packages in others' names, stretches given by hand, junk, repetitions, and doors that are closed to it.

use anyhow::{Result, ensure};
use shicha_domain::suite::SigningKey;
use shicha_domain::{BlobHash, DeviceId, Entry, EntryId, Hlc, RecordId, receipt};
use shicha_ledger::{Confirmed, Ledger, LedgerError, Sealed, SealedTaken};
use shicha_sync::{
    client::{
        Clock as _, Method, Request,
        package::{look, take},
    },
    package::{Kind, Label, Party, Writer},
    protocol::{
        BATCH_TYPE, PULL_TYPE,
        messages::{
            ChallengeReply, ChallengeRequest, Head, IdentityReply, IdentityRequest, SessionRequest,
        },
        signing, wire,
    },
};
use uuid::Uuid;

use super::{
    Enemies,
    hand::{message, post, with_token},
};
use crate::world::World;

/// The sizes of junk: nothing, a word, more than a message may have, more than a page.
const SIZES: [usize; 6] = [0, 1, 90, 5_000, 70_000, 1_200_000];
/// Where it is sent to.
const DOORS: [(&str, &str); 9] = [
    ("/v1/push", BATCH_TYPE),
    ("/v1/pull", PULL_TYPE),
    ("/v1/session", "application/json"),
    ("/v1/session/challenge", "application/json"),
    ("/v1/enrol", "application/json"),
    ("/v1/identity", "application/json"),
    ("/v1/numbers", "application/json"),
    ("/v1/obeyed", "application/json"),
    ("/v1/packages", "application/vnd.shicha.package"),
];

/// How many identities of a line begin in a day, at most.
const IDENTITIES_A_DAY: usize = 5;
const DAY_MS: u64 = 86_400_000;

impl World<'_> {
    /// It hands a stretch of its log to somebody honest, perhaps of another past than the endpoint has, perhaps in another's name.
    pub(super) fn by_hand(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(to) = self.honest(enemies) else {
            return Ok(());
        };
        let dice = &mut enemies.dice;
        let enemy = &enemies.all[n];
        if enemy.log.is_empty() {
            return Ok(());
        }
        let first = dice.place(enemy.log.len());
        let count = 1 + dice.place(enemy.log.len() - first);
        let mut entries: Vec<(EntryId, Entry)> = enemy.log[first..first + count]
            .iter()
            .map(|entry| (entry.id(), entry.clone()))
            .collect();
        let roll = dice.below(4);
        let mut is_forged = false;
        if let Some((id, last)) = entries.last_mut() {
            match roll {
                // Another past: the same place, said at another time.
                0 => {
                    last.at = Hlc(last.at.0 + 1);
                    *id = last.id();
                }
                // In the name of an honest device, sealed with the own key.
                1 => {
                    let Some(device) = self.laptops[to].device() else {
                        return Ok(());
                    };
                    last.device = device;
                    *id = last.id();
                    is_forged = true;
                }
                _ => {}
            }
        }
        if is_forged {
            entries = entries.split_off(entries.len() - 1);
        }
        let Some((id, last)) = entries.last() else {
            return Ok(());
        };
        let said = receipt::push_bytes(last.device, last.seq, *id);
        let sealed = Sealed {
            signature: signing::sign(&enemy.key, &said),
            entries: entries.clone(),
        };
        let now_ms = self.laptops[to].watch.now_ms();
        let Some(ledger) = self.laptops[to].work().cloned() else {
            return Ok(());
        };
        let taken = ledger.take_sealed(&sealed, now_ms);
        self.step(format!(
            "enemy {n} hands {count} from {} to {to}, past {roll}: {taken:?}",
            first + 1
        ));
        ensure!(
            !is_forged || !matches!(taken, Ok(SealedTaken::Held { .. })),
            "{} took entries that their device did not sign",
            self.laptops[to].name()
        );
        // The same as if the endpoint had confirmed it, with no receipt of the run that refused it.
        let refused: Vec<(EntryId, RecordId)> = entries
            .iter()
            .filter(|(id, _)| enemies.forbidden.contains(id))
            .map(|(id, entry)| (*id, entry.record))
            .collect();
        let before = here(&ledger, &refused);
        let confirmed = Confirmed {
            entries,
            receipts: Vec::new(),
        };
        let taken = ledger.take_confirmed(&confirmed, now_ms);
        let after = here(&ledger, &refused);
        drop(ledger);
        if self.laptops[to].has_died() {
            return Ok(());
        }
        if let (Ok(_), Ok(before), Ok(after)) = (taken, before, after) {
            ensure!(
                before == after,
                "{} took as confirmed what the endpoint refused",
                self.laptops[to].name()
            );
        }
        self.trace.count("stretches by an enemy's hand");
        self.look_at(to)
    }

    /// A laptop that runs and is enrolled.
    fn honest(&mut self, enemies: &mut Enemies) -> Option<usize> {
        let up: Vec<usize> = self
            .laptops
            .iter()
            .filter(|one| one.is_up() && !one.is_busy() && one.device().is_some())
            .map(|one| one.n)
            .collect();
        up.get(enemies.dice.place(up.len())).copied()
    }

    /// A package that says it comes from the endpoint, or from a colleague.
    pub(super) fn false_package(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(to) = self.honest(enemies) else {
            return Ok(());
        };
        let Some(ledger) = self.laptops[to].work().cloned() else {
            return Ok(());
        };
        let dice = &mut enemies.dice;
        let enemy = &enemies.all[n];
        let directory = ledger.directory()?;
        let Some(device) = self.laptops[to].device() else {
            return Ok(());
        };
        let known = directory.devices.iter().find(|one| one.id == device);
        let (Some(known), false) = (known, enemy.log.is_empty()) else {
            return Ok(());
        };
        let others = directory
            .devices
            .iter()
            .map(|one| one.id)
            .filter(|one| *one != enemy.device && *one != device);
        let others: Vec<DeviceId> = others.collect();
        // In its own name it may bring what it sealed, and nothing that only the endpoint says.
        let is_own_name = dice.percent(40);
        let from = match others.get(dice.place(others.len())) {
            _ if is_own_name => Party::Device {
                device: enemy.device,
            },
            Some(other) if dice.percent(50) => Party::Device { device: *other },
            _ => Party::Endpoint { key: enemy.server },
        };
        let now_ms = self.laptops[to].watch.now_ms();
        let label = Label {
            id: Uuid::from_u128(u128::from(dice.roll()) << 64 | u128::from(dice.roll())),
            from,
            to: Party::Device { device },
            endpoint: enemy.server,
            made_at_ms: now_ms,
            software: "0.1.0".into(),
        };
        let mut is_watched = |_| true;
        let mut writer = Writer::begin(
            Vec::new(),
            &label,
            &known.public_key,
            &enemy.key,
            &mut is_watched,
        )?;
        if is_own_name {
            writer.bytes(Kind::Pull, &enemy.as_the_endpoint(now_ms)?)?;
        } else {
            writer.bytes(Kind::Push, &enemy.sealed(&enemy.log)?)?;
        }
        let (bytes, _) = writer.finish()?;
        let before = ledger.cursors().ok();
        let taken = look(&ledger, bytes.as_slice(), &mut |_| true)
            .and_then(|looked| take(&ledger, bytes.as_slice(), &looked, now_ms, &mut |_| true));
        let after = ledger.cursors().ok();
        drop(ledger);
        self.step(format!("enemy {n} gives {to} a package from {from}"));
        if self.laptops[to].has_died() {
            return Ok(());
        }
        if is_own_name {
            ensure!(
                before == after,
                "{} believed a number that the endpoint did not give",
                self.laptops[to].name()
            );
            self.trace.count("forged receipts");
        } else {
            ensure!(
                taken.is_err(),
                "{} took a package that is not of whom it says",
                self.laptops[to].name()
            );
            self.trace.count("false packages");
        }
        self.look_at(to)
    }

    /// Bytes that mean nothing, and a push of its own in which a bit was turned.
    pub(super) async fn junk(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(session) = self.session_of(enemies, n).await? else {
            return Ok(());
        };
        let dice = &mut enemies.dice;
        let (path, kind) = DOORS[dice.place(DOORS.len())];
        let mut body = vec![0; SIZES[dice.place(SIZES.len())]];
        dice.fill(&mut body);
        let (mut path, mut kind) = (path, kind);
        let mut is_the_same = false;
        if dice.percent(40)
            && let Some(sent) = enemies.all[n].sent.last()
        {
            (path, kind) = ("/v1/push", BATCH_TYPE);
            body.clone_from(sent);
            let at = dice.place(body.len());
            body[at] ^= 1 << dice.below(8);
            // Not every bit of what is compressed says something.
            let said = |body: &[u8]| wire::read_push(body).ok();
            is_the_same = said(&body).is_some_and(|push| Some(push) == said(sent));
        }
        let request = Request::new(Method::Post, path)
            .header("content-type", kind)
            .body(body);
        let reply = self
            .asked_by(&mut enemies.dice, &with_token(request, &session.token))
            .await?;
        let Some(reply) = reply else { return Ok(()) };
        self.step(format!("enemy {n} sends junk to {path}: {}", reply.status));
        ensure!(
            is_the_same || reply.status >= 400 && reply.status != 500,
            "junk to {path} is answered with {}",
            reply.status
        );
        self.trace.count("junk of an enemy");
        Ok(())
    }

    /// What it sent before, or heard an honest device send, once more.
    pub(super) async fn replay(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(session) = self.session_of(enemies, n).await? else {
            return Ok(());
        };
        let dice = &mut enemies.dice;
        let said = if dice.percent(50) {
            &enemies.heard
        } else {
            &enemies.all[n].sent
        };
        let Some(body) = said.get(dice.place(said.len())).cloned() else {
            return Ok(());
        };
        let request = Request::new(Method::Post, "/v1/push")
            .header("content-type", BATCH_TYPE)
            .body(body);
        let reply = self
            .asked_by(&mut enemies.dice, &with_token(request, &session.token))
            .await?;
        let Some(reply) = reply else { return Ok(()) };
        self.step(format!("enemy {n} repeats a push: {}", reply.status));
        ensure!(reply.status != 500, "a repeated push broke the endpoint");
        self.trace.count("pushes repeated by an enemy");
        Ok(())
    }

    /// It goes on under another identity, as a restored laptop does, as often as it is let.
    pub(super) async fn mint(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(session) = self.session_of(enemies, n).await? else {
            return Ok(());
        };
        if session.is_ended {
            return Ok(());
        }
        let mut bytes = [0; 32];
        enemies.dice.fill(&mut bytes);
        let new = SigningKey::from_bytes(&bytes);
        let enemy = &enemies.all[n];
        let common = session.head;
        let said = signing::identity_bytes(&enemy.server, enemy.device, common, &new.public_key());
        let asked = IdentityRequest {
            public_key: new.public_key(),
            signature: signing::sign(&enemy.key, &said),
            proof: signing::sign(&new, &said),
            label: "又一台".into(),
            common,
        };
        let request = with_token(post("/v1/identity", &asked)?, &session.token);
        let Some(reply) = self.asked_by(&mut enemies.dice, &request).await? else {
            return Ok(());
        };
        self.step(format!(
            "enemy {n} wants another identity: {}",
            reply.status
        ));
        ensure!(reply.status != 500, "another identity broke the endpoint");
        let Ok(IdentityReply { device, receipt }) = message(&reply) else {
            return Ok(());
        };
        let now_ms = self.central.watch.now_ms();
        let enemy = &mut enemies.all[n];
        enemy.minted_ms.push(now_ms);
        let lately = enemy.minted_ms.iter();
        let lately = lately.filter(|at| **at + DAY_MS > now_ms).count();
        ensure!(
            lately <= IDENTITIES_A_DAY || self.truth.was_restored(),
            "an enemy got {lately} identities in a day"
        );
        (enemy.key, enemy.device, enemy.base) = (new, device, common.id);
        enemy.receipts = vec![receipt.id()];
        enemy.log.clear();
        enemy.ticks.clear();
        enemy.held = 0;
        self.trace.count("identities of an enemy");
        Ok(())
    }

    /// Doors that are closed: another's session, another's identity, another's evidence, and what is for administrators.
    pub(super) async fn intrude(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(session) = self.session_of(enemies, n).await? else {
            return Ok(());
        };
        let victims: Vec<DeviceId> = self
            .laptops
            .iter()
            .filter_map(super::super::laptop::Laptop::device)
            .collect();
        let Some(victim) = victims.get(enemies.dice.place(victims.len())).copied() else {
            return Ok(());
        };
        let (key, server) = (enemies.all[n].key.clone(), enemies.all[n].server);
        let roll = enemies.dice.below(5);
        let request = match roll {
            0 => {
                let nonce = [8; 32];
                let asked = ChallengeRequest {
                    device: victim,
                    nonce,
                };
                let request = post("/v1/session/challenge", &asked)?;
                let Some(reply) = self.asked_by(&mut enemies.dice, &request).await? else {
                    return Ok(());
                };
                let Ok(ChallengeReply { challenge, .. }) = message(&reply) else {
                    return Ok(());
                };
                let said = receipt::session_bytes(victim, &server, &challenge);
                post(
                    "/v1/session",
                    &SessionRequest {
                        device: victim,
                        challenge,
                        signature: signing::sign(&key, &said),
                        client_version: "0.1.0".into(),
                    },
                )?
            }
            1 => {
                let mut bytes = [0; 32];
                enemies.dice.fill(&mut bytes);
                let new = SigningKey::from_bytes(&bytes);
                let said = signing::identity_bytes(&server, victim, Head::EMPTY, &new.public_key());
                let asked = IdentityRequest {
                    public_key: new.public_key(),
                    signature: signing::sign(&key, &said),
                    proof: signing::sign(&new, &said),
                    label: "另一台".into(),
                    common: Head::EMPTY,
                };
                with_token(post("/v1/identity", &asked)?, &session.token)
            }
            2 => {
                let mut hash = [0; 32];
                enemies.dice.fill(&mut hash);
                let path = format!("/v1/blobs/{}", BlobHash(hash));
                let request = Request::new(Method::Patch, &path)
                    .header("upload-offset", "0".to_owned())
                    .header("upload-length", "4".to_owned())
                    .body(b"junk".to_vec());
                with_token(request, &session.token)
            }
            3 => with_token(
                Request::new(Method::Get, "/v1/admin/people"),
                &session.token,
            ),
            _ => with_token(
                post(
                    "/v1/admin/devices/revoke",
                    &serde_json::json!({ "device": victim, "order": "wipe" }),
                )?,
                &session.token,
            ),
        };
        let reply = self.asked_by(&mut enemies.dice, &request).await?;
        let Some(reply) = reply else { return Ok(()) };
        self.step(format!(
            "enemy {n} tries {}, {roll}: {}",
            request.path, reply.status
        ));
        ensure!(
            reply.status >= 400 && reply.status != 500,
            "{} was open to an enemy: {}",
            request.path,
            reply.status
        );
        self.trace.count("doors tried by an enemy");
        Ok(())
    }
}

/// Which of the entries a ledger has.
fn here(ledger: &Ledger, named: &[(EntryId, RecordId)]) -> Result<Vec<EntryId>, LedgerError> {
    let mut here = Vec::new();
    for (id, record) in named {
        if ledger.entries_of(*record)?.iter().any(|one| one.id == *id) {
            here.push(*id);
        }
    }
    Ok(here)
}
