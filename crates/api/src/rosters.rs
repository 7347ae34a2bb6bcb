//! Rosters that were opened, while a person matches columns and looks at rows.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use shicha_papers::roster::Workbook;

use crate::error::{ApiError, ErrorCode};

/// How many are kept; the oldest goes first.
const MOST: usize = 2;

/// Opened rosters by their tokens.
#[derive(Default)]
pub(crate) struct Rosters(Mutex<VecDeque<(String, Arc<Roster>)>>);

/// An opened roster.
pub(crate) struct Roster {
    pub(crate) workbook: Arc<Workbook>,
    pub(crate) left: Option<Left>,
}

/// What the last import left out.
pub(crate) struct Left {
    pub(crate) sheet: String,
    /// Row numbers with the reasons in words.
    pub(crate) rows: Vec<(u32, String)>,
}

impl Rosters {
    pub(crate) fn keep(&self, workbook: Workbook) -> String {
        let token = uuid::Uuid::from_u128(rand::random()).simple().to_string();
        let roster = Roster {
            workbook: Arc::new(workbook),
            left: None,
        };
        let mut rosters = self.0.lock();
        if rosters.len() >= MOST {
            rosters.pop_front();
        }
        rosters.push_back((token.clone(), Arc::new(roster)));
        token
    }

    pub(crate) fn get(&self, token: &str) -> Result<Arc<Roster>, ApiError> {
        let rosters = self.0.lock();
        let found = rosters.iter().find(|(other, _)| other == token);
        found
            .map(|(_, roster)| Arc::clone(roster))
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound).with("what", "roster"))
    }

    /// Remembers what an import left out.
    pub(crate) fn set_left(&self, token: &str, left: Left) {
        let mut rosters = self.0.lock();
        if let Some((_, roster)) = rosters.iter_mut().find(|(other, _)| other == token) {
            *roster = Arc::new(Roster {
                workbook: Arc::clone(&roster.workbook),
                left: Some(left),
            });
        }
    }
}
