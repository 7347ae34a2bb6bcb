//! Ends of logs that devices tell: which of them count (invariant 7, an end is told after a tick, at the head).

use shicha_domain::receipt;
use shicha_sync::protocol::{
    end::{End, MAX_TICK_AGE_MS},
    signing,
};

use crate::{
    home::Home,
    store::{DeviceState, ToldEnd},
};

/// What an end says, if it is this device's word over a tick that this endpoint gave it not long ago. That the log that is held ends there
/// is for the store to find out. One that does not count is no fault: it only earns nothing.
pub(crate) fn told(home: &Home, device: &DeviceState, text: &str, now_ms: u64) -> Option<ToldEnd> {
    let end = End::from_text(text)?;
    let at_ms = end.tick.at_ms;
    let is_of_now = at_ms <= now_ms && now_ms - at_ms <= MAX_TICK_AGE_MS;
    let id = device.device.id;
    let said = receipt::end_bytes(&home.signer.public_key(), id, at_ms, end.seq, end.head);
    let counts = is_of_now
        && home.signer.is_tick_of(id, end.tick)
        && signing::is_signed(&device.device.public_key, &said, &end.signature);
    counts.then_some(ToldEnd {
        tick_ms: at_ms,
        seq: end.seq,
        head: end.head,
        signature: end.signature,
    })
}
