//! HTML as a person sees it, and HTML as Markdown. Both take time in proportion to their input.
//!
//! Zendesk cleans what it stores, so this is no browser: it knows what mail programs and the Help Center's editor write,
//! and the ways in which a text can be there and not be seen.

mod look;
mod writer;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use self::{
    look::{Attributes, Look},
    writer::{Inline, Writer},
};

/// Elements beyond are not looked into; browsers stop at a like depth.
const DEEPEST: usize = 256;

/// What a person sees of an HTML text, and what nobody sees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    pub text: String,
    /// Text of elements that a style hides.
    pub hidden: String,
}

/// The text a person sees, in lines. Quotes are marked with `> ` and list items with `- ` or their number.
#[must_use]
pub fn visible_text(html: &str) -> String {
    seen(html).text
}

/// [`visible_text`] and the rest.
#[must_use]
pub fn seen(html: &str) -> Seen {
    let mut walk = Walk::new(Writer::plain());
    let text = walk.through(html);
    Seen { text, hidden: walk.hidden }
}

/// A text that is no HTML, but has its entities.
#[must_use]
pub fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    for token in Tokenizer::new(&text.replace('<', "&lt;")) {
        let Ok(token) = token;
        if let Token::String(text) = token {
            decoded.push_str(&String::from_utf8_lossy(&text));
        }
    }
    decoded
}

/// An article as Markdown: headings, paragraphs, lists, quotes, links, bold, italic, code, and tables row by row.
#[must_use]
pub fn to_markdown(html: &str) -> String {
    Walk::new(Writer::markdown()).through(html)
}

struct Walk {
    writer: Writer,
    open: Vec<Open>,
    /// Elements open beyond [`DEEPEST`].
    beyond: usize,
    /// Text that a style hides.
    hidden: String,
}

/// An element that is open.
struct Open {
    name: String,
    role: Role,
    look: Look,
    /// The writer knows of it.
    entered: bool,
}

/// What an element does to the text in it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Role {
    /// Its text is never seen as text.
    Unseen,
    Paragraph,
    Block,
    Heading(usize),
    Preformatted,
    Quote,
    List(ListKind),
    Item,
    Table,
    Row,
    Cell,
    Inline(Option<Inline>),
}

/// What stands before an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ListKind {
    Bullets,
    /// The next number.
    Numbers(u32),
}

impl Walk {
    fn new(writer: Writer) -> Self {
        Self { writer, open: Vec::new(), beyond: 0, hidden: String::new() }
    }

    fn through(&mut self, html: &str) -> String {
        let mut emitter = DefaultEmitter::default();
        // So that the insides of `style` and `script` are text.
        emitter.naively_switch_states(true);
        for token in Tokenizer::new_with_emitter(html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => self.start(&tag),
                Token::EndTag(tag) => self.end(&String::from_utf8_lossy(&tag.name)),
                Token::String(text) => self.text(&String::from_utf8_lossy(&text)),
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        while !self.open.is_empty() {
            self.close_last();
        }
        std::mem::replace(&mut self.writer, Writer::plain()).finish()
    }

    fn text(&mut self, text: &str) {
        let seen = self.beyond == 0 && self.open.last().is_none_or(|open| open.look.is_seen());
        if seen {
            let preserved = self.open.last().is_some_and(|open| open.look.preserves_space());
            self.writer.text(text, preserved);
        } else if self.beyond == 0 && !text.trim().is_empty() && self.open.iter().all(|open| open.role != Role::Unseen)
        {
            if !self.hidden.is_empty() {
                self.hidden.push('\n');
            }
            self.hidden.push_str(text.trim());
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        self.close_implied(&name);
        let attributes = Attributes::new(tag);
        match name.as_str() {
            "br" => {
                return if self.is_seen() {
                    self.writer.line_break()
                };
            }
            "hr" => {
                return if self.is_seen() {
                    self.writer.rule()
                };
            }
            "img" => {
                let look = self.look(&name, &attributes);
                if look.is_seen() {
                    self.writer.image(attributes.get("alt").as_deref(), attributes.get("src").as_deref());
                }
                return;
            }
            name if is_void(name) => return,
            _ => {}
        }
        if self.open.len() >= DEEPEST {
            self.beyond += 1;
            return;
        }
        let role = Role::of(&name, &attributes);
        let look = if role == Role::Unseen { Look::UNSEEN } else { self.look(&name, &attributes) };
        let entered = look.is_kept();
        if entered {
            self.enter(&role);
        }
        self.open.push(Open { name, role, look, entered });
    }

    fn look(&self, name: &str, attributes: &Attributes) -> Look {
        let outer = self.open.last().map(|open| open.look).unwrap_or_default();
        outer.within(name, attributes)
    }

    fn is_seen(&self) -> bool {
        self.beyond == 0 && self.open.last().is_none_or(|open| open.look.is_seen())
    }

    /// An element that cannot stand in what is open closes it, as a browser has it: what follows would count as hidden
    /// otherwise.
    fn close_implied(&mut self, name: &str) {
        let (closes, bounds): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol", "menu"]),
            "dd" | "dt" => (&["dd", "dt"], &["dl"]),
            "td" | "th" => (&["td", "th"], &["table"]),
            "tr" => (&["tr"], &["table"]),
            "tbody" | "thead" | "tfoot" => (&["tbody", "thead", "tfoot"], &["table"]),
            "option" => (&["option"], &["select"]),
            _ if closes_paragraph(name) => (&["p"], &["button", "td", "th", "caption", "object"]),
            _ => return,
        };
        let within = self.open.iter().rposition(|open| bounds.contains(&open.name.as_str()));
        let found = self.open.iter().rposition(|open| closes.contains(&open.name.as_str()));
        if let Some(found) = found
            && within.is_none_or(|within| within < found)
        {
            self.close_down_to(found);
        }
    }

    /// A stray end tag closes nothing. One of an inline element does not reach out of the block it stands in.
    fn end(&mut self, name: &str) {
        if self.beyond > 0 {
            if !is_void(name) {
                self.beyond -= 1;
            }
            return;
        }
        if name == "br" {
            return self.writer.line_break();
        }
        let Some(found) = self.open.iter().rposition(|open| open.name == name) else { return };
        let blocks = self.open.iter().skip(found + 1).any(|open| !matches!(open.role, Role::Inline(_)));
        let inline = self.open.get(found).is_some_and(|open| matches!(open.role, Role::Inline(_)));
        if inline && blocks {
            if is_formatting(name) {
                // It ends for what follows, in the block too, which stays open.
                self.leave(found);
            }
            return;
        }
        self.close_down_to(found);
    }

    fn close_down_to(&mut self, index: usize) {
        while self.open.len() > index {
            self.close_last();
        }
    }

    /// Takes a formatting element out from under what stands in it, and its look with it.
    fn leave(&mut self, index: usize) {
        let open = self.open.remove(index);
        if let (Role::Inline(Some(inline)), true) = (&open.role, open.entered) {
            self.writer.end_inline(inline);
        }
        let outer = index.checked_sub(1).and_then(|outer| self.open.get(outer)).map(|outer| outer.look);
        let outer = outer.unwrap_or_default();
        for inner in self.open.iter_mut().skip(index) {
            inner.look = inner.look.without(&open.look, &outer);
        }
    }

    fn enter(&mut self, role: &Role) {
        let writer = &mut self.writer;
        match role {
            Role::Unseen => {}
            Role::Paragraph => writer.gap(2),
            Role::Block => writer.gap(1),
            Role::Heading(level) => writer.start_heading(*level),
            Role::Preformatted => writer.start_code(),
            Role::Quote => writer.start_quote(),
            Role::List(_) => {
                let nested = self.open.iter().any(|open| matches!(open.role, Role::List(_)));
                writer.edge_of_list(nested);
            }
            Role::Item => {
                let list = self.open.iter_mut().rev().find_map(|open| match &mut open.role {
                    Role::List(kind) => Some(kind),
                    _ => None,
                });
                let number = match list {
                    Some(ListKind::Numbers(next)) => {
                        *next = next.saturating_add(1);
                        Some(next.saturating_sub(1))
                    }
                    Some(ListKind::Bullets) | None => None,
                };
                self.writer.start_item(number);
            }
            Role::Table => writer.start_table(),
            Role::Row => writer.start_row(),
            Role::Cell => writer.start_cell(),
            Role::Inline(Some(inline)) => writer.start_inline(inline.clone()),
            Role::Inline(None) => {}
        }
    }

    fn close_last(&mut self) {
        let Some(Open { role, entered: true, .. }) = self.open.pop() else { return };
        let writer = &mut self.writer;
        match role {
            Role::Unseen | Role::Inline(None) => {}
            Role::Paragraph => writer.gap(2),
            Role::Block => writer.gap(1),
            Role::Heading(_) => writer.end_heading(),
            Role::Preformatted => writer.end_code(),
            Role::Quote => writer.end_quote(),
            Role::List(_) => {
                let nested = self.open.iter().any(|open| matches!(open.role, Role::List(_)));
                writer.edge_of_list(nested);
            }
            Role::Item => writer.end_item(),
            Role::Table => writer.end_table(),
            Role::Row => writer.end_row(),
            Role::Cell => writer.end_cell(),
            Role::Inline(Some(inline)) => writer.end_inline(&inline),
        }
    }
}

impl Role {
    fn of(name: &str, attributes: &Attributes) -> Self {
        match name {
            "head" | "style" | "script" | "title" | "template" | "noscript" | "svg" | "math" | "iframe" | "object"
            | "audio" | "video" | "canvas" | "noembed" | "noframes" | "datalist" => Self::Unseen,
            "p" | "dl" | "figure" => Self::Paragraph,
            "pre" | "listing" | "xmp" => Self::Preformatted,
            "blockquote" => Self::Quote,
            "div" if attributes.get("class").is_some_and(|class| is_quote(&class)) => Self::Quote,
            "ul" | "menu" | "dir" => Self::List(ListKind::Bullets),
            "ol" => {
                let start = attributes.get("start").and_then(|start| start.trim().parse().ok());
                Self::List(ListKind::Numbers(start.unwrap_or(1)))
            }
            "li" => Self::Item,
            "table" => Self::Table,
            "tr" => Self::Row,
            "td" | "th" => Self::Cell,
            "h1" => Self::Heading(1),
            "h2" => Self::Heading(2),
            "h3" => Self::Heading(3),
            "h4" => Self::Heading(4),
            "h5" => Self::Heading(5),
            "h6" => Self::Heading(6),
            "b" | "strong" => Self::Inline(Some(Inline::Bold)),
            "i" | "em" => Self::Inline(Some(Inline::Italic)),
            "code" | "tt" | "kbd" | "samp" => Self::Inline(Some(Inline::Code)),
            "a" => Self::Inline(attributes.get("href").map(|target| Inline::Link(target.into_owned()))),
            _ if is_block(name) => Self::Block,
            _ => Self::Inline(None),
        }
    }
}

/// Mail programs that wrap what they quote in a `div` of a class of theirs.
fn is_quote(class: &str) -> bool {
    const QUOTES: &[&str] =
        &["gmail_quote", "yahoo_quoted", "protonmail_quote", "freshdesk_quote", "moz-forward-container", "zmail_extra"];
    class.split_ascii_whitespace().any(|class| QUOTES.contains(&class))
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "html"
            | "body"
            | "address"
            | "article"
            | "aside"
            | "center"
            | "details"
            | "dialog"
            | "div"
            | "dd"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "footer"
            | "form"
            | "header"
            | "hgroup"
            | "legend"
            | "main"
            | "nav"
            | "section"
            | "summary"
            | "caption"
            | "tbody"
            | "thead"
            | "tfoot"
            | "colgroup"
            | "option"
            | "textarea"
    )
}

fn closes_paragraph(name: &str) -> bool {
    let other = ["p", "ul", "ol", "menu", "dir", "dl", "blockquote", "pre", "listing", "xmp", "table", "hr", "figure"];
    let heading = name.len() == 2 && name.starts_with('h') && name.ends_with(|c: char| ('1'..='6').contains(&c));
    let table = ["tbody", "thead", "tfoot", "caption", "colgroup", "option", "textarea", "html", "body"];
    heading || other.contains(&name) || (is_block(name) && !table.contains(&name))
}

/// Elements that end where their end tag stands, whatever is open in them.
fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small" | "strike" | "strong" | "tt" | "u"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(html: &str, expected: &str) {
        assert_eq!(visible_text(html), expected, "{html}");
    }

    fn markdown(html: &str, expected: &str) {
        assert_eq!(to_markdown(html), expected, "{html}");
    }

    #[test]
    fn blocks_and_breaks_are_lines() {
        seen(
            "<div class=\"zd-comment\" dir=\"auto\"><p>Hello,<br>\n all  of\nyou</p><p>Bye</p></div>",
            "Hello,\nall of you\n\nBye",
        );
        seen("<div>One</div><div>Two</div><div><br></div><div>Three</div>", "One\nTwo\n\nThree");
        seen("a<br><br/>b</br>c", "a\n\nb\nc");
        seen("<h1>Title</h1>text<hr>more", "Title\n\ntext\n\nmore");
        seen("  <p> </p> ", "");
        seen("no markup", "no markup");
    }

    #[test]
    fn lists_quotes_and_tables_are_marked() {
        seen("<ul><li>one</li><li><p>two</p></li></ul>end", "- one\n- two\n\nend");
        seen("<ol start=3><li>one<li>two<ul><li>inner</ul></ol>", "3. one\n4. two\n   - inner");
        seen(
            "Yes.<blockquote>On Monday<br>you wrote:<blockquote>older</blockquote></blockquote>",
            "Yes.\n> On Monday\n> you wrote:\n> > older",
        );
        seen("<table><tr><td>Order</td><td>17</td></tr><tr><td>Sum</td><td>9</td></tr></table>", "Order 17\nSum 9");
        seen("<pre>a\n  b</pre>c", "a\n  b\n\nc");
    }

    #[test]
    fn entities_and_links_read_as_text() {
        seen("Fish &amp; chips &lt;3 &nbsp; &#8364;5 &eacute;", "Fish & chips <3 €5 é");
        seen("see <a href=\"https://example.com/x\">the order</a>!", "see the order!");
        seen("<b>bo</b>ld", "bold");
    }

    #[test]
    fn what_nobody_sees_is_not_read() {
        for hidden in [
            "<span style=\"display:none\">PLANTED</span>",
            "<span style=\"color:red;DISPLAY : None !important\">PLANTED</span>",
            "<span style=\"display:/* */none\">PLANTED</span>",
            "<div style='visibility:hidden'>PLANTED</div>",
            "<span style=\"font-size:0\">PLANTED</span>",
            "<span style=\"font-size:0px\">PLANTED</span>",
            "<span style=\"font-size:1px\">PLANTED</span>",
            "<span style=\"font-size:0.1em\">PLANTED</span>",
            "<span style=\"font:0/0 a\">PLANTED</span>",
            "<span style=\"opacity:0\">PLANTED</span>",
            "<div style=\"max-height:0;overflow:hidden\">PLANTED</div>",
            "<div style=\"text-indent:-9999px\">PLANTED</div>",
            "<div style=\"position:absolute;left:-5000px\">PLANTED</div>",
            "<span style=\"color:#fff\">PLANTED</span>",
            "<span style=\"color:#FEFEFE\">PLANTED</span>",
            "<font color=white>PLANTED</font>",
            "<font color=FFFFFF>PLANTED</font>",
            "<span style=\"color:rgba(0,0,0,0)\">PLANTED</span>",
            "<span style=\"color:transparent\">PLANTED</span>",
            "<p style=\"background:black;color:rgb(0, 0, 0)\">PLANTED</p>",
            "<p hidden>PLANTED</p>",
            "<!-- PLANTED -->",
            "<style>p { color: PLANTED } <b></style>",
            "<script>document.write('<p>PLANTED</p>')</script>",
            "<head><title>PLANTED</title></head>",
            "<template><p>PLANTED</p></template>",
            "<noscript>PLANTED</noscript>",
            "<img alt=\"PLANTED\" src=\"x\">",
            "<input type=hidden value=PLANTED>",
            "<a title=\"PLANTED\"></a>",
            "<div style=\"display:none\"><p>PLANTED<div>PLANTED</p></div></div>",
            "<span style=\"display:none\"><div>PLANTED</span>PLANTED</div></span>",
            "<div style=\"display:none\"><span>PLANTED</b></i></p>PLANTED</span></div>",
            "<p style=\"display:none\">PLANTED<i>PLANTED</p>",
        ] {
            assert!(!visible_text(&format!("before{hidden}after")).contains("PLANTED"), "{hidden}");
            assert!(visible_text(&format!("before{hidden}after")).ends_with("after"), "{hidden}");
        }
    }

    #[test]
    fn what_is_seen_is_kept() {
        for shown in [
            "<td style=\"font-size:0px\"><div style=\"font-size:13px\">SEEN</div></td>",
            "<div style=\"visibility:hidden\"><b style=\"visibility:visible\">SEEN</b></div>",
            "<td bgcolor=\"#414141\"><a style=\"color:#ffffff\">SEEN</a></td>",
            "<td style=\"background:#414141 url(x.png)\"><span style=\"color:white\">SEEN</span></td>",
            "<span style=\"color:inherit;background:none\">SEEN</span>",
            "<span style=\"font:700 14px Arial;opacity:.8\">SEEN</span>",
            "<div style=\"height:0\">SEEN</div>",
            "<div style=\"margin-left:-10px\">SEEN</div>",
            "<p style=\"display:none\">gone<div>SEEN</div>",
            "<li style=\"display:none\">gone<li>SEEN",
            "<font style=\"display:none\">gone<div>gone</font>SEEN</div>",
            "<span style=\"color:hsl(1 2% 3%)\">SEEN</span>",
        ] {
            let text = visible_text(shown);
            assert!(text.contains("SEEN") && !text.contains("gone"), "{shown}: {text}");
        }
    }

    #[test]
    fn an_article_is_markdown() {
        markdown(
            "<h2>Reset  it</h2><p>Go to <b>Settings</b> &gt; <em>Account</em>.</p>",
            "## Reset it\n\nGo to **Settings** > *Account*.",
        );
        markdown(
            "<p>See <a href=\"https://example.com/a\">the <b>guide</b></a>.</p>",
            "See [the **guide**](https://example.com/a).",
        );
        markdown(
            "<ol><li><p>First</p></li><li>Second<ul><li>deeper</li></ul></li></ol><p>Done</p>",
            "1. First\n2. Second\n   - deeper\n\nDone",
        );
        markdown(
            "<p>Run <code>a_b *c*</code></p><pre><code>let x = 1;\n  y</code></pre>",
            "Run `a_b *c*`\n\n```\nlet x = 1;\n  y\n```",
        );
        markdown(
            "<table><thead><tr><th>Plan</th><th>Price</th></tr></thead><tr><td><p>Pro</p><p>x</p></td><td>9|10</td></tr></table>end",
            "| Plan | Price |\n|---|---|\n| Pro x | 9\\|10 |\n\nend",
        );
        markdown("<blockquote><p>One</p><p>Two</p></blockquote>", "> One\n\n> Two");
        markdown("<p>line<br>next<br></p><hr><p>end</p>", "line\\\nnext\n\n---\n\nend");
        markdown("<div>a</div><div>b</div>", "a\n\nb");
        markdown(
            "<img src=\"https://example.com/a.png\" alt=\"a  picture\"><img src=x>",
            "![a picture](https://example.com/a.png)",
        );
    }

    #[test]
    fn markup_that_marks_nothing_is_dropped() {
        markdown("<b> </b><p><strong><b>x</b></strong> <i></i>y</p>", "**x** y");
        markdown("a<b> b </b>c", "a **b** c");
        markdown("<b>one<p>two</p></b>", "**one**\n\n**two**");
        markdown("<b>a<i>b</b>c</i>", "**a*b***c");
        markdown("<a href=\"javascript:alert(1)\">x</a> <a href=\"#top\">y</a> <a>z</a>", "x y z");
        markdown("<h3><br></h3><ul></ul><li></li>x", "x");
    }

    #[test]
    fn text_stays_text_in_markdown() {
        markdown(
            "<p>* not * a _list_ [x] `y` snake_case &lt;b&gt;</p>",
            "\\* not \\* a \\_list\\_ \\[x\\] \\`y\\` snake_case \\<b>",
        );
        markdown(
            "<p># no</p><p>1. no</p><p>- no</p><p>&gt; no</p><p>2024</p>",
            "\\# no\n\n1\\. no\n\n\\- no\n\n\\> no\n\n2024",
        );
        markdown("<pre>``` x</pre>", "````\n``` x\n````");
    }

    #[test]
    fn depth_costs_no_more_than_length() {
        let deep = format!("{}x{}", "<blockquote><div>".repeat(20_000), "<br>y".repeat(20_000));
        assert!(visible_text(&deep).len() < deep.len());
        let stray = format!("{}{}", "<div>".repeat(200), "</b>x<b>".repeat(20_000));
        assert!(to_markdown(&stray).len() < stray.len());
    }

    fn soup() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "<(/)?(p|div|b|i|a|li|ul|ol|table|tr|td|pre|code|h1|blockquote|span|font|br|hr|style|x)( style=\"[a-z:0-9;% -]{0,20}\")?( href=\"[a-z:/ ()]{0,12}\")?>",
            "[ a-z*_\\[\\]`#>|\\\\&;\n-]{0,12}",
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_markup_makes_it_panic(html in soup()) {
            // No more than its marks and escapes can add.
            prop_assert!(visible_text(&html).len() <= 40 * (html.len() + 1));
            prop_assert!(to_markdown(&html).len() <= 40 * (html.len() + 1));
        }

        #[test]
        fn text_alone_loses_no_word(text in "[a-zé0-9 .,\n]*") {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&visible_text(&text)), words(&text));
        }
    }
}
