//! Where the programs lie that are started: beside the test itself, in the build folder.

use std::{
    env,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};

/// The programs under test.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The desktop application.
    pub app: PathBuf,
    /// The central endpoint.
    pub server: PathBuf,
    /// The root of the source tree.
    pub root: PathBuf,
}

impl Programs {
    /// Finds them in the folder that this program was built into.
    ///
    /// # Errors
    /// When one was not built.
    pub fn find() -> Result<Self> {
        let here = env::current_exe()?;
        // A test lies in `deps` below the folder.
        let folder = here
            .ancestors()
            .skip(1)
            .find(|folder| !folder.ends_with("deps"))
            .context("this program lies nowhere")?;
        let program = |name: &str| {
            let path = folder.join(name);
            if !path.is_file() {
                bail!(
                    "{} is missing; build with: cargo build --workspace",
                    path.display()
                );
            }
            Ok(path)
        };
        Ok(Self {
            app: program("shicha")?,
            server: program("shicha-server")?,
            root: PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .ancestors()
                .nth(2)
                .context("no root")?
                .to_path_buf(),
        })
    }
}

/// A port on the loopback interface that nobody listens at.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
