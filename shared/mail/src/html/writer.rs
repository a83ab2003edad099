//! Lines of text, plain or as Markdown.

/// Marks for quotes and items beyond this many at the start of a line are left out, so that no input grows by its depth.
const MOST_MARKS: usize = 8;

/// Collects words into lines. White space is put off until the next word, and so are marks: nothing is left that opens
/// nothing.
pub(super) struct Writer {
    form: Form,
    out: String,
    line: String,
    /// Where the line's own text begins, behind its marks.
    begins: usize,
    /// A space comes before the next word.
    space: bool,
    /// Line ends before the next word; two make an empty line.
    newlines: usize,
    /// The line end is one the author put.
    hard: bool,
    blocks: Vec<Block>,
    inlines: Vec<OpenInline>,
    tables: Vec<Table>,
    /// What stands in a block of code so far.
    code: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Markdown,
}

enum Block {
    Quote,
    Item { marker: String, written: bool },
    Heading { level: usize, written: bool },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Inline {
    Bold,
    Italic,
    Code,
    /// Its target.
    Link(String),
}

struct OpenInline {
    inline: Inline,
    /// Its mark is written.
    open: bool,
    /// It never gets one: it is in force already, or its target is none.
    mute: bool,
}

#[derive(Default)]
struct Table {
    rows: usize,
    cells: usize,
    in_cell: bool,
}

impl Writer {
    pub(super) fn plain() -> Self {
        Self::new(Form::Plain)
    }

    pub(super) fn markdown() -> Self {
        Self::new(Form::Markdown)
    }

    fn new(form: Form) -> Self {
        Self {
            form,
            out: String::new(),
            line: String::new(),
            begins: 0,
            space: false,
            newlines: 0,
            hard: false,
            blocks: Vec::new(),
            inlines: Vec::new(),
            tables: Vec::new(),
            code: None,
        }
    }

    pub(super) fn text(&mut self, text: &str, preserved: bool) {
        if let Some(code) = &mut self.code {
            return code.push_str(text);
        }
        if preserved && !self.is_flat() {
            for (index, line) in text.split('\n').enumerate() {
                if index > 0 {
                    self.line_break();
                }
                self.preserved(line);
            }
            return;
        }
        self.space |= text.starts_with(char::is_whitespace);
        for (index, word) in text.split_whitespace().enumerate() {
            self.space |= index > 0;
            self.word(word);
        }
        self.space |= text.ends_with(char::is_whitespace);
    }

    pub(super) fn line_break(&mut self) {
        if let Some(code) = &mut self.code {
            return code.push('\n');
        }
        if self.is_flat() {
            self.space = true;
            return;
        }
        self.hard = self.newlines == 0;
        self.newlines += 1;
    }

    /// The next word stands on a line of its own, with an empty line before it if that many are two.
    pub(super) fn gap(&mut self, newlines: usize) {
        // Between its rows a table has no empty line.
        if self.own_table().is_some() {
            return self.at_least(1);
        }
        // A Markdown line that follows another is the same paragraph.
        let newlines = if self.form == Form::Markdown { 2 } else { newlines };
        self.at_least(newlines);
    }

    fn at_least(&mut self, newlines: usize) {
        let before_marker = matches!(self.blocks.last(), Some(Block::Item { written: false, .. }));
        if self.is_flat() || before_marker {
            self.space = true;
            return;
        }
        self.newlines = self.newlines.max(newlines);
        self.hard = false;
    }

    pub(super) fn rule(&mut self) {
        self.gap(2);
        if self.form == Form::Markdown && !self.is_flat() && self.code.is_none() {
            self.own_lines("---");
        }
    }

    pub(super) fn image(&mut self, alt: Option<&str>, source: Option<&str>) {
        let alt: String = alt.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        if self.form == Form::Plain || alt.is_empty() || self.code.is_some() {
            return;
        }
        match source.and_then(target) {
            Some(source) => self.raw_word(&format!("![{}]({source})", escaped(&alt, self.is_flat()))),
            None => self.text(&alt, false),
        }
    }

    pub(super) fn start_heading(&mut self, level: usize) {
        self.gap(2);
        if self.form == Form::Markdown {
            self.blocks.push(Block::Heading { level, written: false });
        }
    }

    pub(super) fn end_heading(&mut self) {
        if self.form == Form::Markdown {
            self.blocks.pop();
        }
        self.gap(2);
    }

    pub(super) fn start_quote(&mut self) {
        self.gap(1);
        self.blocks.push(Block::Quote);
    }

    pub(super) fn end_quote(&mut self) {
        self.blocks.pop();
        self.gap(1);
    }

    /// A list in another stands close to its item.
    pub(super) fn edge_of_list(&mut self, nested: bool) {
        if nested { self.at_least(1) } else { self.gap(2) }
    }

    pub(super) fn start_item(&mut self, number: Option<u32>) {
        self.at_least(1);
        let marker = number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
        self.blocks.push(Block::Item { marker, written: false });
    }

    pub(super) fn end_item(&mut self) {
        self.blocks.pop();
        // Whatever its last paragraph asked for: items stand close together.
        self.newlines = self.newlines.min(1);
        self.at_least(1);
    }

    pub(super) fn start_code(&mut self) {
        self.gap(2);
        if self.form == Form::Markdown && !self.is_flat() && self.code.is_none() {
            self.code = Some(String::new());
        }
    }

    pub(super) fn end_code(&mut self) {
        if let Some(code) = self.code.take() {
            let code = code.trim_matches('\n').replace('\r', "");
            if !code.trim().is_empty() {
                let fence = "`".repeat(longest_run(&code, '`').max(2) + 1);
                self.own_lines(&format!("{fence}\n{code}\n{fence}"));
            }
        }
        self.gap(2);
    }

    pub(super) fn start_inline(&mut self, inline: Inline) {
        if self.form == Form::Plain {
            return;
        }
        let inert = matches!(&inline, Inline::Link(link) if target(link).is_none());
        let in_force = |other: &OpenInline| {
            other.inline == inline
                || other.inline == Inline::Code
                || (matches!(other.inline, Inline::Link(_)) && matches!(inline, Inline::Link(_)))
        };
        let mute = inert || self.code.is_some() || self.inlines.iter().any(in_force);
        self.inlines.push(OpenInline { inline, open: false, mute });
    }

    pub(super) fn end_inline(&mut self, inline: &Inline) {
        let Some(index) = self.inlines.iter().rposition(|other| other.inline == *inline) else { return };
        // Those inside are closed with it, and open again with the next word.
        if self.inlines.get(index).is_some_and(|ended| ended.open) {
            self.close_inlines(index);
        }
        self.inlines.remove(index);
    }

    pub(super) fn start_table(&mut self) {
        self.gap(2);
        self.tables.push(Table::default());
    }

    pub(super) fn end_table(&mut self) {
        self.tables.pop();
        self.gap(2);
    }

    pub(super) fn start_row(&mut self) {
        self.at_least(1);
        if let Some(table) = self.own_table() {
            table.cells = 0;
        }
    }

    pub(super) fn end_row(&mut self) {
        let Some(table) = self.own_table() else { return self.at_least(1) };
        let (cells, first) = (table.cells, table.rows == 0);
        table.cells = 0;
        if cells == 0 {
            return;
        }
        table.rows += 1;
        self.raw("|");
        if first {
            self.newlines = 1;
            self.hard = false;
            self.raw(&"|---".repeat(cells));
            self.raw("|");
        }
        self.at_least(1);
    }

    pub(super) fn start_cell(&mut self) {
        let Some(table) = self.own_table() else {
            self.space = true;
            return;
        };
        table.cells += 1;
        self.raw("|");
        self.space = true;
        if let Some(table) = self.own_table() {
            table.in_cell = true;
        }
    }

    pub(super) fn end_cell(&mut self) {
        self.close_inlines(0);
        let Some(table) = self.own_table() else {
            self.space = true;
            return;
        };
        table.in_cell = false;
        self.space = false;
        self.raw(" ");
    }

    pub(super) fn finish(mut self) -> String {
        self.end_line();
        self.out.truncate(self.out.trim_end().len());
        self.out
    }

    /// The table that makes lines of its own: the outermost of a Markdown text.
    fn own_table(&mut self) -> Option<&mut Table> {
        match self.tables.as_mut_slice() {
            [table] if self.form == Form::Markdown => Some(table),
            _ => None,
        }
    }

    /// In a heading or a cell of Markdown nothing makes a line.
    fn is_flat(&self) -> bool {
        let heading = self.blocks.iter().any(|block| matches!(block, Block::Heading { .. }));
        heading || (self.form == Form::Markdown && self.tables.iter().any(|table| table.in_cell))
    }

    fn word(&mut self, word: &str) {
        if self.form == Form::Plain {
            return self.raw_word(word);
        }
        let in_code = self.inlines.iter().any(|inline| inline.inline == Inline::Code && !inline.mute);
        if in_code {
            return self.raw_word(&word.replace('`', "'"));
        }
        let starts = self.newlines > 0 || self.line.len() <= self.begins;
        let word = escaped(word, self.is_flat());
        self.raw_word(&if starts { not_a_marker(word) } else { word });
    }

    fn raw_word(&mut self, word: &str) {
        self.turn();
        if self.space && self.line.len() > self.begins {
            self.line.push(' ');
        }
        self.space = false;
        self.open_inlines();
        self.line.push_str(word);
    }

    fn preserved(&mut self, line: &str) {
        let line = line.trim_end_matches('\r').replace('\u{a0}', " ");
        if line.trim().is_empty() {
            self.space |= !line.is_empty();
            return;
        }
        self.turn();
        self.space = false;
        self.open_inlines();
        self.line.push_str(&line);
    }

    fn raw(&mut self, text: &str) {
        self.turn();
        self.line.push_str(text);
    }

    /// On to the line that the next word stands on.
    fn turn(&mut self) {
        if self.newlines > 0 {
            self.end_line();
        }
        if self.line.is_empty() {
            self.line = self.marks();
            self.begins = self.line.len();
        }
    }

    fn end_line(&mut self) {
        self.close_inlines(0);
        let line = self.line.trim_end();
        if !line.is_empty() {
            self.out.push_str(line);
            if self.hard && self.newlines == 1 && self.form == Form::Markdown {
                self.out.push('\\');
            }
            self.out.push('\n');
        }
        if self.newlines > 1 && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
        self.line.clear();
        self.begins = 0;
        self.newlines = 0;
        self.hard = false;
        self.space = false;
    }

    /// Lines that stand for themselves, each behind the marks.
    fn own_lines(&mut self, lines: &str) {
        self.newlines = 2;
        self.end_line();
        for line in lines.split('\n') {
            self.line = self.marks();
            self.line.push_str(line);
            self.out.push_str(self.line.trim_end());
            self.out.push('\n');
        }
        self.line.clear();
        self.newlines = 2;
    }

    /// The marks at the start of a line; an item's own only on its first.
    fn marks(&mut self) -> String {
        let mut marks = String::new();
        for (index, block) in self.blocks.iter_mut().enumerate() {
            let mark = match block {
                Block::Quote => "> ".to_owned(),
                Block::Item { marker, written } if *written => " ".repeat(marker.len()),
                Block::Item { marker, written } => {
                    *written = true;
                    marker.clone()
                }
                Block::Heading { written, .. } if *written => String::new(),
                Block::Heading { level, written } => {
                    *written = true;
                    format!("{} ", "#".repeat(*level))
                }
            };
            if index < MOST_MARKS {
                marks.push_str(&mark);
            }
        }
        marks
    }

    fn open_inlines(&mut self) {
        for inline in self.inlines.iter_mut().filter(|inline| !inline.open && !inline.mute) {
            inline.open = true;
            self.line.push_str(match inline.inline {
                Inline::Bold => "**",
                Inline::Italic => "*",
                Inline::Code => "`",
                Inline::Link(_) => "[",
            });
        }
    }

    /// From the innermost out to the one at `index`.
    fn close_inlines(&mut self, index: usize) {
        for inline in self.inlines.iter_mut().skip(index).rev().filter(|inline| inline.open) {
            inline.open = false;
            match &inline.inline {
                Inline::Bold => self.line.push_str("**"),
                Inline::Italic => self.line.push('*'),
                Inline::Code => self.line.push('`'),
                Inline::Link(link) => {
                    let link = target(link).unwrap_or_default();
                    self.line.push_str(&format!("]({link})"));
                }
            }
        }
    }
}

/// An address to link to, as it may stand in Markdown. No scripts, no data, no anchors of a page that is not there.
fn target(address: &str) -> Option<String> {
    let address = address.trim();
    let lower = address.get(..8.min(address.len())).unwrap_or(address).to_ascii_lowercase();
    let known = ["https://", "http://", "mailto:", "tel:", "/"].iter().any(|start| lower.starts_with(start));
    let plain = !address.chars().any(|c| c.is_control() || c == '<' || c == '>');
    if !known || !plain {
        return None;
    }
    Some(if address.contains([' ', '(', ')']) { format!("<{address}>") } else { address.to_owned() })
}

/// A word whose characters mean nothing to Markdown.
fn escaped(word: &str, in_cell: bool) -> String {
    let mut escaped = String::with_capacity(word.len());
    let mut before: Option<char> = None;
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        // Within a word an underscore is one.
        let between = |side: Option<char>| side.is_some_and(char::is_alphanumeric);
        let special = match c {
            '\\' | '*' | '`' | '[' | ']' | '<' => true,
            '_' => !(between(before) && between(rest.peek().copied())),
            '|' => in_cell,
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(c);
        before = Some(c);
    }
    escaped
}

/// A word at the start of a line that would make it a heading, an item or a quote.
fn not_a_marker(word: String) -> String {
    let only = |marks: &str| word.chars().all(|c| marks.contains(c));
    if only("#") || only("-+=~") || word.starts_with('>') || word.starts_with("~~~") {
        return format!("\\{word}");
    }
    let number = word.strip_suffix(['.', ')']);
    match (number, word.chars().last()) {
        (Some(number), Some(end)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{number}\\{end}")
        }
        _ => word,
    }
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
