//! The workbench 工作台: what is mine, what is due, what waits.

use super::{Delivery, FindingRow, InspectionRow};

dto! {
    /// The workbench.
    pub struct Workbench {
        /// Inspections that are mine and not signed.
        pub open: Vec<InspectionRow>,
        /// How many there are in all.
        pub open_total: u32,
        /// Findings whose deadline is near or past.
        pub due: Vec<FindingRow>,
        /// How many there are in all.
        pub due_total: u32,
        /// What the campaign asks to be reported, by date.
        pub obligations: Vec<ObligationRow>,
        /// Everything that waits on this computer.
        pub waiting: Delivery,
        /// Conflicts to settle.
        pub conflicts: u32,
        /// Entries that need a newer version of the software.
        pub needs_newer: u32,
        /// Numbers left, by number word.
        pub numbers: Vec<NumbersLeft>,
        /// Inspections signed in this campaign, in my scope.
        pub signed_total: u32,
        /// Subjects in my scope.
        pub subjects_total: u32,
    }

    /// Something that the campaign asks to be reported (报送事项).
    pub struct ObligationRow {
        /// Code, e.g. D05.
        pub code: String,
        /// What.
        pub title: String,
        /// By which day.
        pub due: String,
        /// By whom, in words.
        pub reporter: String,
        /// To whom, in words.
        pub receiver: String,
        /// Note of the pack, e.g. on an inconsistency of the notice.
        pub note: String,
        /// Days from today, negative when past.
        pub days_left: i32,
    }

    /// How many document numbers this computer still has.
    pub struct NumbersLeft {
        /// Number word, e.g. 应急检记.
        pub word: String,
        /// Year.
        pub year: u16,
        /// How many.
        pub left: u32,
    }
}
