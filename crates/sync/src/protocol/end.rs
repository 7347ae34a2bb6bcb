//! Ends of logs: a device says where its log ended after it held a tick of the endpoint's clock (invariant 7, an end is told after a tick,
//! at the head). A tick comes as a header of each answer in a session, an end as a header of a push or a pull.

use shicha_domain::{DeviceId, EntryId, suite::SignatureBytes};

/// The answer header that brings a tick.
pub const TICK_HEADER: &str = "shicha-tick";
/// The request header that tells an end.
pub const END_HEADER: &str = "shicha-end";
/// How old a tick may be when an end with it arrives, in ms.
pub const MAX_TICK_AGE_MS: u64 = 10 * 60 * 1000;
/// How often an end is told where nothing is new, in ms.
pub const TELL_EVERY_MS: u64 = 10 * 60 * 1000;

/// The endpoint's time for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Unix ms by the endpoint's clock.
    pub at_ms: u64,
    /// The endpoint's own mark that it gave this device that time.
    pub mac: [u8; 16],
}

/// An end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The tick that the device held.
    pub tick: Tick,
    /// The last place of its log then; 0 while it is empty.
    pub seq: u64,
    /// The entry there.
    pub head: EntryId,
    /// The device's signature over [`shicha_domain::receipt::end_bytes`].
    pub signature: SignatureBytes,
}

impl Tick {
    /// What the endpoint's mark is made over.
    pub fn marked_bytes(device: DeviceId, at_ms: u64) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(device.0.as_bytes());
        bytes[16..].copy_from_slice(&at_ms.to_be_bytes());
        bytes
    }

    /// As it stands in the header.
    pub fn to_text(self) -> String {
        format!("{}.{}", self.at_ms, hex::encode(self.mac))
    }

    /// Reads what stands in the header.
    pub fn from_text(text: &str) -> Option<Self> {
        let (at_ms, mac) = text.split_once('.')?;
        let mut read = [0; 16];
        hex::decode_to_slice(mac, &mut read).ok()?;
        Some(Self {
            at_ms: at_ms.parse().ok()?,
            mac: read,
        })
    }
}

impl End {
    /// As it stands in the header.
    pub fn to_text(&self) -> String {
        let tick = self.tick.to_text();
        format!("{tick}.{}.{}.{}", self.seq, self.head, self.signature)
    }

    /// Reads what stands in the header.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(4, '.');
        let signature = parts.next()?.parse().ok()?;
        let head = parts.next()?.parse().ok()?;
        let seq = parts.next()?.parse().ok()?;
        Some(Self {
            tick: Tick::from_text(parts.next()?)?,
            seq,
            head,
            signature,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_end_is_read_back_as_it_was_written() {
        let end = End {
            tick: Tick {
                at_ms: 1_650_000_000_000,
                mac: [7; 16],
            },
            seq: 12,
            head: EntryId([9; 32]),
            signature: SignatureBytes::first(&[3; 64]),
        };
        assert_eq!(End::from_text(&end.to_text()), Some(end.clone()));
        assert_eq!(Tick::from_text(&end.tick.to_text()), Some(end.tick));
    }

    proptest! {
        #[test]
        fn no_text_whatever_makes_the_reader_panic(text in ".{0,300}") {
            let _ = End::from_text(&text);
            let _ = Tick::from_text(&text);
        }
    }
}
