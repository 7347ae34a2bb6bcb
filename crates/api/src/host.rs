//! What the system around the application can do for it, beyond files and the clock.

use std::{fmt::Debug, io};

/// The desktop that the application runs on. A host that has none of it is [`Bare`].
pub trait Host: Debug + Send + Sync {
    /// Whether the application starts when the person logs on; `None` where that cannot be chosen.
    ///
    /// # Errors
    /// When the system does not say.
    fn starts_at_logon(&self) -> io::Result<Option<bool>>;

    /// Chooses whether it does.
    ///
    /// # Errors
    /// When the system refuses.
    fn set_starts_at_logon(&self, starts: bool) -> io::Result<()>;

    /// Whether the application can stay visible, by an icon beside the clock, while its window is closed.
    fn has_tray(&self) -> bool;

    /// Whether the system can show notices outside the window.
    fn has_notices(&self) -> bool;

    /// Whether the system's credential store may hold the key of the database: not where the application is carried from computer to
    /// computer.
    fn has_keychain(&self) -> bool;
}

/// A host that can do none of it: a test, a program without a window.
#[derive(Debug, Clone, Copy)]
pub struct Bare;

impl Host for Bare {
    fn starts_at_logon(&self) -> io::Result<Option<bool>> {
        Ok(None)
    }

    fn set_starts_at_logon(&self, _: bool) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn has_tray(&self) -> bool {
        false
    }

    fn has_notices(&self) -> bool {
        false
    }

    fn has_keychain(&self) -> bool {
        true
    }
}
