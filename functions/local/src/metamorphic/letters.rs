//! Slips of the fingers in what a customer typed.

use training::{letters, random::Random};

use super::parts::rewritten;

/// The subject's and the body's own words with slips in three letters of a hundred; none where that is less than a letter.
pub(super) fn mistyped([subject, body]: [&str; 2], random: &mut Random) -> Option<[String; 2]> {
    let mut lines = vec![subject.to_owned()];
    rewritten(body, |line| {
        lines.push(line.to_owned());
        String::new()
    });
    let mut slipped = letters::mistyped(&lines, random)?.into_iter();
    let subject = slipped.next()?;
    Some([subject, rewritten(body, |line| slipped.next().unwrap_or_else(|| line.to_owned()))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_keeps_its_letters() {
        let body = "Hello,\n\nsince this morning our warehouse receives addresses without house numbers, about two hundred \
                    parcels among them.\n\n> Everything was well yesterday evening.\n";
        for seed in 0..50 {
            let [subject, changed] = mistyped(["Addresses", body], &mut Random(seed)).unwrap();
            assert_ne!((subject.as_str(), changed.as_str()), ("Addresses", body));
            assert!(changed.contains("> Everything was well yesterday evening."), "{changed}");
        }
    }
}
