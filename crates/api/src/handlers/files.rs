//! Files that come in piece by piece, and made files that go out.

use std::path::Path;

use crate::{desk::Desk, error::ApiError, schema::*};

pub(crate) fn upload_begin(desk: &Desk, request: UploadBegin) -> Result<UploadBegun, ApiError> {
    desk.app.0.uploads.begin(request)
}

pub(crate) fn upload_write(desk: &Desk, request: UploadWrite) -> Result<Empty, ApiError> {
    desk.app.0.uploads.write(&request)?;
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
