//! First start, enrolment, settings, and who is who.

use shicha_domain::{
    OrgCode, PersonId,
    directory::{OrgKind, Role},
};

use super::OrderView;

dto! {
    /// How far the application is set up.
    #[serde(rename_all = "snake_case")]
    pub enum Stage {
        /// No database yet: choose a passphrase or the system's credential store.
        NeedsKey,
        /// A passphrase is needed to open the database.
        Locked,
        /// The administrator locked this computer.
        Barred,
        /// Open, but not enrolled at a central endpoint.
        NeedsEnrolment,
        /// Ready to work.
        Ready,
    }

    /// What the application is and how far it is set up.
    pub struct AppStatus {
        /// How far.
        pub stage: Stage,
        /// Version of the software.
        pub version: String,
        /// Who works here.
        pub me: Option<Me>,
        /// Whether the data are sample data.
        pub is_sample: bool,
        /// Whether the system's credential store can hold the key.
        pub has_keychain: bool,
        /// What happened to a damaged database at this start.
        pub salvage: Option<Salvage>,
        /// What the administrator did to this computer.
        pub order: Option<OrderView>,
        /// Language chosen, `zh-CN` or `en`.
        pub language: String,
    }

    /// A damaged database was found, put aside, and what could be read was taken over.
    pub struct Salvage {
        /// Where the damaged file lies.
        pub damaged_file: String,
        /// Entries taken over.
        pub entries: u64,
        /// Evidence files taken over.
        pub blobs: u64,
        /// What could not be read.
        pub lost: Vec<String>,
    }

    /// Who works on this computer.
    pub struct Me {
        /// The person.
        pub person: PersonId,
        /// Name.
        pub name: String,
        /// Number of the enforcement certificate.
        pub certificate: Option<String>,
        /// Organisation.
        pub org: OrgCode,
        /// Its name.
        pub org_name: String,
        /// In which role.
        pub role: Role,
        /// First digits of this device's identifier.
        pub device: String,
        /// Name of the central endpoint.
        pub server_name: String,
        /// Its address.
        pub server_url: String,
        /// Its key's fingerprint.
        pub server_fingerprint: String,
    }

    /// Creates or opens the database; without a passphrase by the system's credential store.
    pub struct KeyUse {
        /// At least 8 characters when created.
        pub passphrase: Option<String>,
    }

    /// Asks who a central endpoint is, before anything is told to it.
    pub struct ServerProbe {
        /// Its address.
        pub url: String,
    }

    /// Who a central endpoint says it is.
    pub struct ServerFound {
        /// Its address, put right.
        pub url: String,
        /// Its name.
        pub name: String,
        /// Its key's fingerprint, to be compared with what the administrator gave.
        pub fingerprint: String,
        /// Whether it holds sample data.
        pub is_sample: bool,
        /// How far this computer's clock is ahead of it, in ms.
        pub clock_ahead_ms: i64,
    }

    /// Enrols this computer.
    pub struct Enrol {
        /// Address of the central endpoint.
        pub url: String,
        /// The fingerprint that the user confirmed.
        pub fingerprint: String,
        /// One-time enrolment code.
        pub code: String,
        /// What to call this computer.
        pub label: String,
    }

    /// Changes a local setting: `language`, `autostart` ….
    pub struct SettingSet {
        /// Which.
        pub key: String,
        /// To what.
        pub value: String,
    }

    /// Organisations and people that may be chosen.
    pub struct DirectoryView {
        /// Organisations within sight.
        pub orgs: Vec<OrgView>,
        /// People within sight.
        pub people: Vec<PersonView>,
        /// Regions of the newest pack.
        pub regions: Vec<RegionView>,
    }

    /// An organisation.
    pub struct OrgView {
        /// Its code.
        pub code: OrgCode,
        /// Its name.
        pub name: String,
        /// What it is.
        pub kind: OrgKind,
        /// Its region.
        pub region: Option<String>,
    }

    /// A person.
    pub struct PersonView {
        /// Who.
        pub id: PersonId,
        /// Name.
        pub name: String,
        /// Organisation.
        pub org: OrgCode,
        /// Role.
        pub role: Role,
        /// Certificate number.
        pub certificate: Option<String>,
    }

    /// A region.
    pub struct RegionView {
        /// Its code.
        pub code: String,
        /// Its name.
        pub name: String,
        /// `F`, `K` or `U`: how sure the code is.
        pub certainty: String,
    }
}
