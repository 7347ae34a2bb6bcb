//! What stands around a window on a desktop: a place for icons, one for notices, and the bus by which programs reach them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{display::Display, process::Group, wait::until};

/// A session's bus that starts nothing by itself: what is here was started by us. It listens elsewhere: that goes by
/// its command line.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
const NOTIFIER: &str = "org.freedesktop.Notifications";
/// Notices stay until somebody closes them, and stand in a frame of a colour that nothing else has.
const NOTICES: &str = r##"[global]
    origin = top-right
    width = 380
    font = Noto Sans CJK SC 12
    frame_width = 4
    frame_color = "#7b2fbe"
    layer = overlay
[urgency_normal]
    background = "#ffffff"
    foreground = "#202020"
    timeout = 0
"##;

/// A desktop's surroundings. They end with their owner.
#[derive(Debug)]
pub struct Desktop {
    display: String,
    bus: String,
    notices: PathBuf,
    _started: [Group; 3],
}

impl Desktop {
    /// The colour of the frame around each notice.
    pub const FRAME: [u8; 3] = [0x7b, 0x2f, 0xbe];
    /// The height of the strip with icons at the lower edge, in pixels.
    pub const STRIP: u32 = 32;

    /// Starts them on a display. `dir` takes logs and settings.
    pub(crate) async fn start(display: &Display, dir: &Path) -> Result<Self> {
        let settings = dir.join("bus.conf");
        fs::write(&settings, BUS)?;
        let log = dir.join("bus.log");
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--print-address"]);
        command.arg(format!("--address=unix:dir={}", dir.display()));
        // Its complaints stand in the same file.
        let is_address = |line: &&str| line.starts_with("unix:");
        let mut server = Group::start(command.arg("--config-file").arg(&settings), &log)?;
        let bus = until("the bus of the session", async || {
            let said = fs::read_to_string(&log)?;
            ensure!(!server.has_ended()?, "the bus ended: {said}");
            let mut lines = said.split_inclusive('\n');
            let address = lines.find_map(|line| line.strip_suffix('\n').filter(is_address));
            Ok(address.map(str::to_owned))
        })
        .await?;

        let start = |command: &mut Command, log: &Path| {
            display.set(command);
            Group::start(command.env("DBUS_SESSION_BUS_ADDRESS", &bus), log)
        };
        let mut command = Command::new("trayer");
        command.args(["--edge", "bottom", "--align", "right"]);
        command.args(["--widthtype", "request", "--heighttype", "pixel"]);
        command.args(["--height", &Self::STRIP.to_string()]);
        let icons = start(&mut command, &dir.join("icons.log"))?;

        let (settings, notices) = (dir.join("notices.conf"), dir.join("notices.log"));
        fs::write(&settings, NOTICES)?;
        let mut command = Command::new("dunst");
        command.arg("-print").arg("-config").arg(&settings);
        let mut notifier = start(&mut command, &notices)?;
        until("the place for notices", async || {
            if notifier.has_ended()? {
                bail!("dunst ended: {}", fs::read_to_string(&notices)?);
            }
            Ok(is_owned(&bus)?.then_some(()))
        })
        .await?;
        Ok(Self {
            display: display.name().to_owned(),
            bus,
            notices,
            _started: [icons, notifier, server],
        })
    }

    /// What programs find in `DBUS_SESSION_BUS_ADDRESS`.
    pub(crate) fn bus(&self) -> &str {
        &self.bus
    }

    /// Moves the pointer, clicks or presses keys, in the words of xdotool(1).
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn hand(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new("xdotool");
        let done = command
            .args(words)
            .env("DISPLAY", &self.display)
            .status()
            .context("start xdotool")?;
        ensure!(done.success(), "xdotool {words:?}");
        Ok(())
    }

    /// The words of all notices that were given.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn notices(&self) -> Result<String> {
        fs::read_to_string(&self.notices).context("the notices")
    }
}

/// Whether somebody shows notices.
fn is_owned(bus: &str) -> Result<bool> {
    let asked = Command::new("dbus-send")
        .arg(format!("--bus={bus}"))
        .args(["--print-reply=literal", "--dest=org.freedesktop.DBus"])
        .args(["/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner"])
        .arg(format!("string:{NOTIFIER}"))
        .output()
        .context("start dbus-send")?;
    ensure!(
        asked.status.success(),
        "dbus-send: {}",
        String::from_utf8_lossy(&asked.stderr)
    );
    Ok(String::from_utf8_lossy(&asked.stdout).contains("true"))
}
