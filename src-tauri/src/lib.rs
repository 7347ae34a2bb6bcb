//! The desktop shell.

/// Runs the application until its window is closed.
pub fn run() {
    let _ = tauri::Builder::default().plugin(tauri_plugin_dialog::init()).run(tauri::generate_context!());
}
