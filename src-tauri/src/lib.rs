//! The desktop shell: a window, one `rpc` command, the core's events, and addresses for evidence and made files.
//!
//! Invariant: no rule of the domain lives here; whatever the screens may do is a call of `shicha_api`. Nothing but this crate knows
//! Tauri. What the shell decides itself: where data and fonts lie, what is logged, and that closing the window loses nothing.

mod calls;
mod closing;
#[cfg(windows)]
mod component;
mod desktop;
mod folders;
mod log;
mod notice;
mod notices;
mod options;
mod scheme;
mod selftest;
mod single;
mod texts;
mod tray;
mod update;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser as _;
use shicha_api::{App, AppConfig, SystemClock};
use tauri::{
    AppHandle, Manager as _, RunEvent, WebviewWindowBuilder, WindowEvent, Wry, plugin::TauriPlugin,
    utils::config::WebviewInstallMode,
};
use tauri_plugin_window_state::StateFlags;

use crate::{
    closing::Closing, desktop::Desktop, folders::Folders, notice::Fault, options::Options,
    single::Start, tray::Tray,
};

/// Runs the application until its window is closed.
pub fn run() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(said) => return options::said(&said),
    };
    let mut context = tauri::generate_context!();
    if let Some(path) = folders::carried_webview() {
        context.config_mut().bundle.windows.webview_install_mode =
            WebviewInstallMode::FixedRuntime { path };
    }
    if options.selftest {
        return selftest::run(&options, &context);
    }
    if let (Some(program), Some(data)) = (&options.watch_update, &options.data_dir) {
        return update::watch(data, program);
    }
    match start(&options, context) {
        Ok(code) => code,
        Err(fault) => {
            tracing::error!(%fault, "cannot start");
            notice::show(&fault);
            ExitCode::FAILURE
        }
    }
}

fn start(options: &Options, context: tauri::Context) -> Result<ExitCode, Fault> {
    let folders = Folders::find(options.data_dir.as_deref(), &context.config().identifier)?;
    log::start(&folders.logs)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
    notice::need_display()?;
    if !options.after_update && update::is_under_way(&folders.data) {
        return Err(Fault::Updating);
    }
    #[cfg(windows)]
    if folders::carried_webview().is_none() && !component::is_there_or_put_in_place() {
        return Ok(ExitCode::FAILURE);
    }
    let package = options.package.as_deref().map(std::path::absolute);
    let package = package.transpose().map_err(Fault::Package)?;
    let in_folder = |source| Fault::Folder(folders.data.clone(), source);
    let first = match single::claim(&folders.data, package.as_deref()).map_err(in_folder)? {
        Start::First(first) => first,
        Start::Second { is_shown: true } => return Ok(ExitCode::SUCCESS),
        Start::Second { is_shown: false } => return Err(Fault::Running),
    };
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .plugin(places(&folders))
        .register_asynchronous_uri_scheme_protocol("evidence", scheme::evidence)
        .register_asynchronous_uri_scheme_protocol("made", scheme::made)
        .invoke_handler(tauri::generate_handler![calls::rpc])
        .manage(Closing::default())
        .build(context)
        .map_err(Fault::Window)?;
    open(&app, &folders, package, options.quietly)?;
    let handle = app.handle().clone();
    first
        .listen(move |package| show(&handle, package))
        .map_err(in_folder)?;
    let code = app.run_return(|handle, event| match event {
        RunEvent::WindowEvent {
            event: WindowEvent::CloseRequested { api, .. },
            ..
        } => {
            api.prevent_close();
            let has_icon = handle.try_state::<Tray>().is_some();
            // Without the icon nobody would find the way back, whatever was chosen.
            if has_icon && handle.try_state::<App>().is_some_and(|core| core.stays()) {
                closing::put_away(handle);
            } else {
                // The window goes at once; the program when everything is durable.
                closing::begin(handle);
            }
        }
        RunEvent::ExitRequested {
            api, code: None, ..
        } => {
            api.prevent_exit();
            closing::begin(handle);
        }
        _ => {}
    });
    tracing::info!(code, "ended");
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Remembers size and place of the window, in the data folder like everything else.
fn places(folders: &Folders) -> TauriPlugin<Wry> {
    tauri_plugin_window_state::Builder::new()
        .with_filename(folders.data.join("window.json").to_string_lossy())
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
        .build()
}

/// Starts the core and shows the window; `quietly`: only the icon beside the clock, where there is one.
fn open(
    app: &tauri::App,
    folders: &Folders,
    package: Option<PathBuf>,
    quietly: bool,
) -> Result<(), Fault> {
    let handle = app.handle();
    let config = AppConfig {
        data_dir: folders.data.clone(),
        font_dirs: folders.fonts(handle.path().resource_dir().ok().as_deref()),
        clock: Arc::new(SystemClock),
        label: folders::computer_name(),
        host: Arc::new(Desktop {
            is_carried: folders.is_carried,
            is_usual: folders.is_usual,
        }),
    };
    // Within the runtime: the core starts its synchronisation there.
    let updates = update::config(handle)?;
    let core = tauri::async_runtime::block_on(async {
        let core = App::with_updates(config, updates)?;
        core.keep_watch();
        Ok(core)
    });
    let core = core.map_err(Fault::Core)?;
    calls::forward_events(handle.clone(), &core);
    if let Err(error) = tray::show(app) {
        tracing::warn!(%error, "there is no icon beside the clock");
    }
    tray::follow(handle.clone(), &core);
    let is_shown = !(quietly && app.try_state::<Tray>().is_some());
    if let Some(package) = package {
        core.open_package(package);
    }
    handle.manage(core);
    let windows = &handle.config().app.windows;
    let window = windows.first().ok_or(Fault::NoWindow)?;
    WebviewWindowBuilder::from_config(app, window)
        .and_then(|builder| {
            builder
                .visible(is_shown)
                .data_directory(folders.window())
                .build()
        })
        .map_err(Fault::Window)?;
    notice::window_is_up();
    closing::on_signals(handle.clone());
    Ok(())
}

/// Brings the window to the front, and has a package looked at in it; `false`: the window is about to go.
fn show(handle: &AppHandle, package: Option<PathBuf>) -> bool {
    if handle.state::<Closing>().has_begun() {
        return false;
    }
    if let (Some(core), Some(package)) = (handle.try_state::<App>(), package) {
        core.open_package(package);
    }
    for window in handle.webview_windows().values() {
        let shown = window
            .unminimize()
            .and_then(|()| window.show())
            .and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::warn!(%error, "the window does not come to the front");
        }
    }
    true
}
