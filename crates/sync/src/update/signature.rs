//! Signatures of updates: minisign's format, as it is or in the Base64 that Tauri's tools wrap around it.
//!
//! The trusted comment names the file, and every tool that signs writes it there by itself: `timestamp:…⇥file:Shicha-1.2.3-setup.exe…`.
//! Version and platform are read from that name, so that an old version cannot be passed off as a new one and nobody can forget to
//! sign them. `size:` and `notes:` may stand in the comment besides. Only pre-hashed signatures count, which all tools make today.

use std::io::Read;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use minisign_verify::{Error, PublicKey, Signature};
use shicha_domain::suite;

use super::{MAX_SIGNATURE, MAX_UPDATE, UpdateFault, Version, WINDOWS};

/// What stands in the repository; whoever releases puts their own there (docs/release.md). Programs that are made to be tried out bear the
/// key of that trial.
const BUILT_IN: &str = match option_env!("SHICHA_TRIAL_UPDATE_KEY") {
    Some(key) => key,
    None => include_str!("../../../../packaging/update-key.pub"),
};
/// How what minisign writes begins.
const COMMENT: &str = "untrusted comment:";
/// How names of updates begin.
const PRODUCT: &str = "Shicha-";
/// How they end, and which platform that is. The second is a stand-in for developers: there is no setup for Linux.
const ENDINGS: [(&str, &str); 2] = [("-setup.exe", WINDOWS), ("-setup.sh", "linux-x86_64")];
/// The most bytes of what is new in a version.
const MAX_NOTES: usize = 4_000;
/// How much of a file is read at a time.
const STRETCH: usize = 256 << 10;
/// Where the key itself lies among the bytes of its file, after the algorithm and the key's number.
const KEY: std::ops::Range<usize> = 10..42;
/// Where the signature itself lies among the bytes of its line.
const SIGNATURE: std::ops::Range<usize> = 10..74;

/// The key that signs updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateKey {
    minisign: PublicKey,
    ed25519: [u8; 32],
}

impl UpdateKey {
    /// The key that was compiled in; `None`: this build takes no updates.
    ///
    /// # Errors
    /// When the file in the repository holds something else than a key.
    pub fn built_in() -> Result<Option<Self>, UpdateFault> {
        Self::if_any(BUILT_IN)
    }

    /// Reads what a file for a public key holds: nothing where only its first line, the comment, is there.
    fn if_any(text: &str) -> Result<Option<Self>, UpdateFault> {
        let text = text.trim();
        let is_comment_alone = text.lines().count() < 2 && text.starts_with(COMMENT);
        if text.is_empty() || is_comment_alone {
            return Ok(None);
        }
        Self::parse(text).map(Some)
    }

    /// Reads a public key as minisign or Tauri write it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, UpdateFault> {
        let no_key = || UpdateFault::NotASignature("not a public key".to_owned());
        let text = unwrapped(text)?;
        let minisign = PublicKey::decode(&text).map_err(|_| no_key())?;
        let line = text.lines().nth(1).ok_or_else(no_key)?;
        let bytes = BASE64_STANDARD.decode(line).map_err(|_| no_key())?;
        let mut ed25519 = [0; 32];
        ed25519.copy_from_slice(bytes.get(KEY).ok_or_else(no_key)?);
        Ok(Self { minisign, ed25519 })
    }

    /// Reads a signature and proves what it says of the file, before the file is there.
    ///
    /// # Errors
    /// When this key did not sign that, or it names no update.
    pub fn signed(&self, text: &str) -> Result<SignedUpdate, UpdateFault> {
        if text.len() > MAX_SIGNATURE {
            return Err(UpdateFault::NotASignature("longer than any".to_owned()));
        }
        let text = unwrapped(text)?;
        let signature = Signature::decode(&text)
            .map_err(|error| UpdateFault::NotASignature(error.to_string()))?;
        // Whether it is of this key at all, and of the kind that covers a file of any length.
        self.minisign
            .verify_stream(&signature)
            .map_err(|error| match error {
                Error::UnexpectedKeyId => UpdateFault::OtherKey,
                other => UpdateFault::NotASignature(other.to_string()),
            })?;
        let lines: Vec<&str> = text.lines().collect();
        let bytes = |at: usize| {
            let line = lines.get(at).copied().unwrap_or_default();
            BASE64_STANDARD
                .decode(line)
                .map_err(|error| UpdateFault::NotASignature(error.to_string()))
        };
        let (of_file, of_comment) = (bytes(1)?, bytes(3)?);
        let mut said = of_file.get(SIGNATURE).unwrap_or_default().to_vec();
        said.extend_from_slice(signature.trusted_comment().as_bytes());
        let is_signed = <&[u8; 64]>::try_from(of_comment.as_slice()).is_ok_and(|of_comment| {
            let signature = suite::SignatureBytes::first(of_comment);
            suite::verify(&suite::PublicKey::first(&self.ed25519), &said, &signature).is_ok()
        });
        if !is_signed {
            return Err(UpdateFault::Altered("its comment is not what was signed"));
        }
        let comment = Comment::read(signature.trusted_comment())?;
        Ok(SignedUpdate {
            key: self.minisign.clone(),
            signature,
            version: comment.version,
            platform: comment.platform,
            name: comment.name,
            size: comment.size,
            notes: comment.notes,
            text: lines.get(..4).unwrap_or_default().join("\n") + "\n",
        })
    }
}

/// What the key signed about an update. The bytes of the file are still to be held against it.
#[derive(Clone)]
pub struct SignedUpdate {
    key: PublicKey,
    signature: Signature,
    /// The version that the setup puts there.
    pub version: Version,
    /// For which kind of computer.
    pub platform: &'static str,
    /// The file's name, which has both in it.
    pub name: String,
    /// How many bytes it has, where the comment says so.
    pub size: Option<u64>,
    /// What is new; may be empty.
    pub notes: String,
    /// The signature's text, as minisign writes it.
    pub text: String,
}

impl std::fmt::Debug for SignedUpdate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SignedUpdate").field(&self.name).finish()
    }
}

impl SignedUpdate {
    /// What a signature's comment says is new, where nobody has to believe it: empty where it says nothing.
    pub fn notes_of(text: &str) -> String {
        let signature = unwrapped(text)
            .ok()
            .and_then(|text| Signature::decode(&text).ok());
        signature
            .and_then(|signature| Comment::read(signature.trusted_comment()).ok())
            .map_or_else(String::new, |comment| comment.notes)
    }

    /// Holds a size that somebody announces against what may be.
    ///
    /// # Errors
    /// When no update has as many bytes, or this one has others.
    pub fn check_size(&self, size: u64) -> Result<(), UpdateFault> {
        if size == 0 || size > MAX_UPDATE || self.size.is_some_and(|signed| signed != size) {
            return Err(UpdateFault::Size(size));
        }
        Ok(())
    }

    /// Reads the whole file and proves that it is what was signed. Returns how many bytes it has.
    ///
    /// # Errors
    /// When it is not, or cannot be read.
    pub fn check(&self, mut input: impl Read) -> Result<u64, UpdateFault> {
        let mut hashing = self
            .key
            .verify_stream(&self.signature)
            .map_err(|error| UpdateFault::NotASignature(error.to_string()))?;
        let mut stretch = vec![0; STRETCH];
        let mut bytes = 0;
        loop {
            let read = match input.read(&mut stretch) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            bytes += read as u64;
            if bytes > MAX_UPDATE {
                return Err(UpdateFault::Size(bytes));
            }
            hashing.update(stretch.get(..read).unwrap_or_default());
        }
        self.check_size(bytes)?;
        hashing
            .finalize()
            .map_err(|_| UpdateFault::Altered("its bytes are not what was signed"))?;
        Ok(bytes)
    }
}

/// Version and platform that a file's name tells; `None` where it is no update's.
pub fn platform_of(name: &str) -> Option<(Version, &'static str)> {
    let rest = name.strip_prefix(PRODUCT)?;
    ENDINGS.iter().find_map(|(ending, platform)| {
        let version = rest.strip_suffix(ending)?.parse().ok()?;
        Some((version, *platform))
    })
}

/// The trusted comment, read.
struct Comment {
    version: Version,
    platform: &'static str,
    name: String,
    size: Option<u64>,
    notes: String,
}

impl Comment {
    fn read(text: &str) -> Result<Self, UpdateFault> {
        let field = |name: &str| {
            let mut values = text
                .split('\t')
                .filter_map(|part| part.strip_prefix(name)?.strip_prefix(':'));
            // Whoever writes one twice means who knows what.
            values.next().filter(|_| values.next().is_none())
        };
        let no_update = |why: &str| UpdateFault::NoUpdate(why.to_owned());
        let name = field("file").ok_or_else(|| no_update("the signed comment names no file"))?;
        // Tools write the path as it was given to them.
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let (version, platform) = platform_of(name)
            .ok_or_else(|| UpdateFault::NoUpdate(format!("{name:?} is no update's name")))?;
        let size = field("size")
            .map(|size| size.parse())
            .transpose()
            .map_err(|_| no_update("its size is no number"))?;
        let notes = field("notes").unwrap_or_default().replace("\\n", "\n");
        if notes.len() > MAX_NOTES {
            return Err(no_update("too many words about it"));
        }
        Ok(Self {
            version,
            platform,
            name: name.to_owned(),
            size,
            notes,
        })
    }
}

/// Takes Tauri's Base64 off.
fn unwrapped(text: &str) -> Result<String, UpdateFault> {
    let text = text.trim();
    if text.starts_with(COMMENT) {
        return Ok(text.to_owned());
    }
    let cannot = |error: &dyn std::fmt::Display| UpdateFault::NotASignature(error.to_string());
    let bytes = BASE64_STANDARD
        .decode(text)
        .map_err(|error| cannot(&error))?;
    String::from_utf8(bytes).map_err(|error| cannot(&error))
}
