//! Findings 问题.

use shicha_domain::{OrgCode, RecordId};

use super::Window;

dto! {
    /// Which findings are wanted.
    #[derive(Default)]
    pub struct FindingFilter {
        /// Part of the subject's name, description or measure.
        pub query: Option<String>,
        /// Bureau.
        pub org: Option<OrgCode>,
        /// Region of the subject.
        pub region: Option<String>,
        /// Checklist item.
        pub item: Option<String>,
        /// State, or `not_verified` for all the others than `verified`.
        pub state: Option<String>,
        /// Due before this day.
        pub due_before: Option<String>,
        /// Of this subject.
        pub subject: Option<RecordId>,
    }

    /// Asks for a stretch of the list.
    pub struct FindingsList {
        /// Which.
        pub filter: FindingFilter,
        /// `due`, `subject`, `item`, `state`, `org`.
        pub sort: String,
        /// From the end.
        pub descending: bool,
        /// Which stretch.
        pub window: Window,
    }

    /// A stretch of the list.
    pub struct FindingsPage {
        /// How many match.
        pub total: u32,
        /// The rows asked for.
        pub rows: Vec<FindingRow>,
    }

    /// A finding.
    pub struct FindingRow {
        /// The record.
        pub record: RecordId,
        /// The inspection it comes from.
        pub inspection: Option<RecordId>,
        /// The subject.
        pub subject: Option<RecordId>,
        /// Its name.
        pub subject_name: String,
        /// Checklist item.
        pub item: String,
        /// Description.
        pub description: String,
        /// Measure.
        pub measure: String,
        /// Responsible person.
        pub responsible: String,
        /// Deadline.
        pub due: String,
        /// Days left, negative when overdue; `None` without a deadline.
        pub days_left: Option<i32>,
        /// State.
        pub state: String,
        /// Bureau.
        pub org: OrgCode,
        /// Region.
        pub region: String,
        /// Sample data.
        pub is_sample: bool,
    }
}
