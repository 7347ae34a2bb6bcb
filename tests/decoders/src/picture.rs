//! Photos and other files that are laid to a record: their type, what a camera wrote beside the picture, small pictures.

use shicha_ledger::{Finished, small_picture};
use shicha_papers::images;

/// Pictures of more pixels are looked into, but not decoded here: that they are bounded is a test of its own.
const MOST_PIXELS: u64 = 4_000_000;
const EDGE: u32 = 96;

/// Whatever the bytes, a file has a type; what is decoded is small, upright and free of what the camera wrote.
pub fn hold(bytes: &[u8]) {
    let found = Finished::look_into(bytes);
    assert!(!found.mime.is_empty());
    if let Some((latitude, longitude)) = found.position_e7 {
        assert!(latitude.abs() <= 900_000_000 && longitude.abs() <= 1_800_000_000);
    }
    if let Some(camera) = &found.camera {
        assert!(camera.chars().count() <= 101 && !camera.chars().any(char::is_control));
    }
    if let Some(at) = found.taken_at_ms {
        assert!(at < 1 << 47, "a time that an event may hold");
    }
    let pixels = u64::from(found.width.unwrap_or(0)) * u64::from(found.height.unwrap_or(0));
    if pixels == 0 || pixels > MOST_PIXELS {
        return;
    }
    if let Some(small) = small_picture(bytes, EDGE) {
        is_clean(&small, EDGE);
    }
    if let Some(photo) = images::photo(bytes, EDGE) {
        is_clean(&photo.bytes, EDGE);
    }
    if let Some(mark) = images::signature(bytes, EDGE) {
        is_clean(&mark.bytes, EDGE);
    }
}

fn is_clean(bytes: &[u8], edge: u32) {
    let found = Finished::look_into(bytes);
    assert!(matches!(found.mime.as_str(), "image/jpeg" | "image/png"));
    assert!(found.width.unwrap() <= edge && found.height.unwrap() <= edge);
    assert_eq!(
        (found.position_e7, found.camera, found.taken_at_ms),
        (None, None, None),
        "what the camera wrote is left out"
    );
}
