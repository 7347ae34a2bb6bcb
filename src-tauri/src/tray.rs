//! The icon beside the clock: how synchronisation stands, and the way back to the window when that is closed.

use shicha_api::{
    App,
    schema::{HostEvent, SyncPhase, SyncStatus},
};
use tauri::{
    AppHandle, Manager as _, Wry,
    image::Image,
    menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};
use tokio::sync::broadcast::error::RecvError;

use crate::{closing, notices, texts::Language};

/// Red, green and blue.
type Colour = [u8; 3];
const DONE: Colour = [0x2b, 0x8a, 0x3e];
const UNDER_WAY: Colour = [0x1c, 0x6f, 0xd6];
const WAITS: Colour = [0xe8, 0x8c, 0x00];
const NEEDS_A_PERSON: Colour = [0xd1, 0x2b, 0x2b];

/// The library that shows such icons on Linux is loaded when it is first used; without it the toolkit panics.
const LINUX_LIBRARIES: &[&str] = &["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
const LINUX_FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
];

/// Whether this desktop can show the icon.
pub(crate) fn is_possible() -> bool {
    !cfg!(target_os = "linux")
        || LINUX_FOLDERS.iter().any(|folder| {
            LINUX_LIBRARIES
                .iter()
                .any(|library| std::path::Path::new(folder).join(library).exists())
        })
}

/// The icon, and the lines of its menu.
pub(crate) struct Tray {
    icon: TrayIcon<Wry>,
    standing: MenuItem<Wry>,
    open: MenuItem<Wry>,
    sync: MenuItem<Wry>,
    quit: MenuItem<Wry>,
    /// The program's icon, without a mark.
    plain: Image<'static>,
}

/// Shows the icon where that is possible.
pub(crate) fn show(app: &tauri::App) -> tauri::Result<()> {
    let Some(plain) = app.default_window_icon().filter(|_| is_possible()) else {
        return Ok(());
    };
    let plain = plain.clone().to_owned();
    let item = |id: &str, is_enabled| MenuItem::with_id(app, id, "", is_enabled, None::<&str>);
    let (standing, open) = (item("standing", false)?, item("open", true)?);
    let (sync, quit) = (item("sync", true)?, item("quit", true)?);
    let (one, other) = (
        PredefinedMenuItem::separator(app)?,
        PredefinedMenuItem::separator(app)?,
    );
    let menu = Menu::with_items(app, &[&standing, &one, &open, &sync, &other, &quit])?;
    let icon = TrayIconBuilder::with_id("shicha")
        .icon(plain.clone())
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_menu_event(chosen)
        .on_tray_icon_event(|icon, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                crate::show(icon.app_handle(), None);
            }
        })
        .build(app)?;
    let tray = Tray {
        icon,
        standing,
        open,
        sync,
        quit,
        plain,
    };
    tray.name(Language::Chinese)?;
    app.manage(tray);
    Ok(())
}

fn chosen(handle: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        "open" => {
            crate::show(handle, None);
        }
        "sync" => {
            if let Some(core) = handle.try_state::<App>() {
                core.try_now();
            }
        }
        "quit" => closing::begin(handle),
        _ => {}
    }
}

impl Tray {
    /// Names the menu's lines in the language of the screens.
    fn name(&self, language: Language) -> tauri::Result<()> {
        self.open.set_text(language.open())?;
        self.sync.set_text(language.sync_now())?;
        self.quit.set_text(language.quit())?;
        self.standing.set_text(language.name())?;
        self.icon.set_tooltip(Some(language.name()))
    }

    /// Shows how synchronisation stands.
    fn tell(&self, language: Language, status: &SyncStatus) -> tauri::Result<()> {
        self.name(language)?;
        let line = language.standing(status);
        self.standing.set_text(&line)?;
        self.icon
            .set_tooltip(Some(format!("{} · {line}", language.name())))?;
        self.icon
            .set_icon(Some(marked(&self.plain, colour(status))))
    }
}

fn colour(status: &SyncStatus) -> Colour {
    let waits = status.waiting_entries > 0 || status.waiting_blobs > 0;
    match status.phase {
        SyncPhase::NeedsAttention => NEEDS_A_PERSON,
        SyncPhase::Offline | SyncPhase::Idle if waits => WAITS,
        SyncPhase::Offline | SyncPhase::Idle => DONE,
        SyncPhase::Connecting
        | SyncPhase::Pushing
        | SyncPhase::Pulling
        | SyncPhase::Uploading
        | SyncPhase::Downloading => UNDER_WAY,
    }
}

/// An icon with a round mark in its lower right corner, in a white ring that keeps it apart from any background.
fn marked(plain: &Image<'_>, colour: Colour) -> Image<'static> {
    let (width, height) = (plain.width(), plain.height());
    let mut pixels = plain.rgba().to_vec();
    let radius = f64::from(width.min(height)) * 0.26;
    let (x0, y0) = (f64::from(width) - radius, f64::from(height) - radius);
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    for ((x, y), pixel) in places.zip(pixels.chunks_exact_mut(4)) {
        let away = (f64::from(x) + 0.5 - x0).hypot(f64::from(y) + 0.5 - y0);
        if away <= radius * 0.78 {
            pixel[..3].copy_from_slice(&colour);
            pixel[3] = 0xff;
        } else if away <= radius {
            pixel.fill(0xff);
        }
    }
    Image::new_owned(pixels, width, height)
}

/// Keeps the icon, and the notices beside the clock, in step with the core.
pub(crate) fn follow(handle: AppHandle, core: &App) {
    let mut events = core.events();
    let core = core.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // The next one says how everything stands.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => break,
            };
            let language = Language::of(&core.language());
            match event {
                HostEvent::Sync { state } => {
                    let Some(tray) = handle.try_state::<Tray>() else {
                        continue;
                    };
                    if let Err(error) = tray.tell(language, &state) {
                        tracing::warn!(%error, "the icon beside the clock is not up to date");
                    }
                }
                HostEvent::Delivered { entries, blobs } => {
                    notices::give(&handle, &core, language.delivered(entries, blobs));
                }
                HostEvent::Due { today, overdue } => {
                    notices::give(&handle, &core, language.due(today, overdue));
                }
                _ => {}
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_changes_the_corner_and_leaves_the_rest_of_the_icon() {
        let plain = Image::new_owned(vec![0x40; 32 * 32 * 4], 32, 32);
        let marked = marked(&plain, WAITS);
        let at = |x: usize, y: usize| &marked.rgba()[(y * 32 + x) * 4..][..4];
        assert_eq!(at(24, 24), [0xe8, 0x8c, 0x00, 0xff]);
        assert_eq!(at(16, 24), [0xff; 4], "its ring");
        assert_eq!(at(2, 2), [0x40; 4]);
        assert_eq!(at(31, 31), [0x40; 4], "it is round");
    }
}
