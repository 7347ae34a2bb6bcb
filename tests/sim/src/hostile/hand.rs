//! The protocol by hand: sessions, pushes, pulls.

use anyhow::{Context as _, Result, ensure};
use serde::{Serialize, de::DeserializeOwned};
use shicha_domain::{
    Channel, Entry, EntryId, Receipt,
    authority::{self, Actor},
    directory::Role,
    receipt,
};
use shicha_sync::{
    client::{Method, Reply, Request},
    protocol::{
        BATCH_TYPE, BatchWriter, PULL_TYPE, VERSION,
        end::{END_HEADER, End, TICK_HEADER, Tick},
        messages::{ChallengeReply, ChallengeRequest, PushReply, SessionReply, SessionRequest},
        signing,
        wire::{self, Held, PullRequest, PulledChannel},
    },
};

use super::{Enemies, Enemy, ORG};
use crate::{dice::Dice, world::World};

/// A question in JSON.
pub(super) fn post(path: &str, message: &impl Serialize) -> Result<Request> {
    Ok(Request::new(Method::Post, path).body(serde_json::to_vec(message)?))
}

/// What was answered, if it was what was asked for.
pub(super) fn message<T: DeserializeOwned>(reply: &Reply) -> Result<T> {
    let said = || String::from_utf8_lossy(&reply.body).into_owned();
    ensure!(reply.status == 200, "{}", said());
    serde_json::from_slice(&reply.body).with_context(said)
}

/// A question with a session's word.
pub(super) fn with_token(request: Request, token: &str) -> Request {
    request.header("authorization", format!("Bearer {token}"))
}

impl Enemy {
    /// A stretch of its log as it seals it.
    pub(super) fn sealed(&self, entries: &[Entry]) -> Result<Vec<u8>> {
        let last = entries.last().context("something to seal")?;
        let mut batch = BatchWriter::new();
        for entry in entries {
            batch.row(0, None, entry.id(), entry);
        }
        let said = receipt::push_bytes(last.device, last.seq, last.id());
        Ok(wire::write_push(&signing::sign(&self.key, &said), batch)?)
    }

    /// Its log as if the endpoint had numbered it, with receipts that it signed itself.
    pub(super) fn as_the_endpoint(&self, now_ms: u64) -> Result<Vec<u8>> {
        let mut batch = BatchWriter::new();
        let last = self.log.last().context("something to give")?;
        let receipt = Receipt::whole(self.device, last.seq, last.id(), now_ms).signed(&self.key);
        let receipt = batch.receipt(&receipt);
        let own = Self::channel()?;
        for (entry, number) in self.log.iter().filter(|one| one.channel == own).zip(1..) {
            batch.row(number, Some(receipt), entry.id(), entry);
        }
        let channels = [PulledChannel {
            channel: own,
            rows: batch.len(),
            seen_upto: 0,
        }];
        Ok(wire::write_pull(&channels, false, batch)?)
    }

    fn may_read(&self, channel: &Channel, world: &World<'_>) -> Result<bool> {
        let actor = Actor {
            person: self.person,
            org: ORG.parse()?,
            role: Role::Inspector,
        };
        Ok(authority::may_read(&actor, channel, &world.tree))
    }
}

impl World<'_> {
    /// Asks over a good line, of an instance that these dice choose; `None` when nobody lives to answer.
    pub(super) async fn asked_by(
        &mut self,
        dice: &mut Dice,
        request: &Request,
    ) -> Result<Option<Reply>> {
        let running = self.central.running();
        let Some(n) = running.get(dice.place(running.len())) else {
            return Ok(None);
        };
        let reply = self.central.answer(*n, VERSION, request).await?;
        // What it answered counts only for who lives to hear it; what it took shows all the same.
        self.look_at_central()?;
        Ok(reply)
    }

    /// Opens a session; `None` where the endpoint cannot.
    pub(super) async fn session_of(
        &mut self,
        enemies: &mut Enemies,
        n: usize,
    ) -> Result<Option<SessionReply>> {
        let enemy = &enemies.all[n];
        let (device, nonce) = (enemy.device, [6; 32]);
        let request = post("/v1/session/challenge", &ChallengeRequest { device, nonce })?;
        let Some(reply) = self.asked_by(&mut enemies.dice, &request).await? else {
            return Ok(None);
        };
        let Ok(ChallengeReply { challenge, .. }) = message(&reply) else {
            return Ok(None);
        };
        let enemy = &mut enemies.all[n];
        let said = receipt::session_bytes(device, &enemy.server, &challenge);
        let request = post(
            "/v1/session",
            &SessionRequest {
                device,
                challenge,
                signature: signing::sign(&enemy.key, &said),
                client_version: "0.1.0".into(),
            },
        )?;
        let Some(reply) = self.asked_by(&mut enemies.dice, &request).await? else {
            return Ok(None);
        };
        let enemy = &mut enemies.all[n];
        let tick = reply.headers.iter().find(|(name, _)| name == TICK_HEADER);
        if let Some(tick) = tick.and_then(|(_, text)| Tick::from_text(text)) {
            if enemy.ticks.len() > 5 {
                enemy.ticks.remove(1);
            }
            enemy.ticks.push(tick);
        }
        Ok(message(&reply).ok())
    }

    /// Sends what the endpoint lacks of its log.
    pub(super) async fn send(
        &mut self,
        enemies: &mut Enemies,
        n: usize,
        tells_an_end: bool,
    ) -> Result<()> {
        let Some(session) = self.session_of(enemies, n).await? else {
            return Ok(());
        };
        let enemy = &mut enemies.all[n];
        enemy.held = session.head.seq;
        let upto = enemy.log.len();
        let Some(waiting) = enemy.log.get(session.head.seq as usize..) else {
            return Ok(());
        };
        if waiting.is_empty() {
            return Ok(());
        }
        let body = enemy.sealed(waiting)?;
        let mut request = Request::new(Method::Post, "/v1/push")
            .header("content-type", BATCH_TYPE)
            .body(body.clone());
        if tells_an_end {
            request = request.header(END_HEADER, false_end(&mut enemies.dice, enemy)?.to_text());
        }
        if enemy.sent.len() >= 8 {
            enemy.sent.remove(0);
        }
        enemy.sent.push(body);
        let reply = self
            .asked_by(&mut enemies.dice, &with_token(request, &session.token))
            .await?;
        let Some(reply) = reply else { return Ok(()) };
        self.step(format!("enemy {n} sends up to {upto}: {}", reply.status));
        ensure!(reply.status != 500, "an enemy's push broke the endpoint");
        let Ok(reply) = message::<PushReply>(&reply) else {
            return Ok(());
        };
        let enemy = &mut enemies.all[n];
        enemy.held = reply.head.seq;
        enemy
            .receipts
            .extend(reply.receipts.iter().map(shicha_domain::Receipt::id));
        let refused: Vec<u64> = reply.refused.iter().map(|(seq, _)| *seq).collect();
        for entry in &enemy.log[session.head.seq as usize..upto] {
            let is_forbidden = enemies.forbidden.contains(&entry.id());
            ensure!(
                !is_forbidden || refused.contains(&entry.seq),
                "the endpoint did not refuse {}",
                String::from_utf8_lossy(&entry.event)
            );
            if is_forbidden {
                self.trace.count("forgeries refused");
            }
        }
        self.trace.count("pushes of an enemy");
        Ok(())
    }

    /// Pulls what is new of all that it may read, and asks for what it may not.
    pub(super) async fn read(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(session) = self.session_of(enemies, n).await? else {
            return Ok(());
        };
        let enemy = &enemies.all[n];
        let mut held: wire::HeldChannels = enemy
            .cursors
            .iter()
            .map(|(channel, upto)| (channel.clone(), Held::upto(*upto)))
            .collect();
        held.insert("own/320706".parse()?, Held::upto(0));
        let asked = PullRequest {
            held,
            base: None,
            without: Default::default(),
            max_entries: 1_000,
            is_held: enemies.dice.percent(50),
        };
        let request = Request::new(Method::Post, "/v1/pull")
            .header("content-type", PULL_TYPE)
            .body(wire::write_pull_request(&asked)?);
        let reply = self
            .asked_by(&mut enemies.dice, &with_token(request, &session.token))
            .await?;
        let Some(reply) = reply.filter(|reply| reply.status == 200) else {
            return Ok(());
        };
        let pull = wire::read_pull(&reply.body)?;
        let mut rows = pull.batch.rows.into_iter();
        for channel in pull.channels {
            let may_read = enemies.all[n].may_read(&channel.channel, self)?;
            ensure!(may_read, "an enemy was given {}", channel.channel);
            let enemy = &mut enemies.all[n];
            for row in rows.by_ref().take(channel.rows) {
                enemy.cursors.insert(channel.channel.clone(), row.number);
                let of_record = enemy.seen.entry(row.entry.record).or_default();
                if !of_record.iter().any(|(id, _)| *id == row.id) {
                    of_record.push((row.id, row.entry));
                }
            }
        }
        Ok(())
    }
}

/// An end that is none: of another place, another entry, with an old tick, or with none at all.
fn false_end(dice: &mut Dice, enemy: &Enemy) -> Result<End> {
    let mut tick = *enemy
        .ticks
        .get(dice.place(enemy.ticks.len()))
        .context("it has a session")?;
    if dice.percent(30) {
        tick.at_ms += dice.below(1_000_000_000);
    }
    let mut head = EntryId::NONE;
    if dice.percent(50) {
        dice.fill(&mut head.0);
    } else if let Some(entry) = enemy.log.get(dice.place(enemy.log.len())) {
        head = entry.id();
    }
    let seq = dice.below(enemy.log.len() as u64 + 9) + 1;
    let said = receipt::end_bytes(&enemy.server, enemy.device, tick.at_ms, seq, head);
    Ok(End {
        tick,
        seq,
        head,
        signature: enemy.key.sign(&said),
    })
}
