//! `AdamW`: Adam with decoupled weight decay (Loshchilov and Hutter, 2019), under a cosine learning-rate schedule.

use analyst::heads::Heads;

/// The learning rate at the first step: twice Adam's usual one, as it falls to zero.
const LEARNING_RATE: f32 = 2e-3;
/// PyTorch's default. Without decay, a hundred times more weights than there are tickets would fit noise.
const WEIGHT_DECAY: f32 = 1e-2;
/// Adam's usual decay rates of the first and second moment, and what keeps a quotient finite.
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

pub(super) struct Optimiser {
    first_moment: Heads,
    second_moment: Heads,
    step: usize,
    steps: usize,
}

impl Optimiser {
    pub(super) fn new(steps: usize) -> Self {
        Self { first_moment: Heads::zeros(), second_moment: Heads::zeros(), step: 0, steps: steps.max(1) }
    }

    pub(super) fn step(&mut self, heads: &mut Heads, gradient: &Heads) {
        let rate = learning_rate(self.step, self.steps);
        self.step += 1;
        let bias_correction = |beta: f32| 1.0 / (1.0 - libm::powf(beta, self.step as f32));
        let (first_correction, second_correction) = (bias_correction(BETA_1), bias_correction(BETA_2));
        let moments = self.first_moment.slices_mut().into_iter().zip(self.second_moment.slices_mut());
        for ((weights, gradients), (firsts, seconds)) in
            heads.slices_mut().into_iter().zip(gradient.slices()).zip(moments)
        {
            for ((weight, gradient), (first, second)) in
                weights.iter_mut().zip(gradients).zip(firsts.iter_mut().zip(seconds))
            {
                *first = BETA_1 * *first + (1.0 - BETA_1) * gradient;
                *second = BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient;
                let update = *first * first_correction / ((*second * second_correction).sqrt() + EPSILON);
                *weight -= rate * (update + WEIGHT_DECAY * *weight);
            }
        }
    }
}

/// From [`LEARNING_RATE`] along half a cosine to zero.
fn learning_rate(step: usize, steps: usize) -> f32 {
    LEARNING_RATE * 0.5 * (1.0 + libm::cosf(core::f32::consts::PI * step as f32 / steps as f32))
}
