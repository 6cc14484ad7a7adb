//! Randomness that comes in from outside: seeded from the system in service, from a number in tests.
//!
//! It makes ids and picks addresses. It isn't for secrets: keys are made outside transactions, by the crypto library.

/// A stream of numbers: xoshiro256++ (Blackman and Vigna, 2019), seeded through SplitMix64.
#[derive(Clone, Debug)]
pub struct Entropy([u64; 4]);

impl Entropy {
    /// The stream of that seed.
    pub fn seeded(seed: u64) -> Self {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self([next(), next(), next(), next()])
    }

    /// A stream that nobody can foresee.
    pub fn from_system() -> Self {
        let mut bytes = [0; 32];
        // The system's generator fails only where it has none at all: then the address of a local must do.
        if aws_lc_rs::rand::fill(&mut bytes).is_err() {
            return Self::seeded(std::ptr::from_ref(&bytes) as u64);
        }
        let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|j| bytes[8 * i + j]));
        Self([word(0) | 1, word(1), word(2), word(3)])
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// The next 128 bits.
    pub fn next_u128(&mut self) -> u128 {
        u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())
    }

    /// A number below the bound, which must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Lemire's multiplication; the bias is below 2^-32 for the ranges used here.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}
