//! What photos say of themselves, and small pictures of them.

use std::io::Cursor;

use exif::{Field, In, Rational, Tag, Value, experimental::Writer};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use shicha_ledger::{Finished, Picture};

use crate::kit::*;

fn import(place: &Place, bytes: &[u8]) -> Finished {
    place
        .ledger
        .blob_import(&mut &bytes[..], &mut |_| {}, NOW)
        .unwrap()
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Red on the left, blue on the right.
fn two_colours(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgb([250, 0, 0])
        } else {
            Rgb([0, 0, 250])
        }
    })
}

/// A JPEG with EXIF data in it.
fn photo(picture: RgbImage, exif: &[u8]) -> Vec<u8> {
    let jpeg = encoded(picture, ImageFormat::Jpeg);
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xff, 0xe1]);
    bytes.extend((exif.len() as u16 + 8).to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(exif);
    bytes.extend(&jpeg[2..]);
    bytes
}

fn exif(fields: Vec<(Tag, Value)>) -> Vec<u8> {
    let fields: Vec<Field> = fields
        .into_iter()
        .map(|(tag, value)| Field {
            tag,
            ifd_num: In::PRIMARY,
            value,
        })
        .collect();
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut bytes = Cursor::new(Vec::new());
    writer.write(&mut bytes, false).unwrap();
    bytes.into_inner()
}

fn text(text: &str) -> Value {
    Value::Ascii(vec![text.as_bytes().to_vec()])
}

fn degrees(degrees: u32, minutes: u32, hundredths: u32) -> Value {
    let part = |num, denom| Rational { num, denom };
    Value::Rational(vec![
        part(degrees, 1),
        part(minutes, 1),
        part(hundredths, 100),
    ])
}

fn at_lianyungang() -> Vec<(Tag, Value)> {
    vec![
        (Tag::DateTimeOriginal, text("2022:04:01 09:30:00")),
        (Tag::GPSLatitude, degrees(34, 35, 4_560)),
        (Tag::GPSLatitudeRef, text("N")),
        (Tag::GPSLongitude, degrees(119, 13, 1_200)),
        (Tag::GPSLongitudeRef, text("E")),
        (Tag::Make, text("HUAWEI")),
        (Tag::Model, text("HUAWEI P40")),
    ]
}

#[test]
fn a_photo_tells_when_where_and_with_which_camera_it_was_taken() {
    let place = place();
    let taken = import(&place, &photo(two_colours(40, 20), &exif(at_lianyungang())));
    assert_eq!(taken.mime, "image/jpeg");
    // 09:30 in China is 01:30 UTC.
    assert_eq!(taken.taken_at_ms, Some(1_648_776_600_000));
    assert_eq!(taken.position_e7, Some((345_960_000, 1_192_200_000)));
    assert_eq!(taken.camera.as_deref(), Some("HUAWEI P40"));
    assert_eq!((taken.width, taken.height), (Some(40), Some(20)));
    let mut abroad = at_lianyungang();
    abroad.push((Tag::OffsetTimeOriginal, text("+00:00")));
    let taken = import(&place, &photo(two_colours(41, 20), &exif(abroad)));
    assert_eq!(
        taken.taken_at_ms,
        Some(1_648_805_400_000),
        "a zone that it names counts"
    );
}

#[test]
fn what_a_photo_says_that_cannot_be_is_passed_over_and_the_photo_taken_all_the_same() {
    let place = place();
    let zero = |n: usize| Value::Rational(vec![Rational { num: 1, denom: 0 }; n]);
    let hostile: Vec<Vec<u8>> = vec![
        exif(vec![
            (Tag::DateTimeOriginal, text("2022:13:45 99:99:99")),
            (Tag::GPSLatitude, zero(3)),
            (Tag::GPSLongitude, zero(0)),
            (Tag::Orientation, Value::Short(vec![77])),
            (Tag::Make, text("\u{1}\u{2}  ")),
        ]),
        exif(vec![
            (Tag::DateTimeOriginal, text("0000:00:00 00:00:00")),
            (Tag::GPSLatitude, degrees(4_000_000_000, 0, 0)),
            (Tag::GPSLongitude, degrees(1, 0, 0)),
        ]),
        exif(vec![
            (Tag::GPSLatitude, degrees(0, 0, 0)),
            (Tag::GPSLongitude, degrees(0, 0, 0)),
        ]),
        exif(vec![
            (Tag::DateTimeOriginal, Value::Short(vec![1])),
            (Tag::GPSLatitude, text("north")),
        ]),
        b"MM\0*\xff\xff\xff\xff".to_vec(),
        b"MM\0*\0\0\0\x08\xff\xff".to_vec(),
        // A table of values that points to itself.
        b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0".to_vec(),
        vec![0x41; 60_000],
        Vec::new(),
    ];
    for (n, exif) in hostile.iter().enumerate() {
        let bytes = photo(two_colours(40 + n as u32, 20), exif);
        let taken = import(&place, &bytes);
        assert_eq!(taken.mime, "image/jpeg", "case {n}");
        assert_eq!(
            (taken.taken_at_ms, taken.position_e7, taken.camera),
            (None, None, None),
            "case {n}"
        );
        assert!(place.ledger.blob_read(taken.hash, 0, u64::MAX).unwrap() == bytes);
        assert!(
            place.ledger.thumbnail(taken.hash, 32).unwrap().is_some(),
            "case {n}"
        );
    }
    let long = exif(vec![
        (Tag::Make, text(&"长".repeat(5_000))),
        (Tag::Model, text(&"x".repeat(9_000))),
    ]);
    let taken = import(&place, &photo(two_colours(90, 20), &long));
    assert!(taken.camera.unwrap().chars().count() <= 101);
}

#[test]
fn a_photo_taken_with_the_camera_turned_is_shown_upright() {
    let place = place();
    let mut fields = at_lianyungang();
    // The camera was held with its right side down: to be turned by 90° clockwise.
    fields.push((Tag::Orientation, Value::Short(vec![6])));
    let taken = import(&place, &photo(two_colours(400, 200), &exif(fields)));
    assert_eq!((taken.width, taken.height), (Some(200), Some(400)));
    let small = place.ledger.thumbnail(taken.hash, 100).unwrap().unwrap();
    let small = image::load_from_memory(&small).unwrap().to_rgb8();
    assert_eq!(small.dimensions(), (50, 100));
    assert!(small.get_pixel(25, 10)[0] > 200, "red is at the top");
    assert!(small.get_pixel(25, 90)[2] > 200, "blue is at the bottom");
}

#[test]
fn small_pictures_are_made_of_every_usual_kind_and_kept() {
    let place = place();
    for (n, format) in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::WebP,
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = encoded(two_colours(600 + n as u32, 300), format);
        let taken = import(&place, &bytes);
        assert_eq!(
            place.ledger.blob_info(taken.hash).unwrap().unwrap().picture,
            Picture::Shown,
            "{format:?}"
        );
        let small = place.ledger.thumbnail(taken.hash, 320).unwrap().unwrap();
        assert_eq!(
            place.ledger.thumbnail(taken.hash, 320).unwrap().unwrap(),
            small
        );
        let picture = image::load_from_memory_with_format(&small, ImageFormat::Jpeg).unwrap();
        assert_eq!(picture.width(), 320, "{format:?}");
        for edge in [1, 16, 100, 200, 400, 9_999_999] {
            let again = place.ledger.thumbnail(taken.hash, edge).unwrap().unwrap();
            let again = image::load_from_memory(&again).unwrap();
            assert!(
                again.width() <= edge.clamp(16, 4096) && again.width() <= taken.width.unwrap(),
                "never larger than it is"
            );
        }
        assert!(
            place.ledger.blob_read(taken.hash, 0, u64::MAX).unwrap() == bytes,
            "the original is untouched"
        );
    }
}

#[test]
fn a_drawn_signature_stands_on_white() {
    let place = place();
    let drawn = RgbaImage::from_fn(200, 100, |x, _| {
        if x < 100 {
            Rgba([0, 0, 0, 255])
        } else {
            Rgba([0, 0, 0, 0])
        }
    });
    let taken = import(&place, &encoded(drawn, ImageFormat::Png));
    let small = place.ledger.thumbnail(taken.hash, 100).unwrap().unwrap();
    let small = image::load_from_memory(&small).unwrap().to_rgb8();
    assert!(small.get_pixel(10, 20)[0] < 20 && small.get_pixel(90, 20)[0] > 235);
}

/// A PNG that claims a size and holds next to nothing.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(two_colours(8, 8), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// ISO 3309, as PNG has it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    })
}

#[test]
fn a_picture_that_would_fill_the_memory_is_kept_and_not_decoded() {
    let place = place();
    let bytes = bomb(60_000, 60_000);
    let taken = import(&place, &bytes);
    assert_eq!(
        (taken.mime.as_str(), taken.width),
        ("image/png", Some(60_000))
    );
    assert_eq!(
        place.ledger.blob_info(taken.hash).unwrap().unwrap().picture,
        Picture::TooLarge
    );
    assert_eq!(place.ledger.thumbnail(taken.hash, 320).unwrap(), None);
    assert!(place.ledger.blob_read(taken.hash, 0, u64::MAX).unwrap() == bytes);
}

#[test]
fn a_picture_that_turns_out_to_be_broken_has_no_small_picture_and_no_error() {
    let place = place();
    for bytes in [bomb(3_000, 3_000), {
        let mut cut = encoded(two_colours(500, 500), ImageFormat::Png);
        cut.truncate(cut.len() / 2);
        cut
    }] {
        let taken = import(&place, &bytes);
        for _ in 0..2 {
            assert_eq!(place.ledger.thumbnail(taken.hash, 320).unwrap(), None);
        }
        assert!(place.ledger.blob_read(taken.hash, 0, u64::MAX).unwrap() == bytes);
    }
}

#[test]
fn a_photo_of_two_hundred_megabytes_is_kept_whole_and_shown_as_too_large() {
    let place = place();
    let mut bytes = encoded(two_colours(64, 64), ImageFormat::Jpeg);
    bytes.resize(200 << 20, 0);
    let taken = import(&place, &bytes);
    assert_eq!((taken.size, taken.mime.as_str()), (200 << 20, "image/jpeg"));
    assert_eq!(
        place.ledger.blob_info(taken.hash).unwrap().unwrap().picture,
        Picture::TooLarge
    );
    assert_eq!(place.ledger.thumbnail(taken.hash, 320).unwrap(), None);
    assert_eq!(
        place
            .ledger
            .blob_read(taken.hash, (200 << 20) - 3, 10)
            .unwrap(),
        [0, 0, 0]
    );
}
