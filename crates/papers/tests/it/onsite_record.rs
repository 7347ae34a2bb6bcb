//! The on-site record, read back as a reader of the PDF sees it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use shicha_papers::onsite_record::*;

use crate::sample::{FONTS, evidence, record, signature_png};

fn render(record: &OnSiteRecord) -> Vec<u8> {
    render_pdf(record, &FONTS).unwrap()
}

/// Writes the file where a person can look at it, too.
fn keep(name: &str, pdf: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pdf"));
    fs::write(&path, pdf).unwrap();
    path
}

/// The PDF's text without white space: lines break where the page is full.
fn text_of(name: &str, pdf: &[u8]) -> String {
    extract(name, pdf, &["-layout"])
}

/// The same without what stands above and below the text of each page.
fn body_of(name: &str, pdf: &[u8]) -> String {
    extract(
        name,
        pdf,
        &["-layout", "-x", "0", "-y", "100", "-W", "596", "-H", "645"],
    )
}

fn extract(name: &str, pdf: &[u8], options: &[&str]) -> String {
    let path = keep(name, pdf);
    let output = Command::new("pdftotext")
        .args(options)
        .args(["-enc", "UTF-8"])
        .arg(&path)
        .arg("-")
        .output()
        .expect("install pdftotext (poppler-utils)");
    assert!(
        output.status.success(),
        "pdftotext: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.chars()
        .filter(|character| !character.is_whitespace() && *character != '\u{200b}')
        .collect()
}

fn pages(pdf: &[u8], name: &str) -> usize {
    let output = Command::new("pdfinfo")
        .arg(keep(name, pdf))
        .output()
        .expect("install poppler-utils");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Pages:"))
        .unwrap();
    line.trim().parse().unwrap()
}

/// Checks that the parts stand in the text in this order.
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let plain: String = part
            .chars()
            .filter(|character| !character.is_whitespace())
            .collect();
        let Some(at) = rest.find(&plain) else {
            panic!("{part:?} is missing after the part before it, in:\n{rest}");
        };
        rest = &rest[at + plain.len()..];
    }
}

#[test]
fn the_record_shows_every_field_in_the_order_of_the_form() {
    let text = text_of("record", &render(&record()));
    assert_in_order(
        &text,
        &[
            "安全生产行政执法文书",
            "现场检查记录",
            "（苏连）应急检记〔2022〕1号",
            "被检查单位：连云港市海州区安达职业培训学校有限公司",
            "地址：江苏省连云港市海州区朝阳东路20号科技创业园3号楼4层401至412室",
            "法定代表人（负责人）：陈国栋",
            "职务：校长",
            "联系电话：0518-85680000",
            "检查场所：培训教室、实操车间、档案室",
            "检查时间：2022年5月1日9时0分至5月1日11时35分",
            "我们是连云港市应急管理局行政执法人员张卫东、李晓梅，证件号码为苏07000123、苏07000456，这是我们的证件（出示证件）。现依法对你单位进行现场检查，请予以配合。",
            "检查情况：",
            "1.（TI-3.2）2021年第7期低压电工初训班",
            "依据：《安全生产培训管理办法》第三十四条；《安全生产培训管理办法》第三十六条[条号待核对]",
            "期限：2022年5月31日前",
            "证据：Z1、Z2",
            "2.（TI-5.1）抽查“一班一档”3个班次",
            "DB32/T3250-2017档案管理[待核对]",
            "检查项目汇总（安全培训机构检查表2021-lyg-1）",
            "36项",
            "31项",
            "2项",
            "1项",
            "1项",
            "1项",
            "未检查项目及原因（1项）",
            "TI-4.3实操设备完好：实操车间当日停电，无法通电试验",
            "待核实项目（1项）",
            "不适用项目（1项）",
            "其他情况",
            "统一社会信用代码：91350100M000100Y43",
            "陪同人员：王建军（教务主任）、赵敏（档案管理员）",
            "被检查单位意见",
            "情况属实，同意整改。",
            "检查人员（签名）",
            "张卫东苏07000123",
            "被检查单位现场负责人（签名）",
            "王建军",
            "2022年5月1日",
            "附件",
            "证据清单",
            "编号名称拍摄时间位置sha256前16位",
            "Z1",
            "2022-05-01",
            "2c26b46b68ffc68f",
            "Z4",
            "谈话录音.m4a",
        ],
    );
}

#[test]
fn every_page_carries_the_page_count_and_the_digest() {
    let pdf = render(&record());
    let total = pages(&pdf, "footer");
    let text = text_of("footer", &pdf);
    assert!(total >= 3);
    for page in 1..=total {
        assert!(
            text.contains(&format!("共{total}页第{page}页")),
            "page {page}"
        );
    }
    let digest = format!("内容摘要sha256{}", record().content_digest);
    assert_eq!(text.matches(&digest).count(), total);
    assert!(!text.contains("草稿") && !text.contains("样本数据") && !text.contains("临时编号"));
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let first = render(&record());
    assert!(first == render(&record()), "two renderings differ");
    let mut later = record();
    later.produced_at += chrono::Duration::minutes(1);
    assert!(
        first != render(&later),
        "the date of the document is not in the file"
    );
}

#[test]
fn a_draft_of_sample_data_with_a_provisional_number_says_all_three() {
    let mut draft = record();
    draft.sample = true;
    draft.standing = Standing::Draft;
    draft.number = DocumentNumber::Provisional("（苏连）应急检记〔2022〕临3F2A-1号".to_owned());
    draft.acknowledgement = Acknowledgement::Signature {
        name: String::new(),
        mark: Mark::Blank,
    };
    draft.signed_on = None;
    for inspector in &mut draft.inspectors {
        inspector.signature = Mark::Blank;
    }
    let pdf = render(&draft);
    // In the order of writing: what runs across the page is no line of it.
    let text = extract("draft", &pdf, &["-raw"]);
    let total = pages(&pdf, "draft");
    assert_eq!(text.matches("样本数据").count(), total, "on every page");
    assert_eq!(
        text.matches("草稿（未签名）").count(),
        total,
        "on every page"
    );
    assert_in_order(&text, &["临时编号", "（苏连）应急检记〔2022〕临3F2A-1号"]);
}

#[test]
fn an_annulled_record_says_so() {
    let mut annulled = record();
    annulled.standing = Standing::Annulled;
    assert!(extract("annulled", &render(&annulled), &["-raw"]).contains("作废"));
}

#[test]
fn a_refusal_is_noted_with_its_reason_and_witness() {
    let mut refused = record();
    refused.acknowledgement = Acknowledgement::Refused {
        name: "王建军".to_owned(),
        reason: "对第1项问题有异议".to_owned(),
        witness: "周强（朝阳街道办事处）".to_owned(),
        witness_mark: Mark::Drawn(signature_png(9)),
    };
    assert_in_order(
        &text_of("refused", &render(&refused)),
        &[
            "被检查单位现场负责人王建军拒绝签名。拒签原因：对第1项问题有异议",
            "第六十八条",
            "见证人（签名）",
            "周强（朝阳街道办事处）",
        ],
    );
}

#[test]
fn a_record_to_be_signed_by_hand_has_room_for_two_inspectors_and_no_mark_across_it() {
    let mut blank = record();
    blank.standing = Standing::ToSignOnPaper;
    blank.number = DocumentNumber::None;
    blank.subject = InspectedSubject::default();
    blank.organ = String::new();
    blank.place = String::new();
    blank.started_at = None;
    blank.ended_at = None;
    blank.inspectors = Vec::new();
    blank.findings = Vec::new();
    blank.acknowledgement = Acknowledgement::Signature {
        name: String::new(),
        mark: Mark::Blank,
    };
    blank.signed_on = None;
    blank.evidence = Vec::new();
    let text = text_of("blank", &render(&blank));
    assert_in_order(
        &text,
        &[
            "被检查单位：",
            "检查时间：年月日时分至月日时分",
            "已检查的项目中未发现不符合项",
            "年月日",
        ],
    );
    assert!(!text.contains("草稿") && !text.contains("证据清单"));
}

#[test]
fn what_a_person_typed_is_shown_and_never_interpreted() {
    let hostile = "#let x = 1; #panic(\"x\") $ a^2 $ *粗* _斜_ \\ `code` <script>alert('1')</script> \
                   @ref <label> = 标题 - 列表 + 编号 / 词: // 注释 /* 注释 */ ~ -- --- ... \"引号\" ]]) #read(\"/etc/passwd\")";
    let mut record = record();
    record.findings[0].description = format!("{hostile}\n第二行");
    record.subject.name = hostile.to_owned();
    record.remarks = hostile.to_owned();
    record.opinion = Some(hostile.to_owned());
    record.evidence[0].name = hostile.to_owned();
    let text = body_of("hostile", &render(&record));
    let plain: String = hostile
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    assert!(text.matches(&plain).count() >= 4, "in:\n{text}");
    assert_in_order(&text, &[hostile, "第二行"]);
}

#[test]
fn rare_characters_are_shown_and_those_without_a_glyph_are_named() {
    let mut record = record();
    record.subject.legal_representative = "𠮷田龘".to_owned();
    record.remarks = "笑😀\u{0}控\u{1b}制\u{202e}符\u{e000}".to_owned();
    let text = text_of("rare", &render(&record));
    assert!(text.contains("𠮷田龘"));
    assert!(text.contains("笑〔U+1F600〕控制符〔U+E000〕"), "{text}");
}

#[test]
fn a_very_long_text_runs_over_as_many_pages_as_it_needs() {
    let mut long = record();
    long.remarks = "检查人员发现该单位存在问题。".repeat(2_400);
    assert!(long.remarks.len() > 100_000);
    let pdf = render(&long);
    assert!(pages(&pdf, "long") > 40);
    let text = text_of("long", &pdf);
    assert!(text.matches("检查人员发现该单位存在问题。").count() > 2_000);

    long.remarks = "x".repeat(100_000);
    let text = text_of("long-word", &render(&long));
    assert!(
        text.matches('x').count() >= 100_000,
        "a word wider than the page is broken"
    );
}

#[test]
fn a_record_beyond_all_measure_is_refused() {
    let mut huge = record();
    huge.remarks = "字".repeat(3_000_000);
    assert_eq!(
        render_pdf(&huge, &FONTS).unwrap_err().code(),
        "papers.too_large"
    );
    let mut many = record();
    many.evidence = (0..3_000)
        .map(|number| evidence(&number.to_string(), "x", None))
        .collect();
    assert_eq!(
        render_pdf(&many, &FONTS).unwrap_err().code(),
        "papers.too_large"
    );
}

#[test]
fn pictures_that_cannot_be_read_do_not_stop_the_record() {
    let mut damaged = record();
    damaged.evidence[0].thumbnail = Some(b"\xff\xd8\xff not a jpeg".to_vec());
    damaged.evidence[1].thumbnail = Some(Vec::new());
    damaged.inspectors[0].signature = Mark::Drawn(b"\x89PNG\r\n\x1a\n".to_vec());
    damaged.inspectors[1].signature = Mark::OnPaper;
    let text = text_of("damaged", &render(&damaged));
    assert_eq!(text.matches("图片无法显示").count(), 2);
    assert!(text.contains("签名图像无法读取") && text.contains("见纸质签名页扫描件"));
}

#[test]
fn the_file_is_made_for_archives_with_its_fonts_inside() {
    let path = keep("archive", &render(&record()));
    let metadata = Command::new("pdfinfo")
        .args(["-meta"])
        .arg(&path)
        .output()
        .unwrap();
    let metadata = String::from_utf8(metadata.stdout).unwrap();
    assert!(
        metadata.contains("pdfaid") && metadata.contains(">2<")
            || metadata.contains("pdfaid:part=\"2\""),
        "{metadata}"
    );
    let fonts = Command::new("pdffonts").arg(&path).output().unwrap();
    let fonts = String::from_utf8(fonts.stdout).unwrap();
    assert!(
        fonts
            .lines()
            .skip(2)
            .all(|line| line.contains(" yes yes yes ")),
        "{fonts}"
    );
}
