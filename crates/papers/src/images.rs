//! Prepares pictures for a paper: checks that they can be read, turns them upright, makes them small.
//!
//! Invariant: what goes into a paper was decoded and encoded again here, so a damaged or hostile
//! file can neither stop a document nor smuggle its metadata (position, camera) into it.
//! Deliberately not here: the original files; they are evidence and are never touched.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

const MAX_EDGE_PIXELS: u32 = 20_000;
const MAX_DECODED_BYTES: u64 = 512 * 1024 * 1024;
const JPEG_QUALITY: u8 = 82;

/// A picture as it goes into a paper.
pub struct Picture {
    /// The encoded file.
    pub bytes: Vec<u8>,
    /// How the file's name ends.
    pub extension: &'static str,
}

/// Prepares a photo: upright, at most `edge` pixels wide and high, JPEG. `None` when it is not a
/// readable JPEG or PNG.
pub fn photo(bytes: &[u8], edge: u32) -> Option<Picture> {
    let image = shrink(decode(bytes)?, edge);
    let mut out = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
    // JPEG knows no transparency; white is the paper's own colour.
    on_white(&image).write_with_encoder(encoder).ok()?;
    Some(Picture {
        bytes: out,
        extension: "jpg",
    })
}

/// Prepares a signature: like [`photo`], but PNG with its transparency.
pub fn signature(bytes: &[u8], edge: u32) -> Option<Picture> {
    let image = shrink(decode(bytes)?, edge);
    let mut out = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(image.into_rgba8())
        .write_to(&mut out, ImageFormat::Png)
        .ok()?;
    Some(Picture {
        bytes: out.into_inner(),
        extension: "png",
    })
}

fn decode(bytes: &[u8]) -> Option<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    if !matches!(reader.format()?, ImageFormat::Jpeg | ImageFormat::Png) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_EDGE_PIXELS);
    limits.max_image_height = Some(MAX_EDGE_PIXELS);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let orientation = decoder.orientation().ok()?;
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    image.apply_orientation(orientation);
    Some(image)
}

fn shrink(image: DynamicImage, edge: u32) -> DynamicImage {
    if image.width() <= edge && image.height() <= edge {
        return image;
    }
    image.thumbnail(edge, edge)
}

fn on_white(image: &DynamicImage) -> DynamicImage {
    let mut rgba = image.to_rgba8();
    for pixel in rgba.pixels_mut() {
        let [.., alpha] = pixel.0;
        for channel in &mut pixel.0[..3] {
            let over = u32::from(*channel) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
            *channel = u8::try_from(over / 255).unwrap_or(u8::MAX);
        }
    }
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(rgba).into_rgb8())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::RgbaImage;

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        RgbaImage::from_pixel(width, height, image::Rgba([10, 20, 30, 0]))
            .write_to(&mut out, ImageFormat::Png)
            .unwrap();
        out.into_inner()
    }

    #[test]
    fn a_large_photo_is_made_small_and_transparency_becomes_white() {
        let picture = photo(&png(1200, 300), 400).unwrap();
        let image = image::load_from_memory(&picture.bytes).unwrap().into_rgb8();
        assert_eq!(image.dimensions(), (400, 100));
        assert_eq!(image.get_pixel(5, 5).0, [255, 255, 255]);
    }

    #[test]
    fn a_signature_keeps_its_transparency() {
        let picture = signature(&png(20, 10), 400).unwrap();
        let image = image::load_from_memory(&picture.bytes)
            .unwrap()
            .into_rgba8();
        assert_eq!(image.get_pixel(0, 0).0[3], 0);
    }

    #[test]
    fn files_that_are_no_picture_or_damaged_give_none() {
        assert!(photo(b"", 400).is_none());
        assert!(photo(b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400).is_none());
        let whole = png(64, 64);
        assert!(photo(&whole[..whole.len() / 2], 400).is_none());
    }
}
