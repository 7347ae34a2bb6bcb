//! Microsoft Edge WebView2, which shows the window: part of Windows 11 and of a Windows 10 that is kept up to date, missing on laptops
//! that never were online.
//!
//! Found: nothing is asked. Missing: a message says what is missing and where the offline installer lies, and starts it; afterwards
//! the application goes on. No administrator's rights and no network are needed for any of this.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use rfd::{MessageButtons, MessageDialog, MessageDialogResult, MessageLevel};
use winreg::{RegKey, enums::HKEY_CURRENT_USER};

/// Microsoft's installer that needs no network, by the name under which it is handed out.
const INSTALLER: &str = "MicrosoftEdgeWebView2RuntimeInstallerX64.exe";
/// Where it may lie on a medium or beside the program.
const FOLDERS: &[&str] = &["WebView2", "", r"实查\WebView2", r"Shicha\WebView2"];
/// Where our own installer wrote down from where it was started.
const SETTINGS: &str = r"Software\Shicha";
const INSTALL: &str = "现在安装 Install";
const LOOK_AGAIN: &str = "再找一次 Look again";
const QUIT: &str = "退出 Quit";

/// Whether the component is there, at last; `false`: the person chose to quit.
pub(crate) fn is_there_or_put_in_place() -> bool {
    let mut failed = None;
    while let Err(error) = tauri::webview_version() {
        tracing::warn!(%error, "WebView2 is missing");
        let installer = find();
        let go_on = if installer.is_some() {
            INSTALL
        } else {
            LOOK_AGAIN
        };
        let answer = MessageDialog::new()
            .set_level(MessageLevel::Warning)
            .set_title("实查 Shicha")
            .set_description(words(installer.as_deref(), failed.as_deref()))
            .set_buttons(MessageButtons::OkCancelCustom(go_on.into(), QUIT.into()))
            .show();
        if answer != MessageDialogResult::Custom(go_on.into()) {
            tracing::info!("ended without WebView2");
            return false;
        }
        failed = installer.and_then(|installer| install(&installer).err());
    }
    true
}

/// Runs the installer and waits for its end. It shows how far it is, and installs for this user when it has no more rights.
fn install(installer: &Path) -> Result<(), String> {
    tracing::info!(installer = %installer.display(), "installing WebView2");
    let status = Command::new(installer)
        .status()
        .map_err(|error| error.to_string())?;
    tracing::info!(%status, "the installer of WebView2 has ended");
    if status.success() {
        Ok(())
    } else {
        Err(status.to_string())
    }
}

/// The installer, where it can be found now.
fn find() -> Option<PathBuf> {
    let program = env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    places(beside, medium().as_deref())
        .into_iter()
        .find(|place| place.is_file())
}

/// The folder that the application was installed from.
fn medium() -> Option<PathBuf> {
    let settings = RegKey::predef(HKEY_CURRENT_USER).open_subkey(SETTINGS);
    settings
        .and_then(|settings| settings.get_value::<String, _>("Medium"))
        .map(PathBuf::from)
        // Started without having been installed: from a stick, or while developing.
        .ok()
}

/// Beside the program, on the medium that it was installed from, and on every other drive: a stick may bear another letter today.
fn places(beside: Option<&Path>, medium: Option<&Path>) -> Vec<PathBuf> {
    let drives = (b'D'..=b'Z').map(|letter| PathBuf::from(format!(r"{}:\", char::from(letter))));
    beside
        .into_iter()
        .chain(medium)
        .map(Path::to_path_buf)
        .chain(drives)
        .flat_map(|root| {
            FOLDERS
                .iter()
                .map(move |folder| root.join(folder).join(INSTALLER))
        })
        .collect()
}

/// What is missing, where to find it, what is safe: in Chinese and in English.
fn words(installer: Option<&Path>, failed: Option<&str>) -> String {
    let (mut zh, mut en) = (String::new(), String::new());
    if let Some(why) = failed {
        zh += &format!("上一次安装没有完成（{why}）。\n\n");
        en += &format!("The last attempt was not completed ({why}). ");
    }
    zh += "这台电脑缺少显示窗口所需的“Microsoft Edge WebView2 运行时”，实查暂时无法打开。\n\n";
    en += "Microsoft Edge WebView2, which shows the window, is missing on this computer. ";
    match installer {
        Some(place) => {
            let place = place.display();
            zh += &format!(
                "它的离线安装程序在这里：\n{place}\n\n点“现在安装”即可安装，不需要联网，也不需要管理员权限；装好后实查会自动打开。"
            );
            en += &format!(
                "Its offline installer is at {place}. It needs neither a network nor an administrator; Shicha opens when it is done."
            );
        }
        None => {
            zh += &format!(
                "请插入实查的安装介质（U 盘或光盘），离线安装程序在其中的 WebView2 文件夹里：\nWebView2\\{INSTALLER}\n\n插好后点“再找一次”。介质上没有时，请向管理员索取。"
            );
            en += &format!(
                "Insert the installation medium of Shicha: the offline installer is WebView2\\{INSTALLER} on it. Then look again."
            );
        }
    }
    format!("{zh}\n已保存的数据都在。\n\n{en} What was saved is safe.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_medium_and_the_folder_of_the_program_come_before_the_drives() {
        let places = places(Some(Path::new(r"C:\程序")), Some(Path::new(r"E:\安装 盘")));
        let at = |wanted: &str| places.iter().position(|place| place == Path::new(wanted));
        let beside = at(r"C:\程序\WebView2\MicrosoftEdgeWebView2RuntimeInstallerX64.exe");
        let medium = at(r"E:\安装 盘\WebView2\MicrosoftEdgeWebView2RuntimeInstallerX64.exe");
        let drive = at(r"F:\WebView2\MicrosoftEdgeWebView2RuntimeInstallerX64.exe");
        assert!(beside.is_some() && beside < medium && medium < drive);
    }

    #[test]
    fn the_message_names_what_is_missing_and_where_it_lies() {
        let place = Path::new(r"E:\WebView2\x.exe");
        let found = words(Some(place), None);
        assert!(found.contains("WebView2 运行时") && found.contains(r"E:\WebView2\x.exe"));
        let missing = words(None, Some("exit code: 5"));
        assert!(missing.contains("安装介质") && missing.contains(INSTALLER));
        assert!(missing.starts_with("上一次安装没有完成（exit code: 5）"));
    }
}
