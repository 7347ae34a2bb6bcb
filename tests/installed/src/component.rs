//! A computer without the window's component.

use std::{fs, time::Instant};

use anyhow::{Context as _, Result, ensure};
use shicha_window::until;

use crate::{
    messages::Screen,
    promises::{SETTINGS, TITLE, Trial, told},
};

/// What the installer looks for where the window's component is missing.
const COMPONENT: &str = "MicrosoftEdgeWebView2RuntimeInstallerX64.exe";
/// How the setup ends when the program runs.
const RUNNING: i32 = 4;

impl Trial<'_> {
    /// The messages where WebView2 is missing, and that the program is not written over while it runs.
    pub(crate) async fn without_component(&self, screen: &Screen<'_>, newer: &str) -> Result<()> {
        let begin = Instant::now();
        let mut program =
            screen.start(&mut screen.program(self.shicha()), "without-component.log")?;
        let first = screen.wait_for(TITLE, &mut program, &[]).await?;
        let took = begin.elapsed();
        let picture = screen.picture("webview2-missing").await?;
        told(&format!(
            "without WebView2 a message says so after {} ms: {}",
            took.as_millis(),
            picture.path.display()
        ));
        let code = self
            .wine
            .code(screen.program(&self.options.setup).arg("/S"))?;
        ensure!(
            code == RUNNING,
            "{newer} over a running program ended with {code}"
        );
        told("a setup does not go over a program that runs");

        // The offline installer appears on the medium: a stand-in that shows a window.
        let medium = self
            .wine
            .registry(SETTINGS, "Medium")?
            .context("the medium is not written down")?;
        let folder = self.options.setup.parent().context("a folder")?;
        let stand_in = folder.join("WebView2").join(COMPONENT);
        fs::create_dir_all(folder.join("WebView2"))?;
        fs::copy(&self.options.stand_in, &stand_in)?;
        screen.press(&first, "Return")?;
        let second = screen
            .wait_for(TITLE, &mut program, std::slice::from_ref(&first))
            .await?;
        let picture = screen.picture("webview2-on-medium").await?;
        told(&format!(
            "with the offline installer on the medium {medium} it is offered: {}",
            picture.path.display()
        ));
        screen.press(&second, "Return")?;
        let installing = screen.wait_for("stand-in", &mut program, &[]).await?;
        let picture = screen.picture("webview2-installing").await?;
        told(&format!("and started: {}", picture.path.display()));
        // It ends, and the component is still missing: that is said again, and the person quits.
        screen.press(&installing, "Return")?;
        let third = screen
            .wait_for(TITLE, &mut program, &[first, second])
            .await?;
        screen.quit(&third)?;
        until("the end of the program", async || {
            Ok(program.has_ended()?.then_some(()))
        })
        .await?;
        fs::remove_dir_all(folder.join("WebView2"))?;
        told("and what was not completed is said again, until the person quits");
        self.wine.wait()
    }
}
