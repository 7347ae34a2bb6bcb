//! Signatures of updates: texts that travel with the bytes of a setup, from whoever carries it.

use std::sync::LazyLock;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use shicha_sync::update::{SignedUpdate, UpdateKey, platform_of};

const NUMBER: [u8; 8] = [7; 8];
/// No refusal quotes more than this of what was refused.
const MOST_WORDS: usize = 32 << 10;

static KEY: LazyLock<UpdateKey> = LazyLock::new(|| {
    let bytes = [&b"Ed"[..], &NUMBER, &maker().verifying_key().to_bytes()].concat();
    let text = format!(
        "untrusted comment: a key\n{}\n",
        BASE64_STANDARD.encode(bytes)
    );
    UpdateKey::parse(&text).unwrap()
});

fn maker() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// A signature's text whose comment the key signed; of the file it signs nothing.
pub fn saying(comment: &str) -> String {
    let of_file = [5; 64];
    let line = [&b"ED"[..], &NUMBER, &of_file].concat();
    let said = [&of_file[..], comment.as_bytes()].concat();
    let of_comment = maker().sign(&said).to_bytes();
    format!(
        "untrusted comment: a signature\n{}\ntrusted comment: {comment}\n{}\n",
        BASE64_STANDARD.encode(line),
        BASE64_STANDARD.encode(of_comment)
    )
}

/// Holds the decoder to its promises: the first byte says whether the rest is the whole text, a comment that the key signs, or a public key.
pub fn hold(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = str::from_utf8(rest) else {
        return;
    };
    match kind % 3 {
        0 => read(text),
        1 => read(&saying(text)),
        _ => {
            if let Err(fault) = UpdateKey::parse(text) {
                assert!(fault.to_string().len() < MOST_WORDS);
            }
        }
    }
}

fn read(text: &str) {
    let _words = SignedUpdate::notes_of(text);
    match KEY.signed(text) {
        Ok(signed) => {
            let (version, platform) = platform_of(&signed.name).unwrap();
            assert_eq!((signed.version, signed.platform), (version, platform));
            assert!(
                !signed.name.contains(['/', '\\']),
                "it is a name and no path"
            );
            assert_eq!(signed.notes, SignedUpdate::notes_of(text));
            let again = KEY.signed(&signed.text).unwrap();
            assert_eq!(again.text, signed.text, "what is kept is read the same");
            assert!(signed.check(&b"not the file"[..]).is_err());
        }
        Err(fault) => assert!(fault.to_string().len() < MOST_WORDS, "{fault}"),
    }
}
