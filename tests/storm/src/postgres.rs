//! A PostgreSQL server that can be stopped in every way there is, and started again on the same data.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::postgres_server::bin;

/// Makes a cluster and cleans up when nobody holds the standard input any more. PostgreSQL refuses to run as root.
const KEEP: &str = r#"
set -e
dir=$(mktemp -d -t shicha-storm-pg.XXXXXX)
trap 'rm -rf "$dir"' EXIT
as=
if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as="runuser -u postgres --"; fi
cd "$dir"
$as "$1/initdb" -D "$dir/data" -A trust -U shicha -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1
echo "$dir"
cat >/dev/null
$as "$1/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
"#;
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Connections are ended, everything is written: an administrator restarts it.
    Fast,
    /// All processes end at once; the log is replayed at the next start.
    Immediate,
    /// Its first process is killed.
    Kill,
}

/// The server.
pub(crate) struct Cluster {
    dir: PathBuf,
    _keeper: Child,
}

impl Cluster {
    pub(crate) fn start() -> Result<Self> {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEP, "sh"])
            .arg(bin())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().context("its output")?).read_line(&mut line)?;
        ensure!(!line.is_empty(), "PostgreSQL could not be set up");
        let cluster = Self {
            dir: PathBuf::from(line.trim()),
            _keeper: keeper,
        };
        cluster.begin()?;
        Ok(cluster)
    }

    pub(crate) fn url(&self) -> String {
        let host = self.dir.display().to_string().replace('/', "%2F");
        format!("postgres://shicha@{host}/postgres")
    }

    /// Stops it and starts it again.
    pub(crate) fn restart(&self, stop: Stop) -> Result<()> {
        match stop {
            Stop::Fast => self.ctl(&["stop", "-m", "fast"])?,
            Stop::Immediate => self.ctl(&["stop", "-m", "immediate"])?,
            Stop::Kill => {
                let pid = std::fs::read_to_string(self.dir.join("data/postmaster.pid"))?;
                let pid = pid.lines().next().context("the process id")?.to_owned();
                let killed = Command::new("kill").args(["-9", &pid]).status()?;
                ensure!(killed.success(), "PostgreSQL could not be killed");
            }
        }
        self.begin()
    }

    /// What is left of a killed one ends by itself; until then no other starts.
    fn begin(&self) -> Result<()> {
        let begin = Instant::now();
        let options = format!(
            "-k {} -c listen_addresses= -c max_connections=100",
            self.dir.display()
        );
        loop {
            let log = self.dir.join("server.log");
            let log = log.to_str().context("a path in plain text")?;
            match self.ctl(&["start", "-l", log, "-o", &options]) {
                Ok(()) => return Ok(()),
                Err(error) if begin.elapsed() > PATIENCE => return Err(error),
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    fn ctl(&self, words: &[&str]) -> Result<()> {
        let mut command = if is_root()? {
            let mut command = Command::new("runuser");
            command
                .args(["-u", "postgres", "--"])
                .arg(bin().join("pg_ctl"));
            command
        } else {
            Command::new(bin().join("pg_ctl"))
        };
        let status = command
            .arg("-D")
            .arg(self.dir.join("data"))
            .args(["-w", "-s"])
            .args(words)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            bail!("pg_ctl {} ended with {status}", words.join(" "));
        }
        Ok(())
    }
}

fn is_root() -> Result<bool> {
    let said = Command::new("id").arg("-u").output()?;
    Ok(said.stdout.trim_ascii() == b"0")
}
