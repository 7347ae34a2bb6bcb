//! The one command that carries every call, and the way back for events.

use serde_json::Value;
use shicha_api::{
    App,
    error::{ApiError, ErrorCode},
    schema::HostEvent,
};
use tauri::{AppHandle, Emitter as _, Manager as _, State};
use tokio::sync::broadcast::error::RecvError;

use crate::closing::Closing;

/// The name under which the screens listen.
const EVENT: &str = "shicha";

/// Calls that answer how far the application is set up.
const SET_UP: &[&str] = &[
    "app_status",
    "key_create",
    "key_unlock",
    "enrol",
    "setting_set",
];
const TITLE: &str = "实查";
const SAMPLE_TITLE: &str = "实查 · 样本数据 SAMPLE";

/// Carries a call to the core.
#[tauri::command]
pub(crate) async fn rpc(
    handle: AppHandle,
    closing: State<'_, Closing>,
    name: String,
    request: Value,
) -> Result<Value, ApiError> {
    let _under_way = closing.enter();
    let Some(core) = handle.try_state::<App>().map(|core| core.inner().clone()) else {
        return Err(ApiError::new(ErrorCode::NotReady));
    };
    let answer = core.call(&name, request).await?;
    if name == "app_status" {
        // A screen asks this first: window, scripts and core are all there. Whoever watches over an update waits for it.
        let up = core.clone();
        tauri::async_runtime::spawn_blocking(move || up.came_up());
    }
    if SET_UP.contains(&name.as_str()) {
        mark(&handle, answer["is_sample"] == true);
    }
    Ok(answer)
}

/// Says in the window's title when the data are a sample: it stays readable in the task bar and in pictures of the window.
fn mark(handle: &AppHandle, is_sample: bool) {
    let title = if is_sample { SAMPLE_TITLE } else { TITLE };
    for window in handle.webview_windows().values() {
        if let Err(error) = window.set_title(title) {
            tracing::warn!(%error, "the window has no title");
        }
    }
}

/// Hands the core's events to the window.
pub(crate) fn forward_events(handle: AppHandle, core: &App) {
    let mut events = core.events();
    tauri::async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // Some were missed: everything may have changed.
                Err(RecvError::Lagged(_)) => HostEvent::Changed {
                    records: Vec::new(),
                    source: "here".into(),
                },
                Err(RecvError::Closed) => break,
            };
            if let Err(error) = handle.emit(EVENT, &event) {
                tracing::warn!(%error, "an event did not reach the window");
            }
        }
    });
}
