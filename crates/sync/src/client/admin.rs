//! What an administrator asks the central endpoint, in the session of their device.

use serde::{Serialize, de::DeserializeOwned};
use shicha_domain::{
    DeviceId, OrgCode, PersonId,
    directory::{Org, Person},
};
use shicha_ledger::Ledger;

use super::{
    engine::Engine,
    error::SyncError,
    round::identity,
    session::{message, post},
    transport::{Method, Request},
};
use crate::protocol::{
    ProblemCode,
    admin::{
        Audit, AuditQuery, Changed, Codes, Devices, MAX_REFUSED, MadeCard, MadeCode, NewCard,
        NewCode, Orgs, PackPublished, Packs, People, Refused, ReleaseEntry, Revoke, Unlock,
        UnlockCode, WithdrawCode,
    },
    order::OrderAct,
    update::{ReleaseUpdate, Updates},
};

/// Why the server does not publish a pack, as it says it.
#[derive(Debug, Clone, PartialEq)]
pub struct PackFault {
    /// `faults` or `version` ([`crate::protocol::admin::pack_refusal`]).
    pub reason: String,
    /// The newest version that was published.
    pub newest: Option<String>,
}

impl PackFault {
    /// What a refusal says of a pack.
    pub fn of(error: &SyncError) -> Option<Self> {
        let SyncError::Problem(problem) = error else {
            return None;
        };
        let text = |key: &str| {
            let value = problem.extra.get(key)?;
            value.as_str().map(str::to_owned)
        };
        (problem.code == ProblemCode::Conflict).then_some(())?;
        Some(Self {
            reason: text("reason")?,
            newest: text("newest"),
        })
    }
}

/// Each asks the server once, and fails as a round of synchronisation does.
impl Engine {
    /// Organisations at or below the administrator's.
    pub async fn admin_orgs(&self, ledger: &Ledger) -> Result<Orgs, SyncError> {
        self.get(ledger, "/v1/admin/orgs").await
    }

    /// Adds or changes an organisation.
    pub async fn admin_put_org(&self, ledger: &Ledger, org: &Org) -> Result<Changed, SyncError> {
        self.put(ledger, "/v1/admin/orgs", org).await
    }

    /// People of these organisations.
    pub async fn admin_people(&self, ledger: &Ledger) -> Result<People, SyncError> {
        self.get(ledger, "/v1/admin/people").await
    }

    /// Adds or changes a person.
    pub async fn admin_put_person(
        &self,
        ledger: &Ledger,
        person: &Person,
    ) -> Result<Changed, SyncError> {
        self.put(ledger, "/v1/admin/people", person).await
    }

    /// Their devices.
    pub async fn admin_devices(&self, ledger: &Ledger) -> Result<Devices, SyncError> {
        self.get(ledger, "/v1/admin/devices").await
    }

    /// Revokes a device.
    pub async fn admin_revoke(
        &self,
        ledger: &Ledger,
        device: DeviceId,
        order: Option<OrderAct>,
    ) -> Result<Changed, SyncError> {
        let request = Revoke { device, order };
        self.put(ledger, "/v1/admin/devices/revoke", &request).await
    }

    /// The code that opens a locked device.
    pub async fn admin_unlock_code(
        &self,
        ledger: &Ledger,
        device: DeviceId,
    ) -> Result<UnlockCode, SyncError> {
        self.put(ledger, "/v1/admin/devices/unlock", &Unlock { device })
            .await
    }

    /// Enrolment codes that may still be used.
    pub async fn admin_codes(&self, ledger: &Ledger) -> Result<Codes, SyncError> {
        self.get(ledger, "/v1/admin/codes").await
    }

    /// Makes an enrolment code.
    pub async fn admin_make_code(
        &self,
        ledger: &Ledger,
        person: PersonId,
        days: u32,
    ) -> Result<MadeCode, SyncError> {
        self.put(ledger, "/v1/admin/codes", &NewCode { person, days })
            .await
    }

    /// Takes an enrolment code back.
    pub async fn admin_withdraw_code(
        &self,
        ledger: &Ledger,
        id: String,
    ) -> Result<Changed, SyncError> {
        self.put(ledger, "/v1/admin/codes/withdraw", &WithdrawCode { id })
            .await
    }

    /// Entries that were refused, the last ones first.
    pub async fn admin_refused(&self, ledger: &Ledger) -> Result<Refused, SyncError> {
        self.get(ledger, &format!("/v1/admin/refused?limit={MAX_REFUSED}"))
            .await
    }

    /// Lets a refused entry in.
    pub async fn admin_release(
        &self,
        ledger: &Ledger,
        request: &ReleaseEntry,
    ) -> Result<Changed, SyncError> {
        self.put(ledger, "/v1/admin/refused/release", request).await
    }

    /// The card of the server, with the address that a machine would use if it ever got a network.
    pub async fn admin_card(&self, ledger: &Ledger, url: String) -> Result<MadeCard, SyncError> {
        self.put(ledger, "/v1/admin/card", &NewCard { url }).await
    }

    /// Packs that the administrator's organisation has published.
    pub async fn admin_packs(&self, ledger: &Ledger) -> Result<Packs, SyncError> {
        self.get(ledger, "/v1/admin/packs").await
    }

    /// Publishes a pack to everyone at or below the administrator's organisation.
    pub async fn admin_publish(
        &self,
        ledger: &Ledger,
        pack: Vec<u8>,
    ) -> Result<PackPublished, SyncError> {
        let request = Request::new(Method::Post, "/v1/admin/packs")
            .header("content-type", "application/json")
            .with_time_for(pack.len())
            .body(pack);
        self.asked(ledger, request).await
    }

    /// Updates of the application, with their releases.
    pub async fn admin_updates(&self, ledger: &Ledger) -> Result<Updates, SyncError> {
        self.get(ledger, "/v1/admin/updates").await
    }

    /// Releases an update for an organisation and all below it.
    pub async fn admin_release_update(
        &self,
        ledger: &Ledger,
        name: String,
        org: OrgCode,
    ) -> Result<Changed, SyncError> {
        let release = ReleaseUpdate { name, org };
        self.put(ledger, "/v1/admin/updates/release", &release)
            .await
    }

    /// Takes such a release back.
    pub async fn admin_withdraw_update(
        &self,
        ledger: &Ledger,
        name: String,
        org: OrgCode,
    ) -> Result<Changed, SyncError> {
        let release = ReleaseUpdate { name, org };
        self.put(ledger, "/v1/admin/updates/withdraw", &release)
            .await
    }

    /// The audit log.
    pub async fn admin_audit(
        &self,
        ledger: &Ledger,
        query: &AuditQuery,
    ) -> Result<Audit, SyncError> {
        let mut path = "/v1/admin/audit?".to_owned();
        let numbers = [
            ("before", query.before),
            ("since_ms", query.since_ms),
            ("until_ms", query.until_ms),
            ("limit", query.limit.map(u64::from)),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                path += &format!("{name}={value}&");
            }
        }
        for (name, value) in [("act", &query.act), ("text", &query.text)] {
            if let Some(value) = value {
                path += &format!("{name}={}&", escaped(value));
            }
        }
        path.pop();
        self.get(ledger, &path).await
    }

    async fn get<T: DeserializeOwned>(&self, ledger: &Ledger, path: &str) -> Result<T, SyncError> {
        self.asked(ledger, Request::new(Method::Get, path)).await
    }

    async fn put<T: DeserializeOwned>(
        &self,
        ledger: &Ledger,
        path: &str,
        said: &(impl Serialize + Sync),
    ) -> Result<T, SyncError> {
        self.asked(ledger, post(path, said)?).await
    }

    async fn asked<T: DeserializeOwned>(
        &self,
        ledger: &Ledger,
        request: Request,
    ) -> Result<T, SyncError> {
        let identity = identity(ledger).await?;
        message(&self.ask(&identity, request).await?)
    }
}

/// A text in a query (RFC 3986).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_to_look_for_reach_the_server_as_they_were_typed() {
        assert_eq!(escaped("王 a&b=1"), "%E7%8E%8B%20a%26b%3D1");
    }
}
