//! What must hold between values of a pack: dates against the campaign and the law, and nothing that depends on itself.

use std::collections::HashMap;

use super::cursor::{At, Report};
use super::graph::{Thing, find_circles};
use super::{Date, FORMAT, FaultCode};

/// Tells whether the file is in the format that this program reads. Another format is the only fault then: what else differs
/// would be differences of the format.
pub(super) fn is_other_format(root: &At<'_>, report: &mut Report<'_>) -> bool {
    let Some(at) = root.field("format") else {
        return false;
    };
    match at.whole() {
        Some(format) if format != FORMAT => {
            report.add(
                &at,
                FaultCode::UnsupportedFormat,
                format!("本程序只能读取格式 {FORMAT} 的模板包，此文件是格式 {format}；请升级程序"),
                format!("this program reads packs of format {FORMAT}, this one has format {format}; a newer version is needed"),
            );
            true
        }
        _ => false,
    }
}

/// Checks everything that involves more than one value.
pub(super) fn check(root: &At<'_>, report: &mut Report<'_>) {
    campaign(root, report);
    validity(root, report);
    conditions(root, report);
    document_words(root, report);
    right_options(root, report);
    circles(root, report);
}

/// Phases and obligations lie within the campaign; phases do not overlap.
fn campaign(root: &At<'_>, report: &mut Report<'_>) {
    let (first, last) = (root.date_of("valid_from"), root.date_of("valid_to"));
    let (Some(first), Some(last)) = (first, last) else {
        return;
    };
    let mut within = |at: &At<'_>, names: [&str; 2]| {
        for name in names {
            if let (Some(date), Some(field)) = (at.date_of(name), at.field(name))
                && !(first..=last).contains(&date)
            {
                report.add(
                    &field,
                    FaultCode::OutsideCampaign,
                    format!("{date} 不在专项行动期间（{first} 至 {last}）"),
                    format!("{date} is not within the campaign ({first} to {last})"),
                );
            }
        }
    };
    for obligation in root.list("obligations") {
        within(&obligation, ["starts", "due"]);
    }
    for phase in root.list("phases") {
        within(&phase, ["from", "to"]);
    }
    let mut earlier: Vec<(Date, Date, String)> = Vec::new();
    for phase in root.list("phases") {
        let (Some(from), Some(to)) = (phase.date_of("from"), phase.date_of("to")) else {
            continue;
        };
        if let Some((_, _, other)) = earlier.iter().find(|(f, t, _)| from <= *t && *f <= to) {
            report.add(
                &phase,
                FaultCode::OverlappingPhases,
                format!("与阶段“{other}”日期重叠，同一天只能属于一个阶段"),
                format!("overlaps the phase \"{other}\"; a day belongs to one phase only"),
            );
        }
        let id = phase.text_of("id").unwrap_or_default().to_owned();
        earlier.push((from, to, id));
    }
}

/// A basis or penalty is valid only while its law is.
fn validity(root: &At<'_>, report: &mut Report<'_>) {
    let laws: HashMap<&str, (Option<Date>, Option<Date>)> = root
        .list("laws")
        .filter_map(|law| {
            let span = (law.date_of("valid_from"), law.date_of("valid_to"));
            Some((law.text_of("id")?, span))
        })
        .collect();
    let mut within = |at: &At<'_>| {
        let Some((law, (first, last))) = at.text_of("law").and_then(|id| laws.get_key_value(id))
        else {
            return;
        };
        for name in ["valid_from", "valid_to"] {
            if let (Some(date), Some(field)) = (at.date_of(name), at.field(name))
                && (first.is_some_and(|first| date < first) || last.is_some_and(|last| date > last))
            {
                let unknown = "?".to_owned();
                let from = first.map_or_else(|| unknown.clone(), |date| date.to_string());
                let to = last.map_or_else(|| unknown.clone(), |date| date.to_string());
                report.add(
                    &field,
                    FaultCode::OutsideLaw,
                    format!("{date} 不在“{law}”的有效期内（{from} 至 {to}）"),
                    format!("{date} is outside the validity of \"{law}\" ({from} to {to})"),
                );
            }
        }
    };
    for item in items(root) {
        for basis in item.list("bases") {
            within(&basis);
        }
    }
    for penalty in root.list("penalties") {
        within(&penalty);
    }
}

fn items<'t>(root: &At<'t>) -> impl Iterator<Item = At<'t>> + use<'t> {
    root.list("checklists")
        .flat_map(|checklist| checklist.list("sections"))
        .flat_map(|section| section.list("items"))
}

/// A condition names an item of its own checklist: an inspection has no other.
fn conditions(root: &At<'_>, report: &mut Report<'_>) {
    let all: Vec<&str> = items(root).filter_map(|item| item.text_of("id")).collect();
    for checklist in root.list("checklists") {
        let sections: Vec<_> = checklist.list("sections").collect();
        let own: Vec<_> = sections
            .iter()
            .flat_map(|section| section.list("items"))
            .collect();
        let ids: Vec<&str> = own.iter().filter_map(|item| item.text_of("id")).collect();
        for condition in sections
            .iter()
            .chain(&own)
            .flat_map(|at| at.list("depends_on"))
        {
            if let Some(named) = condition.field("item")
                && let Some(id) = named.text()
                && all.contains(&id)
                && !ids.contains(&id)
            {
                report.add(
                    &named,
                    FaultCode::MissingReference,
                    format!("检查项“{id}”不在同一张检查表中，不能作为条件"),
                    format!("the item \"{id}\" is in another checklist and cannot be a condition"),
                );
            }
        }
    }
}

/// A kind of document that is numbered by its word has one.
fn document_words(root: &At<'_>, report: &mut Report<'_>) {
    let kinds = root
        .field("documents")
        .into_iter()
        .flat_map(|documents| documents.list("kinds"));
    for kind in kinds {
        if kind.text_of("numbered") == Some("word") && kind.field("word").is_none() {
            report.add(
                &kind,
                FaultCode::MissingField,
                "缺少字段“word”：numbered 为 word 的文书要有类别字".to_owned(),
                "the field \"word\" is missing: a document numbered by \"word\" needs one"
                    .to_owned(),
            );
        }
    }
}

/// The right options of a question exist.
fn right_options(root: &At<'_>, report: &mut Report<'_>) {
    let bank = root.field("question_bank");
    for question in bank.into_iter().flat_map(|bank| bank.list("questions")) {
        let count = question.list("options").count();
        for right in question.list("right") {
            if let Some(number) = right.whole()
                && !(1..=count).contains(&(number as usize))
            {
                report.add(
                    &right,
                    FaultCode::BadAnswer,
                    format!("正确选项 {number} 不存在，只有 {count} 个选项"),
                    format!("there is no option {number}, only {count} options"),
                );
            }
        }
    }
}

fn circles(root: &At<'_>, report: &mut Report<'_>) {
    let documents = root.field("documents");
    let kinds = documents.iter().flat_map(|at| at.list("kinds"));
    let statistics = root.field("statistics");
    let groups = statistics.iter().flat_map(|at| at.list("groups"));
    let columns = groups.flat_map(|at| at.list("columns"));
    let graphs: [Vec<Thing<'_>>; 5] = [
        root.list("laws")
            .filter_map(|at| Thing::of_field(&at, "replaced_by"))
            .collect(),
        root.list("regions")
            .filter_map(|at| Thing::of_field(&at, "parent"))
            .collect(),
        kinds
            .filter_map(|at| Thing::of_list(&at, "follows"))
            .collect(),
        columns
            .filter_map(|at| Thing::of_field(&at, "part_of"))
            .collect(),
        items_and_sections(root),
    ];
    for graph in &graphs {
        find_circles(graph, report);
    }
}

/// An item needs what its conditions name, and its section if that has conditions.
fn items_and_sections<'t>(root: &At<'t>) -> Vec<Thing<'t>> {
    let mut things = Vec::new();
    for section in root
        .list("checklists")
        .flat_map(|checklist| checklist.list("sections"))
    {
        let Some(mut whole) = Thing::of_conditions(&section) else {
            continue;
        };
        // Sections and items have names of their own; a section of the same name as an item must not be taken for it.
        whole.name.insert(0, '§');
        for item in section.list("items") {
            if let Some(mut thing) = Thing::of_conditions(&item) {
                if !whole.needs.is_empty() {
                    thing.needs.push((whole.name.clone(), item.clone()));
                }
                things.push(thing);
            }
        }
        things.push(whole);
    }
    things
}
