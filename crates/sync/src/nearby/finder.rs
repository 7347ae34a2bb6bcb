//! Finding laptops by name: DNS-SD (RFC 6763) over multicast DNS (RFC 6762), service `_shicha._tcp`.
//!
//! What is announced is what the other screens show, the port, the version of the protocol and a number drawn for this once; nothing by
//! which a device could be recognised later. What others announce is only shown: it is no proof of anything, and bounded, because anybody
//! on the network can announce it. Many networks do not carry multicast; an address typed by hand always works.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mdns_sd::{IfKind, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};
use serde::{Deserialize, Serialize};

use super::channel::VERSION;

const SERVICE: &str = "_shicha._tcp.local.";
/// The most bytes of a name: a label of DNS has 63, and the library may add a number to one that is taken.
const MAX_NAME: usize = 56;
/// The most laptops that are listed.
const MAX_FOUND: usize = 64;
/// How long the network is given to hear that this laptop goes.
const FAREWELL: Duration = Duration::from_millis(500);

/// What this laptop tells the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What the other screens show.
    pub name: String,
    /// Names this announcement; drawn anew each time.
    pub instance: String,
    /// Where it listens.
    pub port: u16,
}

/// A laptop that announces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Names the announcement.
    pub instance: String,
    /// What it is called.
    pub name: String,
    /// Where it listens; the first that answers will do.
    pub addresses: Vec<SocketAddr>,
    /// Whether it speaks the same version.
    pub is_same_version: bool,
}

/// Told whenever the list has changed.
pub type OnFound = Arc<dyn Fn(Vec<Found>) + Send + Sync>;

/// Finds laptops by name.
pub trait Finder: Send + Sync {
    /// Announces this laptop and looks for others, until what is returned is dropped.
    ///
    /// # Errors
    /// In words for the log, when this computer cannot do it. Others can then only be reached by address.
    fn begin(&self, announced: &Announced, on_found: OnFound) -> Result<Finding, String>;
}

/// Keeps an announcement up; dropped, it is taken back.
pub struct Finding {
    end: Option<Box<dyn FnOnce() + Send>>,
}

impl Finding {
    /// What is to be done at the end.
    pub fn new(end: impl FnOnce() + Send + 'static) -> Self {
        Self {
            end: Some(Box::new(end)),
        }
    }
}

impl Drop for Finding {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

/// Finds over multicast DNS.
#[derive(Debug, Clone, Copy, Default)]
pub struct Multicast {
    /// Only within this computer, for tests.
    pub loopback_only: bool,
}

impl Finder for Multicast {
    fn begin(&self, announced: &Announced, on_found: OnFound) -> Result<Finding, String> {
        let daemon = ServiceDaemon::new().map_err(|error| error.to_string())?;
        let begun = self.announce(&daemon, announced, on_found);
        match begun {
            Ok(fullname) => Ok(Finding::new(move || end(&daemon, &fullname))),
            Err(error) => {
                end(&daemon, "");
                Err(error.to_string())
            }
        }
    }
}

impl Multicast {
    fn announce(
        &self,
        daemon: &ServiceDaemon,
        announced: &Announced,
        on_found: OnFound,
    ) -> mdns_sd::Result<String> {
        let host = format!("{}.local.", announced.instance);
        let version = VERSION.to_string();
        let said = [("v", version.as_str()), ("id", announced.instance.as_str())];
        let name = shortened(&announced.name);
        let mut service = if self.loopback_only {
            daemon.disable_interface(IfKind::All)?;
            daemon.enable_interface(IfKind::LoopbackV4)?;
            ServiceInfo::new(
                SERVICE,
                &name,
                &host,
                "127.0.0.1",
                announced.port,
                &said[..],
            )?
        } else {
            // Hotspots give addresses of version 4; the others would only double the list.
            daemon.disable_interface(vec![IfKind::IPv6, IfKind::LoopbackV4])?;
            ServiceInfo::new(SERVICE, &name, &host, "", announced.port, &said[..])?
                .enable_addr_auto()
        };
        service.set_requires_probe(true);
        let fullname = service.get_fullname().to_owned();
        daemon.register(service)?;
        let events = daemon.browse(SERVICE)?;
        let mine = announced.instance.clone();
        std::thread::Builder::new()
            .name("nearby-finder".into())
            .spawn(move || {
                let mut found: BTreeMap<String, Found> = BTreeMap::new();
                while let Ok(event) = events.recv() {
                    if take(&mut found, event, &mine) {
                        on_found(found.values().cloned().collect());
                    }
                }
            })
            .map_err(|error| mdns_sd::Error::Msg(error.to_string()))?;
        Ok(fullname)
    }
}

fn end(daemon: &ServiceDaemon, fullname: &str) {
    if let Ok(gone) = daemon.unregister(fullname) {
        // Others drop the name by its age where the word does not get through.
        let _ = gone.recv_timeout(FAREWELL);
    }
    if let Err(error) = daemon.shutdown() {
        tracing::warn!(%error, "the search for laptops could not be ended");
    }
}

/// Whether the list has changed.
fn take(found: &mut BTreeMap<String, Found>, event: ServiceEvent, mine: &str) -> bool {
    match event {
        ServiceEvent::ServiceResolved(service) => {
            let Some(one) = read(&service).filter(|one| one.instance != mine) else {
                return false;
            };
            if found.len() >= MAX_FOUND && !found.contains_key(&service.fullname) {
                return false;
            }
            found.insert(service.fullname.clone(), one.clone()) != Some(one)
        }
        ServiceEvent::ServiceRemoved(_, fullname) => found.remove(&fullname).is_some(),
        _ => false,
    }
}

fn read(service: &ResolvedService) -> Option<Found> {
    let name = service
        .fullname
        .strip_suffix(&format!(".{}", service.ty_domain))?;
    let name: String = name
        .replace('\\', "")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let instance = service.get_property_val_str("id")?;
    let is_instance = (8..=32).contains(&instance.len())
        && instance.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut addresses: Vec<SocketAddr> = service
        .get_addresses_v4()
        .into_iter()
        .map(|ip| SocketAddr::from((ip, service.port)))
        .collect();
    addresses.sort_unstable();
    addresses.truncate(8);
    (is_instance && !name.is_empty() && !addresses.is_empty()).then(|| Found {
        instance: instance.to_owned(),
        name,
        addresses,
        is_same_version: service.get_property_val_str("v") == Some(&VERSION.to_string()),
    })
}

/// As much of a name as fits, without what DNS or a screen would stumble over.
fn shortened(name: &str) -> String {
    let mut short = String::new();
    for c in name.chars().filter(|c| !c.is_control() && *c != '\\') {
        if short.len() + c.len_utf8() > MAX_NAME {
            break;
        }
        short.push(c);
    }
    short
}

/// What was found last, for whoever comes later.
#[derive(Default)]
pub(super) struct Latest(Mutex<Vec<Found>>);

impl Latest {
    pub(super) fn put(&self, found: Vec<Found>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    pub(super) fn get(&self) -> Vec<Found> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
