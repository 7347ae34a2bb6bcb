//! What people do on the screens, step by step, with the names that the screens have for tests.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    session::{Session, input, part},
    wait::until,
};

/// What an administrator gives to somebody who sets a computer up.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Address of the central endpoint.
    pub url: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// One-time enrolment code.
    pub code: String,
}

impl Session {
    /// Sets this computer up: passphrase, central endpoint, fingerprint, code.
    pub async fn set_up(
        &self,
        passphrase: &str,
        invitation: &Invitation,
        label: &str,
    ) -> Result<()> {
        self.click(&part("setup-use-passphrase")).await?;
        self.type_into(&input("setup-passphrase"), passphrase)
            .await?;
        self.type_into(&input("setup-passphrase-confirm"), passphrase)
            .await?;
        self.click(&part("setup-forgotten-understood")).await?;
        self.click(&part("setup-key-create")).await?;
        self.type_into(&input("enrol-url"), &invitation.url).await?;
        self.click(&part("enrol-probe")).await?;
        let shown = self
            .wait_for_text(&part("enrol-fingerprint"), "a fingerprint", |text| {
                !text.trim().is_empty()
            })
            .await?;
        // Between the groups stands their number, for those who listen to the screen.
        let is_group = |word: &&str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let groups: Vec<&str> = shown.split_whitespace().filter(is_group).collect();
        ensure!(
            groups.join(" ") == invitation.fingerprint,
            "the screen shows {shown:?}, the administrator {:?}",
            invitation.fingerprint
        );
        self.type_into(&input("enrol-fingerprint-given"), &invitation.fingerprint)
            .await?;
        self.click(&part("enrol-fingerprint-same")).await?;
        self.click(&part("enrol-confirm")).await?;
        self.type_into(&input("enrol-code"), &invitation.code)
            .await?;
        self.type_into(&input("enrol-label"), label).await?;
        self.click(&part("enrol-submit")).await?;
        self.click(&part("setup-enter")).await
    }

    /// Opens the ledger of a computer that was set up before.
    pub async fn unlock(&self, passphrase: &str) -> Result<()> {
        self.type_into(&input("unlock-passphrase"), passphrase)
            .await?;
        self.click(&part("unlock-submit")).await?;
        self.wait_for("[data-test^=\"nav-\"]").await
    }

    /// Goes to a page by the navigation at the side.
    pub async fn go(&self, page: &str) -> Result<()> {
        self.click(&part(&format!("nav-{page}"))).await
    }

    /// Switches the language, as the settings page does.
    pub async fn speak(&self, language: &str) -> Result<()> {
        self.go("settings").await?;
        self.click(&part(&format!("settings-language-{language}")))
            .await?;
        let expected = json!(language);
        until("the other language", async || {
            let shown = self
                .script("return document.documentElement.lang", &[])
                .await?;
            Ok((shown == expected).then_some(()))
        })
        .await
    }

    /// Waits until a call's answer satisfies.
    pub async fn wait_for_answer(
        &self,
        name: &str,
        request: Value,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let mut last = Value::Null;
        let found = until(what, async || {
            last = self.rpc(name, request.clone()).await?;
            Ok(is_it(&last).then(|| last.clone()))
        })
        .await;
        found.map_err(|error| error.context(format!("{name} said last: {last}")))
    }
}
