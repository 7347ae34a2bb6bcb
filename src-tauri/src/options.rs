//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// 实查 Shicha: an inspection that really happened, easy to record anywhere.
#[derive(Debug, Parser)]
#[command(name = "shicha", version)]
pub(crate) struct Options {
    /// Folder with the data; by default the system's folder for application data.
    #[arg(long, value_name = "DIR", env = "SHICHA_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Check without a window that this installation works, print what was found as JSON, and end.
    #[arg(long)]
    pub(crate) selftest: bool,
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
    fn a_word_that_means_nothing_is_refused() {
        assert!(Options::try_parse_from(["shicha", "--date-dir", "x"]).is_err());
    }
}
