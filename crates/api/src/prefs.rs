//! What a person prefers, kept beside the database so that it is known before the database is opened.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

use crate::error::{ApiError, ErrorCode};

const FILE: &str = "preferences.json";
/// The settings that there are, with the values that each may have.
const KNOWN: &[(&str, &[&str])] = &[("language", &["zh-CN", "en"])];
const STAYS: &str = "stays";
const NOTICES: &str = "notices";
const REMINDED: &str = "reminded";
const ON: &str = "on";
const OFF: &str = "off";

/// Preferences of this computer.
pub(crate) struct Prefs {
    path: PathBuf,
    values: Mutex<BTreeMap<String, String>>,
}

impl Prefs {
    /// Reads them; a file that cannot be read counts as empty, for nothing in it is worth stopping for.
    pub(crate) fn load(dir: &Path) -> Self {
        let path = dir.join(FILE);
        let values = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "preferences are unreadable and start afresh");
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self {
            path,
            values: Mutex::new(values),
        }
    }

    /// The language of the screens.
    pub(crate) fn language(&self) -> String {
        let values = self.values.lock();
        values
            .get("language")
            .cloned()
            .unwrap_or_else(|| "zh-CN".into())
    }

    /// Keeps a setting, durably.
    pub(crate) fn set(&self, key: &str, value: &str) -> Result<(), ApiError> {
        let is_known = KNOWN
            .iter()
            .any(|(known, values)| *known == key && values.contains(&value));
        if !is_known {
            return Err(ApiError::bad_request(format!(
                "no setting {key} with that value"
            )));
        }
        self.keep(key, value)
    }

    /// Whether the application stays beside the clock when its window is closed. It does not unless somebody chose it: who closes a
    /// window expects that it is closed.
    pub(crate) fn stays(&self) -> bool {
        self.is(STAYS, ON)
    }

    /// Chooses that.
    pub(crate) fn set_stays(&self, stays: bool) -> Result<(), ApiError> {
        self.keep(STAYS, if stays { ON } else { OFF })
    }

    /// Whether deadlines and deliveries are told outside the window.
    pub(crate) fn notices(&self) -> bool {
        !self.is(NOTICES, OFF)
    }

    /// Chooses that.
    pub(crate) fn set_notices(&self, notices: bool) -> Result<(), ApiError> {
        self.keep(NOTICES, if notices { ON } else { OFF })
    }

    /// Whether a person was reminded of their deadlines on that day.
    pub(crate) fn was_reminded(&self, day: &str) -> bool {
        self.is(REMINDED, day)
    }

    /// Notes that they were.
    pub(crate) fn set_reminded(&self, day: &str) -> Result<(), ApiError> {
        self.keep(REMINDED, day)
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.values
            .lock()
            .get(key)
            .is_some_and(|kept| kept == value)
    }

    fn keep(&self, key: &str, value: &str) -> Result<(), ApiError> {
        let mut values = self.values.lock();
        let mut new = values.clone();
        new.insert(key.to_owned(), value.to_owned());
        let text = serde_json::to_vec_pretty(&new).map_err(ApiError::bad_request)?;
        crate::made::write_whole(&self.path, &text)
            .map_err(|error| ApiError::new(ErrorCode::Storage).with("detail", error.to_string()))?;
        *values = new;
        Ok(())
    }
}
