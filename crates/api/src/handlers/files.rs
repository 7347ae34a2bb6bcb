//! Files that come in piece by piece, and made files that go out.

use std::path::Path;

use crate::{
    app::{App, blocking},
    desk::Desk,
    error::ApiError,
    schema::*,
};

pub(crate) async fn upload_begin(app: &App, request: UploadBegin) -> Result<UploadBegun, ApiError> {
    app.0.uploads.begin(request)
}

pub(crate) async fn upload_write(app: &App, request: UploadWrite) -> Result<Empty, ApiError> {
    let app = app.clone();
    blocking(move || app.0.uploads.write(&request)).await?;
    Ok(Empty {})
}

pub(crate) fn file_save(desk: &Desk, request: FileSave) -> Result<Empty, ApiError> {
    desk.app
        .0
        .made
        .save(&request.token, Path::new(&request.path))?;
    Ok(Empty {})
}

pub(crate) fn file_open(desk: &Desk, request: FileOpen) -> Result<Empty, ApiError> {
    desk.app.0.made.open(&request.token)?;
    Ok(Empty {})
}
