//! A document as a tree: elements with texts and elements in them. No attributes, no namespaces.
//!
//! What COS keeps of its buckets is kept as such trees. `cos::xml` reads and writes them.

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The name as written.
    pub name: String,
    /// The text in it, without that of its children.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Node>,
}

impl Node {
    /// An element with a text.
    pub fn with_text(name: &str, text: impl Into<String>) -> Self {
        Node { name: name.to_owned(), text: text.into(), children: Vec::new() }
    }

    /// An element with elements in it.
    pub fn with_children(name: &str, children: Vec<Node>) -> Self {
        Node { name: name.to_owned(), text: String::new(), children }
    }

    /// The elements in it of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element in it of that name.
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element at the end of a way of names, by the first of each.
    pub fn at(&self, way: &[&str]) -> Option<&Node> {
        way.iter().try_fold(self, |node, name| node.child(name))
    }

    /// The text of the first element in it of that name, trimmed.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// The texts of all elements in it of that name, trimmed.
    pub fn texts_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).map(|child| child.text.trim())
    }
}
