//! The whole in one process: real ledgers, the real client, the real endpoints, over lines and disks that do what lines and disks do.
//!
//! A seed decides everything that happens by chance, so that a seed is a run, byte for byte the same each time. After every step the
//! world holds what each part says against what people did (`truth`); in the end all faults cease, everybody synchronises until
//! nothing moves, and then all who may see the same have the same (`quiet`).

#![deny(clippy::unwrap_used, clippy::expect_used)]

mod acts;
mod central;
mod clock;
mod couriers;
mod dice;
pub mod disk;
mod faults;
mod hostile;
mod laptop;
mod line;
mod newer;
mod quiet;
mod shared;
mod trace;
mod truth;
pub mod vfs;
mod world;

use std::{collections::BTreeMap, path::PathBuf};

pub use dice::Dice;
pub use trace::Trace;

use anyhow::Result;

use crate::world::World;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// A hash over everything that happened.
    pub hash: String,
    /// What happened how often.
    pub counts: BTreeMap<&'static str, u64>,
}

/// Why a run failed.
#[derive(Debug)]
pub struct Failure {
    /// What does not hold.
    pub error: anyhow::Error,
    /// What happened before, the last at the end.
    pub steps: Vec<String>,
}

/// Runs a seed, on this thread.
///
/// # Errors
/// When a promise is broken, or the real machine cannot do what the run needs.
pub fn run(seed: u64) -> Result<Run, Box<Failure>> {
    run_with(seed, 0)
}

/// Runs a seed with one or two devices of bad faith in it, on this thread. What befalls everybody else is thrown for as without them.
///
/// # Errors
/// When a promise is broken, or the real machine cannot do what the run needs.
pub fn run_hostile(seed: u64) -> Result<Run, Box<Failure>> {
    run_with(seed, hostile::enemies_of(seed))
}

fn run_with(seed: u64, enemies: usize) -> Result<Run, Box<Failure>> {
    shicha_sync::work::on_the_spot();
    let mut trace = Trace::default();
    match in_world(seed, enemies, &mut trace) {
        Ok(()) => Ok(trace.ended()),
        Err(error) => Err(Box::new(Failure {
            error,
            steps: trace.into_steps(),
        })),
    }
}

fn in_world(seed: u64, enemies: usize, trace: &mut Trace) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(tokio::task::unconstrained(async {
        let mut world = World::new(seed, trace)?;
        world.begin().await?;
        world.join_enemies(seed, enemies).await?;
        world.live().await?;
        world.quiet().await
    }))
}

/// Where the folders of a run lie: in memory, where the system has such a place.
pub(crate) fn root() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}
