//! What is noted of pulls once they are answered: nobody waits for it, and what is noted first was given first.

use parking_lot::Mutex;
use shicha_sync::work;

use super::{Change, Shared};
use crate::store::PullNote;

/// More than these do not wait: the store does not answer, and the next pulls say what they hold again.
const MOST: usize = 1_000;

/// Notes that wait.
#[derive(Default)]
pub(crate) struct Noting(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    notes: Vec<PullNote>,
    is_written: bool,
}

/// Has a note written after those before it.
pub(crate) fn note(app: &Shared, note: PullNote) {
    if note.given.is_empty() && note.held.is_empty() {
        return;
    }
    {
        let mut waiting = app.noting.0.lock();
        if waiting.notes.len() < MOST {
            waiting.notes.push(note);
        }
        if std::mem::replace(&mut waiting.is_written, true) {
            return;
        }
    }
    let app = Shared::clone(app);
    let _nobody_waits = work::begin(move || write(&app));
}

fn write(app: &Shared) {
    loop {
        let notes = {
            let mut waiting = app.noting.0.lock();
            if waiting.notes.is_empty() {
                waiting.is_written = false;
                return;
            }
            std::mem::take(&mut waiting.notes)
        };
        let changed = match app.home.store.note_pulls(&notes) {
            Ok(changed) => changed,
            Err(error) => {
                tracing::warn!(%error, "could not note what was given and how far channels were seen");
                continue;
            }
        };
        for (note, channels) in notes.iter().zip(changed) {
            // Whoever wrote there is shown that somebody else has it.
            let seen = note
                .held
                .iter()
                .filter(|(channel, _)| channels.contains(channel))
                .map(|(channel, upto)| (channel, upto));
            let people = app.awaiting.seen(note.person, seen);
            if !people.is_empty() {
                app.tell(Change::Seen { people });
            }
        }
    }
}
