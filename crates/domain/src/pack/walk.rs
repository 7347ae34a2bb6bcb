//! Compares a file with the shape of the format, value by value.
//!
//! Finds what is unknown, missing, of the wrong type or form, given twice, or refers to a row that does not exist. Goes on
//! after each fault: a wrong value hides no other.

use std::collections::HashMap;

use super::FaultCode;
use super::cursor::{At, Report};
use super::ids::{Table, id_fault};
use super::scan::{Member, Value};
use super::shape::{Field, FormFault, Record, Shape};

/// The most characters of a text.
pub(super) const MAX_TEXT: usize = 4_000;

/// Pairs of fields of which the second must not lie before the first.
const SPANS: [(&str, &str); 4] = [
    ("valid_from", "valid_to"),
    ("from", "to"),
    ("covers_from", "covers_to"),
    ("starts", "due"),
];

/// Checks a whole file.
pub(super) fn walk(shape: &Shape, root: &At<'_>, report: &mut Report<'_>) {
    let mut walk = Walk {
        report,
        rows: HashMap::new(),
        references: Vec::new(),
    };
    walk.value(shape, root);
    walk.resolve();
}

struct Reference<'t> {
    table: Table,
    id: &'t str,
    at: At<'t>,
}

struct Walk<'r, 'b, 't> {
    report: &'r mut Report<'b>,
    /// Where each row of each table is defined.
    rows: HashMap<(Table, &'t str), usize>,
    references: Vec<Reference<'t>>,
}

impl<'t> Walk<'_, '_, 't> {
    fn value(&mut self, shape: &Shape, at: &At<'t>) {
        match (shape, &at.node.value) {
            (Shape::Text, Value::Text(text)) => self.text(text, at),
            (Shape::Flag, Value::Flag(_)) => {}
            (Shape::Whole, Value::Number(_)) if at.whole().is_some() => {}
            (Shape::Number, Value::Number(written)) => {
                if !written.parse::<f64>().is_ok_and(f64::is_finite) {
                    self.wrong_type(shape, at);
                }
            }
            (Shape::Form(form), Value::Text(text)) => self.form((form.fault)(text), at),
            (Shape::Row(table), Value::Text(text)) => {
                let fault = id_fault(text);
                if fault.is_none() {
                    self.references.push(Reference {
                        table: *table,
                        id: text,
                        at: at.clone(),
                    });
                }
                self.form(fault, at);
            }
            (Shape::Choice(words), Value::Text(text)) => {
                if !words.contains(&text.as_str()) {
                    let listed = words.join(" ");
                    self.report.add(
                        at,
                        FaultCode::BadChoice,
                        format!("“{text}”不在可选值之内，只能是：{listed}"),
                        format!("\"{text}\" is not among the possible values: {listed}"),
                    );
                }
            }
            (Shape::List { of, at_least_one }, Value::List(nodes)) => {
                if *at_least_one && nodes.is_empty() {
                    self.report.add(
                        at,
                        FaultCode::EmptyList,
                        "这里至少要有一项".to_owned(),
                        "at least one entry is needed here".to_owned(),
                    );
                }
                self.list(of, at);
            }
            (Shape::Record(record), Value::Object(members)) => self.record(record, members, at),
            _ => self.wrong_type(shape, at),
        }
    }

    fn text(&mut self, text: &str, at: &At<'t>) {
        if text.trim().is_empty() {
            self.report.add(
                at,
                FaultCode::EmptyText,
                "文字为空；没有内容时请删去这个字段".to_owned(),
                "the text is empty; leave the field out if there is nothing to say".to_owned(),
            );
        } else if text.chars().count() > MAX_TEXT {
            self.report.add(
                at,
                FaultCode::LongText,
                format!("文字超过 {MAX_TEXT} 个字符"),
                format!("the text has more than {MAX_TEXT} characters"),
            );
        }
    }

    fn form(&mut self, fault: Option<FormFault>, at: &At<'t>) {
        if let Some(fault) = fault {
            self.report.add(at, fault.code, fault.zh, fault.en);
        }
    }

    fn list(&mut self, of: &Shape, at: &At<'t>) {
        let mut seen = HashMap::new();
        for entry in at.entries() {
            self.value(of, &entry);
            // Rows of tables are compared across the whole pack instead.
            let id = match of {
                Shape::Record(record) if record.table.is_none() => entry.field("id"),
                _ => None,
            };
            if let Some(id) = id
                && let Some(text) = id.text()
                && let Some(first) = seen.insert(text, id.node.start)
            {
                self.duplicate(text, first, &id);
            }
        }
    }

    fn record(&mut self, record: &Record, members: &'t [Member], at: &At<'t>) {
        for (index, member) in members.iter().enumerate() {
            let Some(field) = record.fields.iter().find(|field| field.name == member.name) else {
                let name: String = member.name.chars().take(40).collect();
                self.report.add_at(
                    member.start,
                    at.path_of(&name),
                    FaultCode::UnknownField,
                    format!("没有“{name}”这个字段"),
                    format!("there is no field \"{name}\" here"),
                );
                continue;
            };
            if members[..index]
                .iter()
                .any(|other| other.name == member.name)
            {
                self.report.add_at(
                    member.start,
                    at.path_of(field.name),
                    FaultCode::RepeatedField,
                    format!("字段“{}”写了两次", field.name),
                    format!("the field \"{}\" is given twice", field.name),
                );
                continue;
            }
            let value = At {
                node: &member.node,
                path: at.path_of(field.name),
            };
            match record.table {
                Some(table) if field.name == "id" => self.row(table, field, &value),
                _ => self.value(field.shape, &value),
            }
        }
        for field in record.fields {
            if field.is_required && members.iter().all(|member| member.name != field.name) {
                self.report.add(
                    at,
                    FaultCode::MissingField,
                    format!("缺少字段“{}”", field.name),
                    format!("the field \"{}\" is missing", field.name),
                );
            }
        }
        for (from, to) in SPANS {
            self.span(at, from, to);
        }
    }

    fn row(&mut self, table: Table, field: &Field, at: &At<'t>) {
        let Some(id) = at.text() else {
            return self.wrong_type(field.shape, at);
        };
        if let Some(fault) = id_fault(id) {
            return self.form(Some(fault), at);
        }
        if let Some(first) = self.rows.get(&(table, id)).copied() {
            return self.duplicate(id, first, at);
        }
        self.rows.insert((table, id), at.node.start);
    }

    fn duplicate(&mut self, id: &str, first: usize, at: &At<'t>) {
        let line = self.report.line_of(first);
        self.report.add(
            at,
            FaultCode::DuplicateId,
            format!("编号“{id}”重复，第 {line} 行已经用过"),
            format!("the identifier \"{id}\" is used already in line {line}"),
        );
    }

    fn span(&mut self, at: &At<'t>, from: &str, to: &str) {
        let (Some(first), Some(last)) = (at.date_of(from), at.date_of(to)) else {
            return;
        };
        if let Some(end) = at.field(to)
            && last < first
        {
            self.report.add(
                &end,
                FaultCode::EndBeforeStart,
                format!("结束日期 {last} 早于开始日期 {first}"),
                format!("the end {last} lies before the start {first}"),
            );
        }
    }

    fn wrong_type(&mut self, shape: &Shape, at: &At<'t>) {
        let (wanted_zh, wanted_en) = match shape {
            Shape::Text | Shape::Form(_) | Shape::Row(_) | Shape::Choice(_) => ("文字", "a text"),
            Shape::Flag => ("true 或 false", "true or false"),
            Shape::Whole => ("不小于 0 的整数", "a whole number from 0 on"),
            Shape::Number => ("数字", "a number"),
            Shape::List { .. } => ("列表 […]", "a list […]"),
            Shape::Record(_) => ("对象 {…}", "an object {…}"),
        };
        let is_other_number = matches!(shape, Shape::Whole | Shape::Number);
        let (zh, en) = match &at.node.value {
            Value::Null => (
                "null（没有值时请删去这个字段）",
                "null (leave the field out instead)",
            ),
            Value::Flag(true) => ("true", "true"),
            Value::Flag(false) => ("false", "false"),
            Value::Number(_) if is_other_number => ("另一种数字", "another kind of number"),
            Value::Number(_) => ("数字", "a number"),
            Value::Text(_) => ("文字", "a text"),
            Value::List(_) => ("列表", "a list"),
            Value::Object(_) => ("对象", "an object"),
        };
        self.report.add(
            at,
            FaultCode::WrongType,
            format!("这里应为{wanted_zh}，实际是{zh}"),
            format!("{wanted_en} is expected here, not {en}"),
        );
    }

    fn resolve(&mut self) {
        for reference in std::mem::take(&mut self.references) {
            if self.rows.contains_key(&(reference.table, reference.id)) {
                continue;
            }
            let (place, zh, en) = reference.table.words();
            let id = reference.id;
            self.report.add(
                &reference.at,
                FaultCode::MissingReference,
                format!("引用的{zh}“{id}”不存在：{place} 中没有这一条"),
                format!("the {en} \"{id}\" does not exist: {place} has no such row"),
            );
        }
    }
}
