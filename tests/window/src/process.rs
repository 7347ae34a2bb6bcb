//! Processes that end with their owner, children included.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use crate::wait::until;

/// A program with everything that it starts.
#[derive(Debug)]
pub struct Group {
    child: Child,
}

impl Group {
    /// Starts a program as the leader of a group of its own. What it prints goes to a file, never to a pipe: a pipe would be held
    /// open by whatever outlives it.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("write {}", log.display()))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        Ok(Self { child })
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// What the processes of the group hold in memory but for its leader, in bytes (PSS, proc_pid_smaps(5)).
    ///
    /// # Errors
    /// When a process does not tell.
    pub fn memory(&self) -> Result<u64> {
        let leader = self.child.id();
        let mut bytes = 0;
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // One that has just ended is no longer there.
            let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
                continue;
            };
            // After the name, which may hold anything: state, parent, group.
            let group = stat
                .rsplit_once(')')
                .and_then(|(_, rest)| rest.split_whitespace().nth(2)?.parse::<u32>().ok());
            if id == leader || group != Some(leader) {
                continue;
            }
            let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
            let kib = rollup
                .lines()
                .find_map(|line| line.strip_prefix("Pss:"))
                .context("a process tells its memory")?;
            bytes += kib.trim().trim_end_matches(" kB").parse::<u64>()? * 1024;
        }
        Ok(bytes)
    }

    /// Asks it to end and waits until it has.
    pub async fn end(mut self) -> Result<()> {
        self.signal(Signal::TERM);
        until("a program that was asked to end", async || {
            Ok(self.has_ended()?.then_some(()))
        })
        .await
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) -> Result<()> {
        self.signal(Signal::KILL);
        self.child.wait()?;
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails only when the whole group is gone already.
            let _gone = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        // Nothing is left to be done about a failure here.
        let _ended = self.child.wait();
    }
}

/// A process that is not our child, found by one of its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Stranger(Pid);

impl Stranger {
    /// Ends it at once, as a power cut would, and waits until its first thread is gone.
    pub async fn kill(self) -> Result<()> {
        kill_process(self.0, Signal::KILL)?;
        until("the end of a killed process", async || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.as_raw_nonzero()));
            // Its other threads may still be ending and hold what they hold: the next start has to cope with that.
            let is_gone =
                stat.is_ok_and(|stat| stat.contains(") Z ")) || test_kill_process(self.0).is_err();
            Ok(is_gone.then_some(()))
        })
        .await
    }

    /// Asks it to end.
    pub fn ask_to_end(self) -> Result<()> {
        Ok(kill_process(self.0, Signal::TERM)?)
    }

    /// Whether it is still there.
    pub fn is_there(self) -> bool {
        test_kill_process(self.0).is_ok()
    }
}

/// The process of a program (by file name) that has this argument.
pub fn process_with_argument(program: &str, argument: &OsStr) -> Result<Option<Stranger>> {
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
        else {
            continue;
        };
        // Processes come and go while we look.
        let Ok(line) = fs::read(Path::new("/proc").join(&name).join("cmdline")) else {
            continue;
        };
        let mut words = line.split(|byte| *byte == 0);
        let is_program = words.next().is_some_and(|path| {
            Path::new(OsStr::from_bytes(path)).file_name() == Some(OsStr::new(program))
        });
        if is_program && words.any(|word| word == argument.as_bytes()) {
            return Ok(Some(Stranger(pid)));
        }
    }
    Ok(None)
}
