//! One store in SQLite under several instances: what a store for several processes promises beyond one for a single process, the
//! memory of used challenges, lies here beside it.

use std::{collections::HashMap, path::Path, sync::Arc};

use parking_lot::Mutex;
use shicha_domain::{
    BlobHash, Channel, DeviceId, OrgCode, PersonId, Receipt,
    directory::{Org, Person},
    number::NumberBlock,
    suite::SignatureBytes,
};
use shicha_server::store::{
    Appended, ChannelNumbers, Contact, DeviceState, Enrolment, Figures, Format, GoesOn, HeldEntry,
    Info, Judge, OwnJudge, PullNote, PullQuery, Pulled, Pushed, Register, Seal, SqliteStore, Store,
    StoreError, ThenAppended, ToldEnd,
    administration::{Administration, Deed, Noting, OpenCode, StoredUpdate},
    refusals::{Refusals, RefusedEntry, Released, Releasing},
    whole::{HeldRecord, Life, Look, Numbered, Whole},
};
use shicha_sync::protocol::{
    BatchWriter,
    admin::{AuditQuery, AuditRow},
    messages::{Head, NumbersRequest},
};
use uuid::Uuid;

/// Challenges that were used, and until when that matters.
pub(crate) type Used = Arc<Mutex<HashMap<[u8; 16], u64>>>;

/// The store as one of several instances sees it.
pub(crate) struct SharedStore {
    /// Its own connections.
    pub(crate) store: SqliteStore,
    /// What all instances know.
    pub(crate) used: Used,
}

type Done<T> = Result<T, StoreError>;

impl Administration for SharedStore {
    fn administer(&self, deed: Deed<'_>, noting: Noting<'_>) -> Done<bool> {
        self.store.administer(deed, noting)
    }
    fn append_noted(&self, push: &Pushed, judge: Judge<'_>, noting: Noting<'_>) -> Done<Appended> {
        self.store.append_noted(push, judge, noting)
    }
    fn open_codes(&self, now_ms: u64) -> Done<Vec<OpenCode>> {
        self.store.open_codes(now_ms)
    }
    fn updates(&self) -> Done<Vec<StoredUpdate>> {
        self.store.updates()
    }
    fn audit(
        &self,
        query: &AuditQuery,
        may_read: &dyn Fn(Option<&OrgCode>) -> bool,
        limit: usize,
    ) -> Done<Vec<AuditRow>> {
        self.store.audit(query, may_read, limit)
    }
    fn audit_from(&self, n: u64, limit: usize) -> Done<Vec<AuditRow>> {
        self.store.audit_from(n, limit)
    }
}

impl Refusals for SharedStore {
    fn refused(
        &self,
        device: Option<DeviceId>,
        may_see: &dyn Fn(&Channel) -> bool,
        limit: usize,
    ) -> Done<Vec<RefusedEntry>> {
        self.store.refused(device, may_see, limit)
    }
    fn refused_at(&self, device: DeviceId, seq: u64) -> Done<Option<RefusedEntry>> {
        self.store.refused_at(device, seq)
    }
    fn release(
        &self,
        device: DeviceId,
        seq: u64,
        releasing: Releasing<'_>,
    ) -> Done<Option<Released>> {
        self.store.release(device, seq, releasing)
    }
}

impl Whole for SharedStore {
    fn each_record(&self, look: Look<'_, HeldRecord>) -> Done<()> {
        self.store.each_record(look)
    }
    fn each_number(&self, look: Look<'_, Numbered>) -> Done<()> {
        self.store.each_number(look)
    }
    fn lives(&self) -> Done<Vec<Life>> {
        self.store.lives()
    }
}

impl Store for SharedStore {
    fn set_info(&self, name: &str, is_sample: bool, epoch: Uuid) -> Done<()> {
        self.store.set_info(name, is_sample, epoch)
    }
    fn info(&self) -> Done<Option<Info>> {
        self.store.info()
    }
    fn format(&self) -> Done<Format> {
        self.store.format()
    }
    fn is_damaged(&self) -> bool {
        self.store.is_damaged()
    }
    fn figures(&self, since_ms: u64) -> Done<Figures> {
        self.store.figures(since_ms)
    }
    fn register(&self) -> Done<Arc<Register>> {
        self.store.register()
    }
    fn put_org(&self, org: &Org, now_ms: u64) -> Done<bool> {
        self.store.put_org(org, now_ms)
    }
    fn put_person(&self, person: &Person) -> Done<bool> {
        self.store.put_person(person)
    }
    fn add_code(
        &self,
        code: &[u8; 32],
        person: PersonId,
        now_ms: u64,
        expires_at_ms: u64,
    ) -> Done<()> {
        self.store.add_code(code, person, now_ms, expires_at_ms)
    }
    fn enrol(&self, enrolment: &Enrolment, seal: Seal<'_>) -> Done<Option<(DeviceState, Receipt)>> {
        self.store.enrol(enrolment, seal)
    }
    fn add_identity(
        &self,
        old: DeviceId,
        common: Head,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Done<GoesOn> {
        self.store.add_identity(old, common, enrolment, seal)
    }
    fn line(&self, device: DeviceId) -> Done<Vec<(DeviceId, u64)>> {
        self.store.line(device)
    }
    fn device(&self, device: DeviceId) -> Done<Option<DeviceState>> {
        self.store.device(device)
    }
    fn devices(&self) -> Done<Vec<DeviceState>> {
        self.store.devices()
    }
    fn note_contact(
        &self,
        device: DeviceId,
        client_version: &str,
        now_ms: u64,
        contact: Contact,
    ) -> Done<()> {
        self.store
            .note_contact(device, client_version, now_ms, contact)
    }
    fn note_end(&self, device: DeviceId, end: &ToldEnd) -> Done<bool> {
        self.store.note_end(device, end)
    }
    fn end_of(&self, device: DeviceId) -> Done<Option<ToldEnd>> {
        self.store.end_of(device)
    }
    fn newest_receipt_ms(&self) -> Done<u64> {
        self.store.newest_receipt_ms()
    }
    fn revoke(&self, device: DeviceId, now_ms: u64) -> Done<bool> {
        self.store.revoke(device, now_ms)
    }
    fn append(&self, push: &Pushed, judge: Judge<'_>) -> Done<Appended> {
        self.store.append(push, judge)
    }
    fn append_then(&self, push: Arc<Pushed>, judge: OwnJudge, then: ThenAppended) {
        self.store.append_then(push, judge, then);
    }
    fn has_queue(&self) -> bool {
        self.store.has_queue()
    }
    fn log(&self, device: DeviceId, from: u64, limit: usize) -> Done<Vec<Head>> {
        self.store.log(device, from, limit)
    }
    fn pull(&self, query: &PullQuery<'_>, batch: &mut BatchWriter) -> Done<Pulled> {
        self.store.pull(query, batch)
    }
    fn note_pulls(&self, notes: &[PullNote]) -> Done<Vec<Vec<Channel>>> {
        self.store.note_pulls(notes)
    }
    fn blob_uses(&self, blob: BlobHash) -> Done<Vec<(Channel, PersonId)>> {
        self.store.blob_uses(blob)
    }
    fn note_blob(&self, blob: BlobHash, size: u64, now_ms: u64) -> Done<()> {
        self.store.note_blob(blob, size, now_ms)
    }
    fn blobs(&self) -> Done<Vec<(BlobHash, u64)>> {
        self.store.blobs()
    }
    fn lend_numbers(
        &self,
        device: DeviceId,
        request: &NumbersRequest,
        size: u32,
        now_ms: u64,
    ) -> Done<NumberBlock> {
        self.store.lend_numbers(device, request, size, now_ms)
    }
    fn entries_of(&self, device: DeviceId, from: u64, limit: usize) -> Done<Vec<HeldEntry>> {
        self.store.entries_of(device, from, limit)
    }
    fn receipts_of(&self, device: DeviceId) -> Done<Vec<(Receipt, SignatureBytes)>> {
        self.store.receipts_of(device)
    }
    fn brought_of(&self, device: DeviceId) -> Done<Vec<(u64, Receipt)>> {
        self.store.brought_of(device)
    }
    fn channels(&self) -> Done<Vec<ChannelNumbers>> {
        self.store.channels()
    }
    fn foreign_changes(&self) -> Done<u64> {
        self.store.foreign_changes()
    }
    fn is_shared(&self) -> bool {
        true
    }
    fn use_challenge(&self, challenge: &[u8; 16], now_ms: u64, until_ms: u64) -> Done<bool> {
        let mut used = self.used.lock();
        used.retain(|_, until| *until > now_ms);
        Ok(used.insert(*challenge, until_ms).is_none())
    }
    fn begin_life(&self, epoch: Uuid, now_ms: u64) -> Done<bool> {
        self.store.begin_life(epoch, now_ms)
    }
    fn mark_restored(&self) -> Done<()> {
        self.store.mark_restored()
    }
    fn backup_to(&self, path: &Path, epoch: Uuid) -> Done<()> {
        self.store.backup_to(path, epoch)
    }
}
