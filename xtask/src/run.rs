//! `cargo xtask run`: the product on sample data.
//!
//! With a display: the central endpoint and the desktop application, for a person to use. Without one: the same main job is driven
//! through the real window on a virtual display, and leaves pictures, the PDF and the workbook. The sample belongs to a week in July
//! 2022; where Debian's `faketime` is there, the programs' clocks show that week.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{files, proc, steps, workspace::Workspace};

/// How long the central endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Drive the window on a virtual display and leave pictures, even where there is a display.
    #[arg(long)]
    headless: bool,
    /// Who sits at the window.
    #[arg(long, value_enum, default_value_t = Who::Inspector)]
    who: Who,
    /// Make the sample anew; what was done with the last one is lost.
    #[arg(long)]
    fresh: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Who {
    /// An inspector of a county.
    Inspector,
    /// The supervisor of the city.
    Supervisor,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Inspector => "inspector",
            Self::Supervisor => "supervisor",
        }
    }
}

/// Runs.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    steps::setup(workspace)?;
    steps::build(workspace, &["--bins"])?;
    let sample = sample(workspace, options.fresh)?;
    if options.headless || !has_display() {
        tour(workspace, &sample)
    } else {
        desk(workspace, &sample, options)
    }
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("run")
}

fn has_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// The sample as it was made; made now when there is none, or another program would make it.
fn sample(workspace: &Workspace, is_fresh: bool) -> Result<PathBuf> {
    let sample = folder(workspace).join("sample");
    let maker = workspace.program("debug", "shicha-sample");
    let made = files::changed(&sample.join("sample.json"))?;
    if !is_fresh && made.is_some() && made >= files::changed(&maker)? {
        return Ok(sample);
    }
    files::remove_all(&sample)?;
    fs::create_dir_all(&sample)?;
    proc::timed("make the sample", || {
        proc::run(
            Command::new(maker)
                .arg("--out")
                .arg(&sample)
                .arg("--fonts")
                .arg(workspace.fonts())
                .current_dir(&workspace.root),
        )
    })?;
    Ok(sample)
}

/// The main job, driven through the real window.
fn tour(workspace: &Workspace, sample: &Path) -> Result<()> {
    let out = folder(workspace).join("out");
    files::remove_all(&out)?;
    fs::create_dir_all(&out)?;
    proc::timed("drive the window through the sample inspection", || {
        proc::run(
            Command::new(workspace.program("debug", "shicha-tour"))
                .arg("--sample")
                .arg(sample)
                .arg("--out")
                .arg(&out)
                .current_dir(&workspace.root),
        )
    })?;
    println!("\nwhat the tour left in {}:", workspace.short(&out));
    for file in files::below(&out, &["logs"])? {
        println!("  {}", workspace.short(&file));
    }
    Ok(())
}

/// The endpoint and the application, for a person at the screen.
fn desk(workspace: &Workspace, sample: &Path, options: &Options) -> Result<()> {
    let desk = folder(workspace).join("desk");
    let copied = files::changed(&desk.join("sample.json"))?;
    if options.fresh || copied < files::changed(&sample.join("sample.json"))? {
        files::remove_all(&desk)?;
        files::copy_all(sample, &desk)?;
    }
    let told: Value = serde_json::from_slice(&fs::read(desk.join("sample.json"))?)
        .context("read what the sample says of itself")?;
    let text = |name: &str| {
        told[name]
            .as_str()
            .with_context(|| format!("the sample names no {name}"))
    };
    let clock = Clock::at(told["now_ms"].as_i64())?;
    let listen: SocketAddr = text("listen")?.parse()?;
    let who = options.who.name();

    let mut server = clock.command(&workspace.program("debug", "shicha-server"));
    server
        .arg("--data")
        .arg(desk.join("central"))
        .args(["serve", "--listen"])
        .arg(listen.to_string());
    let server = Server::start(&mut server, listen)?;
    println!(
        "\n{} ({who}) — passphrase 口令: {}",
        told["people"][who].as_str().unwrap_or_default(),
        text("passphrase")?
    );
    println!("central endpoint: http://{listen}; it ends with the window\n");
    let mut app = clock.command(&workspace.program("debug", "shicha"));
    let ended = proc::run(app.arg("--data-dir").arg(desk.join(who)));
    server.end()?;
    ended
}

/// Starts programs whose clock shows the week of the sample.
struct Clock {
    /// The library that shifts a program's clock, and by how much.
    shift: Option<(PathBuf, String)>,
}

impl Clock {
    fn at(now_ms: Option<i64>) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let ahead_s = now_ms
            .zip(i64::try_from(now).ok())
            .map(|(shown, now)| format!("{:+}", shown / 1000 - now));
        let shift = faketime()?.zip(ahead_s);
        if shift.is_none() {
            println!("note: the clock shows today; to the sample of July 2022 all is overdue");
        }
        Ok(Self { shift })
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // Not by the program `faketime`: it would stand between us and what it starts.
        if let Some((library, ahead)) = &self.shift {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", ahead)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
    }
}

/// Debian's library for setting the clock of one program.
fn faketime() -> Result<Option<PathBuf>> {
    let libraries = Path::new("/usr/lib");
    if !cfg!(target_os = "linux") || !libraries.is_dir() {
        return Ok(None);
    }
    for folder in fs::read_dir(libraries)? {
        let library = folder?.path().join("faketime/libfaketimeMT.so.1");
        if library.is_file() {
            return Ok(Some(library));
        }
    }
    Ok(None)
}

/// The central endpoint; ends with its owner.
struct Server(Child);

impl Server {
    fn start(command: &mut Command, listen: SocketAddr) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .context("start the central endpoint")?;
        let mut server = Self(child);
        let begin = Instant::now();
        while TcpStream::connect_timeout(&listen, Duration::from_millis(200)).is_err() {
            if let Some(status) = server.0.try_wait()? {
                bail!("the central endpoint ended with {status}");
            }
            if begin.elapsed() > PATIENCE {
                bail!("the central endpoint does not answer at {listen}");
            }
            thread::yield_now();
        }
        Ok(server)
    }

    /// Asks it to end where the system has a way to ask.
    fn end(mut self) -> Result<()> {
        let pid = self.0.id().to_string();
        if proc::succeeds(Command::new("kill").arg(&pid)) {
            self.0.wait()?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, or there is nothing left to be done about it.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
