//! Updates of the application as the screens show them.

use shicha_domain::OrgCode;

use super::Known;

dto! {
    /// How far an update is.
    #[serde(rename_all = "snake_case")]
    pub enum UpdateStage {
        /// This build takes none.
        Off,
        /// There is none.
        None,
        /// One comes over the network.
        Fetching,
        /// One was proved and can be installed.
        Ready,
        /// The last one was not taken; `fault` says why.
        Failed,
    }

    /// Updates on this computer.
    pub struct UpdateView {
        /// The version that runs.
        pub running: String,
        /// How far.
        pub stage: UpdateStage,
        /// Of which version; empty where there is none.
        pub version: String,
        /// What is new in it, as its maker wrote.
        pub notes: String,
        /// Its bytes.
        pub size: u64,
        /// Bytes that are here.
        pub have: u64,
        /// Why it was not taken, as a key of a text.
        pub fault: Option<String>,
        /// In the words of the core.
        pub detail: String,
        /// Why it cannot be installed here or now, as a key of a text.
        pub obstacle: Option<String>,
        /// When the central endpoint was asked last, Unix ms by this computer's clock.
        pub asked_at_ms: Option<u64>,
        /// The version of the update that lies here and can be handed on.
        pub held: Option<String>,
        /// What came of the last installation, until the person has read it.
        pub last: Option<UpdateLast>,
    }

    /// How an installation ended.
    #[serde(rename_all = "snake_case")]
    pub enum UpdateEnd {
        /// The new version runs.
        Installed,
        /// It did not start and was taken back.
        TakenBack,
        /// It was not carried out.
        NotDone,
    }

    /// What came of the last installation.
    pub struct UpdateLast {
        /// How it ended.
        pub end: UpdateEnd,
        /// The version before.
        pub from: String,
        /// The version that was to come.
        pub to: String,
        /// What it failed at, as a key of a text; empty where that is not known.
        pub reason: String,
        /// When, Unix ms.
        pub at_ms: u64,
    }

    /// Installs the update that a person saw.
    pub struct UpdateInstall {
        /// Its version.
        pub version: String,
    }

    /// Updates at the central endpoint.
    pub struct AdminUpdates {
        /// How new the list is.
        pub known: Known,
        /// Newest first.
        pub rows: Vec<AdminUpdateRow>,
        /// Devices of these organisations that take part.
        pub devices: u64,
    }

    /// An update at the central endpoint.
    pub struct AdminUpdateRow {
        /// The file's name.
        pub name: String,
        /// Its version.
        pub version: String,
        /// Its bytes.
        pub size: u64,
        /// What is new in it.
        pub notes: String,
        /// When it was put there.
        pub added_at_ms: u64,
        /// Of the devices, those that run it or a newer one.
        pub have: u64,
        /// For whom it was released.
        pub releases: Vec<AdminReleaseRow>,
        /// Organisations that it is not released for yet, neither themselves nor by one above.
        pub open_orgs: Vec<AdminReleaseOrg>,
    }

    /// A release of an update.
    pub struct AdminReleaseRow {
        /// For this organisation and all below it.
        pub org: OrgCode,
        /// Its name.
        pub org_name: String,
        /// Since when.
        pub at_ms: u64,
        /// Whether this administrator may take it back.
        pub may_withdraw: bool,
        /// Devices that it is for.
        pub devices: u64,
        /// Of these, those that run it or a newer one.
        pub have: u64,
    }

    /// An organisation that an update can be released for.
    pub struct AdminReleaseOrg {
        /// Its code.
        pub code: OrgCode,
        /// Its name.
        pub name: String,
    }

    /// Releases an update, or takes a release back.
    pub struct AdminUpdateRelease {
        /// The file's name.
        pub name: String,
        /// For this organisation and all below it.
        pub org: OrgCode,
    }

    /// An update of the application in a package.
    pub struct PackageUpdate {
        /// Its version.
        pub version: String,
        /// Its bytes.
        pub size: u64,
        /// What is new in it.
        pub notes: String,
        /// `new`, `known` where this computer has or runs it, or why it is refused.
        pub verdict: String,
    }
}
