//! Reads JSON into a tree that knows where in the file each value stands.
//!
//! Exists because a fault must name its line, and a plain JSON value no longer knows it. Bounded in bytes, depth and number of
//! values, so that no file can exhaust memory or the stack. Accepts exactly what RFC 8259 does; what the values mean is not its
//! business.

use super::fault::{Fault, FaultCode};

/// The most bytes of a pack.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The most levels of lists and objects.
pub const MAX_DEPTH: usize = 32;
/// The most values of a pack, counting each list, object, text and number.
pub const MAX_VALUES: usize = 200_000;

/// A value and the byte at which it starts.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Flag(bool),
    /// Kept as written, so that no precision is lost before it is known what the number is for.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A field of an object, with the byte at which its name starts.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) start: usize,
    pub(super) node: Node,
}

/// Turns byte offsets into lines and columns.
pub(super) struct Lines<'b> {
    bytes: &'b [u8],
    starts: Vec<usize>,
}

impl<'b> Lines<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        let after_breaks = bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            bytes,
            starts: std::iter::once(0).chain(after_breaks).collect(),
        }
    }

    /// Line and column, both from 1; the column counts characters, as editors do.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.bytes.get(start..at).unwrap_or_default();
        // Continuation bytes of UTF-8 do not begin a character.
        let characters = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        (line, characters + 1)
    }
}

struct Slip {
    at: usize,
    code: FaultCode,
    zh: &'static str,
    en: &'static str,
}

type Scanned<T> = Result<T, Slip>;

/// Reads a whole file.
pub(super) fn scan(bytes: &[u8]) -> Result<Node, Fault> {
    let lines = Lines::new(bytes);
    scan_whole(bytes).map_err(|slip| {
        let (line, column) = lines.place(slip.at);
        Fault {
            line,
            column,
            path: "$".to_owned(),
            reason_zh: slip.zh.to_owned(),
            reason_en: slip.en.to_owned(),
            code: slip.code,
        }
    })
}

fn scan_whole(bytes: &[u8]) -> Scanned<Node> {
    if bytes.len() > MAX_BYTES {
        let (zh, en) = (
            "文件超过 8 MiB，不是模板包",
            "the file is longer than 8 MiB",
        );
        return Err(Slip {
            at: 0,
            code: FaultCode::TooLarge,
            zh,
            en,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Slip {
        at: error.valid_up_to(),
        code: FaultCode::NotUtf8,
        zh: "不是 UTF-8 编码，请另存为 UTF-8（可能是 GBK/ANSI）",
        en: "not UTF-8 (perhaps GBK); save the file as UTF-8",
    })?;
    if text.starts_with('\u{feff}') {
        return Err(syntax(
            0,
            "文件开头带有 BOM，请另存为“UTF-8（无 BOM）”",
            "the file begins with a byte order mark; save it as UTF-8 without one",
        ));
    }
    let mut scanner = Scanner {
        text,
        at: 0,
        values: 0,
    };
    let node = scanner.value(0)?;
    scanner.skip_space();
    if scanner.at < text.len() {
        return Err(syntax(
            scanner.at,
            "模板包已经结束，后面还有多余的内容",
            "something follows after the end of the pack",
        ));
    }
    Ok(node)
}

fn syntax(at: usize, zh: &'static str, en: &'static str) -> Slip {
    Slip {
        at,
        code: FaultCode::Syntax,
        zh,
        en,
    }
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    values: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn ended(&self) -> Slip {
        syntax(
            self.at,
            "文件不完整，到此突然结束",
            "the file ends in the middle of a value",
        )
    }

    fn value(&mut self, depth: usize) -> Scanned<Node> {
        self.skip_space();
        let start = self.at;
        self.values += 1;
        if self.values > MAX_VALUES {
            let (zh, en) = ("内容过多（超过 200000 个值）", "more than 200,000 values");
            return Err(Slip {
                at: start,
                code: FaultCode::TooLarge,
                zh,
                en,
            });
        }
        if depth > MAX_DEPTH {
            let (zh, en) = ("嵌套过深（超过 32 层）", "nested deeper than 32 levels");
            return Err(Slip {
                at: start,
                code: FaultCode::TooDeep,
                zh,
                en,
            });
        }
        let value = match self.peek() {
            None => return Err(self.ended()),
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't' | b'f' | b'n') => self.word()?,
            Some(_) => {
                return Err(syntax(
                    start,
                    "这里应为一个值（文字要加英文双引号）",
                    "a value is expected here (texts stand in double quotes)",
                ));
            }
        };
        Ok(Node { start, value })
    }

    fn object(&mut self, depth: usize) -> Scanned<Value> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            let start = self.at;
            match self.peek() {
                Some(b'"') => {}
                None => return Err(self.ended()),
                Some(b'}') => return Err(trailing_comma(start)),
                Some(_) => {
                    return Err(syntax(
                        start,
                        "这里应为加英文双引号的字段名",
                        "a field name in double quotes is expected here",
                    ));
                }
            }
            let name = self.string()?;
            self.skip_space();
            if !self.take(b':') {
                let slip = syntax(
                    self.at,
                    "字段名后缺少英文冒号",
                    "a colon is missing after the field name",
                );
                return Err(if self.peek().is_none() {
                    self.ended()
                } else {
                    slip
                });
            }
            let node = self.value(depth + 1)?;
            members.push(Member { name, start, node });
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            self.comma(
                "缺少英文逗号或右花括号",
                "a comma or a closing brace is missing",
            )?;
        }
    }

    fn list(&mut self, depth: usize) -> Scanned<Value> {
        self.at += 1;
        let mut nodes = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::List(nodes));
        }
        loop {
            self.skip_space();
            if self.peek() == Some(b']') {
                return Err(trailing_comma(self.at));
            }
            nodes.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::List(nodes));
            }
            self.comma(
                "缺少英文逗号或右方括号",
                "a comma or a closing bracket is missing",
            )?;
        }
    }

    fn comma(&mut self, zh: &'static str, en: &'static str) -> Scanned<()> {
        if self.take(b',') {
            return Ok(());
        }
        Err(if self.peek().is_none() {
            self.ended()
        } else {
            syntax(self.at, zh, en)
        })
    }

    /// Finds the end of the string and leaves escapes to `serde_json`, which must agree with this reader in the end.
    fn string(&mut self) -> Scanned<String> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => {
                    return Err(syntax(
                        start,
                        "这段文字缺少结尾的英文双引号",
                        "this text has no closing quote",
                    ));
                }
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(b'\n' | b'\r') => {
                    return Err(syntax(
                        start,
                        "文字跨行：缺少结尾的英文双引号，换行请写作 \\n",
                        "this text runs over the end of the line; a quote is missing, or write \\n",
                    ));
                }
                Some(0..0x20) => {
                    return Err(syntax(
                        self.at,
                        "文字中有控制字符",
                        "a control character stands in the text",
                    ));
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        self.text
            .get(start..self.at)
            .and_then(|quoted| serde_json::from_str(quoted).ok())
            .ok_or_else(|| {
                syntax(
                    start,
                    "文字中有错误的转义（反斜杠须写作 \\\\）",
                    "a wrong escape stands in this text (write a backslash as \\\\)",
                )
            })
    }

    fn number(&mut self) -> Scanned<Value> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
        ) {
            self.at += 1;
        }
        let written = self.text.get(start..self.at).unwrap_or_default();
        if serde_json::from_str::<serde_json::Number>(written).is_err() {
            return Err(syntax(start, "数字写法有误", "this is not a number"));
        }
        Ok(Value::Number(written.to_owned()))
    }

    fn word(&mut self) -> Scanned<Value> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let words = [
            ("true", Value::Flag(true)),
            ("false", Value::Flag(false)),
            ("null", Value::Null),
        ];
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(syntax(
            self.at,
            "这里应为一个值（文字要加英文双引号）",
            "a value is expected here (texts stand in double quotes)",
        ))
    }
}

fn trailing_comma(at: usize) -> Slip {
    syntax(
        at,
        "最后一项后面多了一个逗号",
        "a comma stands after the last entry",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn value_of(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Flag(flag) => (*flag).into(),
            Value::Number(written) => serde_json::from_str(written).unwrap(),
            Value::Text(text) => text.clone().into(),
            Value::List(nodes) => nodes.iter().map(value_of).collect(),
            Value::Object(members) => members
                .iter()
                .map(|member| (member.name.clone(), value_of(&member.node)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    fn fault(text: &str) -> (usize, usize, FaultCode) {
        let fault = scan(text.as_bytes()).unwrap_err();
        (fault.line, fault.column, fault.code)
    }

    #[test]
    fn a_slip_of_the_pen_is_shown_where_it_stands() {
        use FaultCode::Syntax;
        assert_eq!(fault("{\n  \"a\": 1\n  \"b\": 2\n}"), (3, 3, Syntax));
        assert_eq!(fault("{\n  \"检查\": “甲”\n}"), (2, 9, Syntax));
        assert_eq!(fault("{\"a\": [1, 2,]}"), (1, 13, Syntax));
        assert_eq!(fault("{\"a\": 1,\n}"), (2, 1, Syntax));
        assert_eq!(fault("{\"a\": \"x\n\"}"), (1, 7, Syntax));
        assert_eq!(fault("{\"a\": \"\\q\"}"), (1, 7, Syntax));
        assert_eq!(fault("{\"a\": 01}"), (1, 7, Syntax));
        assert_eq!(fault("{\"a\": 1"), (1, 8, Syntax));
        assert_eq!(fault("{\"a\" 1}"), (1, 6, Syntax));
        assert_eq!(fault("{} {}"), (1, 4, Syntax));
        assert_eq!(fault("\u{feff}{}"), (1, 1, Syntax));
        assert_eq!(fault(""), (1, 1, Syntax));
    }

    #[test]
    fn a_file_saved_as_gbk_is_told_from_a_broken_one() {
        let fault = scan(b"{\n\"a\": \"\xbc\xec\xb2\xe9\"}").unwrap_err();
        assert_eq!((fault.line, fault.code), (2, FaultCode::NotUtf8));
    }

    #[test]
    fn no_file_exhausts_memory_or_the_stack() {
        assert_eq!(fault(&"[".repeat(1_000_000)).2, FaultCode::TooDeep);
        assert_eq!(
            fault(&format!("[{}0]", "0,".repeat(MAX_VALUES))).2,
            FaultCode::TooLarge
        );
        assert_eq!(fault(&" ".repeat(MAX_BYTES + 1)).2, FaultCode::TooLarge);
    }

    proptest! {
        #[test]
        fn what_it_reads_is_what_a_json_reader_reads(text in "[\\[\\]{}\",:\\\\ \\n0-9a-eE.+tru\\-fnl检查]{0,24}") {
            let other = serde_json::from_str::<serde_json::Value>(&text);
            match scan(text.as_bytes()) {
                Ok(node) => prop_assert_eq!(value_of(&node), other.unwrap()),
                Err(fault) => prop_assert!(other.is_err(), "{text:?} is JSON, but: {fault}"),
            }
        }

        #[test]
        fn no_bytes_make_it_fail_otherwise_than_with_a_place_in_the_file(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(fault) = scan(&bytes) {
                prop_assert!(fault.line >= 1 && fault.column >= 1);
            }
        }
    }
}
