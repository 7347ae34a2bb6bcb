//! What the toolchain is made of, to the version and the byte.
//!
//! Debian's compiler for its web browsers is the newest that Debian 12 has. Its library comes as source too, from which the one for
//! Windows is built: no other server than Debian's and crates.io is asked.

/// A package that is unpacked into the cache folder.
pub(super) struct Unpacked {
    /// Its name.
    pub(super) name: &'static str,
    /// Its version.
    pub(super) version: &'static str,
    /// SHA-256 of the package file.
    pub(super) sha256: &'static str,
}

const RUST: &str = "1.96.0+dfsg1-1~deb12u2";

/// The compiler, its libraries and their source, LLVM.
pub(super) const UNPACKED: &[Unpacked] = &[
    Unpacked {
        name: "rustc-web",
        version: RUST,
        sha256: "8fefe1d6377fe4082f5a9d2a47e095e2d20319eaab9754bd2f0275155c9adf90",
    },
    Unpacked {
        name: "libstd-rust-web-1.96",
        version: RUST,
        sha256: "3755f30434ae29574c91b0beb86632bee401607b0ac35c3e52810f9a53fae0d1",
    },
    Unpacked {
        name: "libstd-rust-web-dev",
        version: RUST,
        sha256: "e38dbeaaad673fc63fb47c5140cf34da271ac71c3ecafc828b762c2fb01fe77a",
    },
    Unpacked {
        name: "rust-web-src",
        version: RUST,
        sha256: "9de8597c464d0a9283672973ed7e50092b49a92b95861429043fe8b57468a208",
    },
    Unpacked {
        name: "libllvm22",
        version: "1:22.1.8-1~deb12u1",
        sha256: "729ec3e943d320515c2bbdc96acfffd7ce34861e62bd5c42726bf586d644dfe2",
    },
];

/// Packages of the system that building needs, with the version that this was tried with.
pub(super) const BUILD: &[(&str, &str)] = &[
    ("gcc-mingw-w64-x86-64-posix", "12.2.0-14+deb12u1+25.2+b1"),
    ("g++-mingw-w64-x86-64-posix", "12.2.0-14+deb12u1+25.2+b1"),
    ("nsis", "3.08-3+deb12u1"),
    // What LLVM is linked to.
    ("libedit2", "3.1-20221030-2"),
    ("libffi8", "3.4.4-1"),
    ("libxml2", "2.9.14+dfsg-1.3~deb12u6"),
    ("libz3-4", "4.8.12-3.1"),
    ("libzstd1", "1.5.4+dfsg2-5"),
    ("zlib1g", "1:1.2.13.dfsg-1"),
];

/// Packages of the system that running what was built needs: Wine, a Chinese locale for it, a display without a screen, and what
/// looks at the display.
pub(super) const WINE: &[(&str, &str)] = &[
    ("wine64", "8.0~repack-4"),
    ("locales", "2.36-9+deb12u14"),
    ("xvfb", "2:21.1.7-3+deb12u13"),
    ("xauth", "1:1.1.2-1"),
    ("xdotool", "1:3.20160805.1-5"),
    ("fonts-noto-cjk", "1:20220127+repack1-1"),
];
