//! Adam with decoupled weight decay (Loshchilov and Hutter, 2019), its step falling along a cosine.

use analyst::heads::Heads;

const STEP: f32 = 2e-3;
const DECAY: f32 = 1e-2;
const MOMENTUM: f32 = 0.9;
const VARIANCE: f32 = 0.999;
const EPSILON: f32 = 1e-8;

pub(super) struct Optimiser {
    mean: Heads,
    square: Heads,
    done: usize,
    all: usize,
}

impl Optimiser {
    pub(super) fn new(steps: usize) -> Self {
        Self { mean: Heads::zeros(), square: Heads::zeros(), done: 0, all: steps.max(1) }
    }

    pub(super) fn step(&mut self, heads: &mut Heads, gradient: &Heads) {
        let step = STEP * 0.5 * (1.0 + libm::cosf(core::f32::consts::PI * self.done as f32 / self.all as f32));
        self.done += 1;
        let unbias = |rate: f32| 1.0 - libm::powf(rate, self.done as f32);
        let (mean_scale, square_scale) = (1.0 / unbias(MOMENTUM), 1.0 / unbias(VARIANCE));
        let moments = self.mean.slices_mut().into_iter().zip(self.square.slices_mut());
        for ((to, from), (means, squares)) in heads.slices_mut().into_iter().zip(gradient.slices()).zip(moments) {
            for ((weight, gradient), (mean, square)) in to.iter_mut().zip(from).zip(means.iter_mut().zip(squares)) {
                *mean = MOMENTUM * *mean + (1.0 - MOMENTUM) * gradient;
                *square = VARIANCE * *square + (1.0 - VARIANCE) * gradient * gradient;
                let change = *mean * mean_scale / ((*square * square_scale).sqrt() + EPSILON);
                *weight -= step * (change + DECAY * *weight);
            }
        }
    }
}
