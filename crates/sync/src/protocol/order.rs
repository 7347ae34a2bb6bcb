//! What an administrator orders a lost device to do, and its word that it did.
//!
//! Invariant: a device obeys an order only if the pinned key of its central endpoint signed it, for this very device. An order is
//! given to a device that has proved who it is and is revoked; it holds for ever, as the revocation does.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    DeviceId,
    suite::{self, PublicKey, SignatureBytes},
};

use super::signing;

/// The key under which an order stands in a problem of the code `revoked`.
pub const ORDER: &str = "order";

/// What a device is to do, by rising weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrderAct {
    /// Close the ledger so that only the administrator's code opens it again.
    Lock,
    /// Destroy the ledger and its key.
    Wipe,
}

impl OrderAct {
    /// The word that stands in messages and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Wipe => "wipe",
        }
    }
}

/// An order, as it travels.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whom it is for.
    pub device: DeviceId,
    /// What to do.
    pub act: OrderAct,
    /// When it was given, Unix ms by the server's clock.
    pub at_ms: u64,
    /// For a lock: what the ledger's key is locked with. The device forgets it; the server can tell it again.
    #[serde(default, with = "hex")]
    pub lock_key: Vec<u8>,
    /// The server's signature over [`Order::signed_bytes`].
    pub signature: SignatureBytes,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The lock key opens the ledger.
        write!(
            f,
            "Order({} {} {})",
            self.device,
            self.act.as_str(),
            self.at_ms
        )
    }
}

impl Order {
    /// What the server signs.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = order_bytes(b"shicha-order-2\0", self.device, self.act, self.at_ms);
        bytes.extend_from_slice(&Sha256::digest(&self.lock_key));
        bytes
    }

    /// Whether the server gave it to this device, and it is what an order can be.
    pub fn is_for(&self, device: DeviceId, server_key: &PublicKey) -> bool {
        let has_its_key = match self.act {
            OrderAct::Lock => self.lock_key.len() == 32,
            OrderAct::Wipe => self.lock_key.is_empty(),
        };
        self.device == device
            && has_its_key
            && signing::is_signed(server_key, &self.signed_bytes(), &self.signature)
    }
}

/// `POST /v1/obeyed`: a device's word that it carried an order out. It was signed before the device's key was destroyed and is sent
/// after; it needs no session and may be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Obeyed {
    /// Which device.
    pub device: DeviceId,
    /// What it did.
    pub act: OrderAct,
    /// When the order was given: names the order.
    pub at_ms: u64,
    /// The device's signature over [`obeyed_bytes`].
    pub signature: SignatureBytes,
}

/// What the device signs when it carries an order out.
pub fn obeyed_bytes(device: DeviceId, act: OrderAct, at_ms: u64) -> Vec<u8> {
    order_bytes(b"shicha-obeyed-2\0", device, act, at_ms)
}

fn order_bytes(label: &[u8], device: DeviceId, act: OrderAct, at_ms: u64) -> Vec<u8> {
    let mut bytes = suite::text(label, 57);
    bytes.extend_from_slice(device.0.as_bytes());
    bytes.push(match act {
        OrderAct::Lock => 1,
        OrderAct::Wipe => 2,
    });
    bytes.extend_from_slice(&at_ms.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use shicha_domain::suite::SigningKey;

    use super::*;

    const DEVICE: DeviceId = DeviceId(uuid::Uuid::from_u128(1));

    fn order(key: &SigningKey, act: OrderAct, lock_key: Vec<u8>) -> Order {
        let mut order = Order {
            device: DEVICE,
            act,
            at_ms: 5,
            lock_key,
            signature: SignatureBytes::NONE,
        };
        order.signature = signing::sign(key, &order.signed_bytes());
        order
    }

    #[test]
    fn nobody_but_the_own_server_can_order_a_device_to_do_anything() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let server = key.public_key();
        let wipe = order(&key, OrderAct::Wipe, Vec::new());
        assert!(wipe.is_for(DEVICE, &server));
        let another_server = SigningKey::from_bytes(&[4; 32]);
        assert!(!order(&another_server, OrderAct::Wipe, Vec::new()).is_for(DEVICE, &server));
        assert!(!wipe.is_for(DeviceId(uuid::Uuid::from_u128(2)), &server));
        let later = Order {
            at_ms: 6,
            ..wipe.clone()
        };
        assert!(!later.is_for(DEVICE, &server));
        let lock = order(&key, OrderAct::Lock, vec![7; 32]);
        assert!(lock.is_for(DEVICE, &server));
        let heavier = Order {
            act: OrderAct::Wipe,
            ..lock.clone()
        };
        assert!(!heavier.is_for(DEVICE, &server));
        let other_lock = Order {
            lock_key: vec![8; 32],
            ..lock
        };
        assert!(!other_lock.is_for(DEVICE, &server));
        assert!(!order(&key, OrderAct::Lock, Vec::new()).is_for(DEVICE, &server));
    }

    #[test]
    fn what_a_device_signs_is_not_what_a_server_signs() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let server = key.public_key();
        let mut forged = order(&key, OrderAct::Wipe, Vec::new());
        forged.signature = signing::sign(&key, &obeyed_bytes(DEVICE, OrderAct::Wipe, 5));
        assert!(!forged.is_for(DEVICE, &server));
    }
}
