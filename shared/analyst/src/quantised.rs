//! Weight matrices as signed bytes: symmetric quantisation with one scale per column, that is per output unit.
//!
//! The scale keeps 16 significant bits and a code seven, so their product is exact in an `f32` of 24. That makes the form
//! canonical: what is read back, written again, gives the same bytes on every machine.

use ndarray::Array2;

/// The largest code. −128 stays unused, so that codes are symmetric around zero.
const LARGEST_CODE: u8 = 127;
/// The bits of an `f32` that a scale leaves zero: the last 8 of its 23 stored ones.
const UNUSED_SCALE_BITS: u32 = 0xff;

/// A matrix as the model's file has it.
pub(crate) struct Quantised {
    /// For each column.
    scales: Vec<f32>,
    /// Row by row.
    codes: Vec<i8>,
}

impl Quantised {
    /// Rounds each weight to the nearest code, by scales under which the largest weight of a column still fits.
    pub(crate) fn of(matrix: &Array2<f32>) -> Self {
        let scales: Vec<f32> = matrix
            .columns()
            .into_iter()
            .map(|column| scale(column.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()))))
            .collect();
        let code = |(weight, scale): (&f32, &f32)| if *scale > 0.0 { (weight / scale).round() as i8 } else { 0 };
        let codes =
            matrix.rows().into_iter().flat_map(|row| row.into_iter().zip(&scales).map(code).collect::<Vec<_>>());
        Self { codes: codes.collect(), scales }
    }

    /// The size in bytes of a matrix of this shape.
    pub(crate) fn bytes(rows: usize, columns: usize) -> usize {
        size_of::<f32>() * columns + rows * columns
    }

    /// None unless [`Self::of`] could have made these bytes.
    pub(crate) fn read(bytes: &[u8], columns: usize) -> Option<Self> {
        let (scales, codes) = bytes.split_at_checked(size_of::<f32>() * columns)?;
        let scales: Vec<f32> = scales.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let codes: Vec<i8> = codes.iter().map(|byte| byte.cast_signed()).collect();
        let mut largest = vec![0u8; columns];
        for row in codes.chunks_exact(columns) {
            for (largest, code) in largest.iter_mut().zip(row) {
                *largest = (*largest).max(code.unsigned_abs());
            }
        }
        let canonical = |(scale, largest): (&f32, &u8)| match *largest {
            0 => scale.to_bits() == 0,
            LARGEST_CODE => {
                let finite = (*scale * f32::from(LARGEST_CODE)).is_finite();
                *scale >= f32::MIN_POSITIVE && finite && scale.to_bits() & UNUSED_SCALE_BITS == 0
            }
            // The scale was too large for this column, or the code is −128.
            1..LARGEST_CODE | 128.. => false,
        };
        if scales.iter().zip(&largest).all(canonical) { Some(Self { scales, codes }) } else { None }
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.scales.iter().flat_map(|scale| scale.to_le_bytes()));
        bytes.extend(self.codes.iter().map(|code| code.cast_unsigned()));
    }

    /// Writes the weights that the codes stand for into a matrix of the same shape.
    pub(crate) fn dequantise(&self, matrix: &mut Array2<f32>) {
        let columns = self.scales.len();
        for (mut row, codes) in matrix.rows_mut().into_iter().zip(self.codes.chunks_exact(columns)) {
            for ((weight, code), scale) in row.iter_mut().zip(codes).zip(&self.scales) {
                *weight = f32::from(*code) * scale;
            }
        }
    }
}

/// The least scale of 16 significant bits under which the largest code reaches `largest`.
fn scale(largest: f32) -> f32 {
    let exact = largest / f32::from(LARGEST_CODE);
    // A column of zeros; subnormal numbers, which have fewer bits to round to, are as good as zero.
    if exact < f32::MIN_POSITIVE {
        return 0.0;
    }
    f32::from_bits((exact.to_bits() + UNUSED_SCALE_BITS) & !UNUSED_SCALE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Array2<f32> {
        let weights = (0..60).map(|index| libm::sinf(index as f32 * 1.7) * libm::expf(index as f32 / 20.0)).collect();
        let mut matrix = Array2::from_shape_vec((12, 5), weights).unwrap();
        matrix.column_mut(3).fill(0.0);
        matrix
    }

    fn bytes(matrix: &Array2<f32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        Quantised::of(matrix).write(&mut bytes);
        bytes
    }

    #[test]
    fn a_weight_moves_by_half_a_step_at_most() {
        let matrix = matrix();
        let quantised = Quantised::of(&matrix);
        let mut back = Array2::zeros(matrix.raw_dim());
        quantised.dequantise(&mut back);
        for (column, scale) in quantised.scales.iter().enumerate() {
            for (before, after) in matrix.column(column).iter().zip(back.column(column)) {
                assert!((before - after).abs() <= 0.500_1 * scale, "{before} became {after}");
            }
        }
    }

    #[test]
    fn a_matrix_read_back_writes_the_same_bytes() {
        let written = bytes(&matrix());
        assert_eq!(written.len(), Quantised::bytes(12, 5));
        let mut back = Array2::zeros((12, 5));
        Quantised::read(&written, 5).unwrap().dequantise(&mut back);
        assert_eq!(bytes(&back), written);
    }

    #[test]
    fn bytes_of_no_quantised_matrix_are_refused() {
        let check = |place: usize, values: &[u8]| {
            let mut bytes = bytes(&matrix());
            bytes[place..place + values.len()].copy_from_slice(values);
            assert!(Quantised::read(&bytes, 5).is_none(), "{values:?} at {place}");
        };
        check(0, &f32::NAN.to_le_bytes());
        check(0, &f32::INFINITY.to_le_bytes());
        check(0, &(-1.0f32).to_le_bytes());
        check(0, &0.0f32.to_le_bytes());
        // A scale of more bits than 16.
        check(0, &[1]);
        // A column of zeros has the scale zero.
        check(12, &1.0f32.to_le_bytes());
        // The code −128.
        check(20, &[0x80]);
        assert!(Quantised::read(&[0; 8], 5).is_none(), "too short");
    }
}
