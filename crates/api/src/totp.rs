//! One-time codes of six digits, a new one each half minute (RFC 6238 over HMAC-SHA-1, as every authenticator shows
//! them). Pure: which moment it is comes in.

use aws_lc_rs::hmac;

/// Bytes of a seed.
pub const SEED_BYTES: usize = 40;
/// How long a code is shown, in milliseconds.
const STEP_MS: i64 = 30_000;
/// How many steps a device may be off beside what is known of its drift.
const SLACK: i64 = 1;
/// How far off a device's clock may be when its codes say how far: ten minutes.
const SEARCHED: i64 = 20;

/// The letters of base 32 (RFC 4648).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A seed in base 32. Its bytes are a whole number of letters, so that nothing is to be padded.
pub fn to_base32(seed: &[u8; SEED_BYTES]) -> String {
    let bit = |place: usize| usize::from(seed[place / 8] >> (7 - place % 8) & 1);
    let letter = |index: usize| (0..5).fold(0, |value, offset| value << 1 | bit(5 * index + offset));
    (0..SEED_BYTES * 8 / 5).map(|index| char::from(ALPHABET[letter(index)])).collect()
}

/// The bytes of a seed in base 32; `None` where it isn't one.
pub fn from_base32(text: &str) -> Option<[u8; SEED_BYTES]> {
    let mut seed = [0; SEED_BYTES];
    if text.len() != SEED_BYTES * 8 / 5 {
        return None;
    }
    for (index, letter) in text.bytes().enumerate() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        for offset in 0..5 {
            let place = 5 * index + offset;
            seed[place / 8] |= u8::from(value >> (4 - offset) & 1 == 1) << (7 - place % 8);
        }
    }
    Some(seed)
}

/// The step that a moment is in.
pub fn step_at(now_ms: i64) -> i64 {
    now_ms.div_euclid(STEP_MS)
}

/// The code of a step.
pub fn code(seed: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[bytes.len() - 1] & 15);
    let number = bytes[offset..offset + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The step after `last` whose code that is, about now on the device's clock.
pub fn step_of(seed: &[u8], shown: &str, now_ms: i64, drift: i64, last: i64) -> Option<i64> {
    let about = step_at(now_ms) + drift;
    (about - SLACK..=about + SLACK).filter(|step| *step > last).find(|step| is_code(seed, *step, shown))
}

/// How far the clock is off of a device that showed these codes one after the other, and the step of the second.
pub fn drift_of(seed: &[u8], first: &str, second: &str, now_ms: i64) -> Option<(i64, i64)> {
    let now = step_at(now_ms);
    let follows = |step: &i64| is_code(seed, *step, first) && is_code(seed, *step + 1, second);
    let step = (now - SEARCHED..=now + SEARCHED).filter(follows).min_by_key(|step| (step - now).abs())?;
    // Who shows the codes of this half minute and the next, or of the last and this, has the right time.
    let drift = if (-2..=1).contains(&(step - now)) { 0 } else { step + 1 - now };
    Some((drift, step + 1))
}

fn is_code(seed: &[u8], step: i64, shown: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(code(seed, step).as_bytes(), shown.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let seed = b"12345678901234567890";
        for (seconds, shown) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(code(seed, step_at(seconds * 1000)), shown, "{seconds}");
        }
    }

    #[test]
    fn a_seed_is_read_as_it_was_written() {
        let seed: [u8; SEED_BYTES] = std::array::from_fn(|index| (index * 37 + 11) as u8);
        let text = to_base32(&seed);
        assert_eq!((text.len(), from_base32(&text)), (64, Some(seed)));
        assert_eq!(to_base32(&[0xff; SEED_BYTES]), "7".repeat(64));
        assert_eq!(from_base32(&text[1..]), None);
        assert_eq!(from_base32(&text.to_lowercase()), None);
    }

    #[test]
    fn a_code_is_good_once_and_about_its_time() {
        let (seed, now_ms) = ([7; SEED_BYTES], 1_795_341_600_000);
        let now = step_at(now_ms);
        for off in -1..=1 {
            assert_eq!(step_of(&seed, &code(&seed, now + off), now_ms, 0, 0), Some(now + off));
        }
        for off in [-2, 2] {
            assert_eq!(step_of(&seed, &code(&seed, now + off), now_ms, 0, 0), None);
            assert_eq!(step_of(&seed, &code(&seed, now + off), now_ms, off, 0), Some(now + off));
        }
        assert_eq!(step_of(&seed, &code(&seed, now), now_ms, 0, now), None, "used before");
        assert_eq!(step_of(&seed, "1", now_ms, 0, 0), None);
    }

    #[test]
    fn two_codes_tell_how_far_a_clock_is_off() {
        let (seed, now_ms) = ([9; SEED_BYTES], 1_795_341_600_000);
        let now = step_at(now_ms);
        let pair = |step| (code(&seed, step), code(&seed, step + 1));
        for (off, drift) in [(-1, 0), (0, 0), (9, 10), (-20, -19)] {
            let (first, second) = pair(now + off);
            assert_eq!(drift_of(&seed, &first, &second, now_ms), Some((drift, now + off + 1)), "{off}");
        }
        let (first, second) = pair(now - 21);
        assert_eq!(drift_of(&seed, &first, &second, now_ms), None);
        let (first, second) = pair(now);
        assert_eq!(drift_of(&seed, &second, &first, now_ms), None, "in that order");
    }
}
