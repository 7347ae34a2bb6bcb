//! Updates that fail. Wine has no WebView2, so that no new version passes its own test here: what can be shown is that it is taken back.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    messages::Screen,
    promises::{LISTED, Trial, told},
};

/// What the watch needs of the program's files.
const OF_WATCH: [&str; 2] = ["Shicha.exe", "WebView2Loader.dll"];
/// The watch took the new version back.
const TAKEN_BACK: i32 = 1;

impl Trial<'_> {
    /// An update whose signature is another's, and one whose program does not pass its own test: the older version is there as it was.
    pub(crate) async fn updates_are_taken_back(
        &self,
        screen: &Screen<'_>,
        older: &str,
        newer: &str,
    ) -> Result<()> {
        let signature = fs::read_to_string(&self.options.signature)?;
        let of_another = signature.replacen(&format!("file:Shicha-{newer}"), "file:Shicha-9", 1);
        ensure!(of_another != signature, "the signature names no file");
        let program = self.wine.here(&self.shicha());
        let before = fs::read(&program)?;
        for (reason, signature) in [("signature", &of_another), ("selftest", &signature)] {
            self.watch_over(screen, (older, newer), signature, reason)
                .await?;
            ensure!(fs::read(&program)? == before, "another program is there");
            let listed = self.wine.registry(LISTED, "DisplayVersion")?;
            ensure!(listed.as_deref() == Some(older), "{listed:?} is listed");
            self.wine.wait()?;
        }
        told(
            "an update that another signed is not installed; one that does not pass its own test is taken back, and the older version starts",
        );
        Ok(())
    }

    /// Has an update installed as the application does, up to the message of the version that is started afterwards.
    async fn watch_over(
        &self,
        screen: &Screen<'_>,
        (older, newer): (&str, &str),
        signature: &str,
        reason: &str,
    ) -> Result<()> {
        let below = |name: &str| format!(r"{}\update\{name}", self.records);
        let outcome = self.wine.here(&below("outcome.json"));
        fs::create_dir_all(self.wine.here(&below("watch")))?;
        for file in OF_WATCH {
            let from = self.wine.here(&format!(r"{}\{file}", self.program));
            fs::copy(from, self.wine.here(&below(&format!(r"watch\{file}"))))?;
        }
        let setup = below(&format!("Shicha-{newer}-setup.exe"));
        fs::copy(&self.options.setup, self.wine.here(&setup))?;
        let plan = json!({
            "from": older,
            "to": newer,
            "setup": setup,
            "signature": signature,
            "data_dir": self.records,
            "begun_at_ms": 0,
        });
        fs::write(self.wine.here(&below("plan.json")), plan.to_string())?;
        let code = self.wine.code(
            screen
                .program(below(r"watch\Shicha.exe"))
                .args(["--watch-update", &self.shicha()])
                .args(["--data-dir", &self.records]),
        )?;
        ensure!(code == TAKEN_BACK, "the watch ended with {code}");
        let said: Value = serde_json::from_slice(
            &fs::read(&outcome).context("nothing was written down about the update")?,
        )?;
        ensure!(said["reason"] == reason, "{said}");
        // The older version has no window here either, and says so.
        let message = screen.shown("the older version").await?;
        screen.picture(&format!("taken-back-{reason}")).await?;
        screen.quit(&message)?;
        // So that the application does not find it at its next start.
        for file in ["outcome.json", "plan.json"] {
            fs::remove_file(self.wine.here(&below(file)))?;
        }
        fs::remove_file(self.wine.here(&setup))?;
        Ok(())
    }
}
