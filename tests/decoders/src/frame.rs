//! A zstd frame whose blocks are not compressed (RFC 8878 §3.1.1), so that every byte of what is packed can be altered by itself and a fuzzer
//! does not spend its time on compressing.

/// The most bytes of a block.
const BLOCK: usize = 128 * 1024;

/// Packs bytes as they are.
pub fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
    // A single segment with a content size of four bytes, no checksum, no dictionary.
    frame.push(0b1010_0000);
    frame.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    let mut blocks = bytes.chunks(BLOCK).peekable();
    if blocks.peek().is_none() {
        frame.extend_from_slice(&[1, 0, 0]);
    }
    while let Some(block) = blocks.next() {
        let is_last = u32::from(blocks.peek().is_none());
        let header = (block.len() as u32) << 3 | is_last;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_unpacked_the_same() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            assert_eq!(zstd::decode_all(&stored(&bytes)[..]).unwrap(), bytes);
        }
    }
}
