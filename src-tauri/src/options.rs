//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use crate::notice::{self, Fault};

/// 实查 Shicha: an inspection that really happened, easy to record anywhere.
#[derive(Debug, Parser)]
#[command(name = "shicha", version)]
pub(crate) struct Options {
    /// Folder with the data; by default the system's folder for application data.
    #[arg(long, value_name = "DIR", env = "SHICHA_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Package file (.shicha) to look at, as when it is double-clicked.
    pub(crate) package: Option<PathBuf>,
    /// Watch over an update of this program; for the application itself.
    #[arg(long, hide = true, value_name = "PROGRAM", requires = "data_dir")]
    pub(crate) watch_update: Option<PathBuf>,
    /// Started by whoever watched over an update; for the application itself.
    #[arg(long, hide = true)]
    pub(crate) after_update: bool,
    /// Start beside the clock, without the window, as when a person logs on.
    #[arg(long)]
    pub(crate) quietly: bool,
    /// Check without a window that this installation works, print what was found as JSON, and end.
    #[arg(long)]
    pub(crate) selftest: bool,
}

/// Says what is wrong with the command line, or what was asked of it, also where there is no terminal to say it in.
pub(crate) fn said(said: &clap::Error) -> ExitCode {
    if said.use_stderr() {
        notice::show(&Fault::CommandLine(said.to_string()));
        // As clap itself ends a program.
        return ExitCode::from(2);
    }
    println!("{said}");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_data_folder_can_be_chosen() {
        let options = Options::try_parse_from(["shicha", "--data-dir", "台账"]).unwrap();
        assert_eq!(options.data_dir, Some(PathBuf::from("台账")));
        assert!(!options.selftest);
    }

    #[test]
    fn a_package_that_was_double_clicked_is_a_word_of_its_own() {
        let options = Options::try_parse_from(["shicha", "答复 1.shicha"]).unwrap();
        assert_eq!(options.package, Some(PathBuf::from("答复 1.shicha")));
    }

    #[test]
    fn a_word_that_means_nothing_is_refused() {
        assert!(Options::try_parse_from(["shicha", "--date-dir", "x"]).is_err());
    }
}
