//! Package files as the screens show them: made, looked at, taken in, and what became of them.

dto! {
    /// For whom a package may be made.
    pub struct PackageRecipients {
        /// The central endpoint's name.
        pub endpoint: String,
        /// Devices of colleagues.
        pub devices: Vec<PackageRecipient>,
    }

    /// A device that a package may be made for.
    pub struct PackageRecipient {
        /// Which.
        pub device: shicha_domain::DeviceId,
        /// What its user calls it.
        pub label: String,
        /// Whose.
        pub person: String,
        /// Where they belong.
        pub org: String,
    }

    /// What to put into a package.
    pub struct PackageMake {
        /// For which device; `null`: for the central endpoint.
        pub to: Option<shicha_domain::DeviceId>,
        /// Only these records; `null`: everything that waits.
        pub records: Option<Vec<shicha_domain::RecordId>>,
        /// Whether the update of the application goes along that is kept here. For devices only.
        #[serde(default)]
        pub update: bool,
        /// Where to, as an absolute path; `null`: into a made file. Not looked at by `package_plan`.
        pub path: Option<String>,
    }

    /// What would go into a package.
    pub struct PackagePlan {
        /// Suggested file name.
        pub name: String,
        /// Own entries.
        pub entries: u64,
        /// Entries that colleagues handed over and that are carried along.
        pub carried: u64,
        /// Files of evidence.
        pub evidence: u64,
        /// The version of the update of the application that could go along.
        pub update: Option<String>,
        /// About how many bytes it will have.
        pub bytes: u64,
    }

    /// A package was made.
    pub struct PackageMade {
        /// It.
        pub package: PackageRow,
        /// How many bytes it has.
        pub bytes: u64,
        /// The file, where no path was given.
        pub file: Option<crate::schema::FileOut>,
    }

    /// Looks at a package file.
    pub struct PackageLook {
        /// The file.
        pub source: crate::schema::FileSource,
    }

    /// A package that is whole, unaltered, genuine, and for this computer. Nothing of it is taken yet.
    pub struct PackageLooked {
        /// By which it is taken in with `package_take`.
        pub token: String,
        /// What it is.
        pub package: PackageRow,
        /// How many bytes the file has.
        pub bytes: u64,
        /// When it was taken in before, if it was.
        pub taken_at_ms: Option<u64>,
        /// The update of the application that is in it.
        pub update: Option<crate::schema::PackageUpdate>,
    }

    /// Package files that were opened from outside the window, since this was asked last: the newest last.
    pub struct PackagesOpened {
        /// They.
        pub files: Vec<PackageOpened>,
    }

    /// A package file that was opened from outside the window.
    pub struct PackageOpened {
        /// Absolute path.
        pub path: String,
        /// Its name.
        pub name: String,
    }

    /// Takes in what was looked at.
    pub struct PackageTake {
        /// From `package_look`.
        pub token: String,
    }

    /// What came of taking a package in.
    pub struct PackageTaken {
        /// Entries that were new here.
        pub entries: u64,
        /// Own entries that are delivered now.
        pub delivered: u64,
        /// Own entries that the central endpoint refused.
        pub refused: u64,
        /// Files of evidence that came.
        pub evidence: u64,
        /// Own files of evidence that are delivered now.
        pub sent: u64,
        /// Blocks of document numbers.
        pub numbers: u64,
        /// Whether people or organisations changed.
        pub directory: bool,
        /// The ledgers have parted: the next package to the central endpoint asks for a new identity.
        pub has_parted: bool,
        /// Entries that were written again under a new identity.
        pub forked: Option<u64>,
        /// Stretches of colleagues' work that were not taken, as text keys of the reasons.
        pub not_taken: Vec<String>,
        /// Channels that were not taken, because what was given does not follow what is here.
        pub channels: u64,
        /// What became of the update of the application that was in it.
        pub update: Option<crate::schema::PackageUpdate>,
    }

    /// What stands on the outside of somebody else's package for the central endpoint. Nothing of it is proved here.
    pub struct PackageOutside {
        /// By which it is handed in with `package_hand_in`.
        pub token: String,
        /// The file's name.
        pub file: String,
        /// How many bytes it has.
        pub bytes: u64,
        /// Who made it.
        pub from: PackageParty,
        /// Whether it is a computer that asks for a place.
        pub is_newcomer: bool,
        /// When it was made, by its sender's clock.
        pub made_at_ms: u64,
    }

    /// Hands in somebody else's package at the central endpoint, over the network.
    pub struct PackageHandIn {
        /// From `package_outside`.
        pub token: String,
    }

    /// The central endpoint took a package and answered it. The answer is sealed for whoever made the package.
    pub struct PackageAnswer {
        /// By which it is saved with `package_answer_save`.
        pub token: String,
        /// Suggested file name.
        pub name: String,
        /// Whom it is for.
        pub to: PackageParty,
        /// Whether it brings a computer its place.
        pub is_newcomer: bool,
        /// How many bytes it has.
        pub bytes: u64,
    }

    /// Writes an answer to where the user chose, as often as wanted.
    pub struct PackageAnswerSave {
        /// From `package_hand_in`.
        pub token: String,
        /// Where to, as an absolute path; `null`: into a made file.
        pub path: Option<String>,
    }

    /// An answer was written.
    pub struct PackageAnswerSaved {
        /// The file, where no path was given.
        pub file: Option<crate::schema::FileOut>,
    }

    /// Packages, newest first.
    pub struct PackagesList {
        /// They.
        pub rows: Vec<PackageRow>,
    }

    /// A package.
    pub struct PackageRow {
        /// Its name.
        #[ts(type = "string")]
        pub id: uuid::Uuid,
        /// Whether it was made here.
        pub is_out: bool,
        /// When it was made, by its sender's clock.
        pub made_at_ms: u64,
        /// When it was made or taken in here.
        pub at_ms: u64,
        /// The file's name.
        pub file: String,
        /// Who made it.
        pub from: PackageParty,
        /// Whom it is for.
        pub to: PackageParty,
        /// Entries without numbers: what people wrote.
        pub entries: u64,
        /// Entries with numbers: what the central endpoint gives out.
        pub numbered: u64,
        /// Records that they are about.
        pub records: u64,
        /// Files of evidence.
        pub evidence: u64,
        /// Their bytes.
        pub evidence_bytes: u64,
        /// Receipts.
        pub receipts: u64,
        /// Entries that the central endpoint refused.
        pub refused: u64,
        /// The version of the update of the application in it; empty where its name says none.
        pub update: Option<String>,
        /// Claimed time of the earliest entry.
        pub from_ms: Option<u64>,
        /// Claimed time of the latest entry.
        pub until_ms: Option<u64>,
        /// Whether receipts cover it; `null` where none are to come.
        pub is_answered: Option<bool>,
    }

    /// Who made a package, or whom it is for.
    pub struct PackageParty {
        /// Whether it is the central endpoint.
        pub is_endpoint: bool,
        /// Name of the endpoint or of the person; empty where it is not known here.
        pub name: String,
        /// Of the device, or the beginning of a key where it is not known.
        pub detail: String,
    }
}
