//! The exchange between two laptops on one site, as the screens show it.

use shicha_domain::directory::Role;
use shicha_sync::nearby::{Moved, Reason, Stage};

dto! {
    /// The laptops nearby.
    pub struct NearbyView {
        /// Whether this laptop can be found, and looks for others.
        pub is_on: bool,
        /// Whether it stays so when the page is left.
        pub is_kept: bool,
        /// What others see of it.
        pub name: String,
        /// What to type on the other laptop where it is not found by name; the port only where it is not the usual one.
        pub addresses: Vec<String>,
        /// Whether others can be found by name on this computer.
        pub can_find: bool,
        /// Who announces themselves.
        pub found: Vec<NearbyFound>,
        /// What goes on with another laptop, or how it last ended.
        pub session: Option<NearbySession>,
    }

    /// A laptop that announces itself. The name is its own word.
    pub struct NearbyFound {
        /// Names the announcement.
        pub instance: String,
        /// What it calls itself.
        pub name: String,
        /// Its first address.
        pub address: String,
        /// Whether it speaks the same version.
        pub is_same_version: bool,
    }

    /// A session with another laptop.
    pub struct NearbySession {
        /// Names it while the page is open.
        pub id: u32,
        /// How far it is.
        pub stage: Stage,
        /// Whether this laptop asked.
        pub asked_here: bool,
        /// What was asked for: a name or an address; empty where the other asked.
        pub target: String,
        /// Whom one has met, once one has.
        pub peer: Option<NearbyPeer>,
        /// The six digits to compare.
        pub digits: Option<String>,
        /// Whether this laptop's person has confirmed them.
        pub agreed_here: bool,
        /// Whether the other's has.
        pub agreed_there: bool,
        /// What this laptop gave.
        pub given: Moved,
        /// What it took.
        pub taken: Moved,
        /// Entries that were not taken here, because nothing here proves them.
        pub not_taken: u64,
        /// Why it ended early.
        pub fault: Option<NearbyFaultView>,
    }

    /// The other laptop.
    pub struct NearbyPeer {
        /// Whose it is.
        pub person_name: String,
        /// Where they belong.
        pub org_name: String,
        /// As what they act.
        pub role: Role,
        /// What it is called.
        pub label: String,
        /// Whether the directory here has it.
        pub is_known: bool,
    }

    /// Why a session ended early.
    pub struct NearbyFaultView {
        /// Why.
        pub reason: Reason,
        /// Whether the other laptop said so.
        pub is_there: bool,
    }

    /// Keeps the exchange on when the page is left, or not.
    pub struct NearbyKeep {
        /// Whether.
        pub is_kept: bool,
    }

    /// Asks another laptop for a session: one from the list, or one at an address.
    #[serde(rename_all = "snake_case", tag = "by")]
    pub enum NearbyConnect {
        /// One that announces itself.
        Found {
            /// Names the announcement.
            instance: String,
        },
        /// One that a person knows the address of.
        Address {
            /// As it was typed.
            address: String,
        },
    }

    /// What the person says of the digits. It counts only for the session and the digits that the screen showed.
    pub struct NearbyAnswer {
        /// Names the session ([`NearbySession::id`]).
        pub session: u32,
        /// The digits.
        pub digits: String,
        /// Whether both screens show the same.
        pub is_same: bool,
    }
}
