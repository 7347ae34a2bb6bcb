//! What was refused, so that it is not fetched and offered again and again.

use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::{
    MAX_SIGNATURE, SignedUpdate, UpdateFault, UpdateFolder, UpdateNow,
    files::{read_bounded, remove, write_whole},
};

const REFUSED: &str = "refused.json";

/// What is not to be fetched again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    name: String,
    pub(super) signature: String,
    code: String,
    detail: String,
}

impl UpdateFolder {
    /// Notes that this update is not to be fetched or offered again until a person wishes it, and lets it go.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn give_up(&self, signed: &SignedUpdate, code: &str) -> Result<(), UpdateFault> {
        let _alone = self.alone();
        let refused = Refused {
            name: signed.name.clone(),
            signature: signed.text.clone(),
            code: code.to_owned(),
            detail: String::new(),
        };
        self.write_refused(&refused)?;
        self.drop_kept()
    }

    /// A person wishes that what was refused is tried once more.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn try_again(&self) -> Result<(), UpdateFault> {
        let _alone = self.alone();
        self.forget_refused()?;
        self.tell(UpdateNow::Idle);
        Ok(())
    }

    /// Code and name of what was refused last, until something newer came.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_refused(&self) -> Result<Option<(String, String)>, UpdateFault> {
        Ok(self.refused()?.map(|refused| (refused.code, refused.name)))
    }

    pub(super) fn refused(&self) -> Result<Option<Refused>, UpdateFault> {
        let text = read_bounded(&self.dir().join(REFUSED), 4 * MAX_SIGNATURE)?;
        // One that another version wrote differently says nothing; then it is fetched once more.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(super) fn refuse(
        &self,
        signed: &SignedUpdate,
        fault: &UpdateFault,
    ) -> Result<(), UpdateFault> {
        if !fault.is_final() {
            return Ok(());
        }
        self.write_refused(&Refused {
            name: signed.name.clone(),
            signature: signed.text.clone(),
            code: fault.code().to_owned(),
            detail: fault.to_string(),
        })
    }

    fn write_refused(&self, refused: &Refused) -> Result<(), UpdateFault> {
        let text = serde_json::to_vec(refused).map_err(io::Error::other)?;
        fs::create_dir_all(self.dir())?;
        Ok(write_whole(&self.dir().join(REFUSED), &text)?)
    }

    pub(super) fn forget_refused(&self) -> Result<(), UpdateFault> {
        Ok(remove(&self.dir().join(REFUSED))?)
    }
}
