//! Looks through the zip package of a workbook before the workbook reader is trusted with it.
//!
//! Invariant: every XML part was unpacked once to nowhere and stayed below the limit that it and
//! all parts together have, so a small file that unpacks to gigabytes, or that lies about its
//! sizes, is refused before memory is spent on it.
//! Deliberately not here: the meaning of any part, beyond what a note needs.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{MAX_UNPACKED_BYTES, RosterError};

const MAX_ENTRIES: usize = 10_000;
const CHUNK: usize = 64 * 1024;
/// Longest of the patterns looked for, so that one that lies across two chunks is found.
const OVERLAP: usize = 64;
/// The shortest entry of the table of shared strings, `<si/>`.
const SHORTEST_STRING: u64 = 5;

/// What was seen in a package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) macros: bool,
    pub(super) formulas: bool,
    pub(super) merged_cells: bool,
}

/// Checks a zip package and tells what is in it.
pub(super) fn inspect(bytes: &[u8]) -> Result<Facts, RosterError> {
    let damaged = |error| RosterError::damaged_by("zip package", error);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if archive.len() > MAX_ENTRIES {
        return Err(RosterError::TooLarge {
            what: "parts in the package",
            limit: MAX_ENTRIES as u64,
        });
    }
    let mut names = Vec::with_capacity(archive.len());
    let mut declared: u64 = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        if entry.encrypted() {
            return Err(RosterError::Encrypted);
        }
        let name = entry.name().map_err(damaged)?;
        let name = name.replace('\\', "/").to_ascii_lowercase();
        if is_xml(&name) {
            declared = declared.saturating_add(entry.size());
        }
        names.push(name);
    }
    check_unpacked(declared)?;
    check_kind(&names)?;

    let mut facts = Facts {
        macros: names.iter().any(|name| name.ends_with("vbaproject.bin")),
        ..Facts::default()
    };
    let mut unpacked = 0;
    for (index, name) in names.iter().enumerate().filter(|(_, name)| is_xml(name)) {
        let mut part = archive.by_index(index).map_err(damaged)?;
        scan(&mut part, name, &mut unpacked, &mut facts)?;
    }
    Ok(facts)
}

fn is_xml(name: &str) -> bool {
    [".xml", ".rels", ".vml"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn check_unpacked(bytes: u64) -> Result<(), RosterError> {
    if bytes <= MAX_UNPACKED_BYTES {
        return Ok(());
    }
    Err(RosterError::TooLarge {
        what: "unpacked bytes",
        limit: MAX_UNPACKED_BYTES,
    })
}

fn check_kind(names: &[String]) -> Result<(), RosterError> {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let ends = |wanted: &str| names.iter().any(|name| name.ends_with(wanted));
    let found = if ends("workbook.xml") && has("[content_types].xml") {
        return Ok(());
    } else if ends("workbook.bin") {
        "xlsb"
    } else if has("word/document.xml") {
        "docx"
    } else if has("ppt/presentation.xml") {
        "pptx"
    } else if has("mimetype") && has("content.xml") {
        "ods"
    } else {
        "zip"
    };
    Err(RosterError::OtherFormat { found })
}

/// Unpacks one part to nowhere, counting, and looks for what the notes need.
fn scan(
    part: &mut impl Read,
    name: &str,
    unpacked: &mut u64,
    facts: &mut Facts,
) -> Result<(), RosterError> {
    let is_sheet = name.contains("worksheets/");
    let is_strings = name.ends_with("sharedstrings.xml");
    let mut window = vec![0; OVERLAP + CHUNK];
    let (mut kept, mut total) = (0, 0u64);
    let mut most_strings = 0;
    loop {
        let read = read_some(part, &mut window[kept..])?;
        if read == 0 {
            break;
        }
        let start = total == 0;
        total += read as u64;
        *unpacked += read as u64;
        check_unpacked(*unpacked)?;
        let seen = &window[..kept + read];
        // The reader follows other encodings, this scan does not: none but UTF-8 is ever written.
        if start
            && (seen.starts_with(&[0xff, 0xfe])
                || seen.starts_with(&[0xfe, 0xff])
                || seen.iter().take(64).any(|byte| *byte == 0))
        {
            return Err(RosterError::damaged(format!("{name} is not UTF-8")));
        }
        if is_sheet {
            facts.formulas = facts.formulas || find(seen, b"<f>") || find(seen, b"<f ");
            facts.merged_cells = facts.merged_cells || find(seen, b"mergeCell ");
        }
        if is_strings {
            most_strings = most_strings.max(largest_count(seen));
        }
        // A count cut in two by the end of the window is read whole in the next one.
        let keep = seen.len().min(OVERLAP);
        let from = seen.len() - keep;
        window.copy_within(from..from + keep, 0);
        kept = keep;
    }
    // The workbook reader makes room for as many strings as the table claims to have.
    if most_strings > total / SHORTEST_STRING + 1 {
        return Err(RosterError::damaged(
            "the table of strings claims more than it holds",
        ));
    }
    Ok(())
}

fn read_some(part: &mut impl Read, into: &mut [u8]) -> Result<usize, RosterError> {
    loop {
        match part.read(into) {
            Ok(read) => return Ok(read),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(RosterError::damaged_by("compressed part", error)),
        }
    }
}

fn find(text: &[u8], pattern: &[u8]) -> bool {
    text.windows(pattern.len()).any(|window| window == pattern)
}

/// The largest number that follows `uniqueCount=` in the text.
fn largest_count(text: &[u8]) -> u64 {
    const NAME: &[u8] = b"uniqueCount";
    let mut largest = 0;
    for (at, _) in text
        .windows(NAME.len())
        .enumerate()
        .filter(|(_, window)| *window == NAME)
    {
        let rest = text[at + NAME.len()..].iter().take(40);
        let digits = rest
            .skip_while(|byte| !byte.is_ascii_digit())
            .take_while(|byte| byte.is_ascii_digit());
        let count = digits.fold(0u64, |count, digit| {
            count
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        });
        largest = largest.max(count);
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_claimed_count_is_found_however_it_is_written() {
        assert_eq!(largest_count(br#"<sst uniqueCount="12" count="99">"#), 12);
        assert_eq!(
            largest_count(b"uniqueCount = '7' uniqueCount=\"99999999999999999999999\""),
            u64::MAX
        );
        assert_eq!(largest_count(b"<sst>"), 0);
    }

    #[test]
    fn a_part_is_scanned_across_the_edges_of_chunks() {
        let mut xml = vec![b' '; CHUNK + OVERLAP - 2];
        xml[0] = b'<';
        xml.extend_from_slice(b"<f>1+1</f>");
        let mut facts = Facts::default();
        let scanned = scan(
            &mut xml.as_slice(),
            "xl/worksheets/sheet1.xml",
            &mut 0,
            &mut facts,
        );
        assert!(scanned.is_ok() && facts.formulas && !facts.merged_cells);
    }
}
