//! UUIDs (RFC 9562), as text.

/// One of version 4, of random bits.
pub(crate) fn random(bits: u128) -> String {
    text(4, bits)
}

/// One of version 7, which tells the time, with further bits in those places that are free.
pub(crate) fn timed(time_ms: i64, bits: u128) -> String {
    text(7, bits & u128::MAX >> 48 | u128::from(time_ms.cast_unsigned()) << 80)
}

fn text(version: u128, bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | version << 76 | 0x2 << 62;
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (place, byte) in bits.to_be_bytes().into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(HEX[usize::from(byte >> 4)].into());
        text.push(HEX[usize::from(byte & 0xf)].into());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_times_have_their_places() {
        assert_eq!(random(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(random(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(timed(0x0123_4567_89ab, 0xfedc << 64 | 5), "01234567-89ab-7edc-8000-000000000005");
    }
}
