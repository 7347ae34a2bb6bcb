//! Making a package: what waits here, or chosen records, for the endpoint or for another device.
//!
//! The endpoint needs every entry of a log, so choosing records chooses the evidence that goes along, which is what is large. Another
//! device gets what it may read and nothing else: stretches of logs, each under its device's signature.

use std::{collections::HashSet, io::Write, sync::Arc};

use shicha_domain::{
    BlobHash, Channel, DeviceId, Event, RecordId,
    authority::{self, Actor},
    directory::OrgTree,
    entry::Entry,
    suite::PublicKey,
};
use shicha_ledger::{Ledger, Sealed};

use super::{
    super::{NumberWant, numbers, push},
    Me, PackageError, active, parting, update,
};
use crate::{
    Random, handed,
    package::{
        Contents, Kind, Label, MAX_WANTED_EVIDENCE, PackageFault, Party, Progress, Wanted, Writer,
    },
    update::UpdateFolder,
};

/// Entries of one push.
const BATCH: usize = 5_000;
/// Bytes of events of one push.
const BATCH_BYTES: usize = 2 << 20;
/// Evidence that goes into one package at most.
const MAX_EVIDENCE: usize = 100_000;
/// How much of a file is read at a time.
const PART: u64 = 1 << 20;
/// What an entry takes in a package, about.
const ENTRY_BYTES: u64 = 100;

/// What to put into a package.
#[derive(Clone)]
pub struct Giving {
    /// Whom it is for: the central endpoint or a device of the directory.
    pub to: Party,
    /// Only these records; `None`: everything that waits.
    pub records: Option<Vec<RecordId>>,
    /// Document numbers that this device should have a stock of.
    pub numbers: Vec<NumberWant>,
    /// Where the update of the application lies that goes along to a device; `None`: none does.
    pub update: Option<Arc<UpdateFolder>>,
    /// The clock, Unix ms.
    pub now_ms: u64,
    /// Where the package's name and what is asked for get theirs from.
    pub random: Random,
}

/// What would go into a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Own entries, oldest first.
    own: Vec<(u64, u64)>,
    /// How many own entries.
    pub entries: u64,
    /// Entries of other devices that are carried along.
    pub carried: u64,
    /// Files of evidence, with their sizes.
    pub evidence: Vec<(BlobHash, u64)>,
    /// The last own entry in it; 0: none.
    pub upto: u64,
    /// Bytes of the update that goes along.
    pub update: u64,
}

/// About how many bytes the package will have.
pub fn expected_bytes(plan: &Plan) -> u64 {
    let evidence: u64 = plan.evidence.iter().map(|(_, size)| size + 64).sum();
    evidence + plan.update + (plan.entries + plan.carried) * ENTRY_BYTES + (64 << 10)
}

/// What a recipient may get.
enum Recipient {
    Endpoint,
    Device {
        device: DeviceId,
        actor: Actor,
        tree: OrgTree,
    },
}

impl Recipient {
    fn may_read(&self, channel: &Channel) -> bool {
        match self {
            Self::Endpoint => true,
            Self::Device { actor, tree, .. } => authority::may_read(actor, channel, tree),
        }
    }
}

/// Finds the recipient and the key that the package is sealed for.
fn recipient(ledger: &Ledger, me: &Me, to: Party) -> Result<(Recipient, PublicKey), PackageError> {
    match to {
        Party::Endpoint { key } if key == me.identity.server_key => Ok((Recipient::Endpoint, key)),
        Party::Device { device } if device != me.identity.device => {
            let directory = ledger.directory()?;
            let (known, actor) =
                active(&directory, device).ok_or(PackageError::UnknownRecipient)?;
            let tree = OrgTree::of(&directory);
            let key = known.public_key;
            Ok((
                Recipient::Device {
                    device,
                    actor,
                    tree,
                },
                key,
            ))
        }
        _ => Err(PackageError::UnknownRecipient),
    }
}

/// Looks what would go into the package.
///
/// # Errors
/// When the recipient is none, or the ledger cannot be read.
pub fn plan(ledger: &Ledger, giving: &Giving) -> Result<Plan, PackageError> {
    let me = Me::of(ledger)?;
    let (recipient, _) = recipient(ledger, &me, giving.to)?;
    planned(ledger, &recipient, giving)
}

fn planned(ledger: &Ledger, recipient: &Recipient, giving: &Giving) -> Result<Plan, PackageError> {
    let chosen: Option<HashSet<RecordId>> = giving
        .records
        .as_ref()
        .map(|records| records.iter().copied().collect());
    let mut plan = Plan {
        update: match (recipient, &giving.update) {
            (Recipient::Device { .. }, Some(updates)) => update::size(updates)?,
            _ => 0,
        },
        ..Plan::default()
    };
    let mut named: Vec<BlobHash> = Vec::new();
    // For the endpoint what waits, always; for a device what waits, or all that this one wrote about the chosen records.
    let is_for_device = matches!(recipient, Recipient::Device { .. });
    let mut after = match chosen {
        Some(_) if is_for_device => 0,
        _ => ledger.acked()?.0,
    };
    let refused: HashSet<u64> = match is_for_device {
        true => ledger
            .refused()?
            .iter()
            .map(|refused| refused.seq)
            .collect(),
        false => HashSet::new(),
    };
    loop {
        let entries = ledger.own_log(after, BATCH, BATCH_BYTES)?;
        let Some((_, last)) = entries.last() else {
            break;
        };
        after = last.seq;
        for (_, entry) in &entries {
            let is_chosen = chosen
                .as_ref()
                .is_none_or(|chosen| chosen.contains(&entry.record));
            if is_for_device
                && (!is_chosen
                    || !recipient.may_read(&entry.channel)
                    || refused.contains(&entry.seq))
            {
                continue;
            }
            plan.entries += 1;
            plan.upto = entry.seq;
            match plan.own.last_mut() {
                Some((_, upto)) if *upto + 1 == entry.seq => *upto = entry.seq,
                _ => plan.own.push((entry.seq, entry.seq)),
            }
            if is_chosen {
                note(&mut named, entry);
            }
        }
    }
    for sealed in carried(ledger, recipient)? {
        plan.carried += sealed.entries.len() as u64;
        for (_, entry) in &sealed.entries {
            if chosen
                .as_ref()
                .is_none_or(|chosen| chosen.contains(&entry.record))
            {
                note(&mut named, entry);
            }
        }
    }
    plan.evidence = match (&chosen, is_for_device) {
        (None, false) => ledger
            .blobs_waiting(MAX_EVIDENCE)?
            .into_iter()
            .map(|(hash, size, _)| (hash, size))
            .collect(),
        (Some(chosen), false) => {
            let mut of_chosen: HashSet<BlobHash> = named.into_iter().collect();
            for record in chosen {
                for one in ledger.entries_of(*record)? {
                    of_chosen.extend(blob_of(&one.entry));
                }
            }
            ledger
                .blobs_waiting(MAX_EVIDENCE)?
                .into_iter()
                .filter(|(hash, ..)| of_chosen.contains(hash))
                .map(|(hash, size, _)| (hash, size))
                .collect()
        }
        (_, true) => whole(ledger, named)?,
    };
    Ok(plan)
}

/// What is held here for other devices and may go to the recipient: never a part of a stretch, because it would bear no signature.
fn carried(ledger: &Ledger, recipient: &Recipient) -> Result<Vec<Sealed>, PackageError> {
    let mut carried = ledger.carried()?;
    carried.retain(|sealed| {
        sealed.entries.iter().all(|(_, entry)| {
            let is_theirs =
                matches!(recipient, Recipient::Device { device, .. } if *device == entry.device);
            !is_theirs && recipient.may_read(&entry.channel)
        })
    });
    Ok(carried)
}

fn blob_of(entry: &Entry) -> Option<BlobHash> {
    let event = Event::parse(&entry.event).ok()?;
    event.blobs().map(|(hash, _)| hash)
}

fn note(named: &mut Vec<BlobHash>, entry: &Entry) {
    named.extend(blob_of(entry));
}

/// Those files that are here whole, each once, smallest first.
fn whole(ledger: &Ledger, named: Vec<BlobHash>) -> Result<Vec<(BlobHash, u64)>, PackageError> {
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for hash in named {
        if files.len() < MAX_EVIDENCE
            && seen.insert(hash)
            && let Some(info) = ledger.blob_info(hash)?
            && info.is_complete
        {
            files.push((hash, info.size));
        }
    }
    files.sort_by_key(|(_, size)| *size);
    Ok(files)
}

/// Writes the package. Returns the file, what is in it, and the last own entry in it (0: none).
///
/// # Errors
/// When the recipient is none, the ledger cannot be read, or the file cannot be written; then what was written is no package.
pub fn give<W: Write>(
    ledger: &Ledger,
    giving: &Giving,
    out: W,
    progress: Progress<'_>,
) -> Result<(W, Label, Contents, u64), PackageError> {
    let me = Me::of(ledger)?;
    let (recipient, key) = recipient(ledger, &me, giving.to)?;
    let plan = planned(ledger, &recipient, giving)?;
    let label = Label {
        id: giving.random.id_at(giving.now_ms),
        from: Party::Device {
            device: me.identity.device,
        },
        to: giving.to,
        endpoint: me.identity.server_key,
        made_at_ms: giving.now_ms,
        software: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut writer = Writer::begin(out, &label, &key, &me.key, progress)?;
    if let Recipient::Endpoint = recipient {
        if let Some(request) = parting::request(ledger, &me, &giving.random)? {
            writer.message(Kind::IdentityRequest, &request)?;
        }
        writer.message(Kind::Wanted, &wanted(ledger, giving)?)?;
    }
    for (from, to) in &plan.own {
        push_own(ledger, &me, &mut writer, *from, *to)?;
    }
    for sealed in carried(ledger, &recipient)? {
        writer.bytes(
            Kind::Push,
            &handed::write(&sealed.entries, &sealed.signature)?,
        )?;
    }
    for (hash, size) in &plan.evidence {
        writer.evidence(*hash, *size)?;
        let mut offset = 0;
        while offset < *size {
            let part = ledger.blob_read(*hash, offset, PART)?;
            offset += part.len() as u64;
            writer.part(&part)?;
        }
    }
    if let (Recipient::Device { .. }, Some(updates)) = (&recipient, &giving.update) {
        update::give(updates, &mut writer)?;
    }
    let (out, contents) = writer.finish()?;
    Ok((out, label, contents, plan.upto))
}

fn push_own<W: Write>(
    ledger: &Ledger,
    me: &Me,
    writer: &mut Writer<'_, W>,
    from: u64,
    to: u64,
) -> Result<(), PackageError> {
    let mut after = from - 1;
    while after < to {
        let most = usize::try_from(to - after).unwrap_or(BATCH).min(BATCH);
        let mut entries = ledger.own_log(after, most, BATCH_BYTES)?;
        let older = push::to_bring_back(ledger, &entries)?;
        if let Some(whole) = push::whole(&entries, &older) {
            entries.truncate(whole);
        }
        let Some((_, last)) = entries.last() else {
            return Err(PackageFault::Malformed("entries are gone".to_owned()).into());
        };
        after = last.seq;
        writer.bytes(Kind::Push, &push::write(&entries, &me.key, &older)?)?;
    }
    Ok(())
}

fn wanted(ledger: &Ledger, giving: &Giving) -> Result<Wanted, PackageError> {
    let held = ledger.held_channels()?;
    let awaited = held
        .iter()
        .filter_map(|one| Some((one.channel.clone(), one.awaited?)));
    Ok(Wanted {
        acked: ledger.acked()?.0,
        seen: awaited.collect(),
        cursors: held
            .into_iter()
            .map(|one| (one.channel, one.cursor))
            .collect(),
        evidence: ledger
            .blobs_wanted(MAX_WANTED_EVIDENCE)?
            .into_iter()
            .map(|(hash, ..)| hash)
            .collect(),
        waiting: ledger
            .blobs_waiting(MAX_WANTED_EVIDENCE)?
            .into_iter()
            .map(|(hash, ..)| hash)
            .collect(),
        numbers: numbers::short(ledger, &giving.numbers, &giving.random)?,
        directory: ledger.directory_mark()?,
    })
}
