//! The watch: from the end of the old program to the sign of life of the new one, or back.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use shicha_api::updates::{Plan, UpdateKey};

use super::files::Files;

/// How the setup says that the program runs: it may not be quite gone yet.
const RUNS: i32 = 4;
/// How often the setup is tried when it says so.
const TRIES: u32 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long each step may take.
pub(super) struct Times {
    pub(super) setup: Duration,
    pub(super) selftest: Duration,
    /// A large database may have to be brought forward first.
    pub(super) alive: Duration,
    /// Between two tries of the setup.
    pub(super) between: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            setup: Duration::from_secs(15 * 60),
            selftest: Duration::from_secs(3 * 60),
            alive: Duration::from_secs(30 * 60),
            between: Duration::from_millis(500),
        }
    }
}

/// An installation that is watched over.
pub(super) struct Watch {
    pub(super) plan: Plan,
    pub(super) key: UpdateKey,
    pub(super) program: PathBuf,
    pub(super) files: Files,
    pub(super) times: Times,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The new version runs.
    Updated,
    /// The old version runs again, for this reason.
    TakenBack(&'static str),
}

impl End {
    pub(super) fn is_updated(self) -> bool {
        self == Self::Updated
    }
}

/// Why the new version is taken back: a key of a text, and what the log is told.
#[derive(Debug)]
struct Failure {
    reason: &'static str,
    detail: String,
}

fn failure(reason: &'static str, detail: impl ToString) -> Failure {
    Failure {
        reason,
        detail: detail.to_string(),
    }
}

impl Watch {
    /// Does all of it.
    pub(super) fn run(&self) -> End {
        tracing::info!(from = %self.plan.from, to = %self.plan.to, "an update is installed");
        // Before the files are kept there is nothing to be put back.
        if let Err(error) = self.files.keep() {
            return self.take_back(&failure("room", error), false);
        }
        match self.install().and_then(|()| self.try_out()) {
            Ok(()) => {
                tracing::info!(version = %self.plan.to, "the new version is up");
                if let Err(error) = self.files.forget() {
                    tracing::warn!(%error, "the files of the version before are still there");
                }
                End::Updated
            }
            Err(failure) => self.take_back(&failure, true),
        }
    }

    fn install(&self) -> Result<(), Failure> {
        // Once more, now that nobody else is at work: it was kept in a folder that others can write to.
        let signed = self
            .key
            .signed(&self.plan.signature)
            .map_err(|fault| failure("signature", fault))?;
        File::open(&self.plan.setup)
            .map_err(|error| failure("signature", error))
            .and_then(|file| {
                signed
                    .check(file)
                    .map_err(|fault| failure("signature", fault))
            })?;
        if signed.version != self.plan.to {
            return Err(failure("signature", "another version than agreed to"));
        }
        for _ in 0..TRIES {
            let mut setup = Command::new(&self.plan.setup);
            // No window and no question.
            setup.arg("/S");
            let ended =
                within(&mut setup, self.times.setup).map_err(|why| failure("setup", why))?;
            match ended.code() {
                Some(0) => return Ok(()),
                Some(RUNS) => thread::sleep(self.times.between),
                other => return Err(failure("setup", format!("ended with {other:?}"))),
            }
        }
        Err(failure("setup", "the program does not end"))
    }

    fn try_out(&self) -> Result<(), Failure> {
        let mut selftest = self.program_with(&["--selftest"]);
        let ended =
            within(&mut selftest, self.times.selftest).map_err(|why| failure("selftest", why))?;
        if !ended.success() {
            return Err(failure("selftest", ended));
        }
        self.plan
            .nobody_is_alive()
            .map_err(|error| failure("start", error))?;
        let mut program = self
            .program_with(&["--after-update"])
            .spawn()
            .map_err(|error| failure("start", error))?;
        let begun = Instant::now();
        loop {
            if self.plan.is_alive() {
                return Ok(());
            }
            match program.try_wait() {
                Ok(Some(ended)) => return Err(failure("start", ended)),
                Ok(None) if begun.elapsed() < self.times.alive => thread::sleep(LOOK_EVERY),
                Ok(None) => {
                    end(&mut program);
                    return Err(failure("time", "no window came up"));
                }
                Err(error) => {
                    end(&mut program);
                    return Err(failure("start", error));
                }
            }
        }
    }

    /// Puts the old version back and starts it. What happens to the database is its own affair.
    fn take_back(&self, failure: &Failure, is_changed: bool) -> End {
        let Failure { reason, detail } = failure;
        tracing::error!(reason, detail, "the update is taken back");
        // First of all, so that the old version knows however this ends.
        if let Err(error) = self.plan.taken_back(reason, detail) {
            tracing::error!(%error, "why the update was taken back could not be written down");
        }
        if is_changed {
            match self.files.put_back() {
                Ok(()) => listed_as(&self.plan),
                Err(error) => {
                    tracing::error!(%error, "the files of the version before could not be put back")
                }
            }
        }
        if let Err(error) = self.program_with(&["--after-update"]).spawn() {
            tracing::error!(%error, "the version before could not be started");
        }
        End::TakenBack(failure.reason)
    }

    fn program_with(&self, words: &[&str]) -> Command {
        let mut program = Command::new(&self.program);
        program
            .args(words)
            .arg("--data-dir")
            .arg(&self.plan.data_dir)
            .current_dir(self.program.parent().unwrap_or(Path::new(".")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        program
    }
}

/// Runs a program to its end, or ends it when it takes too long.
fn within(command: &mut Command, most: Duration) -> Result<ExitStatus, String> {
    let text = |error: io::Error| error.to_string();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(text)?;
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(ended)) => return Ok(ended),
            Ok(None) if begun.elapsed() < most => thread::sleep(LOOK_EVERY),
            Ok(None) => {
                end(&mut child);
                return Err("it took too long".to_owned());
            }
            Err(error) => {
                end(&mut child);
                return Err(error.to_string());
            }
        }
    }
}

/// Ends a program that was started here.
fn end(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait().map(drop)) {
        tracing::error!(%error, "a program could not be ended");
    }
}

/// The setup wrote down the newer version; with that standing there the next setup would refuse to put an older one in its place.
#[cfg(windows)]
fn listed_as(plan: &Plan) {
    use winreg::{
        RegKey,
        enums::{HKEY_CURRENT_USER, KEY_WRITE},
    };
    let listed = RegKey::predef(HKEY_CURRENT_USER)
        .open_subkey_with_flags(
            r"Software\Microsoft\Windows\CurrentVersion\Uninstall\Shicha",
            KEY_WRITE,
        )
        .and_then(|listed| listed.set_value("DisplayVersion", &plan.from.to_string()));
    if let Err(error) = listed {
        tracing::warn!(%error, "the system still lists the newer version");
    }
}

#[cfg(not(windows))]
fn listed_as(_plan: &Plan) {}

#[cfg(all(test, unix))]
#[path = "watch_tests.rs"]
mod tests;
