//! Pictures that stand in for photographs: drawn, labelled as samples, with the data that a camera would add.

mod canvas;
mod exif;
mod scenes;

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use ab_glyph::FontVec;
use anyhow::{Context, Result};
use image::{
    ExtendedColorType, ImageEncoder as _, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder,
};

use crate::{clock::on_the_wall, dice::Dice};
use canvas::Canvas;
pub use scenes::Scene;

/// When and where a picture was taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Unix ms.
    pub at_ms: u64,
    /// Latitude and longitude in degrees.
    pub position: (f64, f64),
}

/// Where the Chinese font for the labels is looked for; pictures have no labels without it.
static FONT: OnceLock<Option<FontVec>> = OnceLock::new();

/// Sets the folders with fonts; only the first call counts.
pub fn use_fonts(folders: &[PathBuf]) {
    FONT.get_or_init(|| folders.iter().find_map(|folder| font_in(folder)));
}

fn font_in(folder: &Path) -> Option<FontVec> {
    let bytes = std::fs::read(folder.join("FandolHei-Regular.otf")).ok()?;
    FontVec::try_from_vec(bytes).ok()
}

/// A JPEG with its capture time, position and camera. The same scene, subject and moment give the same bytes.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn take(scene: Scene, subject: &str, taken: Taken) -> Result<Vec<u8>> {
    let dice = Dice::of(&format!("{scene:?} {subject} {}", taken.at_ms));
    let mut canvas = Canvas::new(1280, 960, FONT.get().and_then(Option::as_ref), dice);
    let time = on_the_wall(taken.at_ms);
    scene.draw(&mut canvas, subject, time);
    canvas.finish(&format!(
        "{}  样本图片 SAMPLE",
        time.format("%Y-%m-%d %H:%M:%S")
    ));
    let mut jpeg = Vec::new();
    let image = canvas.image();
    JpegEncoder::new_with_quality(&mut jpeg, 82)
        .write_image(
            image,
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )
        .context("encode the picture")?;
    exif::insert(&jpeg, time, taken.position)
}

/// A signature as a pen would draw it: black strokes on a clear ground. The same name gives the same strokes.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn signature(name: &str) -> Result<Vec<u8>> {
    let image = canvas::strokes(&mut Dice::of(name), name.chars().count());
    let mut png = Cursor::new(Vec::new());
    PngEncoder::new(&mut png)
        .write_image(
            &image,
            image.width(),
            image.height(),
            ExtendedColorType::Rgba8,
        )
        .context("encode the signature")?;
    Ok(png.into_inner())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::shanghai;

    #[test]
    fn a_picture_is_repeated_byte_by_byte_and_tells_when_and_where_it_was_taken() {
        let taken = Taken {
            at_ms: shanghai(2022, 5, 11, 9, 42),
            position: (34.5423, 118.7521),
        };
        for scene in Scene::ALL {
            let picture = take(scene, "样本·东海恒安安全技术培训学校", taken).unwrap();
            assert_eq!(
                picture,
                take(scene, "样本·东海恒安安全技术培训学校", taken).unwrap()
            );
            assert!(image::load_from_memory(&picture).is_ok(), "{scene:?}");
            let read = ::exif::Reader::new()
                .read_from_container(&mut Cursor::new(&picture))
                .unwrap();
            let text = |tag| {
                read.get_field(tag, ::exif::In::PRIMARY)
                    .unwrap()
                    .display_value()
                    .to_string()
            };
            assert_eq!(text(::exif::Tag::DateTimeOriginal), "2022-05-11 09:42:00");
            assert_eq!(text(::exif::Tag::GPSLatitude), "34 deg 32 min 32.28 sec");
        }
    }

    #[test]
    fn a_signature_can_be_read_as_a_picture() {
        let mark = image::load_from_memory(&signature("丁思源").unwrap()).unwrap();
        assert!(mark.into_rgba8().pixels().any(|pixel| pixel[3] > 0));
    }
}
