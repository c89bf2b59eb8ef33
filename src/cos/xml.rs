//! XML documents of COS: written indented by tabs as the service does, read within strict limits.
//!
//! Documents carry no namespaces and no DOCTYPE. Reading makes a small tree; what the parser underneath lets pass
//! (a missing end tag, text behind the root, unknown entities) is refused here.

use std::fmt::{Display, Write as _};

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::{BytesRef, Event};

use crate::document::Node;

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 2 << 20;
/// The deepest nesting that is read.
const MAX_DEPTH: usize = 32;
/// How a document begins, as the service writes it.
const DECLARATION: &str = "<?xml version='1.0' encoding='utf-8' ?>";
/// White space is less in XML than in Unicode.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Writes a document with that root; `fill` adds what is in it.
pub fn document(root: &str, fill: impl FnOnce(&mut Element)) -> String {
    let mut element = Element { text: DECLARATION.to_owned(), depth: 0 };
    element.nested(root, fill);
    element.text
}

/// Writes a document that is one element with a text.
pub fn document_of_text(name: &str, text: impl Display) -> String {
    let mut element = Element { text: DECLARATION.to_owned(), depth: 0 };
    element.text(name, text);
    element.text
}

/// Writes a page of HTML that browsers and readers of XML understand alike.
pub fn page(title: &str, fill: impl FnOnce(&mut Element)) -> String {
    let mut element = Element { text: "<!DOCTYPE html>".to_owned(), depth: 0 };
    element.nested("html", |html| {
        html.nested("head", |head| head.text("title", title));
        html.nested("body", fill);
    });
    element.text
}

/// An element in the making.
pub struct Element {
    text: String,
    depth: usize,
}

impl Element {
    /// Adds `<name>text</name>`; `<name/>` when the text is empty.
    pub fn text(&mut self, name: &str, text: impl Display) {
        self.new_line();
        self.text.extend(["<", name]);
        let before = self.text.len();
        let _ = write!(self.text, ">{text}");
        let inside = before + 1;
        if self.text.len() == inside {
            self.text.insert(before, '/');
            return;
        }
        // Lists have thousands of texts, of which few have anything to escape.
        if self.text[inside..].contains(['<', '>', '&', '"', '\'', '\r']) {
            // A bare carriage return would be read back as a line feed.
            let escaped = escape(&self.text[inside..]).replace('\r', "&#13;");
            self.text.truncate(inside);
            self.text.push_str(&escaped);
        }
        self.text.extend(["</", name, ">"]);
    }

    /// Adds `<name>text</name>` with double quotes as they are: of a text with references in it the Java SDK keeps what comes behind
    /// the last one alone.
    pub fn message(&mut self, name: &str, text: impl Display) {
        let start = self.text.len();
        self.text(name, text);
        let written = self.text.split_off(start).replace("&quot;", "\"");
        self.text.push_str(&written);
    }

    /// Adds `<name>text</name>` if there is a text.
    pub fn optional(&mut self, name: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Adds an element with elements in it; `<name/>` when nothing is put in. `start` may carry attributes.
    pub fn nested(&mut self, start: &str, fill: impl FnOnce(&mut Element)) {
        self.new_line();
        self.text.push('<');
        self.text.push_str(start);
        self.text.push('>');
        let inside = self.text.len();
        self.depth += 1;
        fill(self);
        self.depth -= 1;
        if self.text.len() == inside {
            self.text.insert(inside - 1, '/');
            return;
        }
        self.new_line();
        let name = start.split(' ').next().unwrap_or(start);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    /// Adds an element that was read.
    pub fn node(&mut self, node: &Node) {
        if node.children.is_empty() {
            self.text(&node.name, &node.text);
        } else {
            self.nested(&node.name, |element| node.children.iter().for_each(|child| element.node(child)));
        }
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        (0..self.depth).for_each(|_| self.text.push('\t'));
    }
}

/// The bytes are no document that COS accepts. Says what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedXml(pub &'static str);

/// Reads a document.
///
/// # Errors
/// For a document that is too long, not UTF-8, nested deeper than 32, has a DOCTYPE, an unknown entity, an element
/// that is not closed, or anything but white space and comments beside its one root.
pub fn parse(bytes: &[u8]) -> Result<Node, MalformedXml> {
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err(MalformedXml("the document is longer than 2 MiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| MalformedXml("the document is not UTF-8"))?;
    if text.contains('\0') {
        return Err(MalformedXml("the document contains a NUL"));
    }
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;

    let mut open: Vec<Node> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(|_| MalformedXml("the document is not well-formed"))? {
            Event::Start(start) => {
                if root.is_some() {
                    return Err(MalformedXml("there is a second root element"));
                }
                if open.len() == MAX_DEPTH {
                    return Err(MalformedXml("elements are nested deeper than 32"));
                }
                for attribute in start.attributes() {
                    attribute.map_err(|_| MalformedXml("an attribute is not well-formed"))?;
                }
                let name = start.name().into_inner().to_owned();
                open.push(Node { name, ..Node::default() });
            }
            Event::End(_) => {
                let closed = open.pop().ok_or(MalformedXml("an element ends that was not open"))?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => root = Some(closed),
                }
            }
            Event::Text(piece) => add_text(&mut open, &piece)?,
            // Nothing but white space stands outside the root, and white space is written as it is.
            Event::CData(_) | Event::GeneralRef(_) if open.is_empty() => return Err(OUTSIDE),
            Event::CData(piece) => add_text(&mut open, &piece)?,
            Event::GeneralRef(reference) => add_text(&mut open, &resolve(&reference)?)?,
            Event::DocType(_) => return Err(MalformedXml("a DOCTYPE is not allowed")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Empty(_) => unreachable!("empty elements are expanded"),
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(MalformedXml("an element is not closed"));
    }
    root.ok_or(MalformedXml("there is no root element"))
}

const OUTSIDE: MalformedXml = MalformedXml("there is text outside the root element");

fn add_text(open: &mut [Node], text: &str) -> Result<(), MalformedXml> {
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim_matches(WHITE_SPACE).is_empty() => {}
        None => return Err(OUTSIDE),
    }
    Ok(())
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, MalformedXml> {
    const UNKNOWN: MalformedXml = MalformedXml("an entity is not known");
    if let Some(character) = reference.resolve_char_ref().map_err(|_| UNKNOWN)? {
        return Ok(character.to_string());
    }
    resolve_xml_entity(reference).map(str::to_owned).ok_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_written_as_the_service_writes_them() {
        let text = document("Result", |result| {
            result.text("Key", "a<b>&\"c'");
            result.text("Prefix", "");
            result.nested("Owner", |owner| owner.text("ID", 7));
            result.nested("Buckets", |_| {});
            result.optional("Marker", None::<&str>);
        });
        assert_eq!(
            text,
            "<?xml version='1.0' encoding='utf-8' ?>\n<Result>\n\t<Key>a&lt;b&gt;&amp;&quot;c&apos;</Key>\n\t<Prefix/>\n\
             \t<Owner>\n\t\t<ID>7</ID>\n\t</Owner>\n\t<Buckets/>\n</Result>"
        );
    }

    #[test]
    fn a_written_document_reads_back() {
        for text in ["plain", " spaced ", "a<b>&\"c'", "tab\tnewline\nreturn\r", "目录", "]]>", "&amp;"] {
            let written = document("Root", |root| root.text("Text", text));
            let root = parse(written.as_bytes()).unwrap();
            assert_eq!(root.children[0].text, text, "{written}");
        }
    }

    #[test]
    fn entities_cdata_comments_and_attributes_are_read() {
        let root = parse(
            b"\xef\xbb\xbf<?xml version=\"1.0\"?><!-- c --><R xmlns=\"u\"><E>&quot;a&#x20;&#98;&quot;</E><C><![CDATA[<x>]]></C><N/></R>\n",
        )
        .unwrap();
        assert_eq!(root.text_of("E"), Some("\"a b\""));
        assert_eq!(root.text_of("C"), Some("<x>"));
        assert_eq!(root.text_of("N"), Some(""));
        assert_eq!(root.text_of("X"), None);
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        for document in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>text",
            "text<a/>",
            "<a>&unknown;</a>",
            "<a>&#xD800;</a>",
            "<a>&#0;</a>",
            "<a>\0</a>",
            "<a x=1/>",
            "<a x='1' x='2'/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
            "<!DOCTYPE a><a/>",
            "<a/>\u{b}",
            "\u{a0}<a/>",
            "<a><![CDATA[</a>",
            "<a><!--</a>",
            "<?xml",
            "<",
            &deep(33),
            &deep(100_000),
        ] {
            assert!(parse(document.as_bytes()).is_err(), "{}", &document[..document.len().min(60)]);
        }
        assert!(parse(deep(32).as_bytes()).is_ok());
        assert!(parse(b"<a>\xff</a>").is_err());
        let long = format!("<a>{}</a>", " ".repeat(2 << 20));
        assert_eq!(parse(long.as_bytes()), Err(MalformedXml("the document is longer than 2 MiB")));
    }

    #[test]
    fn no_prefix_of_a_document_passes_for_the_whole() {
        let whole = b"<?xml version='1.0'?><D><Quiet>true</Quiet><O><K>&lt;k</K></O></D>";
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_err(), "{end}");
        }
        assert!(parse(whole).is_ok());
    }
}
