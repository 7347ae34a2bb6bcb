//! The typesetter's world: one template, one data file, some pictures, our fonts, and nothing else.
//!
//! Invariant: a template sees no disk, no network, no packages and no clock. What a person typed is
//! in `/data.json` and is read with `json()`: it is a value and never source text. No page leaves
//! here with an empty box: the laid-out pages are checked for missing glyphs.
//! Deliberately not here: what any document says (`onsite_record` and the templates).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDateTime, Timelike};
use serde_json::Value;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::layout::{Frame, FrameItem};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::PapersError;
use crate::fonts::Fonts;
use crate::images::Picture;
use crate::text::Cleaner;

const MAX_DATA_BYTES: usize = 2 * 1024 * 1024;
const MAX_PICTURE_BYTES: usize = 64 * 1024 * 1024;
/// China Standard Time; papers are dated by it whatever the computer's zone is.
const UTC_OFFSET_MINUTES: i32 = 8 * 60;
/// How many documents back the typesetter keeps intermediate results.
const CACHED_DOCUMENTS: usize = 2;

const COMMON: (&str, &str) = ("common.typ", include_str!("../templates/common.typ"));

/// A document template.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Template {
    /// File name under `templates/`.
    pub(crate) name: &'static str,
    /// Its source.
    pub(crate) source: &'static str,
}

/// Everything that makes one document.
pub(crate) struct Job<'a> {
    pub(crate) template: Template,
    /// What the template shows. Text in it is cleaned here.
    pub(crate) data: Value,
    /// Pictures by the path under which `data` names them.
    pub(crate) pictures: Vec<(String, Picture)>,
    /// When the document was made, China Standard Time; stands in the PDF's metadata.
    pub(crate) produced_at: NaiveDateTime,
    /// Identifies the document in the PDF's metadata.
    pub(crate) ident: String,
    pub(crate) fonts: &'a Fonts,
}

/// Lays a document out and writes it as PDF/A-2b.
///
/// # Errors
/// [`PapersError::TooLarge`] when text or pictures exceed what one document may hold,
/// [`PapersError::Layout`] when the template is at fault.
pub(crate) fn typeset(job: Job<'_>) -> Result<Vec<u8>, PapersError> {
    check_size("text", job.data.to_string().len(), MAX_DATA_BYTES)?;
    let picture_bytes = job.pictures.iter().map(|(_, picture)| picture.bytes.len());
    check_size("pictures", picture_bytes.sum(), MAX_PICTURE_BYTES)?;

    let mut pictures = BTreeMap::new();
    for (path, picture) in job.pictures {
        pictures.insert(path, Bytes::new(picture.bytes));
    }
    let fonts = serde_json::to_value(job.fonts.roles())?;
    let mut cleaner = Cleaner::new(job.fonts);
    loop {
        let mut data = job.data.clone();
        cleaner.clean_value(&mut data);
        if let Value::Object(fields) = &mut data {
            fields.insert("fonts".to_owned(), fonts.clone());
        }
        let world = PaperWorld::new(job.fonts, job.template, &data, &pictures)?;
        let document = layout(&world, job.template)?;
        let mut missing = BTreeSet::new();
        for page in document.pages() {
            collect_missing(&page.frame, &mut missing);
        }
        // A font may list a character and yet have no shape for it: name it by its number instead.
        if !missing.is_empty() && cleaner.refuse(&missing) {
            continue;
        }
        let pdf = write_pdf(&document, job.template, job.produced_at, &job.ident);
        typst::comemo::evict(CACHED_DOCUMENTS);
        return pdf;
    }
}

fn check_size(what: &'static str, found: usize, limit: usize) -> Result<(), PapersError> {
    if found <= limit {
        return Ok(());
    }
    Err(PapersError::TooLarge {
        what,
        found: found as u64,
        limit: limit as u64,
    })
}

fn layout(world: &PaperWorld<'_>, template: Template) -> Result<PagedDocument, PapersError> {
    let compiled = typst::compile::<PagedDocument>(world);
    // A warning (an unknown family, a layout that does not settle) is a fault of ours as well.
    if cfg!(debug_assertions) && !compiled.warnings.is_empty() {
        return Err(layout_error(template, &compiled.warnings));
    }
    compiled
        .output
        .map_err(|errors| layout_error(template, &errors))
}

fn write_pdf(
    document: &PagedDocument,
    template: Template,
    produced_at: NaiveDateTime,
    ident: &str,
) -> Result<Vec<u8>, PapersError> {
    let standards =
        PdfStandards::new(&[PdfStandard::A_2b]).map_err(|error| PapersError::Layout {
            template: template.name,
            message: error.message().to_string(),
        })?;
    let options = |standards| PdfOptions {
        ident: Smart::Custom(ident.to_owned()),
        creator: Smart::Custom(Some("Shicha 实查".to_owned())),
        timestamp: timestamp(produced_at),
        standards,
        ..PdfOptions::default()
    };
    // An archive-grade file where possible; an ordinary one is still better than none.
    typst_pdf::pdf(document, &options(standards))
        .or_else(|_| typst_pdf::pdf(document, &options(PdfStandards::default())))
        .map_err(|errors| layout_error(template, &errors))
}

fn timestamp(at: NaiveDateTime) -> Option<Timestamp> {
    let small = |part: u32| u8::try_from(part).ok();
    let datetime = Datetime::from_ymd_hms(
        at.year(),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )?;
    Timestamp::new_local(datetime, UTC_OFFSET_MINUTES)
}

fn layout_error(template: Template, diagnostics: &[SourceDiagnostic]) -> PapersError {
    let messages: Vec<&str> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    PapersError::Layout {
        template: template.name,
        message: messages.join("; "),
    }
}

/// The characters of a frame that came out as the font's empty box, glyph 0.
fn collect_missing(frame: &Frame, missing: &mut BTreeSet<char>) {
    for (_, item) in frame.items() {
        match item {
            FrameItem::Group(group) => collect_missing(&group.frame, missing),
            FrameItem::Text(text) => {
                for glyph in text.glyphs.iter().filter(|glyph| glyph.id == 0) {
                    missing.extend(text.text.get(glyph.range()).unwrap_or_default().chars());
                }
            }
            _ => {}
        }
    }
}

struct PaperWorld<'a> {
    library: LazyHash<Library>,
    fonts: &'a Fonts,
    main: FileId,
    sources: BTreeMap<String, Source>,
    files: BTreeMap<String, Bytes>,
}

impl<'a> PaperWorld<'a> {
    fn new(
        fonts: &'a Fonts,
        template: Template,
        data: &Value,
        pictures: &BTreeMap<String, Bytes>,
    ) -> Result<Self, PapersError> {
        let id = |name: &str| {
            let path = VirtualPath::new(name).map_err(|_| PapersError::Layout {
                template: template.name,
                message: format!("{name} is no path"),
            })?;
            Ok::<_, PapersError>(RootedPath::new(VirtualRoot::Project, path).intern())
        };
        let mut sources = BTreeMap::new();
        for (name, source) in [COMMON, (template.name, template.source)] {
            sources.insert(
                format!("/{name}"),
                Source::new(id(name)?, source.to_owned()),
            );
        }
        let mut files = pictures.clone();
        files.insert(
            "/data.json".to_owned(),
            Bytes::from_string(data.to_string()),
        );
        Ok(Self {
            library: LazyHash::new(Library::default()),
            fonts,
            main: id(template.name)?,
            sources,
            files,
        })
    }
}

fn path_of(id: FileId) -> FileResult<&'static str> {
    match id.root() {
        VirtualRoot::Project => Ok(id.get().vpath().get_with_slash()),
        VirtualRoot::Package(_) => Err(FileError::AccessDenied),
    }
}

impl World for PaperWorld<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.fonts.book()
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let path = path_of(id)?;
        let source = self.sources.get(path).cloned();
        source.ok_or_else(|| FileError::NotFound(path.into()))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = path_of(id)?;
        let file = self.files.get(path).cloned();
        file.ok_or_else(|| FileError::NotFound(path.into()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.face(index)
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::NaiveDate;
    use serde_json::json;

    use super::*;
    use crate::fonts::system_font_dirs;

    fn typeset_source(source: &'static str, text: &str) -> Result<Vec<u8>, PapersError> {
        let fonts = Fonts::load(&system_font_dirs()).unwrap();
        typeset(Job {
            template: Template {
                name: "trial.typ",
                source,
            },
            data: json!({ "text": text }),
            pictures: Vec::new(),
            produced_at: NaiveDate::from_ymd_opt(2022, 5, 1)
                .unwrap()
                .and_hms_opt(9, 0, 0)
                .unwrap(),
            ident: "trial".to_owned(),
            fonts: &fonts,
        })
    }

    #[test]
    fn a_template_sees_no_disk_no_package_and_no_clock() {
        for source in [
            "#read(\"/etc/hostname\")",
            "#image(\"../../secret.png\")",
            "#import \"@preview/cetz:0.4.2\"",
            "#datetime.today()",
        ] {
            let error = typeset_source(source, "").unwrap_err();
            assert_eq!(error.code(), "papers.layout", "{source} must fail: {error}");
        }
    }

    #[test]
    fn text_is_shown_and_never_run() {
        let source = "#set text(font: json(\"/data.json\").fonts.body)\n#json(\"/data.json\").text";
        assert!(typeset_source(source, "#panic(\"run\") $ #read(\"x\") \\ *").is_ok());
    }

    #[test]
    fn text_beyond_the_limit_is_refused_before_it_is_laid_out() {
        let error = typeset_source("x", &"字".repeat(MAX_DATA_BYTES)).unwrap_err();
        assert_eq!(error.code(), "papers.too_large");
    }
}
