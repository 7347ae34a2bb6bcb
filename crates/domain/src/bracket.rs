//! Time brackets: between which two moments of the server's clock an entry was made.

use serde::{Deserialize, Serialize};

use crate::hlc::Hlc;

/// How far a laptop's clock may run off the server's before a claimed time counts as outside its bracket, in ms.
pub const CLOCK_SLACK_MS: u64 = 5 * 60 * 1000;

/// The moments between which an entry was made, as far as the server's receipts tell; Unix ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Bracket {
    /// Not before: the time of the receipt that the entry names.
    pub not_before_ms: Option<u64>,
    /// Not after: the time of the first receipt that covers it.
    pub not_after_ms: Option<u64>,
}

/// What a claimed time is against its bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The claimed time fits.
    Fits,
    /// Claimed earlier than can be: back-dated 倒签.
    BackDated,
    /// Claimed later than can be: the clock ran ahead.
    AheadOfTime,
}

impl Bracket {
    /// Holds a claimed time against the bracket.
    pub fn judge(self, at: Hlc) -> Claim {
        let at = at.ms();
        if self
            .not_before_ms
            .is_some_and(|bound| at.saturating_add(CLOCK_SLACK_MS) < bound)
        {
            Claim::BackDated
        } else if self
            .not_after_ms
            .is_some_and(|bound| at > bound.saturating_add(CLOCK_SLACK_MS))
        {
            Claim::AheadOfTime
        } else {
            Claim::Fits
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_before_the_receipt_that_the_entry_names_is_back_dated() {
        let day = 86_400_000;
        let bracket = Bracket {
            not_before_ms: Some(10 * day),
            not_after_ms: Some(11 * day),
        };
        assert_eq!(bracket.judge(Hlc::from_ms(10 * day + 1)), Claim::Fits);
        assert_eq!(bracket.judge(Hlc::from_ms(9 * day)), Claim::BackDated);
        assert_eq!(bracket.judge(Hlc::from_ms(12 * day)), Claim::AheadOfTime);
        assert_eq!(
            Bracket::default().judge(Hlc::from_ms(1)),
            Claim::Fits,
            "without receipts nothing is known"
        );
    }
}
