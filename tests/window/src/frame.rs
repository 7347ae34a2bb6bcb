//! What a virtual display shows, as it keeps it in a file: X Window Dump, version 7 (X.Org, `XWDFile.h`).

use anyhow::{Context, Result, ensure};
use image::{Rgb, RgbImage};

/// A colour of the map that follows the header takes that many bytes.
const COLOUR: usize = 12;

/// The picture in a dump of 32 bits a pixel, blue first.
pub(crate) fn read(dump: &[u8]) -> Result<RgbImage> {
    // Numbers of four bytes, the highest first, whatever the machine.
    let number = |at: usize| {
        let bytes = dump.get(at * 4..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let said = |at, what| number(at).with_context(|| format!("the picture has no {what}"));
    ensure!(said(1, "version")? == 7, "a picture of another kind");
    let (width, height) = (said(4, "width")?, said(5, "height")?);
    ensure!(
        said(7, "order of bytes")? == 0 && said(11, "bits of a pixel")? == 32,
        "pixels of another kind"
    );
    let line = said(12, "length of a line")? as usize;
    let begin = said(0, "length of its header")? as usize + said(19, "colours")? as usize * COLOUR;
    let pixel = |x: u32, y: u32| {
        let at = begin + y as usize * line + x as usize * 4;
        let [blue, green, red] = *dump.get(at..)?.first_chunk()?;
        Some(Rgb([red, green, blue]))
    };
    pixel(width.saturating_sub(1), height.saturating_sub(1)).context("the picture is cut")?;
    Ok(RgbImage::from_fn(width, height, |x, y| {
        pixel(x, y).unwrap_or(Rgb([0; 3]))
    }))
}
