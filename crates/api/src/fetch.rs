//! What every host answers alike when a screen asks for evidence or a made file by its address.
//!
//! Invariant: nothing that comes in as evidence can act as a page: the media type is one that is only shown or played, it is never
//! guessed, and no script may run in it. A stretch is given when it is asked for, and never more than [`MAX_STRETCH`] at once, so that a
//! long recording is not held in memory whole.

use crate::{
    App, Bytes,
    error::{ApiError, ErrorCode},
};

/// The most bytes that one answer to a request for a stretch holds.
const MAX_STRETCH: u64 = 4 << 20;

/// An answer as HTTP has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl App {
    /// Evidence by the hash of its original. `query` may hold `size=original`, `size=thumb`, `size=preview` or an edge in pixels;
    /// `range` is the header of that name. Blocks while the bytes are read.
    pub fn fetch_evidence(&self, hash: &str, query: &str, range: Option<&str>) -> Fetched {
        let variant = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("size="))
            .unwrap_or("original");
        // The bytes under a hash never change, but what a window keeps on the disk would lie there in clear.
        answer(range, "no-store", |range| {
            self.evidence(hash, variant, range)
        })
    }

    /// A file that a handler made, by its token. Blocks while the bytes are read.
    pub fn fetch_file(&self, token: &str, range: Option<&str>) -> Fetched {
        answer(range, "no-store", |range| {
            let mut file = self.file(token)?;
            if let Some((from, to)) = range {
                let at = |place: u64| {
                    usize::try_from(place)
                        .map_or(file.bytes.len(), |place| place.min(file.bytes.len()))
                };
                file.bytes = file.bytes[at(from)..at(to)].to_vec();
            }
            Ok(file)
        })
    }
}

impl Fetched {
    /// An answer without content.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: vec![("cache-control", "no-store".into())],
            body: Vec::new(),
        }
    }
}

fn answer(
    range: Option<&str>,
    cache: &str,
    read: impl Fn(Option<(u64, u64)>) -> Result<Bytes, ApiError>,
) -> Fetched {
    let wanted = range.and_then(stretch);
    let bytes = match read(wanted) {
        Ok(bytes) => bytes,
        Err(error) => return Fetched::empty(status(&error)),
    };
    let mut headers = vec![
        ("content-type", shown_as(&bytes.mime).to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        (
            "content-security-policy",
            "default-src 'none'; sandbox".to_owned(),
        ),
        ("cache-control", cache.to_owned()),
        ("accept-ranges", "bytes".to_owned()),
    ];
    let Some((from, _)) = wanted else {
        return Fetched {
            status: 200,
            headers,
            body: bytes.bytes,
        };
    };
    if bytes.bytes.is_empty() {
        headers.push(("content-range", format!("bytes */{}", bytes.total)));
        return Fetched {
            status: 416,
            headers,
            body: Vec::new(),
        };
    }
    let last = from + bytes.bytes.len() as u64 - 1;
    headers.push((
        "content-range",
        format!("bytes {from}-{last}/{}", bytes.total),
    ));
    Fetched {
        status: 206,
        headers,
        body: bytes.bytes,
    }
}

/// The stretch `from..to` of a `range` header. Several stretches, and the last n bytes, are not offered: such a header is passed over,
/// as HTTP allows.
fn stretch(range: &str) -> Option<(u64, u64)> {
    let (from, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = from.trim().parse().ok()?;
    let most = from.checked_add(MAX_STRETCH)?;
    let to = match last.trim() {
        "" => most,
        last => last.parse::<u64>().ok()?.checked_add(1)?.min(most),
    };
    (from < to).then_some((from, to))
}

fn status(error: &ApiError) -> u16 {
    match error.code {
        ErrorCode::NotFound => 404,
        ErrorCode::BadRequest | ErrorCode::BadFile => 400,
        ErrorCode::NotReady => 503,
        _ => 500,
    }
}

/// The media type to answer with: only what is shown or played without acting; anything else is merely bytes.
fn shown_as(mime: &str) -> &str {
    let (kind, form) = mime.split_once('/').unwrap_or((mime, ""));
    match kind {
        "image" if !form.contains("svg") => mime,
        "audio" | "video" => mime,
        "application" if form == "pdf" => mime,
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CONTENT: &[u8] = b"0123456789";

    fn read(range: Option<(u64, u64)>) -> Result<Bytes, ApiError> {
        let all = CONTENT.len() as u64;
        let (from, to) = range.unwrap_or((0, all));
        Ok(Bytes {
            mime: "audio/mpeg".into(),
            bytes: CONTENT[from.min(all) as usize..to.min(all) as usize].to_vec(),
            total: all,
        })
    }

    fn header<'a>(fetched: &'a Fetched, name: &str) -> Option<&'a str> {
        fetched
            .headers
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_player_gets_the_stretch_that_it_asks_for() {
        for (range, body, content_range) in [
            ("bytes=2-4", "234", "bytes 2-4/10"),
            ("bytes=7-", "789", "bytes 7-9/10"),
            ("bytes=0-99", "0123456789", "bytes 0-9/10"),
        ] {
            let fetched = answer(Some(range), "no-store", read);
            assert_eq!(fetched.status, 206, "{range}");
            assert_eq!(fetched.body, body.as_bytes(), "{range}");
            assert_eq!(
                header(&fetched, "content-range"),
                Some(content_range),
                "{range}"
            );
        }
    }

    #[test]
    fn a_stretch_behind_the_end_is_refused() {
        let fetched = answer(Some("bytes=10-"), "no-store", read);
        assert_eq!(fetched.status, 416);
        assert_eq!(header(&fetched, "content-range"), Some("bytes */10"));
    }

    #[test]
    fn a_range_that_is_not_offered_or_makes_no_sense_gives_all() {
        for range in [
            "bytes=-3",
            "bytes=1-2,4-5",
            "bytes=5-4",
            "items=0-1",
            "bytes=x-",
            "bytes=18446744073709551615-",
        ] {
            let fetched = answer(Some(range), "no-store", read);
            assert_eq!(
                (fetched.status, fetched.body.as_slice()),
                (200, CONTENT),
                "{range}"
            );
        }
    }

    #[test]
    fn a_long_recording_comes_in_pieces() {
        assert_eq!(stretch("bytes=0-"), Some((0, MAX_STRETCH)));
        assert_eq!(stretch("bytes=0-999999999"), Some((0, MAX_STRETCH)));
    }

    #[test]
    fn what_could_act_as_a_page_is_given_as_mere_bytes() {
        for mime in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "application/javascript",
            "",
        ] {
            assert_eq!(shown_as(mime), "application/octet-stream", "{mime}");
        }
        for mime in ["image/jpeg", "audio/mpeg", "video/mp4", "application/pdf"] {
            assert_eq!(shown_as(mime), mime);
        }
        let fetched = answer(None, "no-store", read);
        assert_eq!(header(&fetched, "x-content-type-options"), Some("nosniff"));
        assert_eq!(
            header(&fetched, "content-security-policy"),
            Some("default-src 'none'; sandbox")
        );
    }

    #[test]
    fn what_is_not_there_is_not_found_and_a_locked_ledger_is_not_available() {
        for (code, expected) in [
            (ErrorCode::NotFound, 404),
            (ErrorCode::NotReady, 503),
            (ErrorCode::Storage, 500),
        ] {
            let fetched = answer(None, "no-store", |_| Err(ApiError::new(code)));
            assert_eq!((fetched.status, fetched.body.len()), (expected, 0));
        }
    }
}
