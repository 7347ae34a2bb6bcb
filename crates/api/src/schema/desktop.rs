//! What a person may choose about this computer's desktop.

dto! {
    /// How the application behaves on this computer. What cannot be chosen here is `None`.
    pub struct DesktopView {
        /// Whether it starts when the person logs on.
        pub starts_at_logon: Option<bool>,
        /// Whether it stays beside the clock, and goes on delivering, when its window is closed.
        pub stays: Option<bool>,
        /// Whether deadlines and deliveries are told outside the window.
        pub notices: Option<bool>,
    }

    /// Changes how it behaves; what is `None` stays.
    pub struct DesktopSet {
        /// Starts when the person logs on.
        pub starts_at_logon: Option<bool>,
        /// Stays beside the clock.
        pub stays: Option<bool>,
        /// Tells outside the window.
        pub notices: Option<bool>,
    }
}
