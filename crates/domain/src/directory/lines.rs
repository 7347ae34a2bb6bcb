//! Lines: which identities of devices go on from each other (invariant 9, a line goes on, it never begins anew).

use std::collections::{HashMap, HashSet};

use super::{Device, MAX_DEPTH};
use crate::ids::DeviceId;

/// Identities by what they go on from.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    continues: HashMap<DeviceId, DeviceId>,
    /// How many go on from each.
    next: HashMap<DeviceId, usize>,
    /// Those that signed two entries for one place.
    parted: HashSet<DeviceId>,
}

impl Lines {
    /// The lines of these devices.
    pub fn of<'a>(devices: impl IntoIterator<Item = &'a Device>) -> Self {
        let mut lines = Self::default();
        for device in devices {
            if let Some(origin) = device.continues {
                lines.continues.insert(device.id, origin);
                *lines.next.entry(origin).or_default() += 1;
            }
            if device.is_parted {
                lines.parted.insert(device.id);
            }
        }
        lines
    }

    /// Whether another identity goes on from this one: then it writes no more.
    pub fn is_ended(&self, device: DeviceId) -> bool {
        self.next.contains_key(&device)
    }

    /// Whether two computers work with copies of one ledger: two identities go on from this one, or from one that it goes on from, or one
    /// of them signed two entries for one place.
    pub fn is_copied(&self, device: DeviceId) -> bool {
        std::iter::successors(Some(device), |device| self.continues.get(device).copied())
            .take(MAX_LINE)
            .any(|device| {
                self.parted.contains(&device)
                    || self.next.get(&device).is_some_and(|next| *next > 1)
            })
    }
}

/// So far back a copy is looked for; a circle in a broken directory ends here.
const MAX_LINE: usize = 16 * MAX_DEPTH;

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{ids::PersonId, suite::PublicKey};

    fn device(n: u128, continues: Option<u128>) -> Device {
        Device {
            id: DeviceId(Uuid::from_u128(n)),
            person: PersonId(Uuid::nil()),
            public_key: PublicKey::first(&[1; 32]),
            label: String::new(),
            revoked_at_ms: None,
            continues: continues.map(|n| DeviceId(Uuid::from_u128(n))),
            is_parted: false,
        }
    }

    #[test]
    fn two_that_go_on_from_one_are_copies_and_so_is_what_goes_on_from_them() {
        let devices = [
            device(1, None),
            device(2, Some(1)),
            device(3, Some(2)),
            device(4, Some(2)),
            device(5, Some(4)),
            device(6, None),
            device(7, Some(6)),
        ];
        let lines = Lines::of(&devices);
        let ids = |is: fn(&Lines, DeviceId) -> bool| -> Vec<u128> {
            let ids = devices.iter().map(|device| device.id);
            ids.filter(|id| is(&lines, *id))
                .map(|id| id.0.as_u128())
                .collect()
        };
        assert_eq!(ids(Lines::is_copied), [2, 3, 4, 5]);
        assert_eq!(ids(Lines::is_ended), [1, 2, 4, 6]);
    }

    #[test]
    fn one_that_signed_two_entries_for_one_place_is_a_copy_and_so_is_what_goes_on_from_it() {
        let mut devices = [device(1, None), device(2, Some(1)), device(3, Some(2))];
        devices[1].is_parted = true;
        let lines = Lines::of(&devices);
        let copied = devices.map(|device| lines.is_copied(device.id));
        assert_eq!(copied, [false, true, true]);
    }

    #[test]
    fn a_circle_in_a_broken_directory_ends() {
        let devices = [device(1, Some(2)), device(2, Some(1))];
        let lines = Lines::of(&devices);
        assert!(!lines.is_copied(devices[0].id) && lines.is_ended(devices[0].id));
    }
}
