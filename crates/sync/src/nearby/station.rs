//! The place where laptops meet: listens, lists who is around, and carries one session at a time, for as long as it is kept.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use shicha_ledger::Ledger;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, timeout},
};

use super::{
    address::{PORT, is_local, own_addresses},
    attempts::Attempts,
    exchange::Summary,
    fault::{NearbyFault, Reason},
    finder::{Announced, Finder, Found},
    greeting::Side,
    session::{self, Decision, Door, Host, Step},
    state::{Met, NearbyState, SessionState, Stage},
    strangers::Strangers,
};
use crate::{client::Clock, work};

/// How long a connection may take to come about.
const CONNECT_TIME: Duration = Duration::from_secs(6);
/// How often the addresses are read again: networks change.
const LOOK_AGAIN: Duration = Duration::from_secs(4);
/// How many strangers may be greeting at once.
const GREETING: usize = 4;
/// How long a session is given to take its leave.
const FAREWELL: Duration = Duration::from_secs(6);
/// So long a person needs to see that digits are gone, who was about to say that they are the same.
const PAUSE: Duration = Duration::from_secs(3);
/// No session.
const NONE: u64 = 0;

/// What a station works with.
pub struct NearbyConfig {
    /// The ledger, enrolled.
    pub ledger: Ledger,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What others see in their list.
    pub name: String,
    /// What this laptop is called.
    pub label: String,
    /// How laptops are found by name.
    pub finder: Arc<dyn Finder>,
    /// Where to listen.
    pub listen: Ipv4Addr,
    /// The port to try first; another one is taken where it is not to be had.
    pub port: u16,
    /// How often one address may try in a minute.
    pub attempts: usize,
    /// How long it stays on the screen that a session failed whose digits were shown, before another laptop may begin one.
    pub pause: Duration,
}

impl NearbyConfig {
    /// What a laptop uses.
    pub fn new(ledger: Ledger, clock: Arc<dyn Clock>, finder: Arc<dyn Finder>) -> Self {
        Self {
            ledger,
            clock,
            name: String::new(),
            label: String::new(),
            finder,
            listen: Ipv4Addr::UNSPECIFIED,
            port: PORT,
            attempts: 10,
            pause: PAUSE,
        }
    }
}

/// The laptops nearby.
pub struct Nearby {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<NearbyState>,
    task: JoinHandle<()>,
}

/// What a person says of the digits that a screen showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The session whose digits they were ([`SessionState::id`]).
    pub session: u64,
    /// The digits.
    pub digits: String,
    /// Whether the other screen shows the same.
    pub is_same: bool,
}

enum Command {
    Connect(Vec<SocketAddr>, String),
    Compared(Compared),
    Decide(Decision),
    PutAway,
    Stop,
}

enum News {
    Found,
    Began(u64, mpsc::Sender<Decision>),
    Step(u64, Step),
    Ended(u64, Result<Summary, NearbyFault>),
}

impl Nearby {
    /// Begins to listen and to look, within a Tokio runtime.
    ///
    /// # Errors
    /// When this computer does not let programs listen, or the ledger is not enrolled.
    pub async fn start(config: NearbyConfig) -> Result<Self, NearbyFault> {
        let listener = match TcpListener::bind((config.listen, config.port)).await {
            Ok(listener) => listener,
            // Another program, or another user of this computer, has that port.
            Err(_) => TcpListener::bind((config.listen, 0)).await?,
        };
        let port = listener.local_addr()?.port();
        let (news, heard) = mpsc::unbounded_channel();
        let found = Arc::new(super::finder::Latest::default());
        let announced = Announced {
            name: config.name.clone(),
            instance: hex::encode(rand::random::<[u8; 8]>()),
            port,
        };
        let on_found = {
            let (found, news) = (Arc::clone(&found), news.clone());
            Arc::new(move |list: Vec<Found>| {
                found.put(list);
                // Nobody hears it any more once the station has closed.
                let _ = news.send(News::Found);
            })
        };
        let finder = Arc::clone(&config.finder);
        let finding = work::begin(move || finder.begin(&announced, on_found))
            .await
            .unwrap_or_else(|error| Err(error.to_string()));
        let (finding, no_finding) = match finding {
            Ok(finding) => (Some(finding), None),
            Err(error) => {
                tracing::warn!(%error, "laptops cannot be found by name");
                (None, Some(error))
            }
        };
        let (sender, state) = watch::channel(NearbyState {
            name: config.name.clone(),
            port,
            addresses: own_addresses(),
            no_finding,
            ..NearbyState::default()
        });
        let (commands, commanded) = mpsc::channel(8);
        let running = Running {
            attempts: Attempts::new(config.attempts),
            config: Arc::new(config),
            state: sender,
            news,
            greeting: Arc::new(Semaphore::new(GREETING)),
            slot: Arc::new(AtomicU64::new(NONE)),
            strangers: Arc::default(),
            shown_until: Arc::default(),
            next: NONE + 1,
            decisions: None,
        };
        let task = tokio::spawn(async move {
            running.run(listener, commanded, heard, &found).await;
            if let Some(finding) = finding {
                // Taking the name back waits for the network.
                let dropped = work::begin(move || drop(finding)).await;
                if let Err(error) = dropped {
                    tracing::error!(%error, "the search for laptops ended badly");
                }
            }
        });
        Ok(Self {
            commands,
            state,
            task,
        })
    }

    /// What is under way, to look at and to wait for changes of.
    pub fn state(&self) -> watch::Receiver<NearbyState> {
        self.state.clone()
    }

    /// Asks the laptop at one of these addresses for a session; `target` is what the person calls it. Nothing happens while another
    /// session goes on.
    pub async fn connect(&self, addresses: Vec<SocketAddr>, target: String) {
        self.command(Command::Connect(addresses, target)).await;
    }

    /// The person says whether the digits are the same on both screens. Counts only for the session and the digits that they saw: a yes
    /// that was meant for a session which has ended confirms none that took its place.
    pub async fn answer(&self, compared: Compared) {
        self.command(Command::Compared(compared)).await;
    }

    /// Ends the session. What was taken stays.
    pub async fn cancel(&self) {
        self.command(Command::Decide(Decision::Cancel)).await;
    }

    /// Forgets the session that has ended.
    pub async fn put_away(&self) {
        self.command(Command::PutAway).await;
    }

    /// Ends the session, if there is one, and is not there any more.
    pub async fn stop(self) {
        self.command(Command::Stop).await;
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the exchange with laptops nearby ended badly");
        }
    }

    async fn command(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::warn!("there is no exchange with laptops nearby any more");
        }
    }
}

struct Running {
    config: Arc<NearbyConfig>,
    state: watch::Sender<NearbyState>,
    news: mpsc::UnboundedSender<News>,
    attempts: Attempts,
    greeting: Arc<Semaphore>,
    /// The session that may show itself to the person.
    slot: Arc<AtomicU64>,
    strangers: Arc<Strangers>,
    /// Until when what became of the last session is shown before another laptop may begin one.
    shown_until: Arc<Mutex<Option<Instant>>>,
    next: u64,
    decisions: Option<mpsc::Sender<Decision>>,
}

/// For a session that this laptop's person asked for.
struct Asked;

impl Door for Asked {
    fn enter(&self, _is_known: bool) -> Result<(), Reason> {
        Ok(())
    }

    fn greeted(&self) {}
}

/// For a session that another laptop asks for.
struct Guest {
    id: u64,
    slot: Arc<AtomicU64>,
    news: mpsc::UnboundedSender<News>,
    decider: mpsc::Sender<Decision>,
    greeting: Mutex<Option<OwnedSemaphorePermit>>,
    strangers: Arc<Strangers>,
    shown_until: Arc<Mutex<Option<Instant>>>,
    /// Whether a stranger was told the number here and has not shown theirs.
    owes: AtomicBool,
}

impl Door for Guest {
    fn enter(&self, is_known: bool) -> Result<(), Reason> {
        let now = Instant::now();
        if !is_known && !self.strangers.may_enter(now) {
            return Err(Reason::TooMany);
        }
        if locked(&self.shown_until).is_some_and(|until| now < until) {
            return Err(Reason::Busy);
        }
        self.slot
            .compare_exchange(NONE, self.id, Ordering::SeqCst, Ordering::SeqCst)
            .map_err(|_| Reason::Busy)?;
        self.owes.store(!is_known, Ordering::SeqCst);
        // From now on this is a session; another stranger may greet.
        locked(&self.greeting).take();
        let _ = self.news.send(News::Began(self.id, self.decider.clone()));
        Ok(())
    }

    fn greeted(&self) {
        self.owes.store(false, Ordering::SeqCst);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    async fn run(
        mut self,
        listener: TcpListener,
        mut commanded: mpsc::Receiver<Command>,
        mut heard: mpsc::UnboundedReceiver<News>,
        found: &super::finder::Latest,
    ) {
        let mut ticks = tokio::time::interval(LOOK_AGAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => self.accept(stream, from.ip()),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        // As when too many files are open: the next moment may be better.
                        ticks.tick().await;
                    }
                },
                command = commanded.recv() => match command {
                    Some(Command::Connect(addresses, target)) => self.connect(addresses, target),
                    Some(Command::Compared(compared)) => self.compared(compared).await,
                    Some(Command::Decide(decision)) => self.decide(decision).await,
                    Some(Command::PutAway) => self.put_away(),
                    Some(Command::Stop) | None => break,
                },
                news = heard.recv() => match news {
                    Some(News::Found) => self.state.send_modify(|state| state.found = found.get()),
                    Some(news) => self.took(news),
                    None => break,
                },
                _ = ticks.tick() => {
                    let now = own_addresses();
                    self.state.send_if_modified(|state| {
                        let is_other = state.addresses != now;
                        state.addresses = now;
                        is_other
                    });
                }
            }
        }
        drop(listener);
        self.decide(Decision::Cancel).await;
        let ended = async {
            while self.slot.load(Ordering::SeqCst) != NONE {
                match heard.recv().await {
                    Some(news) => self.took(news),
                    None => break,
                }
            }
        };
        if timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!("a session with a laptop nearby did not end in time");
        }
    }

    fn accept(&mut self, stream: TcpStream, from: IpAddr) {
        if !is_local(from) || !self.attempts.allow(from, Instant::now()) {
            tracing::info!("a connection was not answered: from elsewhere, or too many");
            return;
        }
        let Ok(permit) = Arc::clone(&self.greeting).try_acquire_owned() else {
            return;
        };
        let id = self.number();
        let (decider, mut decisions) = mpsc::channel(4);
        let guest = Guest {
            id,
            slot: Arc::clone(&self.slot),
            news: self.news.clone(),
            decider,
            greeting: Mutex::new(Some(permit)),
            strangers: Arc::clone(&self.strangers),
            shown_until: Arc::clone(&self.shown_until),
            owes: AtomicBool::new(false),
        };
        let (config, news) = (Arc::clone(&self.config), self.news.clone());
        tokio::spawn(async move {
            let answers = Side::Answers;
            let done = serve(stream, answers, &config, &guest, &mut decisions, id, &news).await;
            if let Err(fault) = &done {
                tracing::info!(reason = ?fault.reason, is_there = fault.is_there, "a session that another laptop asked for ended early");
                let is_ours = fault.reason == Reason::Cancelled && !fault.is_there;
                if guest.owes.load(Ordering::SeqCst) && !is_ours {
                    guest
                        .strangers
                        .broke_off(Instant::now(), session::COMPARE_TIME);
                }
            }
            let _ = news.send(News::Ended(id, done));
        });
    }

    fn connect(&mut self, addresses: Vec<SocketAddr>, target: String) {
        let id = self.number();
        let is_free = self
            .slot
            .compare_exchange(NONE, id, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        if !is_free {
            return;
        }
        let (decider, mut decisions) = mpsc::channel(4);
        self.decisions = Some(decider);
        self.state
            .send_modify(|state| state.session = Some(SessionState::new(id, true, target)));
        let (config, news) = (Arc::clone(&self.config), self.news.clone());
        tokio::spawn(async move {
            let done = match reach(&addresses, &mut decisions).await {
                Ok(stream) => {
                    serve(
                        stream,
                        Side::Asks,
                        &config,
                        &Asked,
                        &mut decisions,
                        id,
                        &news,
                    )
                    .await
                }
                Err(fault) => Err(fault),
            };
            if let Err(fault) = &done {
                tracing::info!(reason = ?fault.reason, is_there = fault.is_there, "a session that was asked for here ended early");
            }
            let _ = news.send(News::Ended(id, done));
        });
    }

    fn number(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    async fn compared(&self, compared: Compared) {
        let is_shown = self.state.borrow().session.as_ref().is_some_and(|session| {
            session.id == compared.session
                && session
                    .met
                    .as_ref()
                    .is_some_and(|met| met.digits == compared.digits)
        });
        if !is_shown {
            tracing::info!("what was said of other digits does not count");
            return;
        }
        let decision = if compared.is_same {
            Decision::Same
        } else {
            Decision::Differ
        };
        self.decide(decision).await;
    }

    async fn decide(&self, decision: Decision) {
        if let Some(decisions) = &self.decisions
            && decisions.send(decision).await.is_err()
        {
            tracing::debug!("the session had ended");
        }
    }

    fn put_away(&self) {
        // Whoever puts it away has seen it.
        locked(&self.shown_until).take();
        self.state.send_if_modified(|state| {
            let is_over = state.session.as_ref().is_some_and(|one| !one.is_running());
            if is_over {
                state.session = None;
            }
            is_over
        });
    }

    fn took(&mut self, news: News) {
        let current = self.slot.load(Ordering::SeqCst);
        match news {
            News::Began(id, decisions) if id == current => {
                self.decisions = Some(decisions);
                self.state.send_modify(|state| {
                    state.session = Some(SessionState::new(id, false, String::new()));
                });
            }
            News::Step(id, step) if id == current => self.state.send_modify(|state| {
                if let Some(session) = &mut state.session {
                    stepped(session, step);
                }
            }),
            News::Ended(id, done) if id == current => {
                self.decisions = None;
                // A person who looks at digits sees first that these are gone.
                let has_shown = self
                    .state
                    .borrow()
                    .session
                    .as_ref()
                    .is_some_and(|session| session.stage == Stage::Comparing);
                if has_shown && done.is_err() {
                    *locked(&self.shown_until) = Instant::now().checked_add(self.config.pause);
                }
                self.slot.store(NONE, Ordering::SeqCst);
                self.state.send_modify(|state| {
                    if let Some(session) = &mut state.session {
                        match done {
                            Ok(summary) => {
                                session.summary = summary;
                                session.stage = Stage::Done;
                            }
                            Err(fault) => {
                                session.fault = Some(fault);
                                session.stage = Stage::Failed;
                            }
                        }
                    }
                });
            }
            // A stranger that never became a session.
            News::Found | News::Began(..) | News::Step(..) | News::Ended(..) => {}
        }
    }
}

fn stepped(session: &mut SessionState, step: Step) {
    match step {
        Step::Met(peer, digits) => {
            session.met = Some(Met {
                peer: *peer,
                digits,
            });
            session.stage = Stage::Comparing;
        }
        Step::AgreedHere => session.agreed_here = true,
        Step::AgreedThere => session.agreed_there = true,
        Step::Moved(summary) => session.summary = summary,
    }
    if session.agreed_here && session.agreed_there {
        session.stage = Stage::Exchanging;
    }
}

/// Connects to the first address that answers.
async fn reach(
    addresses: &[SocketAddr],
    decisions: &mut mpsc::Receiver<Decision>,
) -> Result<TcpStream, NearbyFault> {
    let trying = async {
        let mut detail = "no address".to_owned();
        for address in addresses {
            match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => detail = format!("{address}: {error}"),
                Err(_) => detail = format!("{address}: no answer"),
            }
        }
        Err(NearbyFault::here(Reason::Unreachable, detail))
    };
    session::unless_cancelled(trying, decisions).await?
}

async fn serve(
    stream: TcpStream,
    side: Side,
    config: &Arc<NearbyConfig>,
    door: &dyn Door,
    decisions: &mut mpsc::Receiver<Decision>,
    id: u64,
    news: &mpsc::UnboundedSender<News>,
) -> Result<Summary, NearbyFault> {
    let reading = Arc::clone(config);
    let host = work::begin(move || -> Result<Host, NearbyFault> {
        let ledger = reading.ledger.clone();
        let me = ledger
            .identity()?
            .ok_or_else(|| NearbyFault::here(Reason::Storage, "not enrolled"))?;
        Ok(Host {
            me,
            directory: ledger.directory()?,
            ledger,
            label: reading.label.clone(),
            clock: Arc::clone(&reading.clock),
        })
    })
    .await
    .map_err(|error| NearbyFault::here(Reason::Storage, error))??;
    session::run(stream, side, &host, door, decisions, &|step| {
        // Nobody hears it any more once the station has closed.
        let _ = news.send(News::Step(id, step));
    })
    .await
}
