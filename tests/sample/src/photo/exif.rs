//! What a camera writes beside the picture.

use std::io::Cursor;

use anyhow::{Context, Result, bail};
use chrono::NaiveDateTime;
use exif::{Field, In, Rational, Tag, Value, experimental::Writer};

/// Inserts capture time, position and camera into a JPEG.
pub(super) fn insert(
    jpeg: &[u8],
    time: NaiveDateTime,
    (latitude, longitude): (f64, f64),
) -> Result<Vec<u8>> {
    let ascii = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let moment = time.format("%Y:%m:%d %H:%M:%S").to_string();
    let fields = [
        (Tag::Make, ascii("SAMPLE")),
        (Tag::Model, ascii("Sample Camera")),
        (Tag::DateTime, ascii(&moment)),
        (Tag::DateTimeOriginal, ascii(&moment)),
        (Tag::OffsetTimeOriginal, ascii("+08:00")),
        (Tag::GPSLatitudeRef, ascii("N")),
        (Tag::GPSLatitude, degrees(latitude)),
        (Tag::GPSLongitudeRef, ascii("E")),
        (Tag::GPSLongitude, degrees(longitude)),
    ]
    .map(|(tag, value)| Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    });
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut tiff = Cursor::new(Vec::new());
    writer
        .write(&mut tiff, false)
        .context("write the camera's data")?;
    let tiff = tiff.into_inner();
    let length = u16::try_from(tiff.len() + 8).context("too much data from the camera")?;
    let Some((start, rest)) = jpeg
        .split_at_checked(2)
        .filter(|(start, _)| *start == [0xff, 0xd8])
    else {
        bail!("no JPEG");
    };
    Ok([
        start,
        &[0xff, 0xe1],
        &length.to_be_bytes(),
        b"Exif\0\0",
        &tiff,
        rest,
    ]
    .concat())
}

fn degrees(value: f64) -> Value {
    // Hundredths of a second, about 30 cm.
    let hundredths = (value * 360_000.0).round() as u32;
    let rational = |num, denom| Rational { num, denom };
    Value::Rational(vec![
        rational(hundredths / 360_000, 1),
        rational(hundredths / 6_000 % 60, 1),
        rational(hundredths % 6_000, 100),
    ])
}
