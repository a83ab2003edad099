//! Repeatable random numbers, for training, for resampling and for changes of a text; not for secrets.
//!
//! Our own 20 lines and not `fastrand`, which may give other numbers for the same seed after a minor update (2.1.0 did):
//! the weights and the figures of an evaluation must not change with a dependency.

/// `SplitMix64` (Steele, Lea and Flood, 2014), from a seed. The constants are the algorithm's.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f32 {
        // As many bits as an f32 has, so that the quotient is exact and below 1.
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in 0..end.
    ///
    /// # Panics
    /// If there is nothing to choose from.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    /// Fisher-Yates.
    pub fn shuffle<T>(&mut self, order: &mut [T]) {
        for end in (1..order.len()).rev() {
            let other = self.below(end + 1);
            order.swap(end, other);
        }
    }

    /// Nearly normal around 0 (Irwin-Hall with four terms): the sum of four uniform numbers, scaled to the deviation.
    pub fn normal(&mut self, deviation: f32) -> f32 {
        let sum: f32 = (0..4).map(|_| self.uniform() - 0.5).sum();
        sum * libm::sqrtf(3.0) * deviation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_sequence() {
        let mut random = Random(1_234_567);
        let published: [u64; 5] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(published.map(|_| random.next()), published);
    }
}
