//! The supervisor's overview.

use super::InspectionFilter;

dto! {
    /// Asks for the figures of what a filter gives.
    pub struct OverviewGet {
        /// Which inspections count.
        pub filter: InspectionFilter,
    }

    /// Figures.
    pub struct Overview {
        /// Inspections.
        pub inspections: u32,
        /// Of them signed.
        pub signed: u32,
        /// Subjects inspected at least once.
        pub subjects_inspected: u32,
        /// Subjects in scope.
        pub subjects: u32,
        /// Findings, counted as non-conforming answers.
        pub findings: u32,
        /// Conflicts.
        pub conflicts: u32,
        /// Entries that came too late for the signature of their inspection.
        pub late: u32,
        /// By bureau.
        pub by_org: Vec<OverviewRow>,
        /// By checklist item, most findings first.
        pub by_item: Vec<OverviewItem>,
        /// By week, Asia/Shanghai, Monday first.
        pub by_week: Vec<OverviewRow>,
        /// By kind of subject.
        pub by_kind: Vec<OverviewRow>,
    }

    /// A line of figures.
    pub struct OverviewRow {
        /// Code of the bureau, Monday of the week, or kind.
        pub key: String,
        /// Name where there is one.
        pub name: String,
        /// Inspections.
        pub inspections: u32,
        /// Of them signed.
        pub signed: u32,
        /// Findings.
        pub findings: u32,
    }

    /// A checklist item's figures.
    pub struct OverviewItem {
        /// Item.
        pub item: String,
        /// Its question.
        pub question: String,
        /// How often it was answered.
        pub answered: u32,
        /// How often it did not conform.
        pub nonconforming: u32,
    }
}
