//! The JSON format of scenario files and nothing else: from a text to a validated scenario, or to everything that is wrong
//! with it.
//!
//! `when`, `fire`, `action`, `rule`, `connection`, `state`, `server` and `setup` read the parts; `check` looks at the whole;
//! `schema` describes it for editors.
//!
//! Source: `scenarios.md` 2 to 8 and 14. Parts of the language that are not built yet are refused by name.

mod action;
mod check;
mod connection;
mod expect;
mod fire;
mod rule;
mod schema;
mod server;
mod setup;
mod state;
mod when;

use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value as Schema, json};

use self::expect::ExpectText;
use self::rule::RuleText;
use self::setup::SetupText;
use super::expect::Expect;
use super::json::{self, Members, Node, Note, Problems, Read, members};
use super::problem::{Diagnosis, Problem};
use super::rule::{MustFire, Rule};
use super::value::Pattern;
use crate::chance::Seed;
use crate::digest::sha256_of;
use crate::message::is_header_name;

pub use self::action::{ACTIONS, Entry};
pub use self::connection::{ConnectionAction, ConnectionRule, IdleEnd, TlsFault};
pub use self::schema::schema;
pub use self::server::{ClockSetting, KeepAliveLimits, RateLimit, RateScope, Readiness, Server};
pub use self::setup::{ContentSetup, Expiry, Setup};
#[cfg(test)]
pub use self::state::Transition;
pub use self::state::{States, Trigger};

/// A scenario: what exists at the start, how the service behaves, and what goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The name that journal and terminal show.
    pub name: String,
    /// What it is about, in plain words.
    pub note: Option<String>,
    /// The seed, when the file gives one.
    pub seed: Option<Seed>,
    /// What exists at the start.
    pub setup: Setup,
    /// What does not hang on one request.
    pub server: Server,
    /// The phases of the service.
    pub states: Option<States>,
    /// The rules in order of precedence.
    pub rules: Vec<Rule>,
    /// The rules for connections.
    pub connections: Vec<ConnectionRule>,
    /// Which requests belong to it, when it is made at run time.
    pub claim: Claim,
    /// What has to hold at the end; `None` when the file says nothing of it.
    pub expect: Option<Expect>,
}

impl Scenario {
    /// No faults at all.
    pub fn none() -> Self {
        Scenario {
            name: "no faults".to_owned(),
            note: None,
            seed: None,
            setup: Setup::default(),
            server: Server::default(),
            states: None,
            rules: Vec::new(),
            connections: Vec::new(),
            claim: Claim::default(),
            expect: None,
        }
    }

    /// How often each rule has to fire: that of the rules, then of the rules for connections.
    pub(crate) fn obligations(&self) -> impl Iterator<Item = (&str, MustFire)> {
        let rules = self.rules.iter().map(|rule| (&*rule.id, rule.must_fire));
        rules.chain(self.connections.iter().map(|rule| (&*rule.id, rule.must_fire)))
    }

    /// Reads a scenario. `name` is what messages call the file; `folder` is where it lies, for the files it refers to.
    ///
    /// # Errors
    /// Everything that is wrong, with places.
    pub fn parse(name: &str, text: &[u8], folder: Option<&Path>) -> Result<Scenario, Diagnosis> {
        Self::check(name, text, folder).map(|(scenario, _)| scenario)
    }

    /// Reads a scenario, and looks for what is allowed but hardly meant: the second value holds the warnings.
    ///
    /// # Errors
    /// Everything that is wrong, with places; the warnings are among it.
    pub fn check(name: &str, text: &[u8], folder: Option<&Path>) -> Result<(Scenario, Diagnosis), Diagnosis> {
        let text = match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(error) => {
                let valid = String::from_utf8_lossy(&text[..error.valid_up_to()]);
                let message = format!("byte {} of the file is not UTF-8", error.valid_up_to());
                let span = valid.len()..valid.len();
                let problem = Problem { code: "E104", span, path: String::new(), message, hint: None };
                return Err(Diagnosis::new(name, &valid, vec![problem]));
            }
        };
        let tree = json::parse(text).map_err(|problems| Diagnosis::new(name, text, problems))?;
        let mut problems = Problems::default();
        let root = Node::root(&tree);
        let document = Document::read(&root, &mut problems);
        check::unique_ids(&root, &mut problems);
        check::known_states(&root, &mut problems);
        let scenario = document.and_then(|document| document.into_scenario(folder, &mut problems));
        match scenario {
            Some(scenario) if problems.0.is_empty() => {
                let warnings = check::warnings(&root, &scenario);
                Ok((scenario, Diagnosis::new(name, text, warnings)))
            }
            _ => Err(Diagnosis::new(name, text, problems.0)),
        }
    }
}

members! {
    /// The root of a file.
    struct Document {
        /// The version of the format: 1.
        required version: FormatVersion,
        /// The name, shown in the journal and the report.
        required name: String,
        /// For editors; the server ignores it.
        optional schema as "$schema": String,
        /// What it is about, in plain words.
        optional about as "note": Note,
        /// 64 bits. Above 2^53 write it as a text.
        optional seed: Seed,
        /// What exists at the start.
        optional setup: SetupText,
        /// What does not hang on one request: clock, limits, keep-alive, jobs.
        optional server: Server,
        /// Named phases of the service.
        optional states: States,
        /// Faults of requests, in order of precedence.
        default rules: Many<RuleText> = Many(Vec::new()),
        /// Faults of connections.
        default connections: Many<ConnectionRule> = Many(Vec::new()),
        /// Which requests belong to this scenario, when it is made at run time.
        default claim: Claim = Claim::default(),
        /// What has to hold at the end.
        optional expect: ExpectText,
    }
    later "sweep";
}

members! {
    /// Which requests belong to a scenario that is made at run time.
    pub struct Claim {
        /// Those signed with this access key id; without it a fresh pair is made.
        optional client: Pattern,
        /// Those for this bucket.
        optional bucket: Pattern,
        /// Those that come to this port, which is opened for it; 0 is a free one.
        optional port: Port,
    }
}

#[expect(clippy::derivable_impls, reason = "the macro derives only what all need")]
impl Default for Claim {
    fn default() -> Self {
        Claim { client: None, bucket: None, port: None }
    }
}

/// A port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port(pub u16);

impl Read for Port {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let number = u64::read(node, problems)?;
        match u16::try_from(number) {
            Ok(port) => Some(Port(port)),
            Err(_) => {
                problems.add(node.problem("E204", format!("{number} is no port: the largest is 65535")))
            }
        }
    }

    fn schema() -> Schema {
        json!({ "type": "integer", "minimum": 0, "maximum": u16::MAX })
    }
}

impl Document {
    fn into_scenario(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Scenario> {
        let rules: Vec<_> = self.rules.0.into_iter().map(|rule| rule.into_rule(folder, problems)).collect();
        let setup = self.setup.map_or(Some(Setup::default()), |setup| setup.into_setup(folder, problems));
        let expect = match self.expect {
            None => Some(None),
            Some(expect) => expect.into_expect(folder, problems).map(Some),
        };
        Some(Scenario {
            name: self.name,
            note: self.about.map(|note| note.0),
            seed: self.seed,
            setup: setup?,
            server: self.server.unwrap_or_default(),
            states: self.states,
            rules: rules.into_iter().collect::<Option<_>>()?,
            connections: self.connections.0,
            claim: self.claim,
            expect: expect?,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
struct FormatVersion;

impl Read for FormatVersion {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match u64::read(node, problems)? {
            1 => Some(FormatVersion),
            other => {
                let mut problem = node.problem("E204", format!("version {other} is not known"));
                problem.hint = Some("this cos-emu reads version 1".to_owned());
                problems.add(problem)
            }
        }
    }

    fn schema() -> Schema {
        json!({ "const": 1 })
    }
}

impl Read for Seed {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match (node.number(), node.text()) {
            (Some(_), _) => u64::read(node, problems).map(Seed),
            (None, Some(text)) => match text.parse() {
                Ok(seed) => Some(seed),
                Err(error) => problems.add(node.problem("E204", format!("\"{text}\" is no seed: {error}"))),
            },
            (None, None) => problems.add(node.wrong_type("a number or a text such as \"0x5eed\"")),
        }
    }

    fn schema() -> Schema {
        json!({ "anyOf": [u64::schema(), { "type": "string", "pattern": "^([0-9]+|0[xX][0-9a-fA-F]{1,16})$" }] })
    }
}

/// An array.
#[derive(Debug, Clone, PartialEq)]
struct Many<T>(Vec<T>);

impl<T: Read> Read for Many<T> {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(elements) = node.elements() else { return problems.add(node.wrong_type("an array")) };
        // All of them are read before one that failed ends it: every problem is reported.
        let values: Vec<_> = elements.iter().map(|element| T::read(element, problems)).collect();
        values.into_iter().collect::<Option<_>>().map(Many)
    }

    fn schema() -> Schema {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// A value and where it stands, for the checks that come later.
#[derive(Debug, Clone, PartialEq)]
struct Located<T> {
    value: T,
    span: Range<usize>,
    path: String,
}

impl<T> Located<T> {
    fn problem(&self, code: &'static str, message: String) -> Problem {
        Problem { code, span: self.span.clone(), path: self.path.clone(), message, hint: None }
    }
}

impl<T: Read> Read for Located<T> {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let value = T::read(node, problems)?;
        Some(Located { value, span: node.span(), path: node.path().to_owned() })
    }

    fn schema() -> Schema {
        T::schema()
    }
}

/// The place of the later of two members: where a clash of them is marked.
fn later<A, B>(one: &Located<A>, other: &Located<B>) -> Located<()> {
    let (span, path) =
        if one.span.start > other.span.start { (&one.span, &one.path) } else { (&other.span, &other.path) };
    Located { value: (), span: span.clone(), path: path.clone() }
}

/// What names the members of an object may have.
trait MemberName {
    /// What is wrong with a name.
    fn problem(name: &str) -> Option<String>;
    /// The schema of the names.
    fn schema() -> Schema;
}

/// An object whose member names are free, within what `K` allows.
#[derive(Debug, Clone, PartialEq)]
struct Keyed<K, T>(Vec<(String, T)>, PhantomData<K>);

impl<K, T> Default for Keyed<K, T> {
    fn default() -> Self {
        Keyed(Vec::new(), PhantomData)
    }
}

impl<K: MemberName, T: Read> Read for Keyed<K, T> {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(members) = node.members() else { return problems.add(node.wrong_type("an object")) };
        let mut values = Vec::new();
        let mut complete = true;
        for (name, value) in members.iter() {
            if name == "note" {
                complete &= Note::read(&value, problems).is_some();
                continue;
            }
            if let Some(message) = K::problem(name) {
                problems.0.push(members.problem_at_key(name, "E204", message));
                complete = false;
            }
            match T::read(&value, problems) {
                Some(value) => values.push((name.to_owned(), value)),
                None => complete = false,
            }
        }
        complete.then_some(Keyed(values, PhantomData))
    }

    fn schema() -> Schema {
        json!({ "type": "object", "propertyNames": K::schema(), "additionalProperties": T::schema(), "properties": { "note": Note::member() } })
    }
}

/// Any name.
#[derive(Debug, Clone, PartialEq)]
struct AnyName;

impl MemberName for AnyName {
    fn problem(_: &str) -> Option<String> {
        None
    }

    fn schema() -> Schema {
        json!(true)
    }
}

/// The name of a header.
#[derive(Debug, Clone, PartialEq)]
struct HeaderName(String);

impl MemberName for HeaderName {
    fn problem(name: &str) -> Option<String> {
        (!is_header_name(name)).then(|| format!("\"{name}\" cannot be a header name"))
    }

    fn schema() -> Schema {
        json!({ "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
    }
}

impl Read for HeaderName {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let name = String::read(node, problems)?;
        match HeaderName::problem(&name) {
            None => Some(HeaderName(name)),
            Some(message) => problems.add(node.problem("E204", message)),
        }
    }

    fn schema() -> Schema {
        json::constrained(String::schema(), <HeaderName as MemberName>::schema())
    }
}

/// The bytes of a file in the scenario's folder or below it.
fn read_file(path: &str, folder: Option<&Path>) -> Result<Bytes, String> {
    std::fs::read(file_inside(path, folder)?).map(Bytes::from).map_err(|error| error.to_string())
}

/// The size of such a file, and its SHA-256 in hexadecimal digits.
fn hash_file(path: &str, folder: Option<&Path>) -> Result<(u64, String), String> {
    let mut file = std::fs::File::open(file_inside(path, folder)?).map_err(|error| error.to_string())?;
    sha256_of(&mut file).map_err(|error| error.to_string())
}

/// Where such a file lies.
fn file_inside(path: &str, folder: Option<&Path>) -> Result<PathBuf, String> {
    let folder = folder.ok_or("this scenario is not in a folder, so it cannot refer to files")?;
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    // Canonical paths have no links and no dots: what is inside stays inside.
    let file = folder.join(path).canonicalize().map_err(|error| error.to_string())?;
    if !file.starts_with(&folder) {
        return Err("the file is outside of the scenario's folder".to_owned());
    }
    Ok(file)
}

/// Adds a problem when more than one of the members is there.
fn exclude(members: &Members<'_>, names: &[&str], problems: &mut Problems) {
    let mut given = members.names().filter(|name| names.contains(name));
    if let Some(first) = given.next() {
        for other in given {
            let message = format!("\"{first}\" and \"{other}\" exclude each other");
            problems.0.push(members.problem_at_key(other, "E204", message));
        }
    }
}

#[cfg(test)]
mod tests;
