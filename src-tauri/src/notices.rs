//! Quiet notices beside the clock, for whoever does not look at the window.

use shicha_api::App;
use tauri::{AppHandle, Manager as _};

/// Whether this system has a place for them.
pub(crate) const ARE_POSSIBLE: bool = cfg!(any(windows, target_os = "linux"));

/// Gives a notice, title and text, unless it is not wanted or the window is in front: there the screens tell it.
pub(crate) fn give(handle: &AppHandle, core: &App, (title, text): (String, String)) {
    let is_in_front = handle
        .webview_windows()
        .values()
        .any(|window| window.is_focused().unwrap_or(false));
    if is_in_front || !core.notices() {
        return;
    }
    if let Err(error) = system::show(handle, &title, &text) {
        tracing::warn!(%error, title, "a notice was not shown");
    }
}

#[cfg(windows)]
mod system {
    use tauri::AppHandle;
    use tauri_winrt_notification::{Duration, Result, Toast};

    /// Shown under the name that the installer registered. Without a sound: nothing here is urgent.
    pub(super) fn show(handle: &AppHandle, title: &str, text: &str) -> Result<()> {
        let window = handle.clone();
        Toast::new(&handle.config().identifier)
            .title(title)
            .text1(text)
            .sound(None)
            .duration(Duration::Short)
            .on_activated(move |_| {
                crate::show(&window, None);
                Ok(())
            })
            .show()
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::HashMap;

    use gio::prelude::*;
    use glib::{Error, Variant};
    use tauri::AppHandle;

    /// As the Desktop Notifications Specification 1.2 has it.
    pub(super) fn show(_: &AppHandle, title: &str, text: &str) -> Result<(), Error> {
        let bus = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE)?;
        let hints: HashMap<&str, Variant> = HashMap::from([("suppress-sound", true.to_variant())]);
        let words: [&str; 0] = [];
        bus.call_sync(
            Some("org.freedesktop.Notifications"),
            "/org/freedesktop/Notifications",
            "org.freedesktop.Notifications",
            "Notify",
            Some(&("Shicha", 0u32, "", title, text, &words[..], hints, -1i32).to_variant()),
            None,
            gio::DBusCallFlags::NONE,
            2_000,
            gio::Cancellable::NONE,
        )
        .map(|_| ())
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod system {
    use std::convert::Infallible;

    use tauri::AppHandle;

    pub(super) fn show(_: &AppHandle, _: &str, _: &str) -> Result<(), Infallible> {
        Ok(())
    }
}
