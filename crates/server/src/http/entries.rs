//! Push and pull.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use shicha_domain::{Channel, DeviceId, authority, receipt, suite::VerifyingKey};
use shicha_sync::{
    protocol::{
        BATCH_EVENT_BYTES, BATCH_TYPE, Batch, BatchWriter, MAX_BATCH_ROWS, PULL_TYPE, Problem,
        ProblemCode,
        end::END_HEADER,
        messages::{ForkReport, Head, PushReply},
        signing,
        wire::{self, Push},
    },
    work,
};
use tokio::sync::oneshot;

use super::{
    App, Change, MOST_QUEUED, QUEUED, Shared,
    bodies::Sent,
    fault::{Fault, blocking},
    noting,
    session::{Caller, Claim, active},
    work::Working,
};
use crate::{
    ends,
    home::Home,
    intake::{self, actor_of},
    store::{
        Appended, Brought, DeviceState, Now, OwnJudge, PullNote, PullQuery, Pushed, StoreError,
    },
};

/// How many ids a fork report holds at most.
const FORK_LOG: usize = 2_000;

/// Entries of the device's own ledger.
#[utoipa::path(
    post, path = "/v1/push", tag = "sync",
    request_body(content = String, content_type = "application/vnd.shicha.batch+zstd", description = "a batch, docs/PROTOCOL.md"),
    responses((status = 200, description = "receipts", body = PushReply))
)]
pub(super) async fn push(
    State(app): State<Shared>,
    claim: Claim,
    headers: HeaderMap,
    body: Sent,
) -> Result<Json<PushReply>, Fault> {
    if !headers.contains_key(header::CONTENT_TYPE) {
        // Whoever may not ask at all is told that first.
        blocking(move || claim.caller(&app)).await?;
        return Err(Fault::wrong_kind(BATCH_TYPE));
    }
    let end = end_of(&headers);
    app.metrics.bytes("push", body.len() as u64);
    let sender = body.by.ok_or_else(Fault::no_session)?;
    // What a few kilobytes unfold to may be thousands of times as much: that is what is weighed.
    let unfolded = wire::unfolded(&body)?;
    let waiting = Instant::now();
    let turn = app.work.push(sender, unfolded).await?;
    let reading = Arc::clone(&app.reading)
        .acquire_owned()
        .await
        .map_err(|error| Fault::internal(&error))?;
    app.metrics.waited(waiting);
    // The next are read while these wait for the disk.
    let (told, kept) = oneshot::channel();
    let _kept_below = work::begin({
        let (app, span) = (Shared::clone(&app), tracing::Span::current());
        move || {
            let read = span.in_scope(|| read(&app, claim, &body, end.as_deref()));
            drop((reading, body));
            keep(&app, read, turn, told);
        }
    });
    let Kept {
        asked,
        by,
        appended,
        ..
    } = kept
        .await
        .map_err(|lost| Fault::internal(&format!("a push was given up: {lost}")))??;
    let appended = appended?;
    app.metrics.appended(&appended);
    let (reply, channels) = match appended {
        Appended::Held(_) => answer(&app.home, asked, appended)?,
        // The report of a fork is read from the store.
        Appended::Fork { .. } | Appended::Gap { .. } => {
            let app = Shared::clone(&app);
            blocking(move || answer(&app.home, asked, appended)).await?
        }
    };
    if !channels.is_empty() {
        let numbers = reply.accepted.iter();
        let upto = numbers.map(|run| run.number + run.count).max();
        app.awaiting.wrote(
            sender.person,
            &channels,
            upto.unwrap_or(0).saturating_sub(1),
        );
        app.tell(Change::Entries {
            channels,
            by: Some(by),
        });
    }
    Ok(Json(reply))
}

/// A push that the store has answered.
struct Kept {
    asked: Asked,
    by: DeviceId,
    appended: Result<Appended, StoreError>,
    /// The entries: to be freed by whoever answers, and not by the one thread that writes.
    _pushed: Arc<Pushed>,
}

/// What the header of an end says.
fn end_of(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(END_HEADER)?.to_str().ok()?;
    Some(text.to_owned())
}

/// Reads a push and who brings it.
fn read(
    app: &App,
    claim: Claim,
    body: &[u8],
    end: Option<&str>,
) -> Result<(ReadPush, DeviceId), Fault> {
    let caller = claim.caller(app)?;
    let push = wire::read_push(body)?;
    let by = caller.state.device.id;
    let mut read = ReadPush::of(&app.home, Arc::clone(&app.clock), push, Some(&caller.state))?;
    // A colleague who carries it neither is in a session of its device nor tells its end.
    if read.asked.device == by {
        read.pushed.is_in_session = true;
        read.pushed.end =
            end.and_then(|end| ends::told(&app.home, &caller.state, end, app.now_ms()));
    }
    Ok((read, by))
}

/// Has a push kept; `told` hears what came of it. What it takes of all is for others as long as there is space for pushes that wait in the
/// store's queue.
fn keep(
    app: &Shared,
    read: Result<(ReadPush, DeviceId), Fault>,
    mut turn: Working,
    told: oneshot::Sender<Result<Kept, Fault>>,
) {
    // Where nobody waits for the answer any more, the device asks again.
    let tell = |kept| drop(told.send(kept));
    let (read, by) = match read {
        Ok(read) => read,
        Err(fault) => return tell(Err(fault)),
    };
    let space = app.home.store.has_queue().then(|| {
        Arc::clone(&app.queued)
            .try_acquire_many_owned(read.weight())
            .ok()
    });
    let space = space.flatten();
    if space.is_some() {
        turn.weight = None;
    }
    let held = (space, turn);
    let (asked, begun) = (read.asked, Instant::now());
    let pushed = Arc::new(read.pushed);
    let then = {
        let (app, pushed) = (Shared::clone(app), Arc::clone(&pushed));
        move |appended| {
            app.metrics.store_took("append", begun);
            drop(held);
            tell(Ok(Kept {
                asked,
                by,
                appended,
                _pushed: pushed,
            }));
        }
    };
    app.home
        .store
        .append_then(pushed, read.judge, Box::new(then));
}

/// Takes a push in, whoever brings it. Also which channels have grown by it.
pub(crate) fn take_push(
    home: &Home,
    now_ms: u64,
    push: Push,
    caller: Option<&DeviceState>,
) -> Result<(PushReply, Vec<Channel>), Fault> {
    let read = ReadPush::of(home, Arc::new(move || now_ms), push, caller)?;
    let appended = home.store.append(&read.pushed, &read.judge)?;
    answer(home, read.asked, appended)
}

/// A push that was read and is from who it says: all that can be found out without the store's one place of writing.
struct ReadPush {
    pushed: Pushed,
    judge: OwnJudge,
    asked: Asked,
}

/// What a push was about.
#[derive(Clone, Copy)]
struct Asked {
    device: DeviceId,
    first: u64,
}

impl ReadPush {
    /// What it takes of [`QUEUED`].
    fn weight(&self) -> u32 {
        let events = self.pushed.entries.iter().map(|one| one.entry.event.len());
        let kib = u32::try_from(events.sum::<usize>() >> 10).unwrap_or(QUEUED);
        kib.clamp(QUEUED / MOST_QUEUED, QUEUED)
    }

    /// Whoever brings it: what counts is whose entries they are and that their device signed them. So a colleague may carry them here.
    fn of(home: &Home, now: Now, push: Push, caller: Option<&DeviceState>) -> Result<Self, Fault> {
        let (Some(first), Some(last)) = (push.batch.rows.first(), push.batch.rows.last()) else {
            return Err(Fault::bad_request("a push without entries"));
        };
        let device = last.entry.device;
        if push.batch.rows.iter().any(|row| row.entry.device != device) {
            return Err(Fault::new(
                ProblemCode::Forbidden,
                "a push holds the ledger of one device and no other",
            ));
        }
        let itself = caller.filter(|caller| caller.device.id == device);
        let is_by_itself = itself.is_some();
        let author = match itself {
            Some(caller) => Some(caller.clone()),
            None => home.store.device(device)?,
        };
        let said = receipt::push_bytes(device, last.entry.seq, last.id);
        let is_signed = author.as_ref().is_some_and(|author| {
            signing::is_signed(&author.device.public_key, &said, &push.signature)
        });
        if !is_signed {
            return Err(Fault::new(
                ProblemCode::Forbidden,
                "the device did not sign these entries",
            ));
        }
        // What a colleague brings of somebody who does not take part any more is kept, and refused.
        let is_carried = caller.is_some_and(|caller| caller.device.id != device);
        let ended = author
            .as_ref()
            .filter(|_| is_carried)
            .and_then(intake::ended);
        let author = match (ended, author) {
            (Some(_), Some(author)) => author,
            (_, author) => active(author)?,
        };
        let actor = actor_of(&author);
        let line = match push.batch.rows.iter().any(|row| row.entry.again.is_some()) {
            true => home.store.line(device)?,
            false => Vec::new(),
        };
        let brought = brought(home, &push.batch)?;
        let first = first.entry.seq;
        let entries = intake::candidates(push.batch.rows)
            .map_err(|fault| Fault::bad_request(fault.to_string()))?;
        let register = home.store.register()?;
        Ok(Self {
            pushed: Pushed {
                entries,
                signature: push.signature,
                seal: home.signer.own_seal(),
                now,
                is_in_session: false,
                is_by_itself,
                end: None,
                brought,
            },
            judge: Box::new(move |candidate, known| {
                intake::judge(&actor, &register.tree, &line, candidate, known)?;
                ended.map_or(Ok(()), Err)
            }),
            asked: Asked { device, first },
        })
    }
}

/// The endpoint's own receipts of earlier lives that come with entries: signed by its key, and for the very entry that stands at the
/// receipt's last place here, so that by the chain it is for all below (invariant 10, nothing proved is given up).
fn brought(home: &Home, batch: &Batch) -> Result<Brought, Fault> {
    let named: BTreeSet<usize> = batch.rows.iter().filter_map(|row| row.covered).collect();
    let (Some(first), Some(last)) = (batch.rows.first(), batch.rows.last()) else {
        return Ok(Brought::default());
    };
    if named.is_empty() {
        return Ok(Brought::default());
    }
    let first = first.entry.seq;
    let key = VerifyingKey::new(&home.signer.public_key())
        .map_err(|_| Fault::internal(&"the server's own key"))?;
    let mut proved = Vec::new();
    for receipt in named.into_iter().filter_map(|n| batch.receipts.get(n)) {
        let head =
            (receipt.seq.checked_sub(first)).and_then(|n| batch.rows.get(usize::try_from(n).ok()?));
        let leads_here =
            receipt.device == last.entry.device && head.is_some_and(|head| head.id == receipt.head);
        if !leads_here {
            continue;
        }
        if !receipt.is_signed_by(&key) {
            // No device keeps one of another key, so the others of such a push need not be proved either.
            return Ok(Brought::default());
        }
        proved.push(receipt.clone());
    }
    Ok(Brought::proved(proved, (first, last.entry.seq)))
}

/// What a device is told of its push, and which channels have grown by it.
fn answer(
    home: &Home,
    Asked { device, first }: Asked,
    appended: Appended,
) -> Result<(PushReply, Vec<Channel>), Fault> {
    match appended {
        Appended::Held(held) => {
            tracing::info!(
                new = held.new,
                refused = held.refused.len(),
                "took entries in"
            );
            let reply = PushReply {
                receipts: held.receipts,
                accepted: held.accepted,
                refused: held.refused,
                head: held.head,
            };
            Ok((reply, held.channels))
        }
        Appended::Fork { common, head } => {
            tracing::warn!(%device, at = head.seq, "a device's ledger has parted from the one held");
            Err(fork(home, device, first, common, head)?)
        }
        Appended::Gap { head } => {
            let problem = Problem::new(
                ProblemCode::Gap,
                format!("this ledger is held up to {}", head.seq),
            );
            Err(problem.with("head", to_json(&head)?).into())
        }
    }
}

fn fork(
    home: &Home,
    device: DeviceId,
    first: u64,
    common: Option<Head>,
    head: Head,
) -> Result<Fault, Fault> {
    let from = match common {
        Some(common) => common.seq + 1,
        None => first.min(head.seq).saturating_sub(FORK_LOG as u64).max(1),
    };
    let log = home.store.log(device, from, FORK_LOG)?;
    let refused = match common {
        Some(common) if common.seq >= first => {
            // No more than was pushed.
            let pushed = (common.seq - first + 1) as usize;
            let held = home.store.entries_of(device, first, pushed)?;
            held.into_iter()
                .filter_map(|held| Some((held.entry.seq, held.verdict.err()?)))
                .collect()
        }
        _ => Vec::new(),
    };
    let report = ForkReport {
        common,
        log,
        head,
        refused,
    };
    let problem = Problem::new(
        ProblemCode::Fork,
        "the device must go on under a new identity",
    );
    Ok(problem.with("fork", to_json(&report)?).into())
}

fn to_json(value: &impl serde::Serialize) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::internal(&error))
}

/// What is new in the channels that the person may read.
#[utoipa::path(
    post, path = "/v1/pull", tag = "sync",
    request_body(content = String, content_type = "application/vnd.shicha.pull+zstd", description = "what the device holds, docs/PROTOCOL.md"),
    responses((status = 200, description = "a batch, docs/PROTOCOL.md", body = String, content_type = "application/vnd.shicha.batch+zstd"))
)]
pub(super) async fn pull(
    State(app): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    body: Sent,
) -> Result<Response, Fault> {
    if !headers.contains_key(header::CONTENT_TYPE) {
        return Err(Fault::wrong_kind(PULL_TYPE));
    }
    let end = end_of(&headers);
    let waiting = Instant::now();
    let turn = app.work.pull(caller.admitted()).await?;
    app.metrics.waited(waiting);
    let (body, note) = blocking({
        let app = Shared::clone(&app);
        move || {
            // Also when the client is gone: it is worked on until it ends.
            let _turn = turn;
            let end = end.and_then(|end| ends::told(&app.home, &caller.state, &end, app.now_ms()));
            if let Some(end) = end {
                app.home.store.note_end(caller.state.device.id, &end)?;
            }
            give_out(&app, &caller, &body)
        }
    })
    .await?;
    app.metrics.bytes("pull", body.len() as u64);
    if let Some(note) = note {
        noting::note(&app, note);
    }
    Ok((
        [(header::CONTENT_TYPE, HeaderValue::from_static(BATCH_TYPE))],
        body,
    )
        .into_response())
}

fn give_out(app: &App, caller: &Caller, body: &[u8]) -> Result<(Vec<u8>, Option<PullNote>), Fault> {
    let mut request = wire::read_pull_request(body)?;
    let device = caller.state.device.id;
    let Some(held) = app.heard.all_of(device, &mut request)? else {
        return Ok((wire::write_base_lost()?, None));
    };
    let register = app.home.store.register()?;
    let mut batch = BatchWriter::new();
    let only = authority::reads_only(&caller.actor, &register.tree);
    let query = PullQuery {
        person: caller.actor.person,
        may_read: &|channel| {
            !request.without.contains(channel)
                && authority::may_read(&caller.actor, channel, &register.tree)
        },
        only: only.as_deref(),
        held: &held,
        max_entries: (request.max_entries as usize).clamp(1, MAX_BATCH_ROWS),
        max_event_bytes: BATCH_EVENT_BYTES,
    };
    let begun = Instant::now();
    let pulled = app.home.store.pull(&query, &mut batch)?;
    app.metrics.store_took("pull", begun);
    app.metrics.gave(
        pulled
            .channels
            .iter()
            .map(|channel| channel.rows as u64)
            .sum(),
    );
    let body = wire::write_pull(&pulled.channels, pulled.more, batch)?;
    let given = pulled.given(&held);
    let note = PullNote {
        device,
        person: caller.actor.person,
        given,
        held: if request.is_held {
            pulled.news
        } else {
            Vec::new()
        },
    };
    Ok((body, Some(note)))
}
