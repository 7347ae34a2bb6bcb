//! The desktop shell: a window, one `rpc` command, the core's events, and addresses for evidence and made files.
//!
//! Invariant: no rule of the domain lives here; whatever the screens may do is a call of `shicha_api`. Nothing but this crate knows
//! Tauri. What the shell decides itself: where data and fonts lie, what is logged, and that closing the window loses nothing.

mod calls;
mod closing;
#[cfg(windows)]
mod component;
mod folders;
mod log;
mod notice;
mod options;
mod scheme;
mod selftest;
mod single;
mod update;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser as _;
use shicha_api::{App, AppConfig, SystemClock};
use tauri::{AppHandle, Manager as _, RunEvent, WebviewWindowBuilder, WindowEvent};

use crate::{closing::Closing, folders::Folders, notice::Fault, options::Options, single::Start};

/// Runs the application until its window is closed.
pub fn run() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(said) => return options::said(&said),
    };
    let context = tauri::generate_context!();
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
    log::start(&folders)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
    notice::need_display()?;
    if !options.after_update && update::is_under_way(&folders.data) {
        return Err(Fault::Updating);
    }
    #[cfg(windows)]
    if !component::is_there_or_put_in_place() {
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
        .register_asynchronous_uri_scheme_protocol("evidence", scheme::evidence)
        .register_asynchronous_uri_scheme_protocol("made", scheme::made)
        .invoke_handler(tauri::generate_handler![calls::rpc])
        .manage(Closing::default())
        .build(context)
        .map_err(Fault::Window)?;
    open(&app, &folders, package)?;
    let handle = app.handle().clone();
    first
        .listen(move |package| show(&handle, package))
        .map_err(in_folder)?;
    let code = app.run_return(|handle, event| match event {
        RunEvent::WindowEvent {
            event: WindowEvent::CloseRequested { api, .. },
            ..
        } => {
            // The window goes at once; the program when everything is durable.
            api.prevent_close();
            closing::begin(handle);
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

/// Starts the core and shows the window.
fn open(app: &tauri::App, folders: &Folders, package: Option<PathBuf>) -> Result<(), Fault> {
    let handle = app.handle();
    let config = AppConfig {
        data_dir: folders.data.clone(),
        font_dirs: folders.fonts(handle.path().resource_dir().ok().as_deref()),
        clock: Arc::new(SystemClock),
        label: folders::computer_name(),
    };
    // Within the runtime: the core starts its synchronisation there.
    let updates = update::config(handle)?;
    let core = tauri::async_runtime::block_on(async { App::with_updates(config, updates) })
        .map_err(Fault::Core)?;
    calls::forward_events(handle.clone(), &core);
    if let Some(package) = package {
        core.open_package(package);
    }
    handle.manage(core);
    let windows = &handle.config().app.windows;
    let window = windows.first().ok_or(Fault::NoWindow)?;
    WebviewWindowBuilder::from_config(app, window)
        .and_then(|builder| builder.build())
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
