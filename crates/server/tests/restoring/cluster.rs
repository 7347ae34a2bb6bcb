//! A PostgreSQL server with archived WAL, and another that is recovered from it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use postgres::{Client, NoTls};

/// Makes a cluster whose WAL is archived.
const MAKE: &str = r#"
"$bin/initdb" -D "$dir/data" -A trust -U shicha -E UTF8 --locale=C.UTF-8
cat >>"$dir/data/postgresql.conf" <<CONF
archive_mode = on
archive_command = 'cp %p $wal/%f'
CONF
"#;

/// What is recovered stops at the moment and is served from there on.
const RECOVER: &str = r#"
cp -R "$base" "$dir/data"
cat >>"$dir/data/postgresql.conf" <<CONF
archive_mode = off
restore_command = 'cp $wal/%f %p'
recovery_target_time = '$until'
recovery_target_action = promote
CONF
touch "$dir/data/recovery.signal"
chmod 700 "$dir/data"
"#;

const START: &str = r#"
"$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -o "-k $dir -c listen_addresses= -c max_connections=100" start
"#;

/// A server, stopped and removed with the value.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
}

/// A folder that PostgreSQL may write: it refuses to run as root.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new()
        .prefix("shicha-pg.")
        .tempdir()
        .unwrap();
    if is_root() {
        let owned = Command::new("chown")
            .arg("postgres")
            .arg(folder.path())
            .status();
        assert!(owned.unwrap().success());
    }
    folder
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap();
    said.stdout == b"0\n"
}

/// Runs a script as the one who may run PostgreSQL.
pub(crate) fn run(script: &str, variables: &[(&str, &str)]) {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]);
        command
    } else {
        Command::new("env")
    };
    command.arg("env");
    for (name, value) in variables {
        command.arg(format!("{name}={value}"));
    }
    let bin = bin();
    let output = command
        .arg(format!("bin={}", bin.display()))
        .args(["sh", "-ec", script])
        .current_dir("/")
        .stdin(Stdio::null())
        // The server that `pg_ctl` leaves behind must not hold a pipe of this process.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(output.success(), "{script}");
}

impl Cluster {
    pub(crate) fn archiving(wal: &Path) -> Self {
        Self::start(MAKE, &[("wal", wal.to_str().unwrap())])
    }

    /// From a base backup and archived WAL, as of a moment.
    pub(crate) fn recovered(base: &Path, wal: &Path, until: &str) -> Self {
        let (base, wal) = (base.to_str().unwrap(), wal.to_str().unwrap());
        let cluster = Self::start(RECOVER, &[("base", base), ("wal", wal), ("until", until)]);
        let mut admin = cluster.admin();
        // It answers questions before it has got there.
        while admin
            .query_one("SELECT pg_is_in_recovery()", &[])
            .unwrap()
            .get(0)
        {
            std::thread::yield_now();
        }
        cluster
    }

    fn start(make: &str, variables: &[(&str, &str)]) -> Self {
        let folder = folder();
        let dir = folder.path().to_str().unwrap().to_owned();
        let mut all = vec![("dir", dir.as_str())];
        all.extend_from_slice(variables);
        run(&format!("{make}{START}"), &all);
        Self { folder }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let host = self.dir().to_str().unwrap().replace('/', "%2F");
        format!("postgres://shicha@{host}/{database}")
    }

    pub(crate) fn admin(&self) -> Client {
        Client::connect(&self.url("postgres"), NoTls).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.dir().join("data/postmaster.pid"));
        let Ok(pid) = pid else { return };
        let pid = pid.lines().next().unwrap_or_default().to_owned();
        let _was_gone = Command::new("kill").args(["-QUIT", &pid]).status();
        // The folder can be removed once nothing writes there any more.
        while self.dir().join("data/postmaster.pid").exists() {
            let is_there = Command::new("kill")
                .args(["-0", &pid])
                .stderr(Stdio::null())
                .status();
            if !is_there.is_ok_and(|status| status.success()) {
                break;
            }
            std::thread::yield_now();
        }
    }
}

/// Where PostgreSQL's programs lie: Debian keeps them out of the search path.
fn bin() -> PathBuf {
    let said = Command::new("pg_config").arg("--bindir").output();
    if let Ok(said) = said
        && said.status.success()
    {
        let dir = PathBuf::from(String::from_utf8(said.stdout).unwrap().trim());
        if dir.join("initdb").exists() {
            return dir;
        }
    }
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|dirs| {
            dirs.filter_map(Result::ok)
                .map(|dir| dir.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    versions.sort();
    versions
        .pop()
        .expect("the tests need PostgreSQL: apt-get install postgresql")
}
