//! Capture time, position, camera and orientation of a photo, from its EXIF data (JEITA CP-3451).
//!
//! Bytes may be hostile: the reader that is passed ends after a bound, values outside of their range are passed over, and a fault of
//! the parser is no EXIF.

use std::{
    io::{BufRead, Seek},
    panic::{AssertUnwindSafe, catch_unwind},
};

use exif::{DateTime, Exif, In, Rational, Tag, Value};

use crate::views::{AHEAD_MS, day_number};

/// The longest name of a camera that is kept, in characters.
const MOST_CAMERA: usize = 100;

/// What a photo says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Photo {
    pub(crate) taken_at_ms: Option<i64>,
    pub(crate) position_e7: Option<(i64, i64)>,
    pub(crate) camera: Option<String>,
    pub(crate) orientation: u8,
}

impl Default for Photo {
    fn default() -> Self {
        Self {
            taken_at_ms: None,
            position_e7: None,
            camera: None,
            orientation: 1,
        }
    }
}

/// Reads what a photo says of itself.
pub(crate) fn read(reader: &mut (impl BufRead + Seek)) -> Photo {
    let read = || {
        exif::Reader::new()
            .read_from_container(reader)
            .map(|exif| photo(&exif))
    };
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(photo)) => photo,
        Ok(Err(_)) | Err(_) => Photo::default(),
    }
}

fn photo(exif: &Exif) -> Photo {
    Photo {
        taken_at_ms: taken_at(exif),
        position_e7: position(exif),
        camera: camera(exif),
        orientation: exif
            .get_field(Tag::Orientation, In::PRIMARY)
            .and_then(|field| field.value.get_uint(0))
            .and_then(|orientation| u8::try_from(orientation).ok())
            .filter(|orientation| (1..=8).contains(orientation))
            .unwrap_or(1),
    }
}

fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(parts) => parts.first().map(Vec::as_slice),
        _ => None,
    }
}

fn taken_at(exif: &Exif) -> Option<i64> {
    let mut at = DateTime::from_ascii(ascii(exif, Tag::DateTimeOriginal)?).ok()?;
    if let Some(offset) = ascii(exif, Tag::OffsetTimeOriginal)
        && at.parse_offset(offset).is_err()
    {
        at.offset = None;
    }
    let fits = (1990..=2200).contains(&at.year)
        && (1..=12).contains(&at.month)
        && (1..=31).contains(&at.day)
        && at.hour < 24
        && at.minute < 60
        && at.second <= 60;
    if !fits {
        return None;
    }
    let day = day_number(at.year.into(), at.month.into(), at.day.into());
    let seconds = i64::from(at.hour) * 3600 + i64::from(at.minute) * 60 + i64::from(at.second);
    let ahead_ms = at
        .offset
        .map_or(AHEAD_MS, |minutes| i64::from(minutes) * 60_000);
    Some((day * 86_400 + seconds) * 1000 - ahead_ms)
}

fn position(exif: &Exif) -> Option<(i64, i64)> {
    let latitude = degrees_e7(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', 90.0)?;
    let longitude = degrees_e7(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', 180.0)?;
    // Cameras without a fix write zeros.
    ((latitude, longitude) != (0, 0)).then_some((latitude, longitude))
}

fn degrees_e7(exif: &Exif, tag: Tag, reference: Tag, negative: u8, most: f64) -> Option<i64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let part = |n: usize| {
        parts
            .get(n)
            .filter(|part| part.denom != 0)
            .map(Rational::to_f64)
    };
    let degrees = part(0)? + part(1).unwrap_or(0.0) / 60.0 + part(2).unwrap_or(0.0) / 3600.0;
    if !degrees.is_finite() || degrees > most {
        return None;
    }
    let is_negative = ascii(exif, reference).and_then(<[u8]>::first) == Some(&negative);
    let e7 = (degrees * 1e7).round() as i64;
    Some(if is_negative { -e7 } else { e7 })
}

fn camera(exif: &Exif) -> Option<String> {
    let word = |tag| {
        let text = String::from_utf8_lossy(ascii(exif, tag).unwrap_or_default()).into_owned();
        let text: String = text
            .chars()
            .filter(|c| !c.is_control())
            .take(MOST_CAMERA / 2)
            .collect();
        text.trim().to_owned()
    };
    let (make, model) = (word(Tag::Make), word(Tag::Model));
    let name = if model.to_lowercase().starts_with(&make.to_lowercase()) {
        model
    } else {
        format!("{make} {model}")
    };
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
