//! Guesses which column of a roster holds which field, from the words that offices use.
//!
//! Invariant: a column serves at most one field and a field at most one column; a guess is only a
//! proposal, the person who imports decides.
//! Deliberately not here: the values below the headers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Column;

/// What a roster can say about a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// 单位名称.
    Name,
    /// 统一社会信用代码.
    CreditCode,
    /// 类型: training institution, examination institution, enterprise.
    Kind,
    /// 区县, by name or code.
    Region,
    /// 地址.
    Address,
    /// 法定代表人.
    LegalRepresentative,
    /// 联系电话.
    Phone,
    /// 所属行业.
    Industry,
    /// 联系人.
    Contact,
}

impl Field {
    /// All fields in the order in which forms show them.
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::CreditCode,
        Self::Kind,
        Self::Region,
        Self::Address,
        Self::LegalRepresentative,
        Self::Phone,
        Self::Industry,
        Self::Contact,
    ];

    /// Whole headers for this field.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Name => &[
                "单位名称",
                "企业名称",
                "机构名称",
                "被检查单位",
                "被检查单位名称",
                "检查对象",
                "检查对象名称",
                "培训机构",
                "培训机构名称",
                "考试机构",
                "考试机构名称",
                "公司名称",
                "单位全称",
                "企业全称",
                "机构全称",
                "名称",
                "单位",
                "企业",
                "机构",
                "公司",
                "name",
            ],
            Self::CreditCode => &[
                "统一社会信用代码",
                "社会信用代码",
                "统一信用代码",
                "信用代码",
                "统一社会信用代码证号",
                "统一代码",
                "机构代码",
                "营业执照号",
                "creditcode",
                "uscc",
            ],
            Self::Kind => &[
                "类型",
                "类别",
                "性质",
                "对象类型",
                "检查对象类型",
                "kind",
                "type",
            ],
            Self::Region => &[
                "区县",
                "县区",
                "县市区",
                "市县区",
                "所属区县",
                "所属县区",
                "所在区县",
                "所在县区",
                "属地",
                "所属地区",
                "所在地区",
                "地区",
                "辖区",
                "所属辖区",
                "所在地",
                "功能板块",
                "板块",
                "行政区划",
                "行政区划代码",
                "区划",
                "区划代码",
                "region",
            ],
            Self::Address => &["地址", "住所", "address"],
            Self::LegalRepresentative => &[
                "法定代表人",
                "法人代表",
                "法人",
                "法人姓名",
                "法定代表人姓名",
                "负责人",
                "主要负责人",
                "单位负责人",
                "负责人姓名",
                "主要负责人姓名",
                "法定代表人/姓名",
                "法人/姓名",
                "主要负责人/姓名",
                "负责人/姓名",
            ],
            Self::Phone => &[
                "联系电话",
                "电话",
                "单位电话",
                "手机",
                "手机号",
                "手机号码",
                "联系方式",
                "电话号码",
                "phone",
            ],
            Self::Industry => &[
                "行业",
                "所属行业",
                "行业类别",
                "行业领域",
                "行业分类",
                "监管行业",
                "industry",
            ],
            Self::Contact => &[
                "联系人",
                "联系人姓名",
                "联络人",
                "联络员",
                "安全联系人",
                "联系人/姓名",
                "联络人/姓名",
                "contact",
            ],
        }
    }

    /// Headers that end in one of these are for this field.
    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["单位名称", "企业名称", "机构名称", "公司名称"],
            Self::CreditCode => &["信用代码", "信用代码证"],
            Self::Kind => &[
                "单位类型",
                "企业类型",
                "机构类型",
                "单位类别",
                "机构类别",
                "对象类别",
            ],
            Self::Region => &["区县", "县区", "区划代码", "行政区划", "县市区"],
            Self::Address => &["地址", "地点", "住所"],
            Self::LegalRepresentative => &["法定代表人", "法人代表", "主要负责人"],
            Self::Phone => &[
                "联系电话",
                "电话",
                "单位电话",
                "手机",
                "手机号",
                "手机号码",
                "联系方式",
                "电话号码",
            ],
            Self::Industry => &["所属行业", "行业类别", "行业"],
            Self::Contact => &["联系人", "联络人", "联络员"],
        }
    }
}

/// Which column holds which field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<Field, usize>);

impl Mapping {
    /// The column of a field.
    #[must_use]
    pub fn column(&self, field: Field) -> Option<usize> {
        self.0.get(&field).copied()
    }

    /// Gives a field this column, taking it from any other field.
    pub fn assign(&mut self, field: Field, column: usize) {
        self.0.retain(|_, taken| *taken != column);
        self.0.insert(field, column);
    }

    /// Leaves a field without a column.
    pub fn clear(&mut self, field: Field) {
        self.0.remove(&field);
    }
}

/// Proposes a column for each field. Sure matches come first, then the leftmost.
#[must_use]
pub fn guess_mapping(columns: &[Column]) -> Mapping {
    let mut matches: Vec<(u32, usize, Field)> = columns
        .iter()
        .filter_map(|column| {
            let (field, score) = recognise(&column.header)?;
            Some((score, column.index, field))
        })
        .collect();
    matches.sort_by_key(|(score, index, _)| (std::cmp::Reverse(*score), *index));
    let mut mapping = Mapping::default();
    for (_, index, field) in matches {
        mapping.0.entry(field).or_insert(index);
    }
    mapping
}

/// The field that a header is for, and how sure that is.
pub(super) fn recognise(header: &str) -> Option<(Field, u32)> {
    const WHOLE: u32 = 1000;
    const ENDING: u32 = 500;
    if header.is_empty() || header.chars().count() > 40 {
        return None;
    }
    let (plain, without_brackets) = normalise(header);
    let mut best: Option<(Field, u32)> = None;
    for text in [plain.as_str(), without_brackets.as_str()] {
        // Of a header of two rows the lower part says what it is: 联系人/电话 is a telephone.
        let lower = text.rsplit('/').next().unwrap_or(text);
        for field in Field::ALL {
            let whole = |text: &str| {
                let place = field.words().iter().position(|word| *word == text)?;
                Some(WHOLE - u32::try_from(place).unwrap_or(WHOLE))
            };
            let ending = || {
                let endings = field.endings().iter().filter(|end| text.ends_with(**end));
                endings
                    .map(|end| ENDING + u32::try_from(end.len()).unwrap_or_default())
                    .max()
            };
            let score = whole(text)
                .or_else(|| whole(lower).map(|score| score - 100))
                .or_else(ending);
            if let Some(score) = score
                && best.is_none_or(|(_, other)| other < score)
            {
                best = Some((field, score));
            }
        }
    }
    best
}

/// The header without blanks and marks; once with what stands in brackets and once without.
fn normalise(header: &str) -> (String, String) {
    let (mut plain, mut without) = (String::new(), String::new());
    let mut depth = 0u32;
    for character in header.to_lowercase().chars() {
        match character {
            '(' | '（' | '[' | '【' => depth += 1,
            ')' | '）' | ']' | '】' => depth = depth.saturating_sub(1),
            '*' | '＊' | ':' | '：' | '_' | '、' => {}
            character if character.is_whitespace() => {}
            character => {
                plain.push(character);
                if depth == 0 {
                    without.push(character);
                }
            }
        }
    }
    (plain, without)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(headers: &[&str]) -> Vec<(Field, usize)> {
        let columns: Vec<Column> = headers
            .iter()
            .enumerate()
            .map(|(index, header)| Column {
                index,
                letters: String::new(),
                header: (*header).to_owned(),
            })
            .collect();
        guess_mapping(&columns).0.into_iter().collect()
    }

    #[test]
    fn the_headers_of_common_rosters_are_understood() {
        let headers = [
            "序号",
            "*单位名称（全称）",
            "统一社会信用代码（必填）",
            "县（区）",
            "单位类型",
            "详细地址",
            "法定代表人（负责人）",
            "联系人/姓名",
            "联系人/电话",
            "所属行业",
        ];
        let expected = [
            (Field::Name, 1),
            (Field::CreditCode, 2),
            (Field::Kind, 4),
            (Field::Region, 3),
            (Field::Address, 5),
            (Field::LegalRepresentative, 6),
            (Field::Phone, 8),
            (Field::Industry, 9),
            (Field::Contact, 7),
        ];
        assert_eq!(guess(&headers), expected);
    }

    #[test]
    fn the_telephone_of_somebody_is_no_name() {
        assert_eq!(guess(&["法定代表人电话", "联系电话"]), [(Field::Phone, 1)]);
        assert_eq!(guess(&["法定代表人电话"]), [(Field::Phone, 0)]);
    }

    #[test]
    fn headers_of_other_things_stay_without_a_field() {
        assert!(guess(&["序号", "备注", "证书名称", "2022年", "", "项目编号"]).is_empty());
    }

    #[test]
    fn a_column_serves_one_field_only() {
        let mut mapping = Mapping::default();
        mapping.assign(Field::Name, 3);
        mapping.assign(Field::Contact, 3);
        assert_eq!(
            (mapping.column(Field::Name), mapping.column(Field::Contact)),
            (None, Some(3))
        );
        mapping.clear(Field::Contact);
        assert_eq!(mapping, Mapping::default());
    }
}
