//! A device with a newer version of the software: it writes what nobody else here can read, and that must go through all hands as it is.

use anyhow::{Context as _, Result, ensure};
use serde::{Serialize, de::DeserializeOwned};
use shicha_domain::{
    DeviceId, Entry, EntryId, Event, Hlc, ReceiptId, RecordId, receipt,
    suite::{PublicKey, SigningKey},
};
use shicha_sync::{
    Random,
    client::{Clock as _, Method, Reply, Request},
    protocol::{
        BATCH_TYPE, BatchWriter, VERSION,
        messages::{
            ChallengeReply, ChallengeRequest, EnrolReply, EnrolRequest, PushReply, SessionReply,
            SessionRequest,
        },
        signing, wire,
    },
};

use crate::{central::person, world::World};

/// What its new kind of event is called.
const KIND: &str = "measured";

/// The device. It speaks the protocol by hand and keeps its log in memory.
pub(crate) struct Newer {
    key: SigningKey,
    server: PublicKey,
    device: DeviceId,
    after: ReceiptId,
    log: Vec<Entry>,
}

fn asked(path: &str, message: &impl Serialize) -> Result<Request> {
    Ok(Request::new(Method::Post, path).body(serde_json::to_vec(message)?))
}

fn message<T: DeserializeOwned>(reply: &Reply) -> Result<T> {
    let said = || String::from_utf8_lossy(&reply.body).into_owned();
    ensure!(reply.status == 200, "{}", said());
    serde_json::from_slice(&reply.body).with_context(said)
}

impl World<'_> {
    /// Asks over a good line; `None` when nobody lives to answer.
    async fn ask_well(&mut self, request: &Request) -> Result<Option<Reply>> {
        let running = self.central.running();
        let Some(n) = running.get(self.dice.place(running.len())) else {
            return Ok(None);
        };
        self.central.answer(*n, VERSION, request).await
    }

    /// A device with a newer version joins.
    ///
    /// # Errors
    /// When it is not let in.
    pub(crate) async fn join_newer(&mut self, random: &Random) -> Result<()> {
        let key = SigningKey::from_bytes(&random.bytes());
        let public_key = key.public_key();
        let server = self
            .central
            .home()
            .context("an instance runs")?
            .signer
            .public_key();
        let code = self.central.code(person(0))?;
        let code: shicha_sync::protocol::EnrolCode = code.parse()?;
        let code = code.canonical();
        let proof = signing::sign(&key, &signing::enrol_bytes(&server, &public_key, &code));
        let request = EnrolRequest {
            code,
            public_key,
            label: "新版电脑".into(),
            proof,
            client_version: "9.0.0".into(),
        };
        let reply = self.ask_well(&asked("/v1/enrol", &request)?).await?;
        let reply: EnrolReply = message(&reply.context("the world has just begun")?)?;
        self.newer = Some(Newer {
            key,
            server,
            device: reply.device,
            after: reply.receipt.id(),
            log: Vec::new(),
        });
        Ok(())
    }

    /// It writes something on a record of its bureau, and sends what the endpoint lacks.
    ///
    /// # Errors
    /// When what it sends is not taken.
    pub(crate) async fn newer_writes(&mut self) -> Result<()> {
        let records: Vec<RecordId> = self
            .truth
            .records
            .iter()
            .filter(|(channel, _)| channel.to_string() == "own/320703")
            .map(|(_, record)| *record)
            .collect();
        let record = records.get(self.dice.place(records.len())).copied();
        let (Some(record), Some(newer)) = (record, self.newer.as_mut()) else {
            return Ok(());
        };
        let channel = "own/320703".parse()?;
        let event = Event::Unknown { kind: KIND.into() };
        let mark = self.truth.say(person(0), &channel, record, &event);
        let last = newer.log.last();
        let entry = Entry {
            device: newer.device,
            seq: newer.log.len() as u64 + 1,
            prev: last.map_or(EntryId::NONE, Entry::id),
            after: Some(newer.after),
            at: Hlc::from_ms(self.watch.now_ms()),
            author: person(0),
            channel,
            record,
            event: format!(r#"{{"t":"{KIND}","text":"§{mark}§","by":{{"lux":[1,2.5]}}}}"#)
                .into_bytes(),
            again: None,
        };
        newer.log.push(entry);
        self.trace.count("entries of a newer version");
        self.step(format!("the newer device writes §{mark}§"));
        self.newer_sends().await
    }

    /// It sends what the endpoint lacks.
    ///
    /// # Errors
    /// When that is not taken, although there is room and time.
    pub(crate) async fn newer_sends(&mut self) -> Result<()> {
        let Some(newer) = self.newer.take() else {
            return Ok(());
        };
        let sent = self.send_of(&newer).await;
        self.newer = Some(newer);
        match sent {
            // Killed at work, no room, clocks: the next time.
            Err(_) if self.central.running().len() < self.central.count() || self.is_bad => Ok(()),
            sent => sent,
        }
    }

    async fn send_of(&mut self, newer: &Newer) -> Result<()> {
        let (device, nonce) = (newer.device, [5; 32]);
        let request = asked("/v1/session/challenge", &ChallengeRequest { device, nonce })?;
        let reply = self.ask_well(&request).await?.context("nobody answers")?;
        let ChallengeReply { challenge, .. } = message(&reply)?;
        let said = receipt::session_bytes(device, &newer.server, &challenge);
        let request = SessionRequest {
            device,
            challenge,
            signature: signing::sign(&newer.key, &said),
            client_version: "9.0.0".into(),
        };
        let reply = self.ask_well(&asked("/v1/session", &request)?).await?;
        let session: SessionReply = message(&reply.context("nobody answers")?)?;
        let waiting = &newer.log[session.head.seq as usize..];
        let Some(last) = waiting.last() else {
            return Ok(());
        };
        let mut batch = BatchWriter::new();
        for entry in waiting {
            batch.row(0, None, entry.id(), entry);
        }
        let said = receipt::push_bytes(device, last.seq, last.id());
        let body = wire::write_push(&signing::sign(&newer.key, &said), batch)?;
        let request = Request::new(Method::Post, "/v1/push")
            .header("content-type", BATCH_TYPE)
            .header("authorization", format!("Bearer {}", session.token))
            .body(body);
        let reply = self.ask_well(&request).await?;
        self.look_at_central()?;
        let reply: PushReply = message(&reply.context("nobody answers")?)?;
        ensure!(reply.refused.is_empty(), "refused: {:?}", reply.refused);
        Ok(())
    }
}
