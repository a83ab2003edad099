//! Money as people and spreadsheets write it.

/// More than any account pays; a figure above is a slip.
const HIGHEST: f64 = 1e9;

/// The character between the whole and the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Dot,
    Comma,
}

/// An amount, as far as its cell alone can tell.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Amount {
    /// And the mark, if the cell shows which one it is.
    Sure(f64, Option<Mark>),
    /// One mark with three digits behind it: `5,000`. It parts thousands, unless the column uses it for decimals.
    Either { thousands: f64, decimal: f64, mark: Mark },
}

impl Amount {
    /// With what the column's other cells say of the mark.
    pub(super) fn settled(self, decimals: Option<Mark>) -> f64 {
        match self {
            Self::Sure(amount, _) => amount,
            Self::Either { decimal, mark, .. } if decimals == Some(mark) => decimal,
            Self::Either { thousands, .. } => thousands,
        }
    }
}

/// Dollars a month; signs and names of currencies are read over.
///
/// # Errors
/// What is wrong with it.
pub(super) fn amount(text: &str) -> Result<Amount, &'static str> {
    const NUMBER: &str = "is not a number";
    let text = text.trim().trim_end_matches([',', '.', '-', '–', '—', ' ']);
    let (mut digits, mut words, mut ended, mut negative) = (String::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            // A full stop behind letters is theirs: `Fr. 500`, `p.m.`
            '.' if words.ends_with(char::is_alphabetic) => words.push(' '),
            '0'..='9' | '.' | ',' if ended => return Err(NUMBER),
            '0'..='9' | '.' | ',' => digits.push(c),
            // Parting thousands, in Switzerland and in French.
            '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' => words.push(' '),
            '-' | '−' | '(' if digits.is_empty() => negative = true,
            ')' => {}
            '/' => words.push(' '),
            c if c.is_alphabetic() => {
                // `5m` is millions, `5 m` or `5 p.m.` a month.
                if digits.ends_with(|c: char| c.is_ascii_digit()) && !ended && !words.ends_with(' ') {
                    words.push_str(" ×");
                }
                ended = !digits.is_empty();
                words.extend(c.to_lowercase());
            }
            c if is_currency(c) => ended = !digits.is_empty(),
            _ => return Err(NUMBER),
        }
    }
    let amount = number(&digits).ok_or(NUMBER)?;
    let mut factor = 1.0;
    for word in words.split_whitespace() {
        match if word == "×m" { word } else { word.trim_start_matches('×') } {
            "k" | "tsd" | "thousand" => factor = 1e3,
            "mio" | "mn" | "million" | "×m" => factor = 1e6,
            "usd" | "us" | "eur" | "euro" | "euros" | "gbp" | "chf" | "fr" | "sfr" | "cad" | "aud" | "nzd" | "sek"
            | "nok" | "dkk" | "kr" | "pln" | "zł" | "czk" | "kč" | "huf" | "ft" | "jpy" | "inr" | "brl" | "r" | "a"
            | "c" | "dollar" | "dollars" | "mrr" => {}
            "month" | "mo" | "m" | "monthly" | "per" | "pm" | "p" | "monat" | "monatlich" | "pro" | "mtl" | "mois"
            | "par" | "mes" | "al" | "mese" => {}
            "year" | "yr" | "y" | "yearly" | "annual" | "annually" | "pa" | "jahr" | "jährlich" | "an" | "año"
            | "anno" | "arr" => {
                return Err("is for a year");
            }
            _ => return Err(NUMBER),
        }
    }
    let checked = |amount: f64| match amount * factor {
        amount if negative && amount != 0.0 => Err("is negative"),
        amount if amount > HIGHEST => Err("is more than any account pays"),
        amount => Ok(amount),
    };
    Ok(match amount {
        Amount::Sure(amount, mark) => Amount::Sure(checked(amount)?, mark),
        Amount::Either { thousands, decimal, mark } => {
            Amount::Either { thousands: checked(thousands)?, decimal: checked(decimal)?, mark }
        }
    })
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '£' | '¥' | '¢' | '\u{20a0}'..='\u{20cf}')
}

/// Digits with dots and commas among them.
fn number(digits: &str) -> Option<Amount> {
    let [dots, commas] = ['.', ','].map(|mark| digits.matches(mark).count());
    let of = |text: String| text.parse::<f64>().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit()));
    let without = |mark: char| digits.replace(mark, "");
    match (dots, commas) {
        (0, 0) => of(digits.to_owned()).map(|amount| Amount::Sure(amount, None)),
        (1, 0) => one(digits, '.', Mark::Dot),
        (0, 1) => one(digits, ',', Mark::Comma),
        (_, 0) if is_grouped(digits, '.') => of(without('.')).map(|amount| Amount::Sure(amount, Some(Mark::Comma))),
        (0, _) if is_grouped(digits, ',') => of(without(',')).map(|amount| Amount::Sure(amount, Some(Mark::Dot))),
        (_, 1) if digits.rfind(',') > digits.rfind('.') => {
            let (whole, _) = digits.split_once(',')?;
            let amount = of(without('.').replace(',', "."))?;
            is_grouped(whole, '.').then_some(Amount::Sure(amount, Some(Mark::Comma)))
        }
        (1, _) if digits.rfind('.') > digits.rfind(',') => {
            let (whole, _) = digits.split_once('.')?;
            let amount = of(without(','))?;
            is_grouped(whole, ',').then_some(Amount::Sure(amount, Some(Mark::Dot)))
        }
        _ => None,
    }
}

/// With one mark in it.
fn one(digits: &str, at: char, mark: Mark) -> Option<Amount> {
    let (whole, rest) = digits.split_once(at)?;
    let decimal = format!("{}.{rest}", if whole.is_empty() { "0" } else { whole }).parse().ok()?;
    let parts_thousands = rest.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if !parts_thousands {
        return Some(Amount::Sure(decimal, Some(mark)));
    }
    let thousands = format!("{whole}{rest}").parse().ok()?;
    Some(Amount::Either { thousands, decimal, mark })
}

fn is_grouped(whole: &str, mark: char) -> bool {
    let mut groups = whole.split(mark);
    groups.next().is_some_and(|first| (1..=3).contains(&first.len()))
        && groups.all(|group| matches!(group.len(), 2 | 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, expected) in [
            ("1200", 1_200.0),
            ("5,000", 5_000.0),
            ("5.000", 5_000.0),
            ("$5000", 5_000.0),
            ("5.000,00 €", 5_000.0),
            ("€5,000.00", 5_000.0),
            ("5k", 5_000.0),
            ("1.2k", 1_200.0),
            ("1,5 Tsd. €", 1_500.0),
            ("1.5M", 1_500_000.0),
            ("1 234,56", 1_234.56),
            ("1\u{202f}234,56\u{a0}€", 1_234.56),
            ("1'234.50", 1_234.5),
            ("CHF 1’234.–", 1_234.0),
            ("Fr. 500", 500.0),
            ("500,-", 500.0),
            ("USD 99.95", 99.95),
            ("US$ 1,234,567.89", 1_234_567.89),
            ("1.234.567", 1_234_567.0),
            ("12,34,567", 1_234_567.0),
            ("1234.567", 1_234.567),
            ("0.125", 0.125),
            ("$1,200/month", 1_200.0),
            ("1200 EUR p.m.", 1_200.0),
            (".5", 0.5),
            ("0", 0.0),
        ] {
            assert_eq!(amount(text).map(|amount| amount.settled(None)), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_named() {
        for (text, problem) in [
            ("lots", "is not a number"),
            ("NaN", "is not a number"),
            ("inf", "is not a number"),
            ("1-2", "is not a number"),
            ("5%", "is not a number"),
            ("1,2,3", "is not a number"),
            ("1.2.3,4,5", "is not a number"),
            ("", "is not a number"),
            ("-5", "is negative"),
            ("(5,000)", "is negative"),
            ("-$5", "is negative"),
            ("2000M", "is more than any account pays"),
            ("12,000 a year", "is for a year"),
        ] {
            assert_eq!(amount(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn the_column_tells_what_a_mark_means() {
        let five = amount("5.000").unwrap();
        assert_eq!((five.settled(None), five.settled(Some(Mark::Dot))), (5_000.0, 5.0));
        assert_eq!(five.settled(Some(Mark::Comma)), 5_000.0);
        for (text, mark) in
            [("12.5", Mark::Dot), ("12,5", Mark::Comma), ("1.234,5", Mark::Comma), ("1,234,567", Mark::Dot)]
        {
            assert!(matches!(amount(text), Ok(Amount::Sure(_, Some(found))) if found == mark), "{text}");
        }
    }
}
