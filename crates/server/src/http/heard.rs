//! What devices with very many channels hold, as they said last: the next time they name only what has changed.
//!
//! Only kept in memory and never needed: whoever names a list that is not here is asked for all of it.

use std::collections::HashMap;

use parking_lot::Mutex;
use shicha_domain::DeviceId;
use shicha_sync::protocol::{
    BatchFault, MANY_HELD, MAX_HELD,
    wire::{HeldChannels, PullRequest, held_digest, pack_held, unpack_held},
};

/// The most bytes of all lists together.
const MOST: usize = 64 << 20;

/// The lists.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    of: HashMap<DeviceId, List>,
    bytes: usize,
    /// Counts uses, to find what was not used for longest.
    uses: u64,
}

struct List {
    digest: [u8; 32],
    packed: Vec<u8>,
    used: u64,
}

impl Lists {
    fn forget(&mut self, device: DeviceId) {
        if let Some(list) = self.of.remove(&device) {
            self.bytes -= list.packed.len();
        }
    }
}

impl Heard {
    /// All that a device holds, from what it says and what it had said. `None`: what it had said is not known here.
    pub(crate) fn all_of(
        &self,
        device: DeviceId,
        request: &mut PullRequest,
    ) -> Result<Option<HeldChannels>, BatchFault> {
        let said = std::mem::take(&mut request.held);
        let held = match request.base {
            None => said,
            Some(base) => {
                let Some(packed) = self.list(device, base) else {
                    return Ok(None);
                };
                let mut held = unpack_held(&packed)?;
                if said.is_empty() {
                    return Ok(Some(held));
                }
                held.extend(said);
                if held.len() > MAX_HELD {
                    return Err(BatchFault::TooLarge);
                }
                held
            }
        };
        if held.len() > MANY_HELD {
            self.keep(device, held_digest(&held), pack_held(&held)?);
        } else {
            self.0.lock().forget(device);
        }
        Ok(Some(held))
    }

    fn list(&self, device: DeviceId, digest: [u8; 32]) -> Option<Vec<u8>> {
        let mut lists = self.0.lock();
        lists.uses += 1;
        let uses = lists.uses;
        let list = lists.of.get_mut(&device)?;
        if list.digest != digest {
            return None;
        }
        list.used = uses;
        Some(list.packed.clone())
    }

    fn keep(&self, device: DeviceId, digest: [u8; 32], packed: Vec<u8>) {
        let mut lists = self.0.lock();
        lists.forget(device);
        lists.uses += 1;
        let used = lists.uses;
        lists.bytes += packed.len();
        lists.of.insert(
            device,
            List {
                digest,
                packed,
                used,
            },
        );
        while lists.bytes > MOST {
            let oldest = lists.of.iter().min_by_key(|(_, list)| list.used);
            let Some(oldest) = oldest.map(|(device, _)| *device) else {
                return;
            };
            lists.forget(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use shicha_sync::protocol::wire::Held;
    use uuid::Uuid;

    use super::*;

    fn request(base: Option<[u8; 32]>, held: HeldChannels) -> PullRequest {
        PullRequest {
            held,
            base,
            without: Default::default(),
            max_entries: 1,
            is_held: true,
        }
    }

    fn many(n: usize) -> HeldChannels {
        let name = |n| format!("inst/320703/TI-{n:05}").parse().unwrap();
        (0..n).map(|n| (name(n), Held::upto(1))).collect()
    }

    #[test]
    fn who_names_a_known_list_says_only_what_has_changed() {
        let heard = Heard::default();
        let device = DeviceId(Uuid::from_u128(1));
        let mut list = many(MANY_HELD + 1);
        let said = |base, held| heard.all_of(device, &mut request(base, held)).unwrap();
        assert_eq!(said(None, list.clone()).as_ref(), Some(&list));
        let base = held_digest(&list);
        let change: HeldChannels = [("own/320703".parse().unwrap(), Held::upto(7))].into();
        list.extend(change.clone());
        assert_eq!(said(Some(base), change.clone()).as_ref(), Some(&list));
        assert_eq!(said(Some(base), change), None, "the list has gone on");
        let none = HeldChannels::new();
        assert_eq!(said(Some(held_digest(&list)), none.clone()), Some(list));
        let other = DeviceId(Uuid::from_u128(2));
        let asked = heard.all_of(other, &mut request(Some(base), none)).unwrap();
        assert_eq!(asked, None, "what another device said is no base");
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten_first() {
        let heard = Heard::default();
        let device = |n: u128| DeviceId(Uuid::from_u128(n));
        for n in 0..3 {
            heard.keep(device(n), [n as u8; 32], vec![0; MOST / 3]);
        }
        assert!(heard.list(device(0), [0; 32]).is_some());
        heard.keep(device(3), [3; 32], vec![0; MOST / 3]);
        let known: Vec<bool> = (0..4)
            .map(|n| heard.list(device(n), [n as u8; 32]).is_some())
            .collect();
        assert_eq!(known, [true, false, true, true]);
        assert!(heard.0.lock().bytes <= MOST);
    }
}
