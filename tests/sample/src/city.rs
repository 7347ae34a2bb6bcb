//! The city, its ten areas, and who works there. Regions are real; organisations and people are invented.

use serde_json::{Value, json};

/// Code of the city bureau.
pub const CITY: &str = "320700";

/// An area of the city.
#[derive(Debug)]
pub struct Area {
    /// Code of its bureau, and of its region in the pack.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its name in short, for names of subjects.
    pub short: &'static str,
    /// The abbreviation in document numbers.
    pub mark: &'static str,
    /// Whether it is a functional area, not an administrative region.
    pub is_functional: bool,
    /// Latitude and longitude of its middle, in degrees.
    pub middle: (f64, f64),
    /// How many subjects it has.
    pub subjects: usize,
    /// How many visits were made.
    pub visits: usize,
}

/// The ten areas.
pub const AREAS: [Area; 10] = [
    area(
        "320703",
        "连云区",
        "连云",
        "苏连连",
        (34.760, 119.338),
        22,
        9,
    ),
    area(
        "320706",
        "海州区",
        "海州",
        "苏连海",
        (34.573, 119.163),
        30,
        12,
    ),
    area(
        "320707",
        "赣榆区",
        "赣榆",
        "苏连赣",
        (34.841, 119.173),
        24,
        9,
    ),
    area(
        "320722",
        "东海县",
        "东海",
        "苏连东",
        (34.542, 118.752),
        28,
        14,
    ),
    area(
        "320723",
        "灌云县",
        "灌云",
        "苏连云",
        (34.284, 119.240),
        20,
        7,
    ),
    area(
        "320724",
        "灌南县",
        "灌南",
        "苏连南",
        (34.087, 119.316),
        18,
        6,
    ),
    functional(
        "320771",
        "连云港经济技术开发区",
        "开发区",
        "苏连开",
        (34.687, 119.348),
        20,
        8,
    ),
    functional(
        "gaoxin",
        "连云港高新技术产业开发区",
        "高新区",
        "苏连高",
        (34.605, 119.125),
        12,
        4,
    ),
    functional(
        "xuwei",
        "徐圩新区",
        "徐圩",
        "苏连徐",
        (34.611, 119.545),
        18,
        8,
    ),
    functional(
        "yuntaishan",
        "云台山风景名胜区",
        "云台山",
        "苏连景",
        (34.659, 119.277),
        8,
        2,
    ),
];

const fn area(
    code: &'static str,
    name: &'static str,
    short: &'static str,
    mark: &'static str,
    middle: (f64, f64),
    subjects: usize,
    visits: usize,
) -> Area {
    Area {
        code,
        name,
        short,
        mark,
        is_functional: false,
        middle,
        subjects,
        visits,
    }
}

const fn functional(
    code: &'static str,
    name: &'static str,
    short: &'static str,
    mark: &'static str,
    middle: (f64, f64),
    subjects: usize,
    visits: usize,
) -> Area {
    let mut area = area(code, name, short, mark, middle, subjects, visits);
    area.is_functional = true;
    area
}

/// Somebody who works at a bureau.
#[derive(Debug, Clone)]
pub struct Staff {
    /// Name.
    pub name: String,
    /// Code of the bureau.
    pub org: &'static str,
    /// `inspector`, `supervisor` or `administrator`.
    pub role: &'static str,
    /// Number of the certificate.
    pub certificate: Option<String>,
}

/// Inspectors of each bureau; the first has the laptop.
const INSPECTORS: [[&str; 3]; 11] = [
    ["周立新", "许文静", "秦朗"],
    ["邵明远", "何晓岚", "贺志成"],
    ["陆海宁", "方怡然", "唐建业"],
    ["丁思源", "范雨晴", "宋克勤"],
    ["顾长青", "沈若彤", "薛景行"],
    ["魏安澜", "蒋明月", "段启明"],
    ["乔正阳", "傅听雪", "石峻岭"],
    ["白云舟", "江映红", "梁守诚"],
    ["罗启航", "姚清如", "谭永固"],
    ["俞致远", "曹可心", "龚定国"],
    ["卢晨曦", "熊乐山", "苗青禾"],
];
const SUPERVISORS: [&str; 11] = [
    "程敬之",
    "侯望川",
    "康裕民",
    "毛允升",
    "邱伯安",
    "孟时雨",
    "万里云",
    "钟毓秀",
    "严守一",
    "汤若水",
    "尹清和",
];

fn bureaus() -> impl Iterator<Item = &'static str> {
    std::iter::once(CITY).chain(AREAS.iter().map(|area| area.code))
}

/// Everybody: for each bureau a supervisor and three inspectors, for the city an administrator besides.
pub fn staff() -> Vec<Staff> {
    let mut all = vec![Staff {
        name: "管宇".into(),
        org: CITY,
        role: "administrator",
        certificate: None,
    }];
    for (n, org) in bureaus().enumerate() {
        all.push(Staff {
            name: SUPERVISORS[n].into(),
            org,
            role: "supervisor",
            certificate: Some(format!("样本{:02}0001", n + 7)),
        });
        for (m, name) in INSPECTORS[n].iter().enumerate() {
            all.push(Staff {
                name: (*name).into(),
                org,
                role: "inspector",
                certificate: Some(format!("样本{:02}{:04}", n + 7, 101 + m)),
            });
        }
    }
    all
}

/// The file that `shicha-server org import` takes.
pub fn directory() -> Value {
    let mut orgs = vec![json!({
        "code": CITY, "name": "样本·连云港市应急管理局", "short_name": "苏连", "parent": null, "kind": "city", "region": CITY,
    })];
    for area in &AREAS {
        let kind = if area.is_functional {
            "（功能板块）"
        } else {
            ""
        };
        orgs.push(json!({
            "code": area.code, "name": format!("样本·{}应急管理局{kind}", area.name), "short_name": area.mark,
            "parent": CITY, "kind": "county", "region": area.code,
        }));
    }
    let people: Vec<Value> = staff()
        .into_iter()
        .map(|one| json!({ "name": one.name, "org": one.org, "role": one.role, "certificate": one.certificate }))
        .collect();
    json!({ "orgs": orgs, "people": people })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn nobody_is_there_twice_and_every_bureau_can_send_two_inspectors() {
        let all = staff();
        let names: BTreeSet<_> = all.iter().map(|one| &one.name).collect();
        let certificates: BTreeSet<_> = all
            .iter()
            .filter_map(|one| one.certificate.as_ref())
            .collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(certificates.len(), all.len() - 1);
        for org in bureaus() {
            let inspectors = all
                .iter()
                .filter(|one| one.org == org && one.role == "inspector")
                .count();
            assert!(inspectors >= 2, "{org}");
        }
    }

    #[test]
    fn there_are_two_hundred_subjects_in_all() {
        assert_eq!(AREAS.iter().map(|area| area.subjects).sum::<usize>(), 200);
    }
}
