//! Fitting the embedded analyst and measuring it. No deployed function links this crate.

pub mod corpus;
pub mod evaluate;
pub mod letters;
pub mod parallel;
pub mod random;
pub mod train;
