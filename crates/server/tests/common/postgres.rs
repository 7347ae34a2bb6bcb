//! A PostgreSQL server of the tests' own: made in a temporary folder, gone with the process that asked for it, however that ends.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Makes a cluster, runs it until nobody holds the standard input any more, and cleans up. PostgreSQL refuses to run as root.
const RUN: &str = r#"
set -e
dir=$(mktemp -d -t shicha-pg.XXXXXX)
trap 'rm -rf "$dir"' EXIT
as=
if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as="runuser -u postgres --"; fi
cd "$dir"
$as "$1/initdb" -D "$dir/data" -A trust -U shicha -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log" 2>&1
$as "$1/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=300 -c log_min_messages=fatal \
    </dev/null >"$dir/server.log" 2>&1 &
until "$1/pg_isready" -q -h "$dir"; do kill -0 $!; done
echo "$dir"
cat >/dev/null
# Not the process that was started: `runuser` does not pass signals on.
kill -INT "$(head -n 1 "$dir/data/postmaster.pid")"
wait $! || true
"#;

/// One for all tests of a process.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// A PostgreSQL server.
struct Cluster {
    /// Where its socket and its data lie.
    dir: PathBuf,
    /// Holds the standard input for which the server lives.
    _shell: Child,
}

impl Cluster {
    /// Starts one.
    fn start() -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", RUN, "sh"])
            .arg(bin())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(!line.is_empty(), "PostgreSQL did not start");
        Self {
            dir: PathBuf::from(line.trim()),
            _shell: shell,
        }
    }

    /// A new database; its URL.
    fn database(&self) -> String {
        let name = format!("test{}", DATABASES.fetch_add(1, Ordering::SeqCst));
        let mut admin = postgres::Client::connect(&self.url("postgres"), postgres::NoTls).unwrap();
        admin
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let host = self.dir.to_str().unwrap().replace('/', "%2F");
        format!("postgres://shicha@{host}/{database}")
    }
}

/// A new database on the server of this process; its URL.
pub(crate) fn database() -> String {
    CLUSTER.database()
}

/// Where PostgreSQL's programs lie: Debian keeps them out of the search path.
pub(crate) fn bin() -> PathBuf {
    let said = Command::new("pg_config").arg("--bindir").output();
    if let Ok(said) = said
        && said.status.success()
    {
        let dir = PathBuf::from(String::from_utf8(said.stdout).unwrap().trim());
        if dir.join("initdb").exists() {
            return dir;
        }
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
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
