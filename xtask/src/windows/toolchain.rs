//! The compiler and Windows' libraries in the cache folder: fetched once, checked, unpacked, and the standard library built.
//!
//! Invariant: a step that was interrupted is done anew; one that was finished left its mark, which names what it was made from, and
//! is not repeated. Removing the folder loses nothing but time.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{debian, files, proc, workspace::Workspace};

use super::{TARGET, pins};

pub(super) const LINKER: &str = "x86_64-w64-mingw32-gcc-posix";
const ADDITION: &str = "x86_64-w64-mingw32-g++-posix";
const ARCHIVER: &str = "x86_64-w64-mingw32-ar";
/// What the standard library consists of, the harness of the tests included.
const LIBRARY: &str = "-Zbuild-std=std,panic_unwind,proc_macro,test";

/// The toolchain, in place.
pub(super) struct Toolchain {
    /// Where it lies; none on Windows itself, where Rust's own for that system is taken.
    cache: Option<Cache>,
}

/// The folder that the toolchain lies in.
struct Cache(PathBuf);

/// Where everything for Windows is built; apart from Linux's, as another compiler builds it.
pub(super) fn target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("windows")
}

impl Toolchain {
    /// Puts in place what is missing.
    pub(super) fn set_up(cache: &Path, workspace: &Workspace, is_unpinned: bool) -> Result<Self> {
        if cfg!(windows) {
            return Ok(Self { cache: None });
        }
        if !proc::succeeds(Command::new("dpkg-deb").arg("--version")) {
            bail!("this needs Debian's packages, or a Windows machine: see docs/release.md");
        }
        fs::create_dir_all(cache).with_context(|| format!("make {}", cache.display()))?;
        install(pins::BUILD)?;
        let cache = Cache(cache.to_path_buf());
        cache.unpack(is_unpinned)?;
        cache.write_wrapper("rustc")?;
        cache.write_wrapper("rustdoc")?;
        cache.build_library(workspace)?;
        Ok(Self { cache: Some(cache) })
    }

    /// Cargo, building for Windows.
    pub(super) fn cargo(&self, workspace: &Workspace) -> Result<Command> {
        let mut command = plain_cargo(workspace)?;
        if let Some(cache) = &self.cache {
            cache.point_to(&mut command);
        }
        Ok(command)
    }

    /// Where programs of a profile lie.
    pub(super) fn made(&self, workspace: &Workspace, profile: &str) -> PathBuf {
        let target = target(workspace);
        match self.cache {
            Some(_) => target.join(TARGET).join(profile),
            None => target.join(profile),
        }
    }
}

/// The cargo that runs us, and not a rustup that would set a toolchain of its own.
fn plain_cargo(workspace: &Workspace) -> Result<Command> {
    let cargo = env::var_os("CARGO").context("start this as `cargo xtask`")?;
    let mut command = Command::new(cargo);
    command
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", target(workspace));
    Ok(command)
}

impl Cache {
    fn root(&self) -> PathBuf {
        self.0.join("root/usr")
    }

    fn wrapper(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// Fetches the packages, checks and unpacks them.
    fn unpack(&self, is_unpinned: bool) -> Result<()> {
        let wanted: Vec<(String, String)> = if is_unpinned {
            served()?
        } else {
            pins::UNPACKED
                .iter()
                .map(|one| (one.name.to_owned(), one.version.to_owned()))
                .collect()
        };
        let told: String = wanted
            .iter()
            .map(|(name, version)| format!("{name} {version}\n"))
            .collect();
        let mark = self.0.join("unpacked");
        if fs::read_to_string(&mark).is_ok_and(|unpacked| unpacked == told) {
            return Ok(());
        }
        proc::timed("fetch the compiler for Windows", || {
            let fetched = self.0.join("fetched");
            files::remove_all(&fetched)?;
            fs::create_dir_all(&fetched)?;
            download(&fetched, &wanted)?;
            if !is_unpinned {
                check(&fetched)?;
            }
            files::remove_all(&self.0.join("root"))?;
            for package in files::below(&fetched, &[])? {
                unpack_one(&package, &self.0.join("root"))?;
            }
            files::remove_all(&fetched)?;
            fs::write(&mark, told)?;
            Ok(())
        })
    }

    /// A program of the toolchain that finds its libraries where they lie, and nothing else finds them.
    fn write_wrapper(&self, name: &str) -> Result<()> {
        let root = self.root();
        let root = root.display();
        // Not Debian's `sh`: it passes no variables on whose names it could not use itself, such as CARGO_BIN_EXE_shicha-server.
        let text = format!(
            "#!/bin/bash\nLD_LIBRARY_PATH='{root}/lib/x86_64-linux-gnu' exec '{root}/bin/{name}' --sysroot '{root}' \"$@\"\n"
        );
        let path = self.wrapper(name);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        fs::create_dir_all(self.0.join("bin"))?;
        fs::write(&path, text)?;
        proc::run_quietly(Command::new("chmod").arg("755").arg(&path))
    }

    /// Builds the standard library for Windows and puts it where the compiler looks for it.
    fn build_library(&self, workspace: &Workspace) -> Result<()> {
        let library = self.root().join("lib/rustlib").join(TARGET).join("lib");
        let mark = library.join("complete");
        let unpacked = fs::read_to_string(self.0.join("unpacked"))?;
        if fs::read_to_string(&mark).is_ok_and(|made_from| made_from == unpacked) {
            return Ok(());
        }
        proc::timed("build the standard library for Windows", || {
            let work = self.0.join("library");
            files::remove_all(&work)?;
            files::remove_all(&library)?;
            fs::create_dir_all(work.join("src"))?;
            fs::create_dir_all(&library)?;
            // Something has to be built for the library to be built with it.
            fs::write(
                work.join("Cargo.toml"),
                "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[profile.release]\ndebug = 0\n",
            )?;
            fs::write(work.join("src/main.rs"), "fn main() {}\n")?;
            let target = work.join("target");
            let mut cargo = plain_cargo(workspace)?;
            self.point_to(&mut cargo);
            proc::run_quietly(
                cargo
                    .args(["build", "--release", LIBRARY])
                    .current_dir(&work)
                    .env("CARGO_TARGET_DIR", &target)
                    // Building the library is a thing of nightly compilers, and asked for with this from a stable one.
                    .env("RUSTC_BOOTSTRAP", "1")
                    // Programs that are optimised as a whole take the library's share from here.
                    .env("RUSTFLAGS", "-Cembed-bitcode=yes"),
            )?;
            for part in files::below(&target.join(TARGET).join("release/deps"), &[])? {
                let name = part.file_name().unwrap_or_default();
                if part.extension().is_some_and(|ending| ending == "rlib") {
                    fs::copy(&part, library.join(name))?;
                }
            }
            files::remove_all(&work)?;
            fs::write(&mark, &unpacked)?;
            Ok(())
        })
    }

    /// Has cargo build for Windows with this toolchain.
    fn point_to(&self, command: &mut Command) {
        command
            .env("RUSTC", self.wrapper("rustc"))
            .env("RUSTDOC", self.wrapper("rustdoc"))
            .env("CARGO_BUILD_TARGET", TARGET)
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER)
            .env("CC_x86_64_pc_windows_gnu", LINKER)
            .env("CXX_x86_64_pc_windows_gnu", ADDITION)
            .env("AR_x86_64_pc_windows_gnu", ARCHIVER);
    }
}

/// Installs packages of the system, and tells when one is of another version than this was tried with.
pub(super) fn install(packages: &[(&str, &str)]) -> Result<()> {
    let names: Vec<&str> = packages.iter().map(|(name, _)| *name).collect();
    debian::put_in_place(&names)?;
    for (name, tried) in packages {
        match debian::version(name) {
            Some(version) if version == *tried => {}
            Some(version) => println!("note: {name} is {version}; this was tried with {tried}"),
            None => bail!("{name} is not installed"),
        }
    }
    Ok(())
}

fn download(folder: &Path, wanted: &[(String, String)]) -> Result<()> {
    let mut command = Command::new("apt-get");
    // Into a folder of ours the downloading user of apt could not write.
    command
        .args([
            "-o",
            "APT::Sandbox::User=root",
            "-o",
            "Acquire::Retries=3",
            "download",
        ])
        .args(
            wanted
                .iter()
                .map(|(name, version)| format!("{name}={version}")),
        )
        .current_dir(folder);
    if proc::succeeds(&mut command) {
        return Ok(());
    }
    debian::update()?;
    proc::run_quietly(&mut command).context(
        "Debian may have gone on to a newer compiler: `--unpinned` takes the one that it has now, checked by Debian's signature alone",
    )
}

/// Every package file is the one that is written down, to the byte.
fn check(folder: &Path) -> Result<()> {
    for package in files::below(folder, &[])? {
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        let pinned = pins::UNPACKED
            .iter()
            .find(|one| name.starts_with(&format!("{}_", one.name)))
            .with_context(|| format!("{name} was not asked for"))?;
        let said = proc::output(Command::new("sha256sum").arg("--binary").arg(&package))?;
        let found = said.split_whitespace().next().unwrap_or_default();
        if found != pinned.sha256 {
            bail!("{name} has the checksum {found}, and not {}", pinned.sha256);
        }
    }
    Ok(())
}

fn unpack_one(package: &Path, root: &Path) -> Result<()> {
    fs::create_dir_all(root)?;
    let is_source = package
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("rust-web-src_"));
    if !is_source {
        return proc::run_quietly(Command::new("dpkg-deb").arg("-x").arg(package).arg(root));
    }
    // The library only: a quarter of the source.
    let archive = package.with_extension("tar");
    let file = fs::File::create(&archive)?;
    let unpacked = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(file)
        .status()?;
    if !unpacked.success() {
        bail!("{} cannot be unpacked", package.display());
    }
    proc::run_quietly(
        Command::new("tar")
            .arg("--extract")
            .arg("--file")
            .arg(&archive)
            .arg("--directory")
            .arg(root)
            .args([
                "--wildcards",
                "./usr/src/rustc-*/library/*",
                "./usr/lib/rustlib/src/*",
            ]),
    )?;
    fs::remove_file(&archive)?;
    Ok(())
}

/// What Debian serves now: the compiler, and the libraries that belong to it.
fn served() -> Result<Vec<(String, String)>> {
    let candidate = |name: &str| -> Result<String> {
        let said = proc::output(Command::new("apt-cache").args(["policy", name]))?;
        let version = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: "))
            .with_context(|| format!("Debian has no {name}"))?;
        Ok(version.to_owned())
    };
    let needed = |of: &str, beginning: &str| -> Result<String> {
        let said = proc::output(Command::new("apt-cache").args(["depends", of]))?;
        said.lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with(beginning))
            .map(str::to_owned)
            .with_context(|| format!("{of} needs no {beginning}…"))
    };
    let rust = candidate("rustc-web")?;
    let library = needed(&format!("libstd-rust-web-dev={rust}"), "libstd-rust-web-")?;
    let llvm = needed(&format!("{library}={rust}"), "libllvm")?;
    let llvm_version = candidate(&llvm)?;
    let mut all: Vec<(String, String)> = ["rustc-web", "libstd-rust-web-dev", "rust-web-src"]
        .iter()
        .map(|name| ((*name).to_owned(), rust.clone()))
        .collect();
    all.push((library, rust));
    all.push((llvm, llvm_version));
    Ok(all)
}
