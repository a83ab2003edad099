//! A text in lines, each with the rule that takes it out, if one does.

use crate::{LeftOut, Rule};

/// One line of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Without the marks of quoting, white space at its end and, in a transcript, its speaker.
    pub(crate) text: &'a str,
    /// How often it is quoted.
    pub(crate) depth: usize,
    pub(crate) rule: Option<Rule>,
}

impl Line<'_> {
    pub(crate) const BLANK: Self = Self { text: "", depth: 0, rule: None };

    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// All lines of a message.
#[derive(Clone, Debug)]
pub(crate) struct Page<'a>(Vec<Line<'a>>);

impl<'a> Page<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text.lines().map(line).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A blank one beyond the end.
    pub(crate) fn line(&self, at: usize) -> Line<'a> {
        self.0.get(at).copied().unwrap_or(Line::BLANK)
    }

    /// Trimmed, without quoting marks.
    pub(crate) fn bare(&self, at: usize) -> &'a str {
        self.line(at).text.trim()
    }

    pub(crate) fn lines(&self) -> &[Line<'a>] {
        &self.0
    }

    /// A line that no rule has taken out.
    pub(crate) fn is_own(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|line| line.rule.is_none())
    }

    /// The first line at or after `at` that is not blank; the end if none is.
    pub(crate) fn next_filled(&self, at: usize) -> usize {
        (at..self.len()).find(|at| !self.line(*at).is_blank()).unwrap_or(self.len())
    }

    /// Takes the lines out that no other rule has taken out.
    pub(crate) fn take_out(&mut self, lines: std::ops::Range<usize>, rule: Rule) {
        let count = lines.len();
        for line in self.0.iter_mut().skip(lines.start).take(count) {
            line.rule.get_or_insert(rule);
        }
    }

    pub(crate) fn put_back(&mut self, wanted: impl Fn(&Line<'a>) -> bool) {
        for line in &mut self.0 {
            if wanted(line) {
                line.rule = None;
            }
        }
    }

    pub(crate) fn set_text(&mut self, at: usize, text: &'a str) {
        if let Some(line) = self.0.get_mut(at) {
            line.text = text;
        }
    }

    /// The lines that no rule has taken out, no two blank ones in a row.
    pub(crate) fn own(&self) -> String {
        joined(self.0.iter().filter(|line| line.rule.is_none()))
    }

    /// The same of the lines before `end`.
    pub(crate) fn own_above(&self, end: usize) -> String {
        joined(self.0.iter().take(end).filter(|line| line.rule.is_none()))
    }

    /// The lines that such a rule has taken out.
    pub(crate) fn out(&self, wanted: impl Fn(Rule) -> bool) -> String {
        joined(self.0.iter().filter(|line| line.rule.is_some_and(&wanted)))
    }

    /// Runs of lines that one rule took out.
    pub(crate) fn left_out(&self) -> Vec<LeftOut> {
        let mut found: Vec<LeftOut> = Vec::new();
        let mut last = None;
        for line in &self.0 {
            if line.is_blank() {
                continue;
            }
            match (line.rule, found.last_mut()) {
                (Some(rule), Some(part)) if last == Some(rule) => {
                    part.text.push('\n');
                    part.text.push_str(line.text);
                }
                (Some(rule), _) => found.push(LeftOut { rule, text: line.text.to_owned() }),
                (None, _) => {}
            }
            last = line.rule;
        }
        found
    }
}

fn line(text: &str) -> Line<'_> {
    let mut rest = text;
    let mut depth = 0;
    while let Some(after) = rest.trim_start().strip_prefix('>') {
        // "> 50 orders" after nothing is a figure, not a quote.
        if depth == 0 && after.trim_start().starts_with(|c: char| c.is_ascii_digit()) && !after.contains('<') {
            break;
        }
        depth += 1;
        rest = after;
    }
    let text = if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { text };
    Line { text: text.trim_end(), depth, rule: None }
}

fn joined<'a>(lines: impl Iterator<Item = &'a Line<'a>>) -> String {
    let mut text = String::new();
    let mut blank = false;
    for line in lines {
        if line.is_blank() {
            blank = true;
            continue;
        }
        if !text.is_empty() {
            text.push_str(if blank { "\n\n" } else { "\n" });
        }
        blank = false;
        text.push_str(line.text);
    }
    text
}
