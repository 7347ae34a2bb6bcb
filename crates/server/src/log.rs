//! The log of a process that serves.
//!
//! Invariant: nobody who is answered waits for the log. A thread of its own writes, lines wait for it in a bounded queue, and what cannot
//! be written, because the disk is full or nobody reads the pipe, is dropped and counted.

use std::{
    io::{self, Write},
    sync::{
        LazyLock,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Lines that wait to be written.
const WAITING: usize = 4_096;
/// How long the end of the process waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(2);
const BETWEEN: Duration = Duration::from_millis(5);

/// Lines of this process that were dropped.
pub(crate) static LOST: LazyLock<Counter> = LazyLock::new(Counter::default);

enum Message {
    Line(Vec<u8>),
    /// All lines before are written; whoever waits for that is told.
    Told(SyncSender<()>),
}

/// Where lines are put; they are written by the thread that [`begin`] started.
#[derive(Clone)]
pub(crate) struct Lines(SyncSender<Message>);

impl Lines {
    fn to(mut sink: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(WAITING);
        thread::Builder::new()
            .name("log".into())
            .spawn(move || write(&waiting, &mut sink))?;
        Ok(Self(lines))
    }

    /// Waits for a while until what was put here is written.
    pub(crate) fn finish(&self) {
        let begun = Instant::now();
        let (told, heard) = sync_channel(1);
        let mut message = Message::Told(told);
        while let Err(TrySendError::Full(back)) = self.0.try_send(message) {
            if begun.elapsed() >= LAST_LINES {
                return;
            }
            message = back;
            thread::sleep(BETWEEN);
        }
        // Nobody answers where the log cannot be written: the process ends all the same.
        let _given_up = heard.recv_timeout(LAST_LINES).is_err();
    }
}

fn write(waiting: &Receiver<Message>, sink: &mut impl Write) {
    for message in waiting {
        match message {
            Message::Line(line) => {
                if sink.write_all(&line).is_err() {
                    LOST.inc();
                }
            }
            // Whoever asked may have given up.
            Message::Told(told) => drop(told.try_send(())),
        }
    }
}

impl Write for Lines {
    /// Takes one whole line; never fails and never waits.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Message::Line(line.to_vec())).is_err() {
            LOST.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Begins to write the log to standard error, as text or as JSON lines.
///
/// # Errors
/// When no thread can be started for it.
pub(crate) fn begin(is_json: bool) -> io::Result<Lines> {
    let lines = Lines::to(io::stderr())?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would write to standard error by itself, and panic where that fails.
        .log_internal_errors(false)
        .with_writer(lines.clone());
    // Fails only when logging is set up already, and then it is.
    let _is_set = if is_json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
    Ok(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use parking_lot::Mutex;
    use std::sync::Arc;

    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes one line and no more, as a pipe that nobody reads.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            // Ends with the test.
            let _let_go = self.0.recv().is_err();
            Ok(line.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_cannot_be_written_is_dropped_and_counted_and_nobody_waits() {
        let before = LOST.get();
        let mut lines = Lines::to(Full).unwrap();
        lines.write_all(b"one\n").unwrap();
        lines.finish();
        assert!(LOST.get() > before);

        let (_hold, held) = sync_channel(0);
        let before = LOST.get();
        let mut lines = Lines::to(Stuck(held)).unwrap();
        for _ in 0..WAITING + 10 {
            lines.write_all(b"one\n").unwrap();
        }
        assert!(LOST.get() >= before + 9);
    }

    #[test]
    fn every_line_that_can_be_written_is_written_in_order_before_the_process_ends() {
        #[derive(Clone, Default)]
        struct Kept(Arc<Mutex<Vec<u8>>>);
        impl Write for Kept {
            fn write(&mut self, line: &[u8]) -> io::Result<usize> {
                self.0.lock().extend_from_slice(line);
                Ok(line.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let kept = Kept::default();
        let mut lines = Lines::to(kept.clone()).unwrap();
        for n in 0..100 {
            writeln!(lines, "{n}").unwrap();
        }
        lines.finish();
        let expected: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(String::from_utf8(kept.0.lock().clone()).unwrap(), expected);
    }
}
