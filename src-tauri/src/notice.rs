//! What is told when there is no window to tell it in: a native message, and a line for whoever started the program from a terminal.

use std::{
    io,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use shicha_api::error::{ApiError, ErrorCode};

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The system names no folder for application data.
    #[error("the system names no folder for application data")]
    NoDataFolder,
    /// A folder cannot be made.
    #[error("cannot use the folder {0}: {1}")]
    Folder(PathBuf, #[source] io::Error),
    /// Another one works on the same data and does not show itself.
    #[error("the data folder is in use")]
    Running,
    /// The log cannot be written.
    #[error("cannot write the log: {0}")]
    Log(String),
    /// The configuration names no window.
    #[error("the configuration names no window")]
    NoWindow,
    /// The command line means nothing.
    #[error("{0}")]
    CommandLine(String),
    /// The package that was handed over has no place.
    #[error("the package cannot be found: {0}")]
    Package(#[source] io::Error),
    /// There is no screen.
    #[error("there is no display")]
    NoDisplay,
    /// The window cannot be shown.
    #[error("cannot show the window: {0}")]
    Window(#[source] tauri::Error),
    /// The core cannot start.
    #[error("the core cannot start: {0}")]
    Core(#[source] ApiError),
    /// An update is being installed.
    #[error("an update is being installed")]
    Updating,
    /// This build does not say which version it is.
    #[error("this build has no version: {0}")]
    Update(String),
    /// A fault of this software.
    #[error("a fault of this software at {0}")]
    Panic(String),
}

impl Fault {
    /// What happened, what is safe, what to do: in Chinese and in English.
    fn words(&self) -> (String, String) {
        let safe = ("已保存的数据都在。", "What was saved is safe.");
        let (zh, en) = match self {
            Self::NoDataFolder => (
                "系统没有应用数据文件夹。请用 --data-dir 指定一个文件夹。".into(),
                "The system has no folder for application data. Choose one with --data-dir.".into(),
            ),
            Self::Folder(path, cause) => (
                format!("无法使用文件夹 {}（{cause}）。请检查磁盘和权限，或用 --data-dir 另选一个文件夹。", path.display()),
                format!("The folder {} cannot be used ({cause}). Check the disk and your rights, or choose another one with --data-dir.", path.display()),
            ),
            Self::Log(_) => (
                "无法写日志文件。请检查数据文件夹的磁盘空间和权限。".into(),
                "The log cannot be written. Check free space and rights of the data folder.".into(),
            ),
            Self::CommandLine(said) => (
                format!("命令行有误，未启动。\n{said}\n"),
                format!("The command line is wrong; nothing was started.\n{said}\n"),
            ),
            Self::Package(cause) => (
                format!("找不到要打开的数据包（{cause}）。"),
                format!("The package that was to be opened cannot be found ({cause})."),
            ),
            Self::NoDisplay => (
                "没有可用的显示器。请在桌面环境中启动。".into(),
                "There is no display. Start this from a desktop.".into(),
            ),
            Self::Window(_) => (
                "窗口组件无法启动。Windows：请安装或修复 Microsoft Edge WebView2 运行时；Linux：请安装 libwebkit2gtk-4.1-0。".into(),
                "The window component does not start. On Windows install or repair the Microsoft Edge WebView2 Runtime; on Linux install libwebkit2gtk-4.1-0.".into(),
            ),
            Self::Updating => (
                "正在安装软件更新，通常一两分钟。装好后实查会自动打开，请稍候。".into(),
                "An update is being installed, which usually takes a minute or two. Shicha opens by itself afterwards; please wait.".into(),
            ),
            Self::NoWindow | Self::Update(_) => (
                "安装不完整。请重新安装。".into(),
                "The installation is not complete. Install it again.".into(),
            ),
            Self::Running | Self::Core(ApiError { code: ErrorCode::DatabaseInUse, .. }) => (
                "实查已经在运行。".into(),
                "Shicha is running already.".into(),
            ),
            Self::Core(ApiError { code: ErrorCode::DiskFull, .. }) => (
                "磁盘已满。请腾出空间后重新启动。".into(),
                "The disk is full. Free some space and start again.".into(),
            ),
            Self::Core(error) => (
                format!("数据文件夹无法打开（{:?}）。请把日志交给管理员。", error.code),
                format!("The data folder cannot be opened ({:?}). Give the log to your administrator.", error.code),
            ),
            Self::Panic(place) => (
                format!("程序出错（{place}）。请重新启动；若再次出现，请把日志交给管理员。"),
                format!("The program failed ({place}). Start it again; if that does not help, give the log to your administrator."),
            ),
        };
        (format!("{zh}{}", safe.0), format!("{en} {}", safe.1))
    }
}

static IS_UP: AtomicBool = AtomicBool::new(false);

/// From now on faults are told in the window.
pub(crate) fn window_is_up() {
    IS_UP.store(true, Ordering::Relaxed);
}

/// Fails where no window can be shown, before the toolkit ends the program without a word.
pub(crate) fn need_display() -> Result<(), Fault> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") {
        return Err(Fault::NoDisplay);
    }
    Ok(())
}

/// Shows why the program cannot start.
pub(crate) fn show(fault: &Fault) {
    let (zh, en) = fault.words();
    eprintln!("shicha: {en}\n{zh}");
    if need_display().is_ok() {
        rfd::MessageDialog::new()
            .set_level(rfd::MessageLevel::Error)
            .set_title("实查 Shicha")
            .set_description(format!("{zh}\n\n{en}"))
            .show();
    }
}

/// A panic before there is a window would end the program without a word.
pub(crate) fn panicked(place: &str) {
    if !IS_UP.load(Ordering::Relaxed) && thread::current().name() == Some("main") {
        show(&Fault::Panic(place.to_owned()));
        std::process::exit(101);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_says_in_both_languages_that_what_was_saved_is_safe() {
        let faults = [
            Fault::NoDataFolder,
            Fault::NoDisplay,
            Fault::Folder(
                PathBuf::from("台账"),
                io::ErrorKind::PermissionDenied.into(),
            ),
            Fault::CommandLine("--date-dir".into()),
            Fault::Core(ApiError::new(ErrorCode::DiskFull)),
            Fault::Core(ApiError::new(ErrorCode::Storage)),
            Fault::Panic("lib.rs:1".into()),
        ];
        for fault in faults {
            let (zh, en) = fault.words();
            assert!(zh.ends_with("已保存的数据都在。"), "{zh}");
            assert!(en.ends_with("What was saved is safe."), "{en}");
        }
    }
}
