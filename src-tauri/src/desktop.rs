//! The desktop around the window: the start with Windows, and notices beside the clock.

use std::io;

use shicha_api::host::Host;

use crate::{notices, tray};

/// What this computer's desktop can do.
#[derive(Debug)]
pub(crate) struct Desktop {
    /// A program that is carried from computer to computer leaves nothing behind on any of them.
    pub(crate) is_carried: bool,
    /// Whether the start with the system would be this very start: the same program with the same data.
    pub(crate) is_usual: bool,
}

impl Host for Desktop {
    fn starts_at_logon(&self) -> io::Result<Option<bool>> {
        if self.is_carried || !self.is_usual {
            return Ok(None);
        }
        logon::starts(logon::NAME)
    }

    fn set_starts_at_logon(&self, starts: bool) -> io::Result<()> {
        logon::set(logon::NAME, starts)
    }

    fn has_tray(&self) -> bool {
        tray::is_possible()
    }

    fn has_notices(&self) -> bool {
        !self.is_carried && notices::ARE_POSSIBLE
    }

    fn has_keychain(&self) -> bool {
        !self.is_carried
    }
}

/// What Windows starts when this person logs on.
#[cfg(windows)]
mod logon {
    use std::{env, io};

    use winreg::{
        RegKey, RegValue,
        enums::{HKEY_CURRENT_USER, KEY_READ},
    };

    /// With which the program starts then: beside the clock, without its window.
    const QUIETLY: &str = "--quietly";
    /// The name in the list, which the task manager shows. The uninstaller knows it too.
    pub(super) const NAME: &str = "Shicha";
    const LIST: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
    /// Where the task manager notes what a person switched off there.
    const APPROVED: &str =
        r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";

    pub(super) fn starts(name: &str) -> io::Result<Option<bool>> {
        let user = RegKey::predef(HKEY_CURRENT_USER);
        let is_listed = match user.open_subkey_with_flags(LIST, KEY_READ) {
            Ok(list) => is_there(list.get_raw_value(name))?.is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        Ok(Some(is_listed && !is_switched_off(&user, name)?))
    }

    /// An odd first byte means that a person switched it off in the task manager.
    fn is_switched_off(user: &RegKey, name: &str) -> io::Result<bool> {
        let approved = match user.open_subkey_with_flags(APPROVED, KEY_READ) {
            Ok(approved) => approved,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let said = is_there(approved.get_raw_value(name))?;
        Ok(said.is_some_and(|said| said.bytes.first().is_some_and(|byte| byte % 2 == 1)))
    }

    fn is_there(value: io::Result<RegValue<'_>>) -> io::Result<Option<RegValue<'_>>> {
        match value {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn set(name: &str, starts: bool) -> io::Result<()> {
        let user = RegKey::predef(HKEY_CURRENT_USER);
        let (list, _) = user.create_subkey(LIST)?;
        if starts {
            let program = env::current_exe()?;
            // In quotation marks: the names of users, and so of their folders, have spaces.
            list.set_value(name, &format!("\"{}\" {QUIETLY}", program.display()))?;
        } else {
            unless_missing(list.delete_value(name))?;
        }
        match user.open_subkey_with_flags(APPROVED, winreg::enums::KEY_SET_VALUE) {
            // Chosen here, it counts again, whatever was switched off there before.
            Ok(approved) => unless_missing(approved.delete_value(name)),
            Err(error) => unless_missing(Err(error)),
        }
    }

    fn unless_missing(done: io::Result<()>) -> io::Result<()> {
        match done {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used)]
        use super::*;

        #[test]
        fn the_start_with_windows_can_be_chosen_and_taken_back() {
            const TRIAL: &str = "Shicha trial of the start";
            assert_eq!(starts(TRIAL).unwrap(), Some(false));
            set(TRIAL, true).unwrap();
            assert_eq!(starts(TRIAL).unwrap(), Some(true));
            let user = RegKey::predef(HKEY_CURRENT_USER);
            let list = user.open_subkey(LIST).unwrap();
            let line: String = list.get_value(TRIAL).unwrap();
            assert!(line.starts_with('"') && line.ends_with(QUIETLY), "{line}");
            // As the task manager switches it off.
            let (approved, _) = user.create_subkey(APPROVED).unwrap();
            let off = RegValue {
                bytes: vec![3, 0, 0, 0].into(),
                vtype: winreg::enums::RegType::REG_BINARY,
            };
            approved.set_raw_value(TRIAL, &off).unwrap();
            assert_eq!(starts(TRIAL).unwrap(), Some(false));
            set(TRIAL, true).unwrap();
            assert_eq!(starts(TRIAL).unwrap(), Some(true));
            set(TRIAL, false).unwrap();
            set(TRIAL, false).unwrap();
            assert_eq!(starts(TRIAL).unwrap(), Some(false));
        }
    }
}

/// Elsewhere it is the desktop's own settings that choose what starts.
#[cfg(not(windows))]
mod logon {
    use std::io;

    pub(super) const NAME: &str = "";

    pub(super) fn starts(_: &str) -> io::Result<Option<bool>> {
        Ok(None)
    }

    pub(super) fn set(_: &str, _: bool) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
