//! Seeds that are files: packs, pictures, rosters.

use std::io::Cursor;

use exif::{Field, In, Rational, Tag, Value, experimental::Writer};
use image::{DynamicImage, ImageFormat, RgbaImage};
use rust_xlsxwriter::{Format, Workbook};
use shicha_decoders::roster::{FILE, STREAM};

pub(crate) fn packs() -> Vec<Vec<u8>> {
    [
        include_str!("../../../../packs/example/pack.json"),
        include_str!("../../../../packs/broken/cycle.json"),
        include_str!("../../../../packs/broken/many-faults.json"),
        include_str!("../../../../packs/broken/missing-article.json"),
        include_str!("../../../../packs/broken/not-json.json"),
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// What a camera writes beside the picture.
fn tiff(orientation: u16) -> Vec<u8> {
    let ascii = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let degrees = |whole, minutes, hundredths| {
        let rational = |num, denom| Rational { num, denom };
        Value::Rational(vec![
            rational(whole, 1),
            rational(minutes, 1),
            rational(hundredths, 100),
        ])
    };
    let fields = [
        (Tag::Make, ascii("SAMPLE")),
        (Tag::Model, ascii("Sample Camera")),
        (Tag::Orientation, Value::Short(vec![orientation])),
        (Tag::DateTimeOriginal, ascii("2022:04:12 09:30:00")),
        (Tag::OffsetTimeOriginal, ascii("+08:00")),
        (Tag::GPSLatitudeRef, ascii("N")),
        (Tag::GPSLatitude, degrees(34, 35, 4812)),
        (Tag::GPSLongitudeRef, ascii("E")),
        (Tag::GPSLongitude, degrees(119, 13, 1812)),
    ]
    .map(|(tag, value)| Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    });
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut bytes = Cursor::new(Vec::new());
    writer.write(&mut bytes, false).unwrap();
    bytes.into_inner()
}

fn drawn(format: ImageFormat) -> Vec<u8> {
    let picture = RgbaImage::from_fn(24, 16, |x, y| {
        image::Rgba([x as u8 * 9, y as u8 * 13, 90, 255 - y as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::ImageRgba8(picture);
    let picture = match format {
        ImageFormat::Jpeg | ImageFormat::Bmp => DynamicImage::ImageRgb8(picture.into_rgb8()),
        _ => picture,
    };
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn pictures() -> Vec<Vec<u8>> {
    let jpeg = drawn(ImageFormat::Jpeg);
    let with_exif = |orientation| {
        let tiff = tiff(orientation);
        let length = (tiff.len() as u16 + 8).to_be_bytes();
        [
            &jpeg[..2],
            &[0xff, 0xe1],
            &length,
            b"Exif\0\0",
            &tiff,
            &jpeg[2..],
        ]
        .concat()
    };
    vec![
        with_exif(1),
        with_exif(6),
        drawn(ImageFormat::Png),
        drawn(ImageFormat::Gif),
        drawn(ImageFormat::WebP),
        drawn(ImageFormat::Bmp),
        jpeg,
        tiff(3),
        b"%PDF-1.7\n".to_vec(),
        "现场笔录\n".as_bytes().to_vec(),
    ]
}

fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    sheet
        .merge_range(0, 0, 0, 3, "名单", &Format::new())
        .unwrap();
    for (column, header) in ["单位名称", "统一社会信用代码", "类别", "成立日期"]
        .iter()
        .enumerate()
    {
        sheet.write(1, column as u16, *header).unwrap();
    }
    sheet.write(2, 0, "某某学校").unwrap();
    sheet.write(2, 1, "91320700MA1MC0YJ0R").unwrap();
    sheet.write(2, 2, "企业").unwrap();
    sheet.write_with_format(2, 3, 44_562.0, &date).unwrap();
    sheet.write_formula(3, 0, "=1+1").unwrap();
    book.save_to_buffer().unwrap()
}

pub(crate) fn rosters() -> Vec<Vec<u8>> {
    let csv =
        "单位名称,统一社会信用代码,类别\n\"某某,学校\",91320700MA1MC0YJ0R,企业\n乙厂,\t,320703\n";
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(csv.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let xls = include_bytes!("../../../../crates/papers/tests/it/files/roster.xls");
    let mut stream = Vec::new();
    let mut file = cfb::CompoundFile::open(Cursor::new(&xls[..])).unwrap();
    std::io::Read::read_to_end(&mut file.open_stream("/Workbook").unwrap(), &mut stream).unwrap();
    let file = |bytes: &[u8]| [&[FILE], bytes].concat();
    let mut seeds = vec![
        file(csv.as_bytes()),
        file(&utf16),
        file(&encoding_rs::GB18030.encode(csv).0),
        file(csv.replace(',', "\t").as_bytes()),
        file(csv.replace(',', ";").as_bytes()),
        file(&workbook()),
        file(&xls[..]),
        [&[STREAM], &stream[..]].concat(),
    ];
    // Each part of a workbook by itself, as the first byte says.
    let parts = [
        (
            4,
            r#"<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr date1904="1"/><sheets><sheet name="甲" sheetId="1" state="hidden" r:id="rId1"/></sheets><definedNames><definedName name="x">S!$A$1</definedName></definedNames></workbook>"#,
        ),
        (
            5,
            r#"<worksheet><dimension ref="A1:C3"/><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>单位名称</t></is></c><c r="B1" t="str"><v>类别</v></c></row><row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" t="b"><v>1</v></c><c r="C2" t="e"><v>#REF!</v></c><c r="D2"><f>1+1</f><v>2</v></c></row></sheetData><mergeCells><mergeCell ref="A2:A3"/></mergeCells></worksheet>"#,
        ),
        (
            6,
            r#"<sst uniqueCount="2"><si><r><t>单位</t></r><r><t xml:space="preserve">名称 </t></r></si><si><t>甲 &amp; 乙</t></si></sst>"#,
        ),
        (
            7,
            r#"<styleSheet><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>"#,
        ),
        (
            3,
            r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="/xl/worksheets/sheet1.xml"/></Relationships>"#,
        ),
    ];
    seeds.extend(parts.map(|(part, text)| [&[part], text.as_bytes()].concat()));
    seeds
}
