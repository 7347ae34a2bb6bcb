//! Who this device is, and the directory of everybody else.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use shicha_domain::{
    DeviceId, EntryId, Hlc, OrgCode, PersonId, Receipt,
    directory::{Role, parts::DirectoryPart},
    suite::{PublicKey, SigningKey},
};

use crate::{
    directory,
    entries::{put_receipt, read_id},
    error::LedgerError,
    ledger::{Ledger, Own, begin},
    record::Locals,
    rewound::rewound,
    settings::{get, put},
};

const IDENTITY: &str = "identity";

/// Who this device is, at which central endpoint, and with which key. It never leaves the encrypted database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The device.
    pub device: DeviceId,
    /// Its key, the secret half.
    pub signing_key: SigningKey,
    /// The person that it was enrolled for.
    pub person: PersonId,
    /// Their name.
    pub person_name: String,
    /// Their organisation.
    pub org: OrgCode,
    /// Their role.
    pub role: Role,
    /// Address of the central endpoint.
    pub server_url: String,
    /// Its public key, confirmed by a person at enrolment.
    pub server_key: PublicKey,
    /// Its name.
    pub server_name: String,
    /// Whether it holds sample data.
    pub is_sample: bool,
}

impl Ledger {
    /// Who this device is; `None` before enrolment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn identity(&self) -> Result<Option<Identity>, LedgerError> {
        Ok(self.writer().own.as_ref().map(|own| own.identity.clone()))
    }

    /// Makes this the ledger of a device: its identity, the receipt that enrolment gave (seq 0), and the first part of the
    /// directory.
    ///
    /// # Errors
    /// When it is enrolled already, or the database cannot be written.
    pub fn enrol(
        &self,
        identity: &Identity,
        receipt: &Receipt,
        directory: &DirectoryPart,
    ) -> Result<(), LedgerError> {
        let mut writer = self.writer();
        if writer.own.is_some() {
            return Err(LedgerError::Unexpected(
                "the ledger is enrolled already".into(),
            ));
        }
        let tx = begin(&mut writer.db)?;
        put_identity(&tx, identity)?;
        directory::take(&tx, directory)?;
        put_receipt(&tx, &mut Locals::default(), receipt)?;
        tx.commit()?;
        let own = read_own(&writer.db)?;
        writer.own = own;
        Ok(())
    }
}

pub(crate) fn put_identity(db: &Connection, identity: &Identity) -> Result<(), LedgerError> {
    let text = serde_json::to_string(identity)?;
    put(db, IDENTITY, &text)?;
    db.execute(
        "INSERT INTO identity_copy (n, value) VALUES (1, ?1) ON CONFLICT (n) DO UPDATE SET value = ?1",
        [text],
    )?;
    Ok(())
}

/// Puts the copy of the identity in the place of one that was lost with a damaged page. What was read of it is not believed before it can
/// be understood: where one page of a long text is damaged, zeros may stand in its place.
pub(crate) fn restore_identity(db: &Connection) -> Result<(), LedgerError> {
    let forget_broken = |key, is_whole: fn(&str) -> bool| -> Result<(), LedgerError> {
        if get(db, key)?.is_some_and(|text| !is_whole(&text)) {
            db.execute("DELETE FROM meta WHERE key = ?1", [key])?;
        }
        Ok(())
    };
    forget_broken(IDENTITY, |text| {
        serde_json::from_str::<Identity>(text).is_ok()
    })?;
    db.execute(
        "INSERT OR IGNORE INTO meta (key, value) SELECT ?1, value FROM identity_copy",
        [IDENTITY],
    )?;
    Ok(())
}

/// What the database says of the own log.
pub(crate) fn read_own(db: &Connection) -> Result<Option<Own>, LedgerError> {
    let Some(text) = get(db, IDENTITY)? else {
        return Ok(None);
    };
    let identity: Identity = serde_json::from_str(&text)?;
    let device = Locals::default().device(db, identity.device)?;
    let head = db
        .query_row(
            "SELECT seq, id FROM entry WHERE device = ?1 ORDER BY seq DESC LIMIT 1",
            [device],
            |row| Ok((row.get::<_, i64>(0)?, read_id(row, 1)?)),
        )
        .optional()?
        .map(|(seq, id)| (seq as u64, EntryId(id)));
    let receipt = db
        .query_row(
            "SELECT seq, head, id FROM receipt WHERE device = ?1 ORDER BY seq DESC, life DESC, received_at_ms DESC LIMIT 1",
            [device],
            |row| Ok((row.get::<_, i64>(0)?, read_id(row, 1)?, read_id(row, 2)?)),
        )
        .optional()?;
    let confirmed = receipt.map_or((0, EntryId::NONE), |(seq, id, _)| (seq as u64, EntryId(id)));
    // Where the end of the log was lost with a damaged database, the log goes on after what the central endpoint has confirmed. One
    // without entries begins after what its enrolment names.
    let head = head
        .filter(|head| head.0 >= confirmed.0)
        .unwrap_or(confirmed);
    let rewound = rewound(db)?;
    Ok(Some(Own {
        identity,
        device,
        head,
        acked: rewound.unwrap_or(confirmed),
        is_rewound: rewound.is_some(),
        receipt: receipt.map(|(.., id)| shicha_domain::ReceiptId(id)),
    }))
}

/// What a device's log follows: what the receipt of its enrolment names.
pub(crate) fn start_of(db: &Connection, device: i64) -> Result<EntryId, LedgerError> {
    let start = db
        .prepare_cached("SELECT head FROM receipt WHERE device = ?1 AND seq = 0 ORDER BY received_at_ms DESC LIMIT 1")?
        .query_row([device], |row| read_id(row, 0))
        .optional()?;
    Ok(start.map_or(EntryId::NONE, EntryId))
}

/// The last time that was given on this device.
pub(crate) fn read_clock(db: &Connection, own: Option<&Own>) -> Result<Hlc, LedgerError> {
    let Some(own) = own else {
        return Ok(Hlc::default());
    };
    let at: Option<i64> = db
        .query_row(
            "SELECT at FROM entry WHERE device = ?1 AND seq = ?2",
            params![own.device, own.head.0 as i64],
            |row| row.get(0),
        )
        .optional()?;
    Ok(Hlc(at.unwrap_or_default() as u64))
}
