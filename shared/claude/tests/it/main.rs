//! Claude over the wire, against scripted servers.

mod attacks;
mod injection;
mod reading;
