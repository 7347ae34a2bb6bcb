//! Every decoder of outside bytes, each as one function that takes bytes and holds the decoder to what it promises.
//!
//! Such a function panics when a promise is broken and returns otherwise, whether the bytes were taken or refused. The fuzzer in `fuzz/` and
//! the test over its corpus call the same functions. The promises: no panic, whatever the bytes; what is read is written again as what was
//! read; limits hold; a refusal is a value with a reason. A new decoder of outside bytes gets a function here, a line in [`DECODERS`], a
//! target in `fuzz/` and seeds.
#![allow(clippy::unwrap_used)]

pub mod batch;
pub mod entry;
pub mod frame;
pub mod log;
pub mod message;
pub mod pack;
pub mod package;
pub mod picture;
pub mod roster;
pub mod taken;
pub mod update;

/// A decoder by name: the name of its folder of corpus and of its fuzz target.
pub struct Decoder {
    /// The name.
    pub name: &'static str,
    /// Holds the decoder to its promises.
    pub hold: fn(&[u8]),
}

/// All of them.
pub const DECODERS: &[Decoder] = &[
    Decoder {
        name: "entry",
        hold: entry::hold,
    },
    Decoder {
        name: "fold",
        hold: log::hold,
    },
    Decoder {
        name: "taken",
        hold: taken::hold,
    },
    Decoder {
        name: "push",
        hold: batch::hold_push,
    },
    Decoder {
        name: "pull",
        hold: batch::hold_pull,
    },
    Decoder {
        name: "message",
        hold: message::hold,
    },
    Decoder {
        name: "pack",
        hold: pack::hold,
    },
    Decoder {
        name: "package",
        hold: package::hold,
    },
    Decoder {
        name: "picture",
        hold: picture::hold,
    },
    Decoder {
        name: "roster",
        hold: roster::hold,
    },
    Decoder {
        name: "update",
        hold: update::hold,
    },
];
