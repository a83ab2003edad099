//! Whether the text of an element is seen.

use std::borrow::Cow;

use html5gum::StartTag;

/// Smaller than this, in pixels, nobody reads it: the trick of hidden preview texts is one pixel.
const SMALLEST: f64 = 2.0;
/// The same as a part of the size around.
const SMALLEST_PART: f64 = 0.15;
/// As far out of the picture as nobody scrolls, in pixels.
const FAR_AWAY: f64 = -500.0;
/// Two colours this near, per channel, are one to the eye.
const SAME: u8 = 12;
const BLACK: Colour = Colour::Known([0; 3]);
const WHITE: Colour = Colour::Known([255; 3]);

/// What of an element's style decides whether its text is seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Look {
    /// It and all in it: nothing in it can be seen again.
    gone: bool,
    /// What is in it may be seen again.
    invisible: bool,
    tiny: bool,
    colour: Colour,
    background: Colour,
    preserved: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Colour {
    Known([u8; 3]),
    Transparent,
    /// An image, a variable, a name that is not in our list.
    Other,
}

/// An element's attributes.
pub(super) struct Attributes<'a>(&'a StartTag<()>);

impl<'a> Attributes<'a> {
    pub(super) fn new(tag: &'a StartTag<()>) -> Self {
        Self(tag)
    }

    pub(super) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.0.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value))
    }
}

impl Default for Look {
    fn default() -> Self {
        Self { gone: false, invisible: false, tiny: false, colour: BLACK, background: WHITE, preserved: false }
    }
}

impl Look {
    pub(super) const UNSEEN: Self =
        Self { gone: true, invisible: true, tiny: true, colour: BLACK, background: WHITE, preserved: false };

    pub(super) fn is_seen(&self) -> bool {
        self.is_kept() && !self.invisible && !self.tiny && !self.is_camouflaged()
    }

    /// Something in it may be seen.
    pub(super) fn is_kept(&self) -> bool {
        !self.gone
    }

    pub(super) fn preserves_space(&self) -> bool {
        self.preserved
    }

    fn is_camouflaged(&self) -> bool {
        match (self.colour, self.background) {
            (Colour::Transparent, _) => true,
            (Colour::Known(text), Colour::Known(ground)) => {
                text.iter().zip(ground).all(|(text, ground)| text.abs_diff(ground) <= SAME)
            }
            (Colour::Known(_) | Colour::Other, _) => false,
        }
    }

    /// The look of an element that stands in this one.
    pub(super) fn within(mut self, name: &str, attributes: &Attributes) -> Self {
        if attributes.get("hidden").is_some() {
            self.gone = true;
        }
        if matches!(name, "pre" | "listing" | "xmp" | "textarea") {
            self.preserved = true;
        }
        if let Some(colour) = attributes.get("bgcolor").and_then(|value| legacy_colour(&value)) {
            self.background = colour;
        }
        if attributes.get("background").is_some() {
            self.background = Colour::Other;
        }
        if name == "font"
            && let Some(colour) = attributes.get("color").and_then(|value| legacy_colour(&value))
        {
            self.colour = colour;
        }
        if let Some(style) = attributes.get("style") {
            self.style(&style);
        }
        self
    }

    /// What `self` would be, had `left`, which stood in `outer`, never been around it.
    pub(super) fn without(mut self, left: &Self, outer: &Self) -> Self {
        // Only what the one that left had changed, and nothing in between changed again.
        let gave = |inner: bool, left: bool, outer: bool| if inner == left { outer } else { inner };
        self.gone = gave(self.gone, left.gone, outer.gone);
        self.invisible = gave(self.invisible, left.invisible, outer.invisible);
        self.tiny = gave(self.tiny, left.tiny, outer.tiny);
        if self.colour == left.colour {
            self.colour = outer.colour;
        }
        if self.background == left.background {
            self.background = outer.background;
        }
        self
    }

    fn style(&mut self, style: &str) {
        let style = without_comments(style).to_ascii_lowercase();
        let mut clipped = false;
        let mut flat = false;
        for declaration in style.split(';') {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let value = value.trim().trim_end_matches("!important").trim();
            match property.trim() {
                "display" => self.gone |= value == "none",
                "visibility" => match value {
                    "hidden" | "collapse" => self.invisible = true,
                    "visible" => self.invisible = false,
                    _ => {}
                },
                "opacity" => self.gone |= value.trim_end_matches('%').parse().is_ok_and(|part: f64| part <= 0.05),
                "font-size" => self.size(value),
                "font" => value.split_whitespace().for_each(|part| {
                    let size = part.split('/').next().unwrap_or_default();
                    if size.starts_with(|c: char| c.is_ascii_digit() || c == '.') && !is_weight(size) {
                        self.size(size);
                    }
                }),
                "color" => match colour(value) {
                    Some(colour) => self.colour = colour,
                    None if value != "inherit" => self.colour = Colour::Other,
                    None => {}
                },
                "background" | "background-color" => self.ground(value),
                "background-image" if value != "none" => self.background = Colour::Other,
                "overflow" | "overflow-x" | "overflow-y" => {
                    clipped |= value.contains("hidden") || value.contains("clip")
                }
                "height" | "max-height" | "width" | "max-width" => flat |= pixels(value).is_some_and(|size| size < 1.0),
                "text-indent" | "left" | "top" | "margin-left" | "margin-top" | "right" => {
                    self.gone |= pixels(value).is_some_and(|place| place <= FAR_AWAY);
                }
                "clip" => self.gone |= value.replace(' ', "").starts_with("rect(0"),
                "white-space" => self.preserved = value.starts_with("pre"),
                _ => {}
            }
        }
        self.gone |= clipped && flat;
    }

    fn size(&mut self, value: &str) {
        let number = |unit: &str| value.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok());
        if let Some(part) = number("rem").or_else(|| number("em")).or_else(|| number("%").map(|part| part / 100.0)) {
            // Nothing times anything is nothing; what is large against nothing still is.
            self.tiny |= part < SMALLEST_PART;
        } else if let Some(size) = pixels(value) {
            self.tiny = size < SMALLEST;
        } else if value.contains("medium") || value.contains("small") || value.contains("large") {
            self.tiny = false;
        }
    }

    fn ground(&mut self, value: &str) {
        if value.contains("url(") || value.contains("gradient") || value.contains("var(") {
            self.background = Colour::Other;
            return;
        }
        // `rgb(1, 2, 3)` has spaces in it, so the whole value is tried first.
        let found = colour(value).or_else(|| value.split_whitespace().find_map(colour));
        match found {
            Some(Colour::Transparent) => {}
            Some(colour) => self.background = colour,
            None if matches!(value, "none" | "inherit" | "initial" | "unset") => {}
            None => self.background = Colour::Other,
        }
    }
}

/// A weight in `font` is a bare number; a size has a unit or is nothing.
fn is_weight(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| number >= 1.0)
}

/// A length in pixels. Points count as pixels: the difference does not matter here.
fn pixels(value: &str) -> Option<f64> {
    let number = value.strip_suffix("px").or_else(|| value.strip_suffix("pt")).unwrap_or(value);
    number.trim().parse().ok()
}

fn legacy_colour(value: &str) -> Option<Colour> {
    let value = value.trim().to_ascii_lowercase();
    colour(&value).or_else(|| colour(&format!("#{value}")))
}

fn colour(value: &str) -> Option<Colour> {
    let known = |text: &str| Some(Colour::Known(hex(text)?));
    match value {
        "white" => return Some(WHITE),
        "black" => return Some(BLACK),
        "snow" | "ivory" | "ghostwhite" | "floralwhite" | "mintcream" | "azure" | "whitesmoke" => {
            return known("fafafa");
        }
        "red" | "blue" | "green" | "gray" | "grey" | "navy" | "silver" | "maroon" | "purple" | "orange" | "yellow" => {
            return Some(Colour::Other);
        }
        "transparent" => return Some(Colour::Transparent),
        _ => {}
    }
    if let Some(digits) = value.strip_prefix('#') {
        return known(digits);
    }
    let inner = value.strip_prefix("rgba(").or_else(|| value.strip_prefix("rgb("))?.strip_suffix(')')?;
    let mut parts = inner.split([',', ' ', '/']).map(str::trim).filter(|part| !part.is_empty());
    let mut channel = || parts.next()?.parse::<f64>().ok().map(|number| number.clamp(0.0, 255.0) as u8);
    let channels = [channel()?, channel()?, channel()?];
    let alpha = parts.next().and_then(|part| part.trim_end_matches('%').parse::<f64>().ok());
    if alpha.is_some_and(|alpha| alpha <= 0.05) { Some(Colour::Transparent) } else { Some(Colour::Known(channels)) }
}

/// `fff` or `ffffff`; the alpha of the longer forms is left out.
fn hex(digits: &str) -> Option<[u8; 3]> {
    let digits: Vec<u8> =
        digits.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    match digits.as_slice() {
        [r, g, b] | [r, g, b, _] => Some([r * 17, g * 17, b * 17]),
        [r, r2, g, g2, b, b2] | [r, r2, g, g2, b, b2, _, _] => Some([r * 16 + r2, g * 16 + g2, b * 16 + b2]),
        _ => None,
    }
}

/// `dis/**/play` is no property, but a comment between its words is none of its value.
fn without_comments(style: &str) -> Cow<'_, str> {
    if !style.contains("/*") {
        return Cow::Borrowed(style);
    }
    let mut rest = style;
    let mut kept = String::with_capacity(style.len());
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}
