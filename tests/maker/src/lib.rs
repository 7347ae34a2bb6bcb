//! Whoever makes updates, for tests: a key pair that is made for one run, and signatures by the library that the tools sign with.
#![allow(clippy::unwrap_used)]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use minisign::KeyPair;

/// Somebody who signs updates.
pub struct Maker(KeyPair);

impl Default for Maker {
    fn default() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }
}

impl Maker {
    /// With a new key pair.
    pub fn new() -> Self {
        Self::default()
    }

    /// The public key's file.
    pub fn public(&self) -> String {
        self.0.pk.to_box().unwrap().into_string()
    }

    /// The public key as Tauri's configuration holds it.
    pub fn public_for_tauri(&self) -> String {
        BASE64_STANDARD.encode(self.public())
    }

    /// A signature as the tools make it by themselves.
    pub fn sign(&self, name: &str, bytes: &[u8]) -> String {
        self.sign_saying(
            &format!("timestamp:1650000000\tfile:{name}\tprehashed"),
            bytes,
        )
    }

    /// A signature with another trusted comment.
    pub fn sign_saying(&self, comment: &str, bytes: &[u8]) -> String {
        let signed = minisign::sign(Some(&self.0.pk), &self.0.sk, bytes, Some(comment), None);
        signed.unwrap().into_string()
    }

    /// A signature in the file that Tauri's command line writes.
    pub fn sign_for_tauri(&self, name: &str, bytes: &[u8]) -> String {
        BASE64_STANDARD.encode(self.sign(name, bytes))
    }
}
