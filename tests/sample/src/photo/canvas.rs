//! Drawing: areas, lines, circles, text, and what makes a drawing look a little like a photograph.

use ab_glyph::{Font as _, FontVec, PxScale, ScaleFont as _};
use image::{Rgb, RgbImage, Rgba, RgbaImage};

use crate::dice::Dice;

/// A colour: red, green, blue.
pub(super) type Ink = [u8; 3];

/// Something to draw on. Coordinates are pixels from the upper left corner; what lies outside is cut off.
pub(super) struct Canvas<'a> {
    image: RgbImage,
    font: Option<&'a FontVec>,
    /// For whatever is left to chance.
    pub(super) dice: Dice,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(width: u32, height: u32, font: Option<&'a FontVec>, dice: Dice) -> Self {
        Self {
            image: RgbImage::new(width, height),
            font,
            dice,
        }
    }

    pub(super) fn image(&self) -> &RgbImage {
        &self.image
    }

    fn blend(&mut self, x: i32, y: i32, ink: Ink, share: f32) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return;
        };
        if let Some(pixel) = self.image.get_pixel_mut_checked(x, y) {
            for (old, new) in pixel.0.iter_mut().zip(ink) {
                *old = (f32::from(*old) * (1.0 - share) + f32::from(new) * share) as u8;
            }
        }
    }

    /// A colour that runs from `top` to `bottom`.
    pub(super) fn ground(&mut self, top: Ink, bottom: Ink) {
        let height = self.image.height();
        for (_, y, pixel) in self.image.enumerate_pixels_mut() {
            let share = y as f32 / height as f32;
            *pixel = Rgb(std::array::from_fn(|n| {
                (f32::from(top[n]) * (1.0 - share) + f32::from(bottom[n]) * share) as u8
            }));
        }
    }

    pub(super) fn rect(&mut self, x: i32, y: i32, width: i32, height: i32, ink: Ink) {
        self.quad(
            [
                (x, y),
                (x + width, y),
                (x + width, y + height),
                (x, y + height),
            ],
            ink,
        );
    }

    /// A rectangle of lines.
    pub(super) fn frame(&mut self, x: i32, y: i32, width: i32, height: i32, thick: i32, ink: Ink) {
        self.rect(x, y, width, thick, ink);
        self.rect(x, y + height - thick, width, thick, ink);
        self.rect(x, y, thick, height, ink);
        self.rect(x + width - thick, y, thick, height, ink);
    }

    /// A convex area with four corners, given all the way round.
    pub(super) fn quad(&mut self, corners: [(i32, i32); 4], ink: Ink) {
        let top = corners.iter().map(|corner| corner.1).min().unwrap_or(0);
        let bottom = corners.iter().map(|corner| corner.1).max().unwrap_or(0);
        for y in top..bottom {
            let middle = y as f32 + 0.5;
            let mut span: Option<(f32, f32)> = None;
            for n in 0..4 {
                let ((x0, y0), (x1, y1)) = (corners[n], corners[(n + 1) % 4]);
                let (y0, y1) = (y0 as f32, y1 as f32);
                if (y0 <= middle) != (y1 <= middle) {
                    let x = x0 as f32 + (middle - y0) / (y1 - y0) * (x1 - x0) as f32;
                    let (from, to) = span.unwrap_or((x, x));
                    span = Some((from.min(x), to.max(x)));
                }
            }
            if let Some((from, to)) = span {
                for x in from.round() as i32..to.round() as i32 {
                    self.blend(x, y, ink, 1.0);
                }
            }
        }
    }

    /// A ring, or a disc when it is as thick as its radius.
    pub(super) fn ring(
        &mut self,
        (cx, cy): (i32, i32),
        radius: f32,
        thick: f32,
        ink: Ink,
        share: f32,
    ) {
        let reach = radius.ceil() as i32 + 1;
        for y in cy - reach..=cy + reach {
            for x in cx - reach..=cx + reach {
                let distance = ((x - cx) as f32).hypot((y - cy) as f32);
                let cover = (radius - distance + 0.5).min(distance - (radius - thick) + 0.5);
                self.blend(x, y, ink, cover.clamp(0.0, 1.0) * share);
            }
        }
    }

    /// A stroke of a pen.
    pub(super) fn stroke(&mut self, from: (f32, f32), to: (f32, f32), thick: f32, ink: Ink) {
        let steps = (to.0 - from.0).hypot(to.1 - from.1).ceil().max(1.0);
        for n in 0..=steps as i32 {
            let share = n as f32 / steps;
            let x = from.0 + (to.0 - from.0) * share;
            let y = from.1 + (to.1 - from.1) * share;
            self.ring((x as i32, y as i32), thick, thick, ink, 0.6);
        }
    }

    /// Text whose capital letters are about `size` high; its upper left corner is at (x, y).
    pub(super) fn text(&mut self, x: i32, y: i32, size: f32, ink: Ink, text: &str) {
        let Some(font) = self.font else { return };
        let scaled = font.as_scaled(PxScale::from(size * 1.2));
        let mut pen = x as f32;
        let base = y as f32 + scaled.ascent();
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph = id.with_scale_and_position(scaled.scale(), ab_glyph::point(pen, base));
            pen += scaled.h_advance(id);
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|dx, dy, cover| {
                    let x = bounds.min.x as i32 + dx as i32;
                    let y = bounds.min.y as i32 + dy as i32;
                    self.blend(x, y, ink, cover.min(1.0));
                });
            }
        }
    }

    /// How wide text would be.
    pub(super) fn width_of(&self, size: f32, text: &str) -> i32 {
        self.font.map_or(0, |font| {
            let scaled = font.as_scaled(PxScale::from(size * 1.2));
            text.chars()
                .map(|c| scaled.h_advance(font.glyph_id(c)))
                .sum::<f32>() as i32
        })
    }

    /// Text around a middle.
    pub(super) fn text_around(&mut self, middle: i32, y: i32, size: f32, ink: Ink, text: &str) {
        let x = middle - self.width_of(size, text) / 2;
        self.text(x, y, size, ink, text);
    }

    /// A line of writing that nobody can read.
    pub(super) fn scribble(&mut self, x: i32, y: i32, width: i32, size: f32, ink: Ink) {
        let mut from = (x as f32, y as f32);
        let end = (x + width) as f32;
        while from.0 < end {
            let step = size * (0.15 + self.dice.part() as f32 * 0.35);
            let to = (
                from.0 + step,
                y as f32 + size * (self.dice.part() as f32 - 0.5),
            );
            self.stroke(from, to, 1.3, ink);
            from = to;
        }
    }

    /// Shade towards the corners, grain, and the stamp of time at the lower edge.
    pub(super) fn finish(&mut self, stamp: &str) {
        let (width, height) = (self.image.width() as f32, self.image.height() as f32);
        let mut dice = self.dice.clone();
        for (x, y, pixel) in self.image.enumerate_pixels_mut() {
            let (dx, dy) = (x as f32 / width - 0.5, y as f32 / height - 0.5);
            let light = 1.04 - 0.55 * (dx * dx + dy * dy);
            // Small enough to be seen rather than to cost bytes.
            let grain = (dice.any() % 9) as f32 - 4.0;
            for part in &mut pixel.0 {
                *part = (f32::from(*part) * light + grain).clamp(0.0, 255.0) as u8;
            }
        }
        let (x, y) = (28, height as i32 - 58);
        self.text(x + 2, y + 2, 26.0, [20, 20, 20], stamp);
        self.text(x, y, 26.0, [255, 214, 90], stamp);
    }
}

/// Strokes of a pen on a clear ground, one group for each character.
pub(super) fn strokes(dice: &mut Dice, characters: usize) -> RgbaImage {
    let mut image = RgbaImage::new(110 * characters.max(1) as u32 + 40, 160);
    for character in 0..characters.max(1) {
        let left = 20.0 + 110.0 * character as f32;
        for _ in 0..5 + dice.below(3) {
            let spot = |dice: &mut Dice| {
                (
                    left + 8.0 + 90.0 * dice.part() as f32,
                    20.0 + 120.0 * dice.part() as f32,
                )
            };
            let (a, b, c) = (spot(dice), spot(dice), spot(dice));
            for n in 0..=120 {
                let t = n as f32 / 120.0;
                let at = |a: f32, b: f32, c: f32| {
                    a * (1.0 - t) * (1.0 - t) + 2.0 * b * t * (1.0 - t) + c * t * t
                };
                let (x, y) = (at(a.0, b.0, c.0), at(a.1, b.1, c.1));
                let thick = 3.0 - 1.6 * t;
                dab(&mut image, x, y, thick);
            }
        }
    }
    image
}

fn dab(image: &mut RgbaImage, x: f32, y: f32, radius: f32) {
    let reach = radius.ceil() as i32 + 1;
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let cover = (radius - (dx as f32).hypot(dy as f32) + 0.5).clamp(0.0, 1.0);
            let (Ok(px), Ok(py)) = (u32::try_from(x as i32 + dx), u32::try_from(y as i32 + dy))
            else {
                continue;
            };
            if let Some(pixel) = image.get_pixel_mut_checked(px, py) {
                let alpha = pixel[3].max((cover * 255.0) as u8);
                *pixel = Rgba([18, 22, 40, alpha]);
            }
        }
    }
}
