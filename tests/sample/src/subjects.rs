//! Two hundred invented subjects, every one recognisable as a sample.

use std::collections::BTreeMap;

use shicha_domain::codes::credit_code_complete;

use crate::{
    city::{AREAS, Area},
    dice::Dice,
};

/// A subject before it was added anywhere.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Place of its area in [`AREAS`].
    pub area: usize,
    /// Kind.
    pub kind: &'static str,
    /// Fields by name, as `subject_add` takes them.
    pub fields: BTreeMap<String, String>,
}

const FIRST: [&str; 20] = [
    "恒安",
    "宏远",
    "海川",
    "瑞丰",
    "金桥",
    "正泰和",
    "鼎新",
    "众诚",
    "华茂",
    "天润",
    "博厚",
    "百汇",
    "安澜",
    "启明",
    "远航",
    "长兴",
    "德邻",
    "盛和",
    "思齐",
    "锦程",
];
const TRADES: [(&str, &str, bool); 10] = [
    ("化工有限公司", "危险化学品", true),
    ("新材料有限公司", "危险化学品", true),
    ("气体有限公司", "危险化学品", true),
    ("金属制品有限公司", "金属冶炼", true),
    ("石英制品有限公司", "建材", false),
    ("建设工程有限公司", "建筑施工", true),
    ("食品有限公司", "轻工", false),
    ("机械制造有限公司", "机械", false),
    ("仓储物流有限公司", "仓储", false),
    ("纺织有限公司", "纺织", false),
];
const SURNAMES: [&str; 16] = [
    "张", "王", "李", "赵", "钱", "孙", "吴", "郑", "冯", "陈", "褚", "卫", "韩", "杨", "朱", "许",
];
const GIVEN: [&str; 16] = [
    "保国", "春来", "大川", "尔康", "福生", "国栋", "和平", "家兴", "开平", "立群", "明德", "念慈",
    "培元", "庆余", "瑞祥", "世安",
];
const STREETS: [&str; 12] = [
    "朝阳路",
    "振兴路",
    "花果山大道",
    "晶都大道",
    "海棠路",
    "苍梧路",
    "盐河路",
    "人民西路",
    "港城大道",
    "云桥路",
    "石化二道",
    "牛山北路",
];

/// All of them, area by area; the first of an area are its training and examination institutions.
pub fn subjects() -> Vec<Subject> {
    let mut all = Vec::new();
    for (at, area) in AREAS.iter().enumerate() {
        let mut dice = Dice::of(area.code);
        let institutions = (area.subjects / 8).max(1);
        for n in 0..area.subjects {
            let number = all.len();
            let subject = match n {
                n if n < institutions => training(area, n),
                n if n == institutions && at % 3 == 1 => examination(area),
                n => enterprise(area, &mut dice, n),
            };
            all.push(finish(at, number, subject, &mut dice));
        }
    }
    all
}

type Draft = (&'static str, String, &'static str, bool);

fn training(area: &Area, n: usize) -> Draft {
    // Seven and twenty have no divisor in common: the names of an area differ.
    let first = FIRST[(n * 7 + area.name.len()) % FIRST.len()];
    let name = format!("样本·{}{first}安全技术培训学校", area.short);
    ("training_institution", name, "安全培训", false)
}

fn examination(area: &Area) -> Draft {
    let name = format!("样本·{}安全生产考试点", area.short);
    ("exam_institution", name, "安全生产考试", false)
}

fn enterprise(area: &Area, dice: &mut Dice, n: usize) -> Draft {
    let trades = if area.short == "徐圩" {
        &TRADES[..4]
    } else {
        &TRADES[..]
    };
    // When the first names come round again they get other trades.
    let trade = 2 * dice.below(trades.len() / 2) + n / FIRST.len();
    let (ending, industry, is_high_risk) = trades[trade % trades.len()];
    let name = format!("样本·{}{}{ending}", area.short, FIRST[n % FIRST.len()]);
    ("enterprise", name, industry, is_high_risk)
}

fn finish(
    at: usize,
    number: usize,
    (kind, name, industry, is_high_risk): Draft,
    dice: &mut Dice,
) -> Subject {
    let area = &AREAS[at];
    let region = if area.code.starts_with("32") {
        area.code
    } else {
        "320706"
    };
    // Category 9, no registered prefix in the organisation's part: no real code looks like this.
    let body = format!("92{region}SAMPL{number:04}").replace('S', "5");
    let person = |dice: &mut Dice| format!("{}{}", dice.pick(&SURNAMES), dice.pick(&GIVEN));
    let mut fields = BTreeMap::new();
    let mut put = |field: &str, value: String| fields.insert(field.to_owned(), value);
    put("name", name);
    put("subject_kind", kind.to_owned());
    put(
        "credit_code",
        credit_code_complete(&body).unwrap_or_default(),
    );
    put("region", area.code.to_owned());
    put(
        "address",
        format!(
            "{}{}{}号（样本地址）",
            area.name,
            dice.pick(&STREETS),
            dice.between(1, 288)
        ),
    );
    put("legal_representative", person(dice));
    put("contact", person(dice));
    // Numbers of this kind are given to nobody.
    put("phone", format!("0518-0000{number:04}"));
    put("industry", industry.to_owned());
    if is_high_risk {
        put("high_risk", "true".to_owned());
    }
    Subject {
        area: at,
        kind,
        fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shicha_domain::codes::credit_code_check;
    use std::collections::BTreeSet;

    #[test]
    fn two_hundred_subjects_have_names_and_valid_codes_of_their_own() {
        let all = subjects();
        assert_eq!(all.len(), 200);
        let codes: BTreeSet<_> = all.iter().map(|one| &one.fields["credit_code"]).collect();
        assert_eq!(codes.len(), 200);
        for one in &all {
            assert_eq!(
                credit_code_check(&one.fields["credit_code"]),
                Ok(()),
                "{one:?}"
            );
            assert!(one.fields["name"].starts_with("样本·"), "{one:?}");
        }
        for kind in ["training_institution", "exam_institution", "enterprise"] {
            assert!(all.iter().any(|one| one.kind == kind), "{kind}");
        }
    }

    #[test]
    fn names_are_not_repeated_within_an_area() {
        let all = subjects();
        let names: BTreeSet<_> = all.iter().map(|one| &one.fields["name"]).collect();
        assert_eq!(names.len(), all.len());
    }
}
