//! What is said outside the window, in the language of the screens.

use shicha_api::schema::{SyncPhase, SyncStatus};

/// A language of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Chinese,
    English,
}

impl Language {
    pub(crate) fn of(name: &str) -> Self {
        if name == "en" {
            Self::English
        } else {
            Self::Chinese
        }
    }

    /// The one of two texts.
    fn say<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.say("实查", "Shicha")
    }

    pub(crate) fn open(self) -> &'static str {
        self.say("打开实查", "Open Shicha")
    }

    pub(crate) fn sync_now(self) -> &'static str {
        self.say("立即同步", "Sync now")
    }

    pub(crate) fn quit(self) -> &'static str {
        self.say("退出实查", "Quit Shicha")
    }

    /// How synchronisation stands, in a line.
    pub(crate) fn standing(self, status: &SyncStatus) -> String {
        let (entries, blobs) = (status.waiting_entries, status.waiting_blobs);
        let waits = entries > 0 || blobs > 0;
        let what = self.what(entries, blobs);
        match status.phase {
            SyncPhase::NeedsAttention => self.say(
                "同步需要处理，请打开实查查看".into(),
                "Syncing needs you; open Shicha".into(),
            ),
            SyncPhase::Offline if waits => self.say(
                format!("没有网络，{what}待送达"),
                format!("No network; waiting: {what}"),
            ),
            SyncPhase::Offline => self.say(
                "没有网络，已记录的都已送达".into(),
                "No network; everything recorded is delivered".into(),
            ),
            SyncPhase::Idle if !waits => {
                self.say("全部送达".into(), "Everything is delivered".into())
            }
            SyncPhase::Idle => self.say(format!("{what}待送达"), format!("Waiting: {what}")),
            _ if waits => self.say(
                format!("正在同步，还有 {what}"),
                format!("Syncing; to go: {what}"),
            ),
            _ => self.say("正在同步".into(), "Syncing".into()),
        }
    }

    /// Records and evidence; nothing is said of none.
    fn what(self, entries: u64, blobs: u64) -> String {
        match (entries, blobs) {
            (_, 0) => self.say(format!("{entries} 条记录"), count(entries, "record")),
            (0, _) => self.say(format!("{blobs} 份证据"), count(blobs, "file")),
            _ => self.say(
                format!("{entries} 条记录、{blobs} 份证据"),
                format!("{}, {}", count(entries, "record"), count(blobs, "file")),
            ),
        }
    }

    /// What had waited for a network has arrived.
    pub(crate) fn delivered(self, entries: u64, blobs: u64) -> (String, String) {
        let title = self.say("已全部送达", "Everything is delivered");
        let what = self.what(entries, blobs);
        let text = self.say(
            format!("{what}已送到中心端并取得回执。"),
            format!("Arrived at the central endpoint: {what}."),
        );
        (title.into(), text)
    }

    /// What is due today and what was before.
    pub(crate) fn due(self, today: u32, overdue: u32) -> (String, String) {
        let title = self.say("整改期限提醒", "Deadlines");
        let text = match (today, overdue) {
            (_, 0) => self.say(
                format!("今天有 {today} 个问题到期。"),
                format!("Due today: {today}."),
            ),
            (0, _) => self.say(
                format!("有 {overdue} 个问题已逾期未销号。"),
                format!("Overdue: {overdue}."),
            ),
            _ => self.say(
                format!("今天有 {today} 个问题到期，另有 {overdue} 个已逾期未销号。"),
                format!("Due today: {today}; overdue: {overdue}."),
            ),
        };
        (title.into(), text)
    }
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(phase: SyncPhase, waiting_entries: u64, waiting_blobs: u64) -> SyncStatus {
        SyncStatus {
            phase,
            waiting_entries,
            waiting_blobs,
            waiting_bytes: 0,
            wanted_blobs: 0,
            bytes_per_s: 0,
            last_success_ms: None,
            last_receipt_ms: None,
            last_error: None,
            next_try_ms: None,
        }
    }

    #[test]
    fn a_line_says_what_waits_and_never_that_all_arrived_while_something_waits() {
        use Language::Chinese;
        use SyncPhase::{Idle, NeedsAttention, Offline, Pulling, Pushing};
        for (phase, entries, blobs, line) in [
            (Idle, 0, 0, "全部送达"),
            (Idle, 2, 0, "2 条记录待送达"),
            (Offline, 128, 6, "没有网络，128 条记录、6 份证据待送达"),
            (Offline, 0, 1, "没有网络，1 份证据待送达"),
            (Offline, 0, 0, "没有网络，已记录的都已送达"),
            (Pushing, 28, 6, "正在同步，还有 28 条记录、6 份证据"),
            (Pulling, 0, 0, "正在同步"),
            (NeedsAttention, 3, 0, "同步需要处理，请打开实查查看"),
        ] {
            assert_eq!(Chinese.standing(&status(phase, entries, blobs)), line);
        }
        assert_eq!(
            Language::English.standing(&status(Offline, 1, 2)),
            "No network; waiting: 1 record, 2 files"
        );
    }

    #[test]
    fn a_notice_names_what_was_delivered_and_not_what_was_none() {
        let (chinese, english) = (Language::Chinese, Language::English);
        assert_eq!(
            chinese.delivered(120, 6).1,
            "120 条记录、6 份证据已送到中心端并取得回执。"
        );
        assert_eq!(
            chinese.delivered(1, 0).1,
            "1 条记录已送到中心端并取得回执。"
        );
        assert_eq!(
            english.delivered(0, 2).1,
            "Arrived at the central endpoint: 2 files."
        );
    }

    #[test]
    fn what_is_due_is_told_in_one_sentence() {
        assert_eq!(Language::Chinese.due(2, 0).1, "今天有 2 个问题到期。");
        assert_eq!(
            Language::Chinese.due(2, 5).1,
            "今天有 2 个问题到期，另有 5 个已逾期未销号。"
        );
        assert_eq!(Language::English.due(0, 5).1, "Overdue: 5.");
    }
}
