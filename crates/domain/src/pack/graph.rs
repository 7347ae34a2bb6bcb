//! Finds things that depend on each other in a circle.

use std::collections::HashMap;

use super::FaultCode;
use super::cursor::{At, Report};

/// Something with a name, and the names of what it depends on with the places where it says so.
pub(super) struct Thing<'t> {
    pub(super) name: String,
    pub(super) needs: Vec<(String, At<'t>)>,
}

impl<'t> Thing<'t> {
    /// A row that names at most one other in a field.
    pub(super) fn of_field(at: &At<'t>, field: &str) -> Option<Self> {
        Self::of(at, at.field(field).into_iter())
    }

    /// A row that names others in a list.
    pub(super) fn of_list(at: &At<'t>, field: &str) -> Option<Self> {
        Self::of(at, at.list(field))
    }

    /// An item or section that names others in its conditions.
    pub(super) fn of_conditions(at: &At<'t>) -> Option<Self> {
        let items = at
            .list("depends_on")
            .filter_map(|condition| condition.field("item"));
        Self::of(at, items)
    }

    fn of(at: &At<'t>, needs: impl Iterator<Item = At<'t>>) -> Option<Self> {
        let needs = needs.filter_map(|need| Some((need.text()?.to_owned(), need)));
        Some(Self {
            name: at.text_of("id")?.to_owned(),
            needs: needs.collect(),
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// Lists one fault for each dependency that closes a circle. Walks with a stack of its own, so that a long chain cannot
/// exhaust the program's.
pub(super) fn find_circles(things: &[Thing<'_>], report: &mut Report<'_>) {
    let numbers: HashMap<&str, usize> = things
        .iter()
        .enumerate()
        .map(|(number, thing)| (thing.name.as_str(), number))
        .collect();
    let mut marks = vec![Mark::New; things.len()];
    for first in 0..things.len() {
        if marks[first] != Mark::New {
            continue;
        }
        marks[first] = Mark::Open;
        let mut open = vec![(first, 0)];
        while let Some((thing, next)) = open.last_mut() {
            let Some((need, at)) = things[*thing].needs.get(*next) else {
                marks[*thing] = Mark::Done;
                open.pop();
                continue;
            };
            *next += 1;
            let Some(number) = numbers.get(need.as_str()).copied() else {
                continue;
            };
            match marks[number] {
                Mark::New => {
                    marks[number] = Mark::Open;
                    open.push((number, 0));
                }
                Mark::Open => {
                    let circle = open
                        .iter()
                        .map(|(thing, _)| *thing)
                        .skip_while(|thing| *thing != number)
                        .chain([number])
                        .map(|thing| things[thing].name.as_str())
                        .collect::<Vec<_>>()
                        .join(" → ");
                    report.add(
                        at,
                        FaultCode::Cycle,
                        format!("循环依赖：{circle}"),
                        format!("these depend on each other in a circle: {circle}"),
                    );
                }
                Mark::Done => {}
            }
        }
    }
}
