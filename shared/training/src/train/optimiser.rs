//! Adam (Kingma and Ba, 2015) with decoupled weight decay (Loshchilov and Hutter, 2019).

/// Adam's usual decay rates of the first and second moment, and what keeps a quotient finite.
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Parameters in groups, such as a matrix and its bias, in the same order at every step.
pub(super) struct Adam {
    groups: Vec<Moments>,
    step: usize,
}

/// Parameters of one group, with what belongs to each.
pub(super) struct Group<'a> {
    pub(super) weights: &'a mut [f32],
    pub(super) gradient: &'a [f32],
    /// The share of themselves by which a step makes them smaller.
    pub(super) decay: f32,
}

struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Adam {
    /// `lengths` are of the groups.
    pub(super) fn new(lengths: impl Iterator<Item = usize>) -> Self {
        let zeros = |length| Moments { first: vec![0.0; length], second: vec![0.0; length] };
        Self { groups: lengths.map(zeros).collect(), step: 0 }
    }

    /// Moves weights against their gradient at this rate, and makes them smaller by their decay.
    pub(super) fn step<'a>(&mut self, groups: impl Iterator<Item = Group<'a>>, rate: f32) {
        self.step += 1;
        let bias_correction = |beta: f32| 1.0 / (1.0 - libm::powf(beta, self.step as f32));
        let (first_correction, second_correction) = (bias_correction(BETA_1), bias_correction(BETA_2));
        for (Group { weights, gradient, decay }, Moments { first, second }) in groups.zip(&mut self.groups) {
            for ((weight, gradient), (first, second)) in
                weights.iter_mut().zip(gradient).zip(first.iter_mut().zip(second))
            {
                *first = BETA_1 * *first + (1.0 - BETA_1) * gradient;
                *second = BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient;
                let direction = *first * first_correction / ((*second * second_correction).sqrt() + EPSILON);
                *weight -= rate * direction + decay * *weight;
            }
        }
    }
}
