//! What a new version of a pack changes, for whoever is about to publish it.
//!
//! Rows are told apart by their identifiers. Where they stand is compared only as far as it matters to people: an item that moved to
//! another section counts as changed.

use serde::Serialize;

use super::Pack;

/// A table of the pack, as people speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The pack itself: title, dates, settings, notes.
    Pack,
    /// Phases.
    Phase,
    /// Obligations to report.
    Obligation,
    /// Checklists.
    Checklist,
    /// Items of checklists.
    Item,
    /// Laws and notices.
    Law,
    /// Penalty clauses.
    Penalty,
    /// Kinds of documents.
    DocumentKind,
    /// Forms of documents.
    Form,
    /// Questions of the question bank.
    Question,
    /// Regions.
    Region,
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is there no more.
    Removed,
    /// It says something else.
    Changed,
}

/// One row that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Of which table.
    pub part: Part,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Its identifier.
    pub id: String,
    /// What it is called, as the newer of both says it.
    pub title: String,
}

/// Lists what differs from `old` to `new`: by table, and in each by the order of the new pack, what was removed last.
#[must_use]
pub fn changes(old: &Pack, new: &Pack) -> Vec<Change> {
    let mut all = Vec::new();
    if is_other_head(old, new) {
        all.push(Change {
            part: Part::Pack,
            kind: ChangeKind::Changed,
            id: new.id.to_string(),
            title: new.title.zh.clone(),
        });
    }
    macro_rules! compare {
        ($part:ident, $rows:expr, $row:ident => $title:expr) => {
            table(
                &mut all,
                Part::$part,
                &rows(old, $rows, |$row| ($row.id.to_string(), $title)),
                &rows(new, $rows, |$row| ($row.id.to_string(), $title)),
            )
        };
    }
    compare!(Phase, |pack: &Pack| pack.phases.to_vec(), row => row.title.zh.clone());
    compare!(Obligation, |pack: &Pack| pack.obligations.clone(), row => row.title.zh.clone());
    compare!(Checklist, heads, row => row.title.zh.clone());
    table(&mut all, Part::Item, &items(old), &items(new));
    compare!(Law, |pack: &Pack| pack.laws.to_vec(), row => row.title.clone());
    compare!(Penalty, |pack: &Pack| pack.penalties.clone(), row => row.text.clone());
    compare!(DocumentKind, |pack: &Pack| pack.documents.kinds.to_vec(), row => row.title.zh.clone());
    compare!(Form, |pack: &Pack| pack.documents.forms.to_vec(), row => row.id.to_string());
    compare!(Question, |pack: &Pack| pack.question_bank.questions.to_vec(), row => row.id.to_string());
    compare!(Region, |pack: &Pack| pack.regions.clone(), row => row.name.zh.clone());
    all
}

/// A row by its identifier, with its title and what it says.
type Row<T> = (String, String, T);

fn rows<T>(
    pack: &Pack,
    rows: impl Fn(&Pack) -> Vec<T>,
    name: impl Fn(&T) -> (String, String),
) -> Vec<Row<T>> {
    let all = rows(pack).into_iter();
    all.map(|row| {
        let (id, title) = name(&row);
        (id, title, row)
    })
    .collect()
}

/// Checklists without their items, which are a table of their own.
fn heads(pack: &Pack) -> Vec<Head> {
    let all = pack.checklists.iter();
    all.map(|list| Head {
        id: list.id.to_string(),
        title: list.title.clone(),
        sections: list
            .sections
            .iter()
            .map(|section| section.id.to_string())
            .collect(),
    })
    .collect()
}

#[derive(PartialEq)]
struct Head {
    id: String,
    title: super::Label,
    sections: Vec<String>,
}

fn items(pack: &Pack) -> Vec<Row<(String, super::Item)>> {
    pack.places()
        .map(|place| {
            (
                place.item.id.to_string(),
                place.item.question.zh.clone(),
                (place.section.id.to_string(), place.item.clone()),
            )
        })
        .collect()
}

fn table<T: PartialEq>(all: &mut Vec<Change>, part: Part, old: &[Row<T>], new: &[Row<T>]) {
    let change = |kind, row: &Row<T>| Change {
        part,
        kind,
        id: row.0.clone(),
        title: row.1.clone(),
    };
    let is_in = |rows: &[Row<T>], id: &str| rows.iter().any(|row| row.0 == id);
    for row in new {
        match old.iter().find(|before| before.0 == row.0) {
            None => all.push(change(ChangeKind::Added, row)),
            Some(before) if before.2 != row.2 => all.push(change(ChangeKind::Changed, row)),
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|row| !is_in(new, &row.0));
    all.extend(gone.map(|row| change(ChangeKind::Removed, row)));
}

fn is_other_head(old: &Pack, new: &Pack) -> bool {
    old.title != new.title
        || old.source != new.source
        || (old.valid_from, old.valid_to) != (new.valid_from, new.valid_to)
        || old.notes != new.notes
        || old.settings != new.settings
        || old.statistics != new.statistics
        || old.formality != new.formality
        || old.class_archive != new.class_archive
}
