//! Files that somebody else is just looking at.

use std::{
    io, thread,
    time::{Duration, Instant},
};

/// How long they may look: a scanner of viruses reads a small file in far less.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);

/// Replaces, renames or removes a file: on Windows that is refused while somebody has it open, if only to read it.
pub(crate) fn patiently<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let begun = Instant::now();
    loop {
        match work() {
            Err(error) if is_in_use(&error) && begun.elapsed() < PATIENCE => thread::sleep(LOOK),
            done => return done,
        }
    }
}

/// `ERROR_ACCESS_DENIED` or `ERROR_SHARING_VIOLATION`.
fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

#[cfg(all(test, windows))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, os::windows::fs::OpenOptionsExt as _, sync::Barrier};

    use super::*;

    #[test]
    fn a_file_that_somebody_looks_at_for_a_moment_is_replaced_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("口令.json"), dir.path().join("新"));
        fs::write(&old, "old").unwrap();
        fs::write(&new, "new").unwrap();
        // Shared with nobody, as the strictest of scanners has it.
        let looked_at = fs::File::options()
            .read(true)
            .share_mode(0)
            .open(&old)
            .unwrap();
        let together = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                together.wait();
                drop(looked_at);
            });
            let mut refused = 0;
            patiently(|| {
                let done = fs::rename(&new, &old);
                if done.is_err() {
                    refused += 1;
                    if refused == 1 {
                        together.wait();
                    }
                }
                done
            })
            .unwrap();
            assert!(refused > 0, "it was refused at first");
        });
        assert_eq!(fs::read_to_string(&old).unwrap(), "new");
    }
}
