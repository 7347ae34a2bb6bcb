//! The fonts that papers are set in: which families play which role, and where they are found.
//!
//! Invariant: a role always ends in a family that has (nearly) every Chinese character, so that a
//! rare character in a name falls back to another face instead of showing an empty box. Glyph data
//! is read when a face is first used; a family that no role uses is never read beyond its names.
//! Deliberately not here: the text itself (`text`) and the pages (`world`).

mod faces;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use typst::foundations::Bytes;
use typst::text::{Font, FontBook, FontInfo, FontWeight};
use typst::utils::LazyHash;

use crate::PapersError;

const MAX_DEPTH: usize = 6;
const MAX_FILES: usize = 20_000;
const MAX_FONT_BYTES: u64 = 128 * 1024 * 1024;

/// Running text, 仿宋.
const BODY: &[&str] = &["FangSong", "FangSong_GB2312", "STFangsong", "FandolFang R"];
/// Titles, 小标宋: bold song. `SimSun` comes late because it has no bold face.
const TITLE: &[&str] = &[
    "FZXiaoBiaoSong-B05S",
    "FZXiaoBiaoSong-B05",
    "STZhongsong",
    "FandolSong",
    "Noto Serif SC",
    "Noto Serif CJK SC",
    "SimSun",
];
/// Headings, 黑体.
const HEADING: &[&str] = &[
    "SimHei",
    "FandolHei",
    "Noto Sans SC",
    "Noto Sans CJK SC",
    "Microsoft YaHei",
];
/// Remarks, 楷体.
const KAI: &[&str] = &["KaiTi", "KaiTi_GB2312", "STKaiti", "FandolKai"];
/// Digits and Latin letters within Chinese text.
const DIGITS: &[&str] = &[
    "Times New Roman",
    "Liberation Serif",
    "FandolSong",
    "Noto Serif SC",
    "Noto Serif CJK SC",
    "SimSun",
];
/// What every role falls back to, character by character.
const FALLBACK: &[&str] = &[
    "Noto Serif SC",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "SimSun",
    "SimSun-ExtB",
    "Noto Sans SC",
    "Noto Sans CJK SC",
    "Microsoft YaHei",
];

/// The families chosen for each role, best first, all of them present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Roles {
    /// Running text, 仿宋.
    pub body: Vec<String>,
    /// Titles, 小标宋.
    pub title: Vec<String>,
    /// Headings, 黑体.
    pub heading: Vec<String>,
    /// Remarks, 楷体.
    pub kai: Vec<String>,
    /// Digits and Latin letters; one family, or none when the body's own serve.
    pub digits: Vec<String>,
}

/// The fonts of this computer that papers use. Cheap to clone, safe to share between threads.
#[derive(Debug, Clone)]
pub struct Fonts(Arc<Collection>);

#[derive(Debug)]
struct Collection {
    roles: Roles,
    book: LazyHash<FontBook>,
    slots: Vec<Slot>,
    files: Vec<FontFile>,
}

#[derive(Debug)]
struct Slot {
    file: usize,
    index: u32,
    font: OnceLock<Option<Font>>,
}

#[derive(Debug)]
struct FontFile {
    path: PathBuf,
    bytes: OnceLock<Option<Bytes>>,
}

#[derive(Debug, Clone)]
struct Found {
    path: PathBuf,
    index: u32,
    weight: u16,
}

impl Fonts {
    /// Looks for the families of all roles in `dirs` and below; earlier directories win.
    ///
    /// Directories that do not exist or cannot be read are passed over: a computer need not have
    /// all of them.
    ///
    /// # Errors
    /// [`PapersError::NoFonts`] when no family with Chinese glyphs is found.
    pub fn load(dirs: &[PathBuf]) -> Result<Self, PapersError> {
        let found = find_families(dirs);
        let first = |role: &[&str]| {
            let name = role.iter().find(|name| found.contains_key(**name))?;
            Some((*name).to_owned())
        };
        let fallback: Vec<String> = FALLBACK
            .iter()
            .filter(|name| found.contains_key(**name))
            .map(|name| (*name).to_owned())
            .collect();
        let chain = |role: &[&str]| {
            let mut names: Vec<String> = first(role).into_iter().collect();
            for name in &fallback {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            names
        };
        let mut roles = Roles {
            body: chain(BODY),
            title: chain(TITLE),
            heading: chain(HEADING),
            kai: chain(KAI),
            digits: first(DIGITS).into_iter().collect(),
        };
        let wanted: BTreeSet<&String> = [&roles.body, &roles.title, &roles.heading, &roles.kai]
            .into_iter()
            .flatten()
            .chain(&roles.digits)
            .collect();
        let (book, slots, files) = read_faces(&found, &wanted);

        // A family that turned out to be unreadable must not be named to the typesetter.
        let readable = |names: &mut Vec<String>| {
            names.retain(|name| book.contains_family(&name.to_lowercase()));
        };
        for names in [
            &mut roles.body,
            &mut roles.title,
            &mut roles.heading,
            &mut roles.kai,
            &mut roles.digits,
        ] {
            readable(names);
        }
        let has_chinese = (0..slots.len())
            .filter_map(|index| book.info(index))
            .any(|info| info.coverage.contains('查' as u32));
        if !has_chinese || roles.body.is_empty() {
            return Err(PapersError::NoFonts {
                searched: dirs.to_vec(),
            });
        }
        Ok(Self(Arc::new(Collection {
            roles,
            book: LazyHash::new(book),
            slots,
            files,
        })))
    }

    /// The families chosen for each role.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        &self.0.roles
    }

    /// Whether some face can show this character.
    #[must_use]
    pub fn covers(&self, character: char) -> bool {
        let collection = &self.0;
        (0..collection.slots.len())
            .filter_map(|index| collection.book.info(index))
            .any(|info| info.coverage.contains(character as u32))
    }

    pub(crate) fn book(&self) -> &LazyHash<FontBook> {
        &self.0.book
    }

    pub(crate) fn face(&self, index: usize) -> Option<Font> {
        let slot = self.0.slots.get(index)?;
        slot.font
            .get_or_init(|| {
                let file = self.0.files.get(slot.file)?;
                let bytes = file.bytes.get_or_init(|| read_font(&file.path)).clone()?;
                Font::new(bytes, slot.index)
            })
            .clone()
    }
}

/// The directories in which this system keeps fonts, the shared ones first.
#[must_use]
pub fn system_font_dirs() -> Vec<PathBuf> {
    let from = |variable: &str, below: &str| {
        std::env::var_os(variable)
            .filter(|value| !value.is_empty())
            .map(|value| PathBuf::from(value).join(below))
    };
    let candidates = if cfg!(windows) {
        vec![
            from("SystemRoot", "Fonts"),
            from("LOCALAPPDATA", "Microsoft/Windows/Fonts"),
        ]
    } else if cfg!(target_os = "macos") {
        vec![
            Some(PathBuf::from("/System/Library/Fonts")),
            Some(PathBuf::from("/Library/Fonts")),
            from("HOME", "Library/Fonts"),
        ]
    } else {
        vec![
            Some(PathBuf::from("/usr/share/fonts")),
            Some(PathBuf::from("/usr/local/share/fonts")),
            from("XDG_DATA_HOME", "fonts"),
            from("HOME", ".local/share/fonts"),
            from("HOME", ".fonts"),
        ]
    };
    candidates.into_iter().flatten().collect()
}

/// All faces found of each known family, in the order of the directories.
fn find_families(dirs: &[PathBuf]) -> BTreeMap<&'static str, Vec<Found>> {
    let known: BTreeMap<String, &'static str> = [BODY, TITLE, HEADING, KAI, DIGITS, FALLBACK]
        .into_iter()
        .flatten()
        .map(|name| (name.to_lowercase(), *name))
        .collect();
    let mut files = Vec::new();
    for dir in dirs {
        collect_files(dir, 0, &mut files);
    }
    let mut found: BTreeMap<&'static str, Vec<Found>> = BTreeMap::new();
    for path in files {
        // A file that vanished or may not be read is as good as absent.
        let Ok(headers) = fs::File::open(&path).and_then(|mut file| faces::read_headers(&mut file))
        else {
            continue;
        };
        for header in headers {
            let family = header
                .families
                .iter()
                .find_map(|name| known.get(&name.to_lowercase()));
            if let Some(family) = family {
                found.entry(family).or_default().push(Found {
                    path: path.clone(),
                    index: header.index,
                    weight: header.weight,
                });
            }
        }
    }
    found
}

fn collect_files(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    // Sorted, so that the choice between two equal faces does not depend on the file system.
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if files.len() >= MAX_FILES {
            return;
        }
        if path.is_dir() {
            if depth < MAX_DEPTH {
                collect_files(&path, depth + 1, files);
            }
        } else if is_font_file(&path) {
            files.push(path);
        }
    }
}

fn is_font_file(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            ["ttf", "otf", "ttc", "otc"]
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        })
}

/// Of each wanted family the faces nearest to regular and to bold.
fn read_faces(
    found: &BTreeMap<&'static str, Vec<Found>>,
    wanted: &BTreeSet<&String>,
) -> (FontBook, Vec<Slot>, Vec<FontFile>) {
    let mut book = FontBook::new();
    let mut slots = Vec::new();
    let mut files: Vec<FontFile> = Vec::new();
    for family in wanted {
        let Some(candidates) = found.get(family.as_str()) else {
            continue;
        };
        let nearest = |weight: u16| {
            candidates
                .iter()
                .enumerate()
                .min_by_key(|(order, face)| (face.weight.abs_diff(weight), *order))
                .map(|(order, _)| order)
        };
        let chosen: BTreeSet<usize> = [nearest(400), nearest(700)].into_iter().flatten().collect();
        for face in chosen.into_iter().filter_map(|order| candidates.get(order)) {
            let info = read_font(&face.path).and_then(|bytes| FontInfo::new(&bytes, face.index));
            let Some(mut info) = info else { continue };
            // The typesetter would shorten some names ("SimSun-ExtB" to "SimSun"); ours are exact.
            info.family.clone_from(family);
            info.variant.weight = FontWeight::from_number(face.weight);
            book.push(info);
            let file = files
                .iter()
                .position(|file| file.path == face.path)
                .unwrap_or_else(|| {
                    files.push(FontFile {
                        path: face.path.clone(),
                        bytes: OnceLock::new(),
                    });
                    files.len() - 1
                });
            slots.push(Slot {
                file,
                index: face.index,
                font: OnceLock::new(),
            });
        }
    }
    (book, slots, files)
}

fn read_font(path: &Path) -> Option<Bytes> {
    let size = fs::metadata(path).ok()?.len();
    if size > MAX_FONT_BYTES {
        return None;
    }
    Some(Bytes::new(fs::read(path).ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn installed() -> Fonts {
        Fonts::load(&system_font_dirs()).expect("install a Chinese font, e.g. fonts-noto-cjk")
    }

    #[test]
    fn directories_without_a_chinese_font_give_an_error_that_names_them() {
        let empty = tempfile::tempdir().unwrap();
        let missing = empty.path().join("missing");
        let dirs = vec![empty.path().to_path_buf(), missing.clone()];
        let error = Fonts::load(&dirs).unwrap_err();
        assert_eq!(error.code(), "papers.no_fonts");
        assert!(error.to_string().contains(&missing.display().to_string()));
    }

    #[test]
    fn a_damaged_font_file_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("broken.ttf"), b"\0\x01\0\0 not really").unwrap();
        fs::write(dir.path().join("empty.ttc"), b"").unwrap();
        let mut dirs = vec![dir.path().to_path_buf()];
        dirs.extend(system_font_dirs());
        assert!(Fonts::load(&dirs).is_ok(), "the good fonts are still found");
    }

    #[test]
    fn every_role_has_a_family_and_rare_characters_are_covered() {
        let fonts = installed();
        let roles = fonts.roles();
        for names in [&roles.body, &roles.title, &roles.heading, &roles.kai] {
            assert!(!names.is_empty());
        }
        for character in ['查', '〔', '㎡', '龘', '𠮷'] {
            assert!(fonts.covers(character), "{character} would show as a box");
        }
        assert!(!fonts.covers('\u{10FFFF}'));
    }

    #[test]
    fn glyph_data_is_read_when_a_face_is_first_used() {
        let fonts = installed();
        let loaded = |fonts: &Fonts| {
            let files = fonts.0.files.iter();
            files.filter(|file| file.bytes.get().is_some()).count()
        };
        assert_eq!(loaded(&fonts), 0);
        assert!(fonts.face(0).is_some());
        assert_eq!(loaded(&fonts), 1);
        assert!(fonts.face(usize::MAX).is_none());
    }
}
