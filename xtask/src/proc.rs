//! Starting other programs: what is started is printed, what fails is named with its exit code.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How long tests may print nothing: after that something waits for what never comes, and waiting on would only hide it. The slowest
/// single test, and the slowest build between two tests, take a tenth of it.
const MOST_SILENCE: Duration = Duration::from_secs(15 * 60);
/// How often something silent is said to go on.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// A command by its plain name; npm's are scripts with an ending of their own on Windows.
pub(crate) fn command(name: &str) -> Command {
    if cfg!(windows) && (name == "npm" || name == "npx") {
        Command::new(format!("{name}.cmd"))
    } else {
        Command::new(name)
    }
}

fn words(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_stem()
        .unwrap_or_default();
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command, its output going where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words = words(command);
    println!("$ {words}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("start `{words}`"))?;
    if !status.success() {
        bail!("`{words}` ended with {status}");
    }
    Ok(())
}

/// Runs a command and shows what it says only if it fails; while it runs, a line now and then says that it still does.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let words = words(command);
    let output = telling(&words, || command.stdin(Stdio::null()).output())
        .with_context(|| format!("start `{words}`"))?;
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout)?;
        std::io::stderr().write_all(&output.stderr)?;
        bail!("`{words}` ended with {}", output.status);
    }
    Ok(())
}

/// Runs a command whose standard output is shown and read line by line. `Ok(false)`: it ended with an error.
///
/// # Errors
/// When it cannot be started, or prints nothing for so long that it must be stuck.
pub(crate) fn run_reading(command: &mut Command, line: impl FnMut(&str)) -> Result<bool> {
    run_reading_for(command, MOST_SILENCE, line)
}

fn run_reading_for(
    command: &mut Command,
    most_silence: Duration,
    mut line: impl FnMut(&str),
) -> Result<bool> {
    let words = words(command);
    println!("$ {words}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start `{words}`"))?;
    if let Some(stdout) = child.stdout.take() {
        let (said, heard) = mpsc::channel();
        // Not joined: whatever the command started may hold its output open for longer than it lives.
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            loop {
                let mut bytes = Vec::new();
                let read = reader.read_until(b'\n', &mut bytes);
                let is_end = !matches!(read, Ok(1..));
                if said.send(read.map(|_| bytes)).is_err() || is_end {
                    break;
                }
            }
        });
        loop {
            let bytes = match heard.recv_timeout(most_silence) {
                Ok(bytes) => bytes?,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    bail!(
                        "`{words}` printed nothing for {}; its last lines say where it is stuck",
                        elapsed(most_silence)
                    );
                }
            };
            let mut ours = std::io::stdout().lock();
            ours.write_all(&bytes)?;
            ours.flush()?;
            line(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(child.wait()?.success())
}

/// What a command prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let words = words(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start `{words}`"))?;
    if !output.status.success() {
        bail!("`{words}` ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{words}` printed no text"))
}

/// Whether a command exists and succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Does something silent, and says every half minute that it goes on.
fn telling<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(TELL_EVERY) == Err(RecvTimeoutError::Timeout) {
                println!("-- still at `{what}` ({})", elapsed(begin.elapsed()));
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Does something that may take long and says so.
pub(crate) fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("-- {what}");
    let begin = Instant::now();
    let done = work();
    let word = if done.is_ok() { "done" } else { "FAILED" };
    println!("-- {what}: {word} ({})", elapsed(begin.elapsed()));
    done
}

/// A duration as people read it.
pub(crate) fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_command_that_is_stuck_is_ended_and_named() {
        let mut lines = Vec::new();
        let mut stuck = command("sh");
        stuck.args(["-c", "echo begun; exec sleep 600"]);
        let error = run_reading_for(&mut stuck, Duration::from_secs(1), |line| {
            lines.push(line.to_owned());
        })
        .unwrap_err();
        assert_eq!(lines, ["begun\n"]);
        assert!(
            error.to_string().contains("printed nothing for 1.0 s"),
            "{error}"
        );
    }

    #[test]
    fn a_duration_reads_as_people_say_it() {
        assert_eq!(elapsed(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(elapsed(Duration::from_secs(125)), "2 min 05 s");
    }
}
