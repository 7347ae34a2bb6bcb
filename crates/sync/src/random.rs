//! Where keys, nonces and identities come from: the system's randomness, or whatever a simulation of the whole rolls.

use std::sync::Arc;

use uuid::Uuid;

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// A source of random bytes; a parameter, so that a run can be repeated byte for byte.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random(…)")
    }
}

impl Random {
    /// The generator of this process, seeded by the system; fit for keys.
    pub fn system() -> Self {
        Self(Arc::new(|bytes| rand::fill(bytes)))
    }

    /// Bytes of another making. Whoever knows how they are made knows every key that comes of them.
    pub fn from_fn(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// So many bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    /// An identity that sorts by the moment (Unix ms) at which it was given (UUID version 7).
    pub fn id_at(&self, now_ms: u64) -> Uuid {
        uuid::Builder::from_unix_timestamp_millis(now_ms, &self.bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_sort_by_their_moment_and_no_two_are_the_same() {
        let random = Random::system();
        let (early, late) = (
            random.id_at(1_650_000_000_000),
            random.id_at(1_650_000_000_001),
        );
        assert!(early < late);
        assert_eq!(early.get_version_num(), 7);
        assert_ne!(random.id_at(1), random.id_at(1));
    }
}
