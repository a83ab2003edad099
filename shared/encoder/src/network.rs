//! The forward pass: a deep averaging network over n-gram convolutions.

use ndarray::{
    Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, Slice, Zip, linalg::general_mat_mul, stack,
};

use crate::{
    BATCH_TOKENS, DIMENSIONS, Encoded,
    file::{Cursor, File},
};

/// Columns of a branch. These shapes are those of the file; all but [`HIDDEN`] are the original network's.
const WIDTH: usize = 256;
/// Tokens a branch looks at, and how many of them stand before the token itself.
const ORDERS: [(usize, usize); 3] = [(2, 0), (3, 1), (5, 2)];
/// The columns of all branches.
pub(crate) const NARROW: usize = ORDERS.len() * WIDTH;
/// The columns of the embeddings and of all branches.
const ALL: usize = DIMENSIONS + NARROW;
const HIDDEN: usize = 320;
/// Keeps a division by a length or a deviation of zero finite; the original's.
const EPSILON: f32 = 1e-12;
/// Wide enough for the products to stay efficient.
const COLUMNS_AT_ONCE: usize = 128;

/// The size of the weights in the file: a byte a weight and four a column for matrices, four a number for vectors.
pub(crate) const BYTES: usize = {
    let [(a, _), (b, _), (c, _)] = ORDERS;
    matrix_bytes(DIMENSIONS, NARROW)
        + 3 * 4 * NARROW
        + 2 * (matrix_bytes(a * WIDTH, WIDTH) + matrix_bytes(b * WIDTH, WIDTH) + matrix_bytes(c * WIDTH, WIDTH))
        + 2 * 4 * NARROW
        + 2 * 4 * ALL
        + matrix_bytes(ALL, DIMENSIONS)
        + 4 * DIMENSIONS
        + 2 * matrix_bytes(DIMENSIONS, HIDDEN)
        + matrix_bytes(HIDDEN, HIDDEN)
        + 2 * matrix_bytes(HIDDEN, DIMENSIONS)
        + matrix_bytes(DIMENSIONS, DIMENSIONS)
};

const fn matrix_bytes(rows: usize, columns: usize) -> usize {
    rows * columns + 4 * columns
}

/// A dense layer: `inputs · weights + bias`.
struct Layer {
    weights: Array2<f32>,
    bias: Array1<f32>,
}

/// Layer normalisation.
struct LayerNorm {
    gain: Array1<f32>,
    bias: Array1<f32>,
}

/// Two residual convolutions over a few neighbouring tokens.
struct Branch {
    window: usize,
    before: usize,
    convolutions: [Layer; 2],
}

/// Room for the arrays of one batch, used again for the next one: every batch has another number of tokens, and arrays of
/// every size in turn, with what is kept of a ticket between them, leave a heap in pieces.
pub(crate) struct Workspace {
    all: Vec<f32>,
    narrow: Vec<f32>,
    windows: Vec<f32>,
    seen: Vec<f32>,
}

impl Workspace {
    /// 4 MB, of which the system lends only what a batch touches.
    pub(crate) fn new() -> Self {
        let room = |columns: usize| vec![0.0; BATCH_TOKENS * columns];
        let widest = ORDERS.iter().map(|(window, _)| window * WIDTH).max().unwrap_or_default();
        Self { all: room(ALL), narrow: room(NARROW), windows: room(widest), seen: room(WIDTH) }
    }
}

/// The beginning of a room as a matrix. What an earlier batch left in it is still there.
fn matrix(room: &mut [f32], rows: usize, columns: usize) -> ArrayViewMut2<'_, f32> {
    let room = room.get_mut(..rows * columns).expect("a batch has no more tokens than there is room for");
    ArrayViewMut2::from_shape((rows, columns), room).expect("as long as cut")
}

/// `a` times `b` into `c`, some columns at a time. Each product packs its columns of `b` into memory of its own: 800 kB for
/// all of them, which no hole in a heap fits a second time, and under 200 kB for these. The sums are the same.
fn multiply(a: &ArrayView2<'_, f32>, b: &Array2<f32>, c: &mut ArrayViewMut2<'_, f32>) {
    let columns = b.axis_chunks_iter(Axis(1), COLUMNS_AT_ONCE).zip(c.axis_chunks_iter_mut(Axis(1), COLUMNS_AT_ONCE));
    for (b, mut c) in columns {
        general_mat_mul(1.0, a, &b, 0.0, &mut c);
    }
}

fn product(a: &Array2<f32>, b: &Array2<f32>) -> Array2<f32> {
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    multiply(&a.view(), b, &mut c.view_mut());
    c
}

/// A text's tokens pooled.
pub(crate) struct Pool {
    sum: Array1<f32>,
    /// The most of each column of the branches.
    most: Array1<f32>,
    tokens: f32,
}

pub(crate) struct Network {
    project: Layer,
    project_norm: LayerNorm,
    branches: Vec<Branch>,
    norm: LayerNorm,
    average: Layer,
    d0: Array2<f32>,
    p1: Array2<f32>,
    d1: Array2<f32>,
    d2: Array2<f32>,
    p3: Array2<f32>,
    d3: Array2<f32>,
}

impl Network {
    pub(crate) fn unpack(file: &File) -> Self {
        let mut rest = Weights(Cursor(file.weights));
        let project = Layer { weights: rest.matrix(DIMENSIONS, NARROW), bias: rest.vector(NARROW) };
        let project_norm = LayerNorm { gain: rest.vector(NARROW), bias: rest.vector(NARROW) };
        let branches = ORDERS.map(|(window, before)| {
            let convolutions =
                [(); 2].map(|()| Layer { weights: rest.matrix(window * WIDTH, WIDTH), bias: rest.vector(WIDTH) });
            Branch { window, before, convolutions }
        });
        Self {
            project,
            project_norm,
            branches: branches.into(),
            norm: LayerNorm { gain: rest.vector(ALL), bias: rest.vector(ALL) },
            average: Layer { weights: rest.matrix(ALL, DIMENSIONS), bias: rest.vector(DIMENSIONS) },
            d0: rest.matrix(DIMENSIONS, HIDDEN),
            p1: rest.matrix(DIMENSIONS, HIDDEN),
            d1: rest.matrix(HIDDEN, HIDDEN),
            d2: rest.matrix(HIDDEN, DIMENSIONS),
            p3: rest.matrix(HIDDEN, DIMENSIONS),
            d3: rest.matrix(DIMENSIONS, DIMENSIONS),
        }
    }

    /// Sentences' tokens pooled, each given as the rows of its tokens; [`BATCH_TOKENS`] at most in all.
    pub(crate) fn pools(&self, file: &File, sentences: &[Vec<u32>], workspace: &mut Workspace) -> Vec<Pool> {
        let count = sentences.iter().map(Vec::len).sum();
        let mut all = matrix(&mut workspace.all, count, ALL);
        for (token, mut row) in sentences.iter().flatten().zip(all.rows_mut()) {
            file.embed(*token, row.iter_mut().take(DIMENSIONS));
        }
        let (embedded, mut branches) = all.view_mut().split_at(Axis(1), DIMENSIONS);
        // One normalisation over the columns of all branches, as the package has it.
        let mut narrow = matrix(&mut workspace.narrow, count, NARROW);
        multiply(&embedded.view(), &self.project.weights, &mut narrow);
        narrow += &self.project.bias;
        self.project_norm.apply(narrow.view_mut());
        let columns = narrow.axis_chunks_iter(Axis(1), WIDTH).zip(branches.axis_chunks_iter_mut(Axis(1), WIDTH));
        for (branch, (columns, mut features)) in self.branches.iter().zip(columns) {
            features.assign(&columns);
            branch.forward(features, sentences, &mut workspace.windows, &mut workspace.seen);
        }
        self.norm.apply(all.view_mut());

        let mut start = 0;
        let pool = |sentence: &Vec<u32>| {
            let end = start + sentence.len();
            let own = all.slice_axis(Axis(0), Slice::from(start..end));
            let branches = own.slice_axis(Axis(1), Slice::from(DIMENSIONS..));
            start = end;
            let most = branches.fold_axis(Axis(0), f32::NEG_INFINITY, |most, value| most.max(*value));
            Pool { sum: own.sum_axis(Axis(0)), most, tokens: sentence.len() as f32 }
        };
        sentences.iter().map(pool).collect()
    }

    /// Averages pools and takes them through the last layers.
    pub(crate) fn finish(&self, pools: &[Pool]) -> Vec<Encoded> {
        let views: Vec<_> = pools.iter().map(|pool| pool.sum.view()).collect();
        let mut means = product(&stack(Axis(0), &views).expect("as wide as each other"), &self.average.weights);
        for (pool, mut mean) in pools.iter().zip(means.rows_mut()) {
            mean.scaled_add(pool.tokens, &self.average.bias);
            mean /= pool.tokens.sqrt();
        }
        let y0 = relu(product(&means, &self.d0));
        let y1 = relu(product(&means, &self.p1) + product(&y0, &self.d1));
        let y2 = relu(product(&y1, &self.d2));
        let mut z = product(&y1, &self.p3) + product(&y2, &self.d3);
        z.mapv_inplace(libm::tanhf);
        means
            .rows()
            .into_iter()
            .zip(z.rows())
            .zip(pools)
            .map(|((average, vector), pool)| Encoded {
                vector: unit(vector),
                average: unit(average),
                findings: unit((&pool.most - pool.most.sum() / NARROW as f32).view()),
            })
            .collect()
    }
}

/// Scaled to length 1.
fn unit<const LENGTH: usize>(row: ArrayView1<'_, f32>) -> [f32; LENGTH] {
    let length = row.dot(&row).max(EPSILON).sqrt();
    let mut vector = [0.0; LENGTH];
    vector.iter_mut().zip(row).for_each(|(to, from)| *to = from / length);
    vector
}

impl Branch {
    fn forward(&self, mut x: ArrayViewMut2<'_, f32>, sentences: &[Vec<u32>], windows: &mut [f32], seen: &mut [f32]) {
        let mut windows = matrix(windows, x.nrows(), self.window * WIDTH);
        let mut seen = matrix(seen, x.nrows(), WIDTH);
        for layer in &self.convolutions {
            self.fill(&mut windows, &x, sentences);
            multiply(&windows.view(), &layer.weights, &mut seen);
            seen += &layer.bias;
            seen.mapv_inplace(|value| value.max(0.0));
            x += &seen;
        }
    }

    /// For each token the rows of its window side by side, zeros where the window leaves the sentence.
    fn fill(&self, windows: &mut ArrayViewMut2<'_, f32>, x: &ArrayViewMut2<'_, f32>, sentences: &[Vec<u32>]) {
        windows.fill(0.0);
        let mut start = 0;
        for sentence in sentences {
            let length = sentence.len();
            for slot in 0..self.window {
                // Token t's slot holds token t + slot − before, where that is in the sentence.
                let (later, earlier) = (slot.saturating_sub(self.before), self.before.saturating_sub(slot));
                let shared = length.saturating_sub(later + earlier);
                let rows = |from: usize| Slice::from(start + from..start + from + shared);
                let mut to = windows.slice_axis_mut(Axis(0), rows(earlier));
                let mut to = to.slice_axis_mut(Axis(1), Slice::from(slot * WIDTH..(slot + 1) * WIDTH));
                to.assign(&x.slice_axis(Axis(0), rows(later)));
            }
            start += length;
        }
    }
}

impl LayerNorm {
    /// Layer normalisation of each row.
    fn apply(&self, mut x: ArrayViewMut2<'_, f32>) {
        for mut row in x.rows_mut() {
            let columns = row.len() as f32;
            let mean = row.sum() / columns;
            row -= mean;
            let deviation = (row.dot(&row) / columns + EPSILON).sqrt();
            Zip::from(&mut row).and(&self.gain).and(&self.bias).for_each(|x, gain, bias| {
                *x = *x / deviation * gain + bias;
            });
        }
    }
}

fn relu(mut x: Array2<f32>) -> Array2<f32> {
    x.mapv_inplace(|x| x.max(0.0));
    x
}

/// Unpacks one weight after the other. The file was measured when it was read.
struct Weights<'a>(Cursor<'a>);

impl Weights<'_> {
    fn vector(&mut self, length: usize) -> Array1<f32> {
        let bytes = self.0.take(4 * length).expect("the section's length was checked");
        bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f32> {
        let scale = self.vector(columns);
        let bytes = self.0.take(rows * columns).expect("the section's length was checked");
        let weights = bytes.iter().map(|byte| f32::from(byte.cast_signed())).collect();
        Array2::from_shape_vec((rows, columns), weights).expect("as many as taken") * &scale
    }
}
