//! First start, enrolment, settings, and who is who.

use shicha_domain::{
    OrgCode, PersonId,
    directory::{OrgKind, Role},
};

use super::{FileOut, FileSource, OrderView};
use crate::error::ApiError;

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
        /// The place that this computer asked for by a file and does not have yet.
        pub asked: Option<PlaceWaiting>,
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

    /// Reads the card of a central endpoint: what a computer without a network has to know of it.
    pub struct PlaceCard {
        /// The file that the administrator gave.
        pub source: FileSource,
    }

    /// Who a central endpoint says it is on its card. It proves nothing before a person has compared the fingerprint.
    pub struct CardFound {
        /// Its name.
        pub name: String,
        /// Its key's fingerprint.
        pub fingerprint: String,
        /// Its address, for the case that this computer ever gets a network; may be empty.
        pub url: String,
        /// Whether it holds sample data.
        pub is_sample: bool,
    }

    /// Asks for a place by a file, at the endpoint whose card was read last or that was asked before.
    pub struct PlaceAsk {
        /// The fingerprint that the user confirmed.
        pub fingerprint: String,
        /// One-time enrolment code.
        pub code: String,
        /// What to call this computer.
        pub label: String,
        /// Where the request is written to, as an absolute path; `null`: into a made file.
        pub path: Option<String>,
    }

    /// The request is written.
    pub struct PlaceAsked {
        /// With what waits now.
        pub status: AppStatus,
        /// The file, where no path was given.
        pub file: Option<FileOut>,
    }

    /// A place that this computer asked for by a file.
    pub struct PlaceWaiting {
        /// At which endpoint.
        pub card: CardFound,
        /// What this computer is to be called.
        pub label: String,
        /// When it was asked for.
        pub at_ms: u64,
    }

    /// Takes the place, from the file that answers the request.
    pub struct PlaceTake {
        /// The file.
        pub source: FileSource,
    }

    /// This computer has its place.
    pub struct PlaceTaken {
        /// Whose it is now.
        pub status: AppStatus,
        /// Why what else the file holds was not all taken; it can be taken again as a package.
        pub fault: Option<ApiError>,
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
