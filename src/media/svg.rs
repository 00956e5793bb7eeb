//! Drawings: SVG is a language in which pages can be written, so only what draws is kept.
//!
//! What reading would cost is bounded first. Then there are two passes: one that takes out every reference that leaves the
//! file and all that is of another language than SVG, and svg-hush, which keeps what is on its lists and nothing else: no
//! scripts, no handlers, no foreign elements.

use std::borrow::Cow;
use std::io::{self, Write};

use svg_hush::data_url_filter::allow_standard_images;
use xml::attribute::{Attribute, OwnedAttribute};
use xml::name::Name;
use xml::namespace::Namespace;
use xml::reader::XmlEvent as Read;
use xml::writer::XmlEvent as Put;
use xml::{EmitterConfig, ParserConfig};

use crate::domain::attachment::LENGTH_MAX;
use crate::domain::invalid::Invalid;

/// How deep elements may nest.
const DEPTH_MAX: usize = 256;
/// The longest name of a namespace, in bytes: the reader copies it for every element and attribute.
const NAMESPACE_MAX: usize = 1_000;
/// The most of declarations of namespaces times elements: the reader copies, for every element, all that are in force.
const COPIES_MAX: usize = 4_000_000;
const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// The drawing without what it must not hold.
///
/// # Errors
/// Where it is no SVG in UTF-8, declares entities or too many namespaces, or is nested too deep.
pub fn clean(content: &[u8]) -> Result<Vec<u8>, Invalid> {
    let text = std::str::from_utf8(content).map_err(|_| Invalid::malformed("must be an SVG in UTF-8"))?;
    if text.contains("<!ENTITY") {
        return Err(Invalid::malformed("must be an SVG without entities of its own"));
    }
    affordable(text)?;
    let wrong = |error: &dyn std::fmt::Display| Invalid::malformed(format!("is no SVG that can be read: {error}"));
    let within = keep_within(text).map_err(|error| wrong(&error))?;
    let mut filter = svg_hush::Filter::new();
    filter.set_data_url_filter(allow_standard_images);
    let mut cleaned = Bounded::default();
    filter.filter(within.as_slice(), &mut cleaned).map_err(|error| wrong(&error))?;
    Ok(cleaned.0)
}

/// Refuses namespaces that make reading cost more than in proportion to the length of the file.
fn affordable(text: &str) -> Result<(), Invalid> {
    let mut declarations = 0;
    for (before, after) in values(text.as_bytes()) {
        if !is_declaration(before) {
            continue;
        }
        declarations += 1;
        if !after.iter().take(NAMESPACE_MAX + 2).skip(1).any(|byte| *byte == after[0]) {
            let message = format!("must be an SVG whose namespaces have names of at most {NAMESPACE_MAX} bytes");
            return Err(Invalid::malformed(message));
        }
    }
    let elements = text.as_bytes().windows(2).filter(|two| two[0] == b'<' && two[1] != b'/').count();
    if elements.saturating_mul(declarations) > COPIES_MAX {
        return Err(Invalid::malformed(format!(
            "declares namespaces {declarations} times, which is too often for {elements} elements: declare each once, at \
             the first element"
        )));
    }
    Ok(())
}

/// What is before each quote, and what begins with it.
fn values(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let quotes = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\''));
    quotes.map(|(at, _)| bytes.split_at(at))
}

/// Whether what ends here is the name of a declaration and its `=`.
fn is_declaration(before: &[u8]) -> bool {
    let Some(name) = before.trim_ascii_end().strip_suffix(b"=") else { return false };
    let name = name.trim_ascii_end();
    let begin = name.iter().rposition(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<'));
    name[begin.map_or(0, |before| before + 1)..].starts_with(b"xmlns")
}

/// Why a drawing is not read further.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    Reader(#[from] xml::reader::Error),
    #[error("{0}")]
    Writer(#[from] xml::writer::Error),
    #[error("its elements are nested deeper than {DEPTH_MAX}")]
    Deep,
    #[error("its first element is not svg")]
    NoSvg,
    #[error("its style holds elements")]
    Style,
}

/// The drawing without references to anything but its own parts and pictures that are in it, and without all that is of
/// another language.
fn keep_within(text: &str) -> Result<Vec<u8>, Refused> {
    let reader = ParserConfig::new()
        .cdata_to_characters(true)
        .ignore_comments(true)
        .max_attributes(200)
        .max_name_length(1_000)
        .create_reader(text.as_bytes());
    let mut kept = Bounded::default();
    let mut writer = EmitterConfig::new().perform_indent(false).create_writer(&mut kept);
    let mut depth = 0;
    // How many elements within each other are left out, with all that is in them.
    let mut foreign = 0;
    let mut style: Option<String> = None;
    for event in reader {
        match event? {
            Read::StartElement { name, attributes, .. } => {
                if depth == 0 && (name.namespace.as_deref(), name.local_name.as_str()) != (Some(SVG), "svg") {
                    return Err(Refused::NoSvg);
                }
                if style.is_some() {
                    return Err(Refused::Style);
                }
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(Refused::Deep);
                }
                if foreign > 0 || name.namespace.as_deref() != Some(SVG) {
                    foreign += 1;
                    continue;
                }
                if name.local_name.eq_ignore_ascii_case("style") {
                    style = Some(String::new());
                }
                let mut namespace = Namespace::empty();
                if depth == 1 {
                    namespace.put("", SVG);
                }
                writer.write(Put::StartElement {
                    name: Name::local(&name.local_name),
                    attributes: kept_attributes(&attributes).into(),
                    namespace: Cow::Owned(namespace),
                })?;
            }
            Read::EndElement { .. } => {
                depth -= 1;
                if foreign > 0 {
                    foreign -= 1;
                    continue;
                }
                if let Some(style) = style.take().filter(|style| is_plain_style(style)) {
                    writer.write(Put::Characters(&style))?;
                }
                writer.write(Put::end_element())?;
            }
            Read::Characters(text) | Read::Whitespace(text) if style.is_some() => {
                style.iter_mut().for_each(|style| style.push_str(&text));
            }
            Read::Characters(text) | Read::Whitespace(text) if foreign == 0 => writer.write(Put::Characters(&text))?,
            _ => {}
        }
    }
    Ok(kept.0)
}

/// The attributes of SVG whose references stay within the file. Of two references the first one counts.
fn kept_attributes(attributes: &[OwnedAttribute]) -> Vec<Attribute<'_>> {
    let mut kept: Vec<Attribute<'_>> = Vec::with_capacity(attributes.len());
    for OwnedAttribute { name, value } in attributes {
        let local = name.local_name.as_str();
        let known = match name.namespace.as_deref() {
            None => true,
            Some(namespace) => namespace == XLINK && local == "href",
        };
        let harmless = match local {
            "href" => stays_within(value) && !kept.iter().any(|kept| kept.name.local_name == "href"),
            "src" => stays_within(value),
            "style" => is_plain_style(value),
            _ => true,
        };
        if known && harmless {
            kept.push(Attribute::new(Name::local(local), value));
        }
    }
    kept
}

/// Whether a reference is to a part of the file, or holds what it refers to.
fn stays_within(reference: &str) -> bool {
    let reference = reference.trim();
    reference.starts_with('#') || reference.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("data:image/"))
}

/// Whether a style imports nothing, names no other host, and hides no word behind an escape.
fn is_plain_style(style: &str) -> bool {
    !style.contains(['\\', '@']) && !style.contains("//")
}

/// As much as a file may have: indentation lets what is nested grow with its square.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LENGTH_MAX {
            return Err(io::Error::other("it is too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(inner: &str) -> String {
        let drawing = format!(
            "<?xml version=\"1.0\"?><!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\
             <svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 9 9\">{inner}</svg>"
        );
        String::from_utf8(clean(drawing.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_draws_is_kept() {
        let drawn = cleaned(
            "<defs><linearGradient id=\"g\"><stop offset=\"0\" stop-color=\"red\"/></linearGradient></defs>\
             <g transform=\"scale(2)\"><path d=\"M0 0L9 9\" fill=\"url(#g)\"/><use href=\"#g\"/>\
             <text x=\"1\" y=\"2\">Большой &amp; Малый</text></g>\
             <image href=\"data:image/png;base64,iVBORw0KGgo=\" width=\"1\" height=\"1\"/>",
        );
        for kept in
            ["viewBox", "linearGradient", "stop-color", "M0 0L9 9", "url(#g)", "href=\"#g\"", "Большой &amp; Малый"]
        {
            assert!(drawn.contains(kept), "{kept}: {drawn}");
        }
        assert!(drawn.contains("data:image/png"), "{drawn}");
        assert!(cleaned("<style>.a { fill: red }</style>").contains(".a { fill: red }"));
        assert_eq!(clean(drawn.as_bytes()).unwrap(), drawn.as_bytes(), "cleaning what is clean changes nothing");
    }

    #[test]
    fn what_runs_or_leads_away_is_taken_out() {
        for (inner, gone) in [
            ("<script>alert(1)</script>", "alert"),
            ("<script href=\"data:text/javascript,alert(1)\"/>", "alert"),
            ("<SCRIPT>alert(1)</SCRIPT>", "alert"),
            ("<g><script xlink:href=\"https://evil.example/x.js\"/></g>", "evil"),
            ("<x:script xmlns:x=\"http://www.w3.org/2000/svg\">alert(1)</x:script>", "alert"),
            ("<x:script xmlns:x=\"http://www.w3.org/1999/xhtml\">alert(1)</x:script>", "alert"),
            ("<path onclick=\"alert(1)\" d=\"M0 0\"/>", "alert"),
            ("<path OnLoad=\"alert(1)\" d=\"M0 0\"/>", "alert"),
            ("<a href=\"javascript:alert(1)\"><text>x</text></a>", "alert"),
            ("<a xlink:href=\" java&#10;script:alert(1)\"><text>x</text></a>", "alert"),
            ("<a href=\"https://evil.example\"><text>x</text></a>", "evil"),
            ("<a href=\"/v1/services/whoami\"><text>x</text></a>", "whoami"),
            ("<a href=\"data:text/html,&lt;script>alert(1)&lt;/script>\"/>", "alert"),
            ("<use href=\"https://evil.example/a.svg#x\"/>", "evil"),
            ("<image href=\"//evil.example/pixel.png\"/>", "evil"),
            ("<image href=\"data:image/svg+xml,&lt;svg onload='alert(1)'/>\"/>", "alert"),
            ("<foreignObject><body xmlns=\"http://www.w3.org/1999/xhtml\">evil</body></foreignObject>", "evil"),
            ("<iframe src=\"https://evil.example\"/>", "evil"),
            ("<animate attributeName=\"href\" to=\"javascript:alert(1)\"/>", "attributeName"),
            ("<set attributeName=\"onclick\" to=\"alert(1)\"/>", "onclick"),
            ("<style>@import url(https://evil.example/x.css);</style>", "evil"),
            ("<style>path { fill: url(https://evil.example/x) }</style>", "evil"),
            ("<style>path { background: \\75rl(https://evil.example/x) }</style>", "evil"),
            ("<style>@im@importport url(x.css);</style>", "import"),
            ("<style>path { fill: red } @font-face { src: url(x.woff) }</style>", "woff"),
            ("<path style=\"fill: url('https://evil.example/x')\" d=\"M0 0\"/>", "evil"),
            ("<path fill=\"url(https://evil.example/x#g)\" d=\"M0 0\"/>", "evil"),
            ("<?xml-stylesheet href=\"https://evil.example/x.css\"?>", "evil"),
            ("<!-- evil --><path d=\"M0 0\"/>", "evil"),
        ] {
            let drawn = cleaned(inner);
            assert!(!drawn.contains(gone), "{inner}: {drawn}");
            assert!(drawn.contains("<svg"), "{drawn}");
        }
    }

    #[test]
    fn what_is_of_another_language_is_left_out() {
        for (inner, kept, gone) in [
            ("<x:g xmlns:x=\"http://www.w3.org/2000/svg\"><x:path d=\"M1 1\"/></x:g>", "<path d=\"M1 1\"", "x:"),
            ("<x:a xmlns:x=\"urn:x\">foreign<path d=\"M1 1\"/></x:a><path d=\"M2 2\"/>", "M2 2", "foreign"),
            ("<x:style xmlns:x=\"urn:x\">foreign</x:style><path d=\"M2 2\"/>", "M2 2", "foreign"),
            ("<path xmlns:x=\"urn:x\" x:d=\"M1 1\" d=\"M2 2\"/>", "M2 2", "M1 1"),
            ("<use xlink:href=\"#a\" href=\"#b\"/>", "href=\"#a\"", "#b"),
        ] {
            let drawn = cleaned(inner);
            assert!(drawn.contains(kept) && !drawn.contains(gone), "{inner}: {drawn}");
        }
    }

    #[test]
    fn namespaces_that_cost_more_than_they_are_long_are_refused() {
        let many = |number: usize| (0..number).map(|at| format!(" xmlns:x{at} = 'urn:{at}'")).collect::<String>();
        // All are copied for each element: these took half a minute.
        let nested =
            format!("{}{}{}", format!("<g{}>", many(90)).repeat(100), "<g/>".repeat(1_000), "</g>".repeat(100));
        // One that is long is copied for each attribute as well.
        let long = format!("<g xmlns:x=\"{}\" x:a=\"\" x:b=\"\"/>", "x".repeat(NAMESPACE_MAX + 1));
        for inner in [nested, long, format!("<g{}>{}</g>", many(100), "<g/>".repeat(50_000))] {
            let refusal = clean(format!("<svg xmlns=\"{SVG}\">{inner}</svg>").as_bytes()).unwrap_err();
            assert_eq!((refusal.code, refusal.message.contains("namespaces")), ("malformed", true), "{refusal}");
        }
        // What editors and browsers write is not.
        let editor = format!("<g{}>{}</g>", many(20), "<path d=\"M0 0\"/>".repeat(200));
        let browser = "<use xmlns:xlink=\"http://www.w3.org/1999/xlink\" xlink:href=\"#a\"/>".repeat(1_000);
        assert!(cleaned(&editor).contains("M0 0"));
        assert_eq!(cleaned(&browser).matches("href=\"#a\"").count(), 1_000);
        assert!(cleaned(&format!("<desc>xmlns='</desc><path d=\"{}\"/>", "M0 0".repeat(1_000))).contains("M0 0"));
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        let svg = |inner: &str| format!("<svg xmlns=\"{SVG}\">{inner}</svg>");
        for content in [
            "<svg",
            "<svg/>",
            "<svg xmlns=\"http://www.w3.org/1999/xhtml\"/>",
            "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"><svg xmlns=\"http://www.w3.org/2000/svg\"/></html>",
            "<!-- nothing -->",
            &svg("<g>"),
            &svg("&unknown;"),
            &svg("<style><g/>@import url(x.css);</style>"),
            &format!("<!DOCTYPE svg [<!ENTITY a \"aaaa\">]>{}", svg("<text>&a;</text>")),
            &format!("{}<html/>", svg("")),
            &svg(&format!("{}{}", "<g>".repeat(300), "</g>".repeat(300))),
            &svg(&"<x>".repeat(1_000_000)),
        ] {
            let refusal = clean(content.as_bytes()).unwrap_err();
            assert_eq!(refusal.code, "malformed", "{content:.80}");
        }
        assert!(clean(b"<svg>\xff</svg>").is_err());
        assert!(
            clean(
                "<svg xmlns='http://www.w3.org/2000/svg'/>"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect::<Vec<_>>()
                    .as_slice()
            )
            .is_err()
        );
    }
}
