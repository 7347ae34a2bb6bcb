//! Parts of a file that lie as objects of their own, and how a file is read from them.
//!
//! A part's name says which bytes it holds, so that the list of names tells everything. Parts may overlap, when two senders or a
//! sender and its repetition cut the file differently; the first bytes without a gap count as there.

use std::ops::Range;

use shicha_sync::protocol::MAX_BLOB;

/// A part: where its bytes belong in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Part {
    /// `offset-length`, twelve digits each, so that names sort as offsets do.
    pub(super) fn name(self) -> String {
        format!("{:012}-{:012}", self.offset, self.length)
    }

    /// `None`: not one of ours.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (offset, length) = name.split_once('-')?;
        let part = Self {
            offset: offset.parse().ok()?,
            length: length.parse().ok()?,
        };
        let is_possible = part.length > 0 && part.end() <= MAX_BLOB;
        (is_possible && part.name() == name).then_some(part)
    }

    pub(super) fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// A piece of the file: some bytes of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) part: Part,
    /// Which of its bytes.
    pub(super) bytes: Range<u64>,
}

/// From which parts the file is read, in order, from its first byte up to the first that is missing.
pub(super) fn segments(mut parts: Vec<Part>) -> Vec<Segment> {
    parts.sort_unstable();
    let mut parts = parts.into_iter().peekable();
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let mut farthest: Option<Part> = None;
        while let Some(part) = parts.next_if(|part| part.offset <= at) {
            if farthest.is_none_or(|best| part.end() > best.end()) {
                farthest = Some(part);
            }
        }
        let Some(part) = farthest.filter(|part| part.end() > at) else {
            return found;
        };
        found.push(Segment {
            part,
            bytes: at - part.offset..part.length,
        });
        at = part.end();
    }
}

/// How many bytes of the file are there.
pub(super) fn covered(segments: &[Segment]) -> u64 {
    segments.last().map_or(0, |last| last.part.end())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn part(offset: u64, length: u64) -> Part {
        Part { offset, length }
    }

    #[test]
    fn a_name_is_read_as_it_was_written_and_foreign_ones_are_passed_over() {
        let one = part(1_048_576, 300_000);
        assert_eq!(one.name(), "000001048576-000000300000");
        assert_eq!(Part::parse(&one.name()), Some(one));
        for foreign in [
            "",
            "a",
            "1-2",
            "000000000000-000000000000",
            "000000000000-999999999999",
            "+00000000001-000000000001",
        ] {
            assert_eq!(Part::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn bytes_up_to_the_first_gap_count_whoever_cut_the_file_how() {
        // 0..10, 5..20 and 18..30 overlap, 12..14 lies within, 31..40 comes after a gap.
        let parts = vec![
            part(31, 9),
            part(5, 15),
            part(12, 2),
            part(18, 12),
            part(0, 10),
        ];
        let found = segments(parts);
        let as_read: Vec<_> = found
            .iter()
            .map(|one| (one.part.offset + one.bytes.start, one.part.end()))
            .collect();
        assert_eq!(as_read, [(0, 10), (10, 20), (20, 30)]);
        assert_eq!(covered(&found), 30);
        assert_eq!(covered(&segments(vec![part(1, 5)])), 0);
        assert_eq!(
            segments(vec![part(0, 4), part(0, 9)]),
            [Segment {
                part: part(0, 9),
                bytes: 0..9
            }]
        );
    }

    #[test]
    fn any_parts_read_as_the_file_they_were_cut_from() {
        use proptest::prelude::*;
        let cuts = prop::collection::vec((0_u64..200, 1_u64..60), 0..40);
        proptest!(|(cuts in cuts)| {
            let parts: Vec<Part> = cuts.iter().map(|(offset, length)| part(*offset, *length)).collect();
            let mut is_there = [false; 300];
            for part in &parts {
                is_there[part.offset as usize..part.end() as usize].fill(true);
            }
            let first_gap = is_there.iter().position(|is_there| !is_there).unwrap() as u64;
            let found = segments(parts);
            prop_assert_eq!(covered(&found), first_gap);
            let mut at = 0;
            for one in found {
                prop_assert_eq!(one.part.offset + one.bytes.start, at);
                at = one.part.offset + one.bytes.end;
            }
            prop_assert_eq!(at, first_gap);
        });
    }
}
