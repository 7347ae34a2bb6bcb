//! How the application behaves on this computer's desktop.

use crate::{
    App,
    app::blocking,
    error::{ApiError, ErrorCode},
    schema::*,
};

pub(crate) async fn desktop_get(app: &App, _: Empty) -> Result<DesktopView, ApiError> {
    let app = app.clone();
    blocking(move || view(&app)).await
}

pub(crate) async fn desktop_set(app: &App, request: DesktopSet) -> Result<DesktopView, ApiError> {
    let app = app.clone();
    blocking(move || {
        if let Some(starts) = request.starts_at_logon {
            app.0
                .config
                .host
                .set_starts_at_logon(starts)
                .map_err(refused)?;
        }
        if let Some(stays) = request.stays {
            app.0.prefs.set_stays(stays)?;
        }
        if let Some(notices) = request.notices {
            app.0.prefs.set_notices(notices)?;
        }
        view(&app)
    })
    .await
}

fn view(app: &App) -> Result<DesktopView, ApiError> {
    let host = &app.0.config.host;
    Ok(DesktopView {
        starts_at_logon: host.starts_at_logon().map_err(refused)?,
        stays: host.has_tray().then(|| app.0.prefs.stays()),
        notices: host.has_notices().then(|| app.0.prefs.notices()),
    })
}

fn refused(error: std::io::Error) -> ApiError {
    ApiError::new(ErrorCode::System).with("detail", error.to_string())
}
