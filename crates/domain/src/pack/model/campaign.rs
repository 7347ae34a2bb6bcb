//! The campaign in time and space: phases, reporting obligations, who reports, regions.

use super::super::Date;
use super::super::ids::{ObligationId, PhaseId, RegionCode, RegionId, RoleId};
use super::super::shape::{choice, record};
use super::{Certainty, Label};

record! {
    /// A dated phase of the campaign (阶段).
    pub struct Phase in Phases {
        /// Which.
        pub id: PhaseId,
        /// What it is called.
        pub title: Label,
        /// First day.
        pub from: Date,
        /// Last day.
        pub to: Date,
        /// How sure the days are.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Option<String>,
    }
}

choice! {
    /// What kind of date an obligation is.
    pub enum ObligationKind {
        /// Something is to be handed in.
        Report = "report",
        /// A day on which something ends; nothing is handed in.
        Milestone = "milestone",
        /// A span of time in which something is to be done.
        Period = "period",
    }
}

choice! {
    /// What happens when the due day is no workday.
    pub enum RollRule {
        /// The day stands.
        None = "none",
        /// The next workday counts.
        NextWorkday = "next_workday",
        /// The workday before counts.
        PreviousWorkday = "previous_workday",
    }
}

record! {
    /// Who owes what by when (报送事项).
    pub struct Obligation in Obligations {
        /// Which, e.g. `D01`.
        pub id: ObligationId,
        /// What it is called.
        pub title: Label,
        /// What kind of date it is.
        pub kind: ObligationKind,
        /// The phase that it belongs to, where the source says so.
        pub phase: Option<PhaseId>,
        /// First day, for a span of time.
        pub starts: Option<Date>,
        /// Last day; late is what arrives after 23:59:59 Beijing time.
        pub due: Date,
        /// First day that the report covers.
        pub covers_from: Option<Date>,
        /// Last day that the report covers.
        pub covers_to: Option<Date>,
        /// Who owes it.
        pub reporters: Vec<RoleId>,
        /// Who gets it.
        pub receiver: Option<RoleId>,
        /// What is to be handed in.
        pub materials: Vec<Label>,
        /// What happens when the due day is no workday.
        pub roll_rule: RollRule,
        /// Workdays before the due day on which the reminder begins.
        pub lead_workdays: u32,
        /// How sure it is.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Option<String>,
    }
}

record! {
    /// Who reports or receives (报送主体).
    pub struct Role in Roles {
        /// Which.
        pub id: RoleId,
        /// What it is called.
        pub title: Label,
        /// What it does in the campaign.
        pub duty: String,
    }
}

choice! {
    /// What kind of area a region is.
    pub enum RegionNature {
        /// 地级市.
        City = "city",
        /// 市辖区.
        District = "district",
        /// 县.
        County = "county",
        /// 功能板块.
        FunctionalArea = "functional_area",
    }
}

record! {
    /// A region or functional area (县区、功能板块).
    pub struct Region in Regions {
        /// Which; the code where it has one of its own.
        pub id: RegionId,
        /// Its code, where it has one of its own.
        pub code: Option<RegionCode>,
        /// What it is called.
        pub name: Label,
        /// What kind of area it is.
        pub nature: RegionNature,
        /// The region that it belongs to.
        pub parent: Option<RegionId>,
        /// Whether a bureau may change or remove it.
        pub is_configurable: bool,
        /// How sure it is.
        pub certainty: Certainty,
        /// What to know about its code or nature.
        pub note: Option<String>,
    }
}

record! {
    /// A code that older identity numbers and files still use.
    pub struct FormerRegionCode {
        /// The code.
        pub code: RegionCode,
        /// What it stood for.
        pub name: String,
        /// How sure it is.
        pub certainty: Certainty,
    }
}
