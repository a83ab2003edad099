//! Events that were received already: Zendesk may deliver one twice.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Zendesk repeats a delivery within minutes; this many events are hours.
const MOST: usize = 10_000;

/// The newest events by id, each with a digest of its body.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    order: VecDeque<String>,
    bodies: HashMap<String, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sight {
    First,
    /// The same event once more.
    Again,
    /// A known id with another body: Zendesk never sends that.
    Altered,
}

impl Observed {
    pub(crate) fn note(&mut self, id: &str, body: &[u8]) -> Sight {
        let mut digest = DefaultHasher::new();
        body.hash(&mut digest);
        let digest = digest.finish();
        match self.bodies.get(id) {
            Some(known) if *known == digest => Sight::Again,
            Some(_) => Sight::Altered,
            None => {
                if self.order.len() == MOST
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.bodies.remove(&oldest);
                }
                self.order.push_back(id.to_owned());
                self.bodies.insert(id.to_owned(), digest);
                Sight::First
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_id_is_told_by_its_body() {
        let mut observed = Observed::default();
        assert_eq!(observed.note("a", b"one"), Sight::First);
        assert_eq!(observed.note("a", b"one"), Sight::Again);
        assert_eq!(observed.note("a", b"two"), Sight::Altered);
        assert_eq!(observed.note("b", b"one"), Sight::First);
    }

    #[test]
    fn the_oldest_ids_make_room() {
        let mut observed = Observed::default();
        for id in 0..=MOST {
            assert_eq!(observed.note(&id.to_string(), b""), Sight::First);
        }
        assert_eq!((observed.order.len(), observed.bodies.len()), (MOST, MOST));
        assert_eq!(observed.note("0", b""), Sight::First);
        assert_eq!(observed.note(&MOST.to_string(), b""), Sight::Again);
    }
}
