//! What the screens see of the laptops nearby.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{exchange::Summary, fault::NearbyFault, finder::Found, peer::Peer};

/// What is under way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NearbyState {
    /// What others see of this laptop.
    pub name: String,
    /// Where it listens.
    pub port: u16,
    /// Its addresses, to be typed on another laptop.
    pub addresses: Vec<Ipv4Addr>,
    /// Why others cannot be found by name, if so; for the log.
    pub no_finding: Option<String>,
    /// Who announces themselves.
    pub found: Vec<Found>,
    /// The session, also the last one until it is put away.
    pub session: Option<SessionState>,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "NearbyStage"))]
pub enum Stage {
    /// Trying to reach the other.
    Connecting,
    /// Both people compare the digits.
    Comparing,
    /// Records go over.
    Exchanging,
    /// It came to its end.
    Done,
    /// It ended early.
    Failed,
}

/// Whom one has met.
#[derive(Debug, Clone, PartialEq)]
pub struct Met {
    /// The other laptop.
    pub peer: Peer,
    /// The six digits.
    pub digits: String,
}

/// A session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionState {
    /// Names it among those of this station.
    pub id: u64,
    /// How far it is.
    pub stage: Stage,
    /// Whether this laptop asked.
    pub asked_here: bool,
    /// What was asked for: a name or an address; empty where the other asked.
    pub target: String,
    /// Whom one has met, once one has.
    pub met: Option<Met>,
    /// Whether this laptop's person has confirmed the digits.
    pub agreed_here: bool,
    /// Whether the other's has.
    pub agreed_there: bool,
    /// What was given and taken so far.
    pub summary: Summary,
    /// Why it ended early.
    pub fault: Option<NearbyFault>,
}

impl SessionState {
    pub(super) fn new(id: u64, asked_here: bool, target: String) -> Self {
        Self {
            id,
            stage: Stage::Connecting,
            asked_here,
            target,
            met: None,
            agreed_here: false,
            agreed_there: false,
            summary: Summary::default(),
            fault: None,
        }
    }

    /// Whether it still goes on.
    pub fn is_running(&self) -> bool {
        !matches!(self.stage, Stage::Done | Stage::Failed)
    }
}
