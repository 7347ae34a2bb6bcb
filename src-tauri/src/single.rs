//! One window for each data folder: a second start brings the first one's window to the front and ends.
//!
//! Invariant: whoever holds the lock on `running.lock` is the only one; the system frees it however the program ends. How to reach
//! the holder stands beside it in `running.json`, since on some systems a locked file cannot be read. All that a caller who knows the
//! word can do is to have the window shown, and a package file looked at in it.

use std::{
    collections::hash_map::RandomState,
    fs::{self, File, TryLockError},
    hash::{BuildHasher as _, Hasher as _},
    io::{self, Read, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The longest path that another start can hand over.
const MOST_PATH_BYTES: u32 = 128 * 1024;

const LOCK: &str = "running.lock";
const WHERE: &str = "running.json";
const DONE: &[u8] = b"shown";
const GOING: &[u8] = b"going";
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a program that does not show itself may take to end: one that was just closed or killed is not gone at once.
const ENDING: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a start found.
pub(crate) enum Start {
    /// Nobody else.
    First(First),
    /// A program that runs already; `is_shown`: it brought its window to the front.
    Second {
        /// Whether it answered.
        is_shown: bool,
    },
}

/// Holds the folder; others can ask it to show its window.
pub(crate) struct First {
    _lock: File,
    listener: TcpListener,
    word: String,
}

/// Takes the folder, or calls the one who has it and hands over the package that is to be looked at; one who is about to end is waited
/// for.
pub(crate) fn claim(data: &Path, package: Option<&Path>) -> io::Result<Start> {
    claim_within(data, package, ENDING)
}

fn claim_within(data: &Path, package: Option<&Path>, ending: Duration) -> io::Result<Start> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join(LOCK))?;
    let begin = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return first(data, lock),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        match call(data, package) {
            Ok(true) => return Ok(Start::Second { is_shown: true }),
            Ok(false) => tracing::info!("the running program shows no window"),
            Err(error) => tracing::info!(%error, "the running program does not answer"),
        }
        if begin.elapsed() > ending {
            return Ok(Start::Second { is_shown: false });
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn first(data: &Path, lock: File) -> io::Result<Start> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let word = format!("{:016x}{:016x}", chance(), chance());
    let told = json!({ "port": listener.local_addr()?.port(), "word": word });
    fs::write(data.join(WHERE), told.to_string())?;
    Ok(Start::First(First {
        _lock: lock,
        listener,
        word,
    }))
}

/// The standard library seeds each of these from the system.
fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn call(data: &Path, package: Option<&Path>) -> io::Result<bool> {
    let told: Value = serde_json::from_slice(&fs::read(data.join(WHERE))?)?;
    let port = told["port"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok());
    let (Some(port), Some(word)) = (port, told["word"].as_str()) else {
        return Ok(false);
    };
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let path = package.map(|path| path.to_string_lossy().into_owned());
    let path = path.unwrap_or_default();
    let length = u32::try_from(path.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(word.as_bytes())?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(path.as_bytes())?;
    let mut answer = [0; DONE.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer == DONE)
}

impl First {
    /// Calls `show` whenever another start asks for the window, with the package that is to be looked at; it says whether there is a
    /// window to show.
    pub(crate) fn listen(
        self,
        show: impl Fn(Option<PathBuf>) -> bool + Send + 'static,
    ) -> io::Result<()> {
        thread::Builder::new()
            .name("single".into())
            .spawn(move || {
                for stream in self.listener.incoming() {
                    if let Err(error) = stream.and_then(|stream| self.answer(stream, &show)) {
                        tracing::info!(%error, "somebody else came to the door");
                    }
                }
            })?;
        Ok(())
    }

    fn answer(
        &self,
        mut stream: TcpStream,
        show: &impl Fn(Option<PathBuf>) -> bool,
    ) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut word = vec![0; self.word.len()];
        stream.read_exact(&mut word)?;
        if word != self.word.as_bytes() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > MOST_PATH_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut path = Vec::new();
        Read::by_ref(&mut stream)
            .take(length.into())
            .read_to_end(&mut path)?;
        let path = String::from_utf8(path).map_err(|_| io::ErrorKind::InvalidData)?;
        let package = (!path.is_empty()).then(|| PathBuf::from(path));
        stream.write_all(if show(package) { DONE } else { GOING })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_second_start_brings_the_first_ones_window_to_the_front_and_hands_over_its_package() {
        let dir = tempfile::tempdir().unwrap();
        let Start::First(first) = claim(dir.path(), None).unwrap() else {
            panic!("nobody else was there");
        };
        let (asked, is_asked) = mpsc::channel();
        let show = move |package| asked.send(package).is_ok();
        first.listen(show).unwrap();
        let second = claim(dir.path(), None).unwrap();
        assert!(matches!(second, Start::Second { is_shown: true }));
        assert_eq!(is_asked.recv_timeout(PATIENCE).unwrap(), None);
        let package = dir.path().join("答复 1.shicha");
        let third = claim(dir.path(), Some(&package)).unwrap();
        assert!(matches!(third, Start::Second { is_shown: true }));
        assert_eq!(is_asked.recv_timeout(PATIENCE).unwrap(), Some(package));
    }

    #[test]
    fn a_start_right_after_the_window_was_closed_waits_for_the_end_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let Start::First(first) = claim(dir.path(), None).unwrap() else {
            panic!("nobody else was there");
        };
        let (asked, is_asked) = mpsc::channel();
        let path = dir.path().to_owned();
        let second = thread::spawn(move || claim(&path, None).unwrap());
        // Asked for its window, the first one is just ending.
        let (stream, _) = first.listener.accept().unwrap();
        let going = move |_| {
            asked.send(()).unwrap();
            false
        };
        first.answer(stream, &going).unwrap();
        is_asked.recv_timeout(PATIENCE).unwrap();
        drop(first);
        assert!(matches!(second.join().unwrap(), Start::First(_)));
    }

    #[test]
    fn a_program_that_never_shows_itself_is_told_as_running() {
        let dir = tempfile::tempdir().unwrap();
        let Start::First(first) = claim(dir.path(), None).unwrap() else {
            panic!("nobody else was there");
        };
        first.listen(|_| false).unwrap();
        let second = claim_within(dir.path(), None, LOOK_EVERY).unwrap();
        assert!(matches!(second, Start::Second { is_shown: false }));
    }

    #[test]
    fn two_folders_are_two_programs() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = claim(one.path(), None).unwrap();
        assert!(matches!(first, Start::First(_)));
        assert!(matches!(
            claim(other.path(), None).unwrap(),
            Start::First(_)
        ));
    }

    #[test]
    fn a_folder_is_free_again_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        drop(claim(dir.path(), None).unwrap());
        assert!(matches!(claim(dir.path(), None).unwrap(), Start::First(_)));
    }
}
