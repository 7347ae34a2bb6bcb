#![no_main]

libfuzzer_sys::fuzz_target!(init: shicha_fuzz::contained(), |bytes: &[u8]| {
    shicha_decoders::update::hold(bytes);
});
