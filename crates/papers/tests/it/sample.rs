//! A complete on-site record, and the pictures in it.

use std::io::Cursor;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveDateTime};
use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use shicha_papers::fonts::{Fonts, system_font_dirs};
use shicha_papers::onsite_record::*;

pub(crate) static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    Fonts::load(&system_font_dirs()).expect("install a Chinese font, e.g. fonts-noto-cjk")
});

pub(crate) fn at(hour: u32, minute: u32) -> NaiveDateTime {
    day(1).and_hms_opt(hour, minute, 0).unwrap()
}

pub(crate) fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2022, 5, day).unwrap()
}

/// A wave drawn by a pen.
pub(crate) fn signature_png(seed: u32) -> Vec<u8> {
    let mut image = RgbaImage::new(420, 140);
    for x in 20..400u32 {
        let phase = f64::from(x + 97 * seed) / 17.0;
        let height = 70.0 + 40.0 * phase.sin() * (f64::from(x) / 90.0).cos();
        for thickness in 0..5u32 {
            image.put_pixel(x, height as u32 + thickness, Rgba([20, 20, 60, 255]));
        }
    }
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

pub(crate) fn photo_jpeg(width: u32, height: u32) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| {
        let shade = |at: u32, of: u32| u8::try_from(at * 200 / of).unwrap();
        Rgb([shade(x, width), shade(y, height), 120])
    });
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, ImageFormat::Jpeg).unwrap();
    out.into_inner()
}

pub(crate) fn record() -> OnSiteRecord {
    let aside = |item: &str, title: &str, reason: &str| SetAside {
        item: item.to_owned(),
        title: title.to_owned(),
        reason: reason.to_owned(),
    };
    let basis = |text: &str, certainty| LegalBasis {
        text: text.to_owned(),
        certainty,
    };
    OnSiteRecord {
        number: DocumentNumber::Final("（苏连）应急检记〔2022〕1号".to_owned()),
        organ: "连云港市应急管理局".to_owned(),
        subject: InspectedSubject {
            name: "连云港市海州区安达职业培训学校有限公司".to_owned(),
            address: "江苏省连云港市海州区朝阳东路20号科技创业园3号楼4层401至412室".to_owned(),
            legal_representative: "陈国栋".to_owned(),
            position: "校长".to_owned(),
            phone: "0518-85680000".to_owned(),
            credit_code: "91350100M000100Y43".to_owned(),
        },
        place: "培训教室、实操车间、档案室".to_owned(),
        started_at: Some(at(9, 0)),
        ended_at: Some(at(11, 35)),
        inspectors: vec![
            Inspector {
                name: "张卫东".to_owned(),
                certificate: "苏07000123".to_owned(),
                signature: Mark::Drawn(signature_png(1)),
            },
            Inspector {
                name: "李晓梅".to_owned(),
                certificate: "苏07000456".to_owned(),
                signature: Mark::Drawn(signature_png(2)),
            },
        ],
        escorts: vec!["王建军（教务主任）".to_owned(), "赵敏（档案管理员）".to_owned()],
        recorder: None,
        findings: vec![
            RecordedFinding {
                item: "TI-3.2".to_owned(),
                description: "2021年第7期低压电工初训班，课程表记载培训148学时，监控录像与考勤记录显示实际授课96学时，少于培训大纲规定的学时。".to_owned(),
                bases: vec![
                    basis("《安全生产培训管理办法》第三十四条", Certainty::Found),
                    basis("《安全生产培训管理办法》第三十六条", Certainty::Known),
                ],
                evidence: vec!["Z1".to_owned(), "Z2".to_owned()],
                measure: "立即停止该班次送考，补足学时并如实记录".to_owned(),
                due: Some(day(31)),
            },
            RecordedFinding {
                item: "TI-5.1".to_owned(),
                description: "抽查“一班一档”3个班次，其中2021年第9期档案缺少学员身份证明和考勤原始数据。".to_owned(),
                bases: vec![basis("DB32/T 3250-2017 档案管理", Certainty::Unsure)],
                evidence: vec!["Z3".to_owned()],
                measure: String::new(),
                due: None,
            },
        ],
        checked: vec![CheckedList {
            name: "安全培训机构检查表 2021-lyg-1".to_owned(),
            conforms: 31,
            nonconforming: 2,
            not_applicable: vec![aside("TI-6.4", "线上培训平台", "该机构未开展线上培训")],
            not_checked: vec![aside("TI-4.3", "实操设备完好", "实操车间当日停电，无法通电试验")],
            to_verify: vec![aside("TI-2.2", "专职教师劳动合同", "两名教师的社保记录待人社部门核实")],
        }],
        remarks: "检查时该机构正在举办高处作业复审班，实到学员32人。".to_owned(),
        opinion: Some("情况属实，同意整改。".to_owned()),
        acknowledgement: Acknowledgement::Signature {
            name: "王建军".to_owned(),
            mark: Mark::Drawn(signature_png(3)),
        },
        signed_on: Some(day(1)),
        evidence: vec![
            evidence("Z1", "教室考勤机记录.jpg", Some(photo_jpeg(1600, 1200))),
            evidence("Z2", "课程表与监控画面.jpg", Some(photo_jpeg(900, 1200))),
            evidence("Z3", "2021年第9期档案盒.jpg", Some(photo_jpeg(1200, 700))),
            evidence("Z4", "谈话录音.m4a", None),
        ],
        content_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        standing: Standing::Signed,
        sample: false,
        produced_at: at(11, 40),
    }
}

pub(crate) fn evidence(number: &str, name: &str, thumbnail: Option<Vec<u8>>) -> ListedEvidence {
    ListedEvidence {
        number: number.to_owned(),
        name: name.to_owned(),
        taken_at: thumbnail.as_ref().map(|_| at(9, 42)),
        position: if thumbnail.is_some() {
            "34.60012, 119.22134".to_owned()
        } else {
            String::new()
        },
        sha256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".to_owned(),
        thumbnail,
    }
}
