//! Claude over the wire, against scripted servers.

mod injection;
mod reading;
