//! A place in the tree of a file, and the list of faults found so far.

use super::Date;
use super::fault::{Fault, FaultCode};
use super::scan::{Lines, Node, Value};

/// The most faults that are listed; a file with more is no pack at all.
const MAX_FAULTS: usize = 500;

/// A value and the path that leads to it.
#[derive(Clone)]
pub(super) struct At<'t> {
    pub(super) node: &'t Node,
    pub(super) path: String,
}

impl<'t> At<'t> {
    pub(super) fn root(node: &'t Node) -> Self {
        Self {
            node,
            path: String::new(),
        }
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<Self> {
        let Value::Object(members) = &self.node.value else {
            return None;
        };
        let member = members.iter().find(|member| member.name == name)?;
        Some(Self {
            node: &member.node,
            path: self.path_of(name),
        })
    }

    /// The entries of a list; none when the value is no list, which is reported elsewhere.
    pub(super) fn entries(&self) -> impl Iterator<Item = Self> + use<'t> {
        let nodes: &'t [Node] = match &self.node.value {
            Value::List(nodes) => nodes,
            _ => &[],
        };
        let path = self.path.clone();
        nodes.iter().enumerate().map(move |(index, node)| Self {
            node,
            path: format!("{path}[{index}]"),
        })
    }

    /// The entries of the list in a field; none when there is no such list.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = Self> + use<'t> {
        self.field(name)
            .into_iter()
            .flat_map(|field| field.entries())
    }

    pub(super) fn text(&self) -> Option<&'t str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn text_of(&self, name: &str) -> Option<&'t str> {
        self.field(name).and_then(|field| field.text())
    }

    pub(super) fn date_of(&self, name: &str) -> Option<Date> {
        self.text_of(name)?.parse().ok()
    }

    pub(super) fn whole(&self) -> Option<u32> {
        match &self.node.value {
            Value::Number(written) => written.parse().ok(),
            _ => None,
        }
    }
}

/// The faults found so far.
pub(super) struct Report<'b> {
    lines: Lines<'b>,
    faults: Vec<Fault>,
}

impl<'b> Report<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self {
            lines: Lines::new(bytes),
            faults: Vec::new(),
        }
    }

    /// Lists a fault of the value at `at`.
    pub(super) fn add(&mut self, at: &At<'_>, code: FaultCode, zh: String, en: String) {
        self.add_at(at.node.start, at.path.clone(), code, zh, en);
    }

    /// Lists a fault at a byte of the file.
    pub(super) fn add_at(
        &mut self,
        start: usize,
        path: String,
        code: FaultCode,
        zh: String,
        en: String,
    ) {
        if self.faults.len() == MAX_FAULTS {
            return;
        }
        let (line, column) = self.lines.place(start);
        self.faults.push(Fault {
            line,
            column,
            path: if path.is_empty() {
                "$".to_owned()
            } else {
                path
            },
            reason_zh: zh,
            reason_en: en,
            code,
        });
    }

    pub(super) fn line_of(&self, start: usize) -> usize {
        self.lines.place(start).0
    }

    /// The faults in the order of the file.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        self.faults
            .sort_by_key(|fault| (fault.line, fault.column, fault.path.clone()));
        self.faults
    }
}
