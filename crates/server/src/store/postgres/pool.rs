//! Connections to the PostgreSQL server, each with the statements that it has prepared.

use std::{collections::HashMap, sync::Arc, time::Duration};

use postgres::types::ToSql;
use postgres::{Client, Config, IsolationLevel, NoTls, Row, Statement, Transaction, config::Host};
use r2d2::{ManageConnection, Pool, PooledConnection};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::{StoreError, sound::Soundness};

/// The most connections of one process; several processes share what the PostgreSQL server allows.
const CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before the client is told to come again.
const WAIT: Duration = Duration::from_secs(10);
/// A statement that takes longer is broken off: a lock that is not given must not hold a request for ever.
const LONGEST_STATEMENT: &str = "60s";
/// How many rows are in memory at once where all of a table is read.
const PORTION: i32 = 2_000;

/// A connection and what it has prepared.
pub(super) struct Prepared {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

/// Makes connections.
pub(super) struct Manager {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

/// The pool. Used on threads that may block, never on those that serve connections.
pub(super) struct Connections {
    pool: Option<Pool<Manager>>,
    sound: Soundness,
}

impl Drop for Connections {
    fn drop(&mut self) {
        // The last owner may be a task; closing a connection blocks, and that is no place for it.
        let pool = self.pool.take();
        if std::thread::Builder::new()
            .name("goodbye".into())
            .spawn(move || drop(pool))
            .is_err()
        {
            tracing::warn!("connections to PostgreSQL were not closed in order");
        }
    }
}

/// A transaction with prepared statements.
pub(super) struct Tx<'c> {
    transaction: Transaction<'c>,
    statements: &'c mut HashMap<&'static str, Statement>,
}

impl ManageConnection for Manager {
    type Connection = Prepared;
    type Error = postgres::Error;

    fn connect(&self) -> Result<Prepared, postgres::Error> {
        let mut client = match &self.tls {
            Some(tls) => self.config.connect(tls.clone())?,
            None => self.config.connect(NoTls)?,
        };
        client.batch_execute(&format!("SET statement_timeout = '{LONGEST_STATEMENT}'"))?;
        Ok(Prepared {
            client,
            statements: HashMap::new(),
        })
    }

    fn is_valid(&self, connection: &mut Prepared) -> Result<(), postgres::Error> {
        connection.client.is_valid(Duration::from_secs(5))
    }

    fn has_broken(&self, connection: &mut Prepared) -> bool {
        connection.client.is_closed()
    }
}

impl Connections {
    /// Opens a pool; the first connection is made now.
    pub(super) fn open(url: &str) -> Result<Self, StoreError> {
        let mut config: Config = url.parse()?;
        config.application_name("shicha-server");
        config.connect_timeout(Duration::from_secs(10));
        let tls = (!is_local(&config)).then(tls).transpose()?;
        let pool = Pool::builder()
            .max_size(CONNECTIONS)
            .min_idle(Some(1))
            .connection_timeout(WAIT)
            // A broken connection shows at its first use, and the request is repeated by the client.
            .test_on_check_out(false)
            .build(Manager { config, tls })
            .map_err(unconnected)?;
        Ok(Self {
            pool: Some(pool),
            sound: Soundness::default(),
        })
    }

    fn get(&self) -> Result<PooledConnection<Manager>, StoreError> {
        match &self.pool {
            Some(pool) => pool.get().map_err(unconnected),
            None => Err(StoreError::Connection("closed".to_owned())),
        }
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.sound.is_damaged()
    }

    /// Changes in one transaction: all of it or nothing, and nothing once damage was met.
    pub(super) fn write<T>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.sound.check()?;
        let written = self.try_write(change);
        self.sound.note(&written);
        written
    }

    fn try_write<T>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.get()?;
        let Prepared { client, statements } = &mut *connection;
        let mut tx = Tx {
            transaction: client.transaction()?,
            statements,
        };
        let result = change(&mut tx)?;
        self.sound.check()?;
        tx.transaction.commit()?;
        Ok(result)
    }

    /// Reads one state of the database.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let read = self.try_read(query);
        self.sound.note(&read);
        read
    }

    fn try_read<T>(
        &self,
        query: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.get()?;
        let Prepared { client, statements } = &mut *connection;
        let transaction = client
            .build_transaction()
            .read_only(true)
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()?;
        let mut tx = Tx {
            transaction,
            statements,
        };
        let result = query(&mut tx)?;
        tx.transaction.commit()?;
        Ok(result)
    }
}

impl Tx<'_> {
    fn prepared(&mut self, sql: &'static str) -> Result<Statement, StoreError> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.transaction.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.execute(&statement, params)?)
    }

    /// All rows.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.query(&statement, params)?)
    }

    /// The first row, if there is one.
    pub(super) fn first(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        Ok(self.transaction.query_opt(&statement, params)?)
    }

    /// Tells of every row, a portion at a time, for as long as that takes.
    pub(super) fn each(
        &mut self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
        look: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.batch("SET LOCAL statement_timeout = 0")?;
        let statement = self.prepared(sql)?;
        let portal = self.transaction.bind(&statement, params)?;
        loop {
            let rows = self.transaction.query_portal(&portal, PORTION)?;
            for row in &rows {
                look(row)?;
            }
            if rows.len() < PORTION as usize {
                return Ok(());
            }
        }
    }

    /// Several statements without parameters.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        Ok(self.transaction.batch_execute(sql)?)
    }
}

/// On this machine there is nobody between.
fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

/// TLS with the certificates that the system trusts.
fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate that the system trusts cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Connection(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn unconnected(error: r2d2::Error) -> StoreError {
    StoreError::Connection(error.to_string())
}
