//! The JSON format of scenario files and nothing else: from a text to validated rules, or to everything that is wrong
//! with it.
//!
//! Source: `scenarios.md` 2 to 5 and 14. Parts of the language that are not built yet are refused by name.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;

use super::json::{self, Members, Node, Note, OneOrMany, Problems, Read, members, names};
use super::problem::{Diagnosis, Problem, did_you_mean};
use super::rule::{
    Action, Apply, Checksum, ChecksumValue, Corruption, Declared, Delay, ErrorAnswer, FILLER, Fire,
    Forgotten, MAX_OVERRUN, Matches, MustFire, Per, Point, RangeAnswer, Response, Rule, Then, Truncation,
    When,
};
use super::value::{Offset, Parts, Pattern, Size};
use crate::chance::Seed;
use crate::code;
use crate::message::is_header_name;
use crate::operation::{Group, Operation, Service};

/// A scenario: named rules and a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The name that journal and terminal show.
    pub name: String,
    /// What it is about, in plain words.
    pub note: Option<String>,
    /// The seed, when the file gives one.
    pub seed: Option<Seed>,
    /// The rules in order of precedence.
    pub rules: Vec<Rule>,
}

impl Scenario {
    /// No faults at all.
    pub fn none() -> Self {
        Scenario { name: "no faults".to_owned(), note: None, seed: None, rules: Vec::new() }
    }

    /// Reads a scenario. `name` is what messages call the file; `folder` is where it lies, for the files it refers to.
    ///
    /// # Errors
    /// Everything that is wrong, with places.
    pub fn parse(name: &str, text: &[u8], folder: Option<&Path>) -> Result<Scenario, Diagnosis> {
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
        check_unique_ids(&root, &mut problems);
        let scenario = document.and_then(|document| document.into_scenario(folder, &mut problems));
        match scenario {
            Some(scenario) if problems.0.is_empty() => Ok(scenario),
            _ => Err(Diagnosis::new(name, text, problems.0)),
        }
    }
}

members! {
    /// The root of a file.
    struct Document {
        required version: FormatVersion,
        required name: String,
        optional schema as "$schema": String,
        optional about as "note": Note,
        optional seed: Seed,
        default rules: Many<RuleText> = Many(Vec::new()),
    }
    later "claim", "setup", "server", "states", "connections", "expect", "sweep";
}

impl Document {
    fn into_scenario(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Scenario> {
        let rules: Vec<_> = self.rules.0.into_iter().map(|rule| rule.into_rule(folder, problems)).collect();
        Some(Scenario {
            name: self.name,
            note: self.about.map(|note| note.0),
            seed: self.seed,
            rules: rules.into_iter().collect::<Option<_>>()?,
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
}

/// A rule as it is written, and checked for clashes between its members.
#[derive(Debug, Clone, PartialEq)]
struct RuleText {
    id: String,
    when: When,
    fire: Fire,
    actions: Vec<ActionText>,
    apply: Apply,
    continues: bool,
    must_fire: MustFire,
}

impl Read for RuleText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(members) = node.members() else { return problems.add(node.wrong_type("an object")) };
        let known = ["id", "note", "when", "fire", "do", "apply", "continue", "must_fire"];
        members.refuse_unknown(&known, &["goto"], "field", problems);
        // Every member is read, and what can be read is checked, before one that cannot be ends it.
        let id = problems.required::<String>(&members, "id");
        let note = problems.optional::<Note>(&members, "note");
        let when = problems.optional::<When>(&members, "when").map(Option::unwrap_or_default);
        let fire = problems.optional::<Fire>(&members, "fire");
        let actions = problems.required::<Actions>(&members, "do");
        let apply = problems.optional::<Located<ApplyName>>(&members, "apply");
        let go_on = problems.optional::<Located<bool>>(&members, "continue");
        let must_fire = problems.optional::<MustFire>(&members, "must_fire");
        if let Some(actions) = &actions {
            let go_on = go_on.as_ref().and_then(Option::as_ref).filter(|go_on| go_on.value);
            let apply = apply.as_ref().and_then(Option::as_ref);
            check_actions(&actions.0, when.as_ref(), go_on, apply, problems);
        }
        note?;
        Some(RuleText {
            id: id?,
            when: when?,
            fire: fire?.unwrap_or_else(Fire::always),
            actions: actions?.complete()?,
            apply: apply?.map_or(Apply::Auto, |apply| apply.value.into()),
            continues: go_on?.is_some_and(|go_on| go_on.value),
            must_fire: must_fire?.unwrap_or(MustFire::ONCE),
        })
    }
}

impl RuleText {
    /// Reads the files that the rule refers to.
    fn into_rule(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Rule> {
        let RuleText { id, when, fire, actions, apply, continues, must_fire } = self;
        let actions: Vec<_> = actions.into_iter().map(|action| action.with_files(folder, problems)).collect();
        let actions = actions.into_iter().collect::<Option<_>>()?;
        Some(Rule { id, when, fire, actions, apply, continues, must_fire })
    }
}

/// The actions of a rule; `None` for each that cannot be read.
struct Actions(Vec<Option<Located<ActionText>>>);

impl Read for Actions {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let elements = node.elements().unwrap_or_else(|| vec![node.clone()]);
        if elements.is_empty() {
            return problems.add(node.problem("E204", "the array is empty"));
        }
        Some(Actions(elements.iter().map(|element| Located::read(element, problems)).collect()))
    }
}

impl Actions {
    /// The actions, if all of them could be read.
    fn complete(self) -> Option<Vec<ActionText>> {
        self.0.into_iter().map(|action| action.map(|action| action.value)).collect()
    }
}

/// Looks for actions that cannot happen in the matched operations, for a second ending, and for endings that clash with
/// `continue` or `apply`.
fn check_actions(
    actions: &[Option<Located<ActionText>>],
    when: Option<&When>,
    go_on: Option<&Located<bool>>,
    apply: Option<&Located<ApplyName>>,
    problems: &mut Problems,
) {
    let mut first_ending: Option<&str> = None;
    for located in actions.iter().flatten() {
        let action = &located.value.action;
        let name = action.name();
        let possible =
            |when: &When| when.possible_operations().any(|operation| action.can_happen_in(operation));
        if when.is_some_and(|when| !possible(when)) {
            let message = format!("\"{name}\" cannot happen here: it needs {}", action.requirement());
            problems.0.push(located.problem("E303", message));
        }
        if !action.is_ending() {
            continue;
        }
        if let Some(first) = first_ending {
            let message = format!("a second ending: \"{name}\" comes after \"{first}\"");
            problems.0.push(located.problem("E305", message));
            continue;
        }
        first_ending = Some(name);
        if let Some(go_on) = go_on {
            let message = format!("\"continue\" goes with modifiers only, and \"{name}\" is an ending");
            problems.0.push(later(go_on, located).problem("E307", message));
        }
        let too_early = matches!(action.point(), Some(Point::Head | Point::Upload(_)));
        if let Some(apply) = apply.filter(|apply| too_early && apply.value.needs_the_body()) {
            let message = format!(
                "\"apply\": \"{}\" needs the complete body, but \"{name}\" ends the exchange before it",
                apply.value.name()
            );
            problems.0.push(later(apply, located).problem("E310", message));
        }
    }
}

/// The place of the later of two members: where a clash of them is marked.
fn later<A, B>(one: &Located<A>, other: &Located<B>) -> Located<()> {
    let (span, path) =
        if one.span.start > other.span.start { (&one.span, &one.path) } else { (&other.span, &other.path) };
    Located { value: (), span: span.clone(), path: path.clone() }
}

/// Looks for ids that two rules share. Works on the tree, so that it also sees rules that have other problems.
fn check_unique_ids(root: &Node<'_>, problems: &mut Problems) {
    let rules = root.members().and_then(|members| members.get("rules")).and_then(|rules| rules.elements());
    let mut seen: Vec<&str> = Vec::new();
    for rule in rules.unwrap_or_default() {
        let Some(id) = rule.members().and_then(|members| members.get("id")) else { continue };
        let Some(text) = id.text() else { continue };
        if seen.contains(&text) {
            problems.0.push(id.problem("E301", format!("another rule has the id \"{text}\" already")));
        }
        seen.push(text);
    }
}

names! {
    /// Whether the operation takes place.
    enum ApplyName as "value of apply" {
        Auto = "auto",
        No = "no",
        Yes = "yes",
        Twice = "twice",
    }
}

impl ApplyName {
    fn needs_the_body(self) -> bool {
        matches!(self, ApplyName::Yes | ApplyName::Twice)
    }
}

impl From<ApplyName> for Apply {
    fn from(name: ApplyName) -> Self {
        match name {
            ApplyName::Auto => Apply::Auto,
            ApplyName::No => Apply::No,
            ApplyName::Yes => Apply::Yes,
            ApplyName::Twice => Apply::Twice,
        }
    }
}

// ---- when ----

names! {
    /// A service by name.
    enum ServiceName as "service" {
        Cos = "cos",
        Cas = "cas",
    }
}

members! {
    /// Which requests, as it is written.
    struct WhenText {
        optional service: ServiceName,
        optional op: OneOrMany<Operations>,
        optional bucket: Pattern,
        optional key: Pattern,
        optional upload: Pattern,
        optional vault: Pattern,
        optional part: Parts,
        optional range: RangeText,
        optional size: SizeBounds,
        default header: Named<Pattern> = Named::default(),
        optional client: Pattern,
        optional attempt: Attempt,
    }
    later "archive", "job", "method", "path", "query", "on_connection", "http", "tls", "expect_continue", "state", "not";
}

impl Read for When {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = WhenText::read(node, problems)?;
        Some(When {
            operations: text.op.map(|op| op.0.into_iter().flat_map(|operations| operations.0).collect()),
            service: text.service.map(|service| match service {
                ServiceName::Cos => Service::Cos,
                ServiceName::Cas => Service::Cas,
            }),
            bucket: text.bucket,
            key: text.key,
            upload: text.upload,
            vault: text.vault,
            part: text.part,
            range: text.range.map(|range| (range.from, range.to)),
            size: text.size.map(|size| (size.min.0, size.max.0)),
            header: text.header.0,
            client: text.client,
            attempt: text.attempt.map(|attempt| (attempt.0, attempt.1)),
        })
    }
}

/// The operations of a name or a group.
#[derive(Debug, Clone, PartialEq)]
struct Operations(Vec<Operation>);

impl Read for Operations {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(text) = node.text() else {
            return problems.add(node.wrong_type("the name of an operation or a group"));
        };
        if text.starts_with('@') {
            if let Some((_, group)) = Group::ALL.iter().find(|(name, _)| *name == text) {
                let members = Operation::ALL.iter().copied().filter(|operation| operation.is_in(*group));
                return Some(Operations(members.collect()));
            }
            let mut problem = node.problem("E203", format!("unknown group \"{text}\""));
            problem.hint = did_you_mean(text, Group::ALL.iter().map(|(name, _)| *name));
            return problems.add(problem);
        }
        let named: Vec<_> = Operation::named(text).collect();
        if named.is_empty() {
            let mut problem = node.problem("E203", format!("unknown operation \"{text}\""));
            problem.hint = did_you_mean(text, Operation::ALL.iter().map(|operation| operation.name()));
            return problems.add(problem);
        }
        Some(Operations(named))
    }
}

members! {
    /// Bytes of a body.
    struct RangeText {
        default from: Offset = Offset::FromStart(0),
        optional to: Offset,
    }
}

members! {
    /// Bounds of a size, both included.
    struct SizeBounds {
        default min: Size = Size(0),
        default max: Size = Size(u64::MAX),
    }
}

/// The how-manieth attempts, both ends included.
#[derive(Debug, Clone, PartialEq)]
struct Attempt(u32, u32);

members! {
    struct AttemptBounds {
        default min: Count = Count(1),
        default max: Count = Count(u32::MAX),
    }
}

impl Read for Attempt {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.members().is_some() {
            return AttemptBounds::read(node, problems).map(|bounds| Attempt(bounds.min.0, bounds.max.0));
        }
        Count::read(node, problems).map(|count| Attempt(count.0, count.0))
    }
}

/// A number from 1 on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Count(u32);

impl Read for Count {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match u64::read(node, problems)?.try_into() {
            Ok(0) => problems.add(node.problem("E204", "the number must be at least 1")),
            Ok(number) => Some(Count(number)),
            Err(_) => problems.add(node.problem("E204", "the number must be below 2^32")),
        }
    }
}

/// An object whose member names are free.
#[derive(Debug, Clone, PartialEq)]
struct Named<T>(Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named(Vec::new())
    }
}

impl<T: Read> Read for Named<T> {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(members) = node.members() else { return problems.add(node.wrong_type("an object")) };
        let mut values = Vec::new();
        let mut complete = true;
        for name in members.names() {
            if !is_header_name(name) {
                problems.0.push(members.problem_at_key(
                    name,
                    "E204",
                    format!("\"{name}\" cannot be a header name"),
                ));
                complete = false;
            }
            match members.get(name).and_then(|node| T::read(&node, problems)) {
                Some(value) => values.push((name.to_owned(), value)),
                None => complete = false,
            }
        }
        complete.then_some(Named(values))
    }
}

// ---- fire ----

names! {
    enum PerName as "scope" {
        Scenario = "scenario",
        Client = "client",
        Connection = "connection",
        Key = "key",
        Upload = "upload",
        Part = "part",
        Request = "request",
    }
}

members! {
    struct FireText {
        optional first: Count,
        optional nth: OneOrMany<Count>,
        optional every: Count,
        default skip: Skip = Skip(0),
        optional probability: Probability,
        optional times: Count,
        optional window: Window,
        default per: PerName = PerName::Scenario,
    }
}

members! {
    struct Window {
        default from: Duration = Duration::ZERO,
        optional to: Duration,
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Skip(u32);

impl Read for Skip {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match u64::read(node, problems)?.try_into() {
            Ok(number) => Some(Skip(number)),
            Err(_) => problems.add(node.problem("E204", "the number must be below 2^32")),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Probability(f64);

impl Read for Probability {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let value = f64::read(node, problems)?;
        if value > 0.0 && value <= 1.0 {
            return Some(Probability(value));
        }
        problems.add(node.problem("E204", format!("the probability {value} is not above 0 and at most 1")))
    }
}

impl Read for Fire {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = FireText::read(node, problems);
        if let Some(members) = node.members() {
            let mut given = members.names().filter(|name| ["first", "nth", "every"].contains(name));
            if let Some(first) = given.next() {
                for other in given {
                    let message = format!("\"{first}\" and \"{other}\" exclude each other");
                    problems.0.push(members.problem_at_key(other, "E302", message));
                }
            }
        }
        let text = text?;
        Some(Fire {
            matches: match (text.first, text.nth, text.every) {
                (Some(first), ..) => Matches::First(first.0),
                (_, Some(nth), _) => Matches::Nth(nth.0.into_iter().map(|count| count.0).collect()),
                (.., Some(every)) => Matches::Every(every.0),
                (None, None, None) => Matches::All,
            },
            skip: text.skip.0,
            probability: text.probability.map(|probability| probability.0),
            times: text.times.map(|times| times.0),
            window: text.window.map(|window| (window.from, window.to)),
            per: match text.per {
                PerName::Scenario => Per::Scenario,
                PerName::Client => Per::Client,
                PerName::Connection => Per::Connection,
                PerName::Key => Per::Key,
                PerName::Upload => Per::Upload,
                PerName::Part => Per::Part,
                PerName::Request => Per::Request,
            },
        })
    }
}

names! {
    enum MustFireName as "value of must_fire" {
        Never = "never",
        Optional = "optional",
    }
}

members! {
    struct MustFireBounds {
        default min: Skip = Skip(1),
        optional max: Skip,
    }
}

impl Read for MustFire {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.text().is_some() {
            return MustFireName::read(node, problems).map(|name| match name {
                MustFireName::Never => MustFire::NEVER,
                MustFireName::Optional => MustFire::OPTIONAL,
            });
        }
        let bounds = MustFireBounds::read(node, problems)?;
        let (min, max) = (bounds.min.0, bounds.max.map(|max| max.0));
        if max.is_some_and(|max| max < min) {
            return problems.add(node.problem("E204", format!("the maximum is below the minimum {min}")));
        }
        Some(MustFire { min, max })
    }
}

// ---- do ----

/// An action as it is written: one that refers to a file has not read it yet.
#[derive(Debug, Clone, PartialEq)]
struct ActionText {
    action: Action,
    body_file: Option<Located<String>>,
}

/// Names of actions that are not built yet.
const LATER_ACTIONS: &[&str] = &[
    "error_in_200",
    "redirect",
    "half_close",
    "throttle",
    "drip",
    "chunked",
    "continue_100",
    "stale",
    "keep_alive",
];

type ReadAction = fn(&Node<'_>, &mut Problems) -> Option<ActionText>;

/// The table of actions: the name, and how what it names is read.
const ACTIONS: &[(&str, ReadAction)] = &[
    ("error", |node, problems| read_error(node, problems).map(ActionText::from)),
    ("respond", read_respond),
    ("raw", |node, problems| read_raw(node, problems).map(ActionText::from)),
    ("reset", |node, problems| {
        let end = End::read(node, problems)?;
        Some(Action::Reset { at: end.at, after: end.after }.into())
    }),
    ("close", |node, problems| {
        let end = End::read(node, problems)?;
        Some(Action::Close { at: end.at, after: end.after }.into())
    }),
    ("stall", |node, problems| read_stall(node, problems).map(ActionText::from)),
    ("delay", |node, problems| read_delay(node, problems).map(ActionText::from)),
    ("truncate", |node, problems| {
        let text = TruncateText::read(node, problems)?;
        Some(Action::Truncate { keep: text.keep, end: text.end.into() }.into())
    }),
    ("overrun", |node, problems| read_overrun(node, problems).map(ActionText::from)),
    ("length", |node, problems| {
        LengthText::read(node, problems).map(|text| Action::Length(text.declare).into())
    }),
    ("corrupt", |node, problems| {
        let text = CorruptText::read(node, problems)?;
        Some(Action::Corrupt { offset: text.offset, length: text.length.0, how: text.how.into() }.into())
    }),
    ("checksum", |node, problems| {
        let text = ChecksumText::read(node, problems)?;
        Some(Action::Checksum { which: text.which.checksums(), value: text.value }.into())
    }),
    ("headers", |node, problems| {
        let text = HeadersText::read(node, problems)?;
        let values =
            |named: Named<HeaderText>| named.0.into_iter().map(|(name, value)| (name, value.0)).collect();
        let (set, append) = (values(text.set), values(text.append));
        Some(
            Action::Headers { set, append, remove: text.remove.0.into_iter().map(|name| name.0).collect() }
                .into(),
        )
    }),
    ("range", |node, problems| read_range(node, problems).map(ActionText::from)),
    ("forget", |node, problems| {
        ForgetText::read(node, problems).map(|text| Action::Forget(text.what.into()).into())
    }),
];

impl From<Action> for ActionText {
    fn from(action: Action) -> Self {
        ActionText { action, body_file: None }
    }
}

impl ActionText {
    /// Reads the file that the action refers to.
    fn with_files(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Action> {
        match (self.action, self.body_file) {
            (Action::Respond(response), Some(file)) => match read_file(&file.value, folder) {
                Ok(body) => Some(Action::Respond(Response { body, ..response })),
                Err(reason) => problems.add(file.problem("E308", format!("\"{}\": {reason}", file.value))),
            },
            (action, _) => Some(action),
        }
    }
}

/// The bytes of a file in the scenario's folder or below it.
fn read_file(path: &str, folder: Option<&Path>) -> Result<Bytes, String> {
    let folder = folder.ok_or("this scenario is not in a folder, so it cannot refer to files")?;
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    // Canonical paths have no links and no dots: what is inside stays inside.
    let file = folder.join(path).canonicalize().map_err(|error| error.to_string())?;
    if !file.starts_with(&folder) {
        return Err("the file is outside of the scenario's folder".to_owned());
    }
    std::fs::read(file).map(Bytes::from).map_err(|error| error.to_string())
}

impl Read for ActionText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(members) = node.members() else {
            return problems.add(node.wrong_type("an action, such as { \"reset\": { \"at\": \"reply\" } }"));
        };
        let names: Vec<&str> = members.names().filter(|name| *name != "note").collect();
        let [name] = names.as_slice() else {
            return problems.add(match names.get(1) {
                None => members.problem_at_brace("E205", "the action has no name"),
                Some(second) => members.problem_at_key(
                    second,
                    "E205",
                    format!(
                        "an action has exactly one name, and this one has \"{}\" and \"{second}\"",
                        names[0]
                    ),
                ),
            });
        };
        if let Some(note) = members.get("note") {
            Note::read(&note, problems)?;
        }
        let Some((_, read)) = ACTIONS.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
            members.refuse_unknown(
                &[known.as_slice(), &["note"]].concat(),
                LATER_ACTIONS,
                "action",
                problems,
            );
            return None;
        };
        read(&members.get(name)?, problems)
    }
}

names! {
    enum PointName as "point" {
        Head = "head",
        Upload = "upload",
        Reply = "reply",
        Download = "download",
        Done = "done",
    }
}

/// The moment that `at` and `offset` of an action name.
///
/// # Errors
/// `E304` when `upload` or `download` have no offset, or another point has one.
fn point(
    members: &Members<'_>,
    at: PointName,
    offset: Option<Offset>,
    problems: &mut Problems,
) -> Option<Point> {
    match (at, offset) {
        (PointName::Upload, Some(offset)) => Some(Point::Upload(offset)),
        (PointName::Download, Some(offset)) => Some(Point::Download(offset)),
        (PointName::Upload | PointName::Download, None) => {
            let message = format!("\"at\": \"{}\" needs an \"offset\"", at.name());
            problems.missing(members, "offset", "E304", message)
        }
        (PointName::Head, None) => Some(Point::Head),
        (PointName::Reply, None) => Some(Point::Reply),
        (PointName::Done, None) => Some(Point::Done),
        (_, Some(_)) => {
            let last =
                members.names().filter(|name| ["at", "offset"].contains(name)).last().unwrap_or("offset");
            let message = format!("\"offset\" goes with upload and download, not with \"{}\"", at.name());
            problems.add(members.problem_at_key(last, "E304", message))
        }
    }
}

/// Where and when a `reset` or `close` happens.
struct End {
    at: Point,
    after: Duration,
}

members! {
    struct EndText {
        required at: PointName,
        optional offset: Offset,
        default after: Duration = Duration::ZERO,
    }
}

impl Read for End {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = EndText::read(node, problems)?;
        let at = point(&node.members()?, text.at, text.offset, problems)?;
        Some(End { at, after: text.after })
    }
}

members! {
    struct ErrorText {
        required code: CodeName,
        optional status: Status,
        optional message: String,
        default headers: Named<MaybeHeader> = Named::default(),
        optional retry_after: Duration,
        optional kind as "type": String,
        default at: PointName = PointName::Reply,
        optional offset: Offset,
    }
}

fn read_error(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    if node.text().is_some() {
        let code = CodeName::read(node, problems)?;
        return Some(Action::Error(ErrorAnswer {
            code: code.0,
            status: None,
            message: None,
            headers: Vec::new(),
            retry_after: None,
            kind: None,
            at: Point::Reply,
        }));
    }
    let text = ErrorText::read(node, problems)?;
    let members = node.members()?;
    if matches!(text.at, PointName::Download | PointName::Done) {
        let message = "an error is answered at head, upload or reply: later the answer has begun";
        return problems.add(members.problem_at_key("at", "E204", message));
    }
    Some(Action::Error(ErrorAnswer {
        code: text.code.0,
        status: text.status.map(|status| status.0),
        message: text.message,
        headers: text.headers.0.into_iter().map(|(name, value)| (name, value.0)).collect(),
        retry_after: text.retry_after,
        kind: text.kind,
        at: point(&members, text.at, text.offset, problems)?,
    }))
}

/// An error code of either service.
#[derive(Debug, Clone, PartialEq)]
struct CodeName(String);

impl Read for CodeName {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        if code::lookup(Service::Cos, &text).is_some() {
            return Some(CodeName(text));
        }
        let mut problem = node.problem("E203", format!("unknown error code \"{text}\""));
        problem.hint = did_you_mean(&text, code::names())
            .or_else(|| Some("an answer of your own making is \"respond\"".to_owned()));
        problems.add(problem)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Status(u16);

impl Read for Status {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match u64::read(node, problems)? {
            status @ 200..=599 => Some(Status(status as u16)),
            status => {
                problems.add(node.problem("E204", format!("the status {status} is not from 200 to 599")))
            }
        }
    }
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq)]
struct HeaderText(HeaderValue);

impl Read for HeaderText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        match HeaderValue::from_bytes(text.as_bytes()) {
            Ok(value) => Some(HeaderText(value)),
            Err(_) => problems.add(node.problem("E204", "a header value has no control characters")),
        }
    }
}

/// The value of a header, or `null` to take it away.
#[derive(Debug, Clone, PartialEq)]
struct MaybeHeader(Option<HeaderValue>);

impl Read for MaybeHeader {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.is_null() {
            return Some(MaybeHeader(None));
        }
        HeaderText::read(node, problems).map(|value| MaybeHeader(Some(value.0)))
    }
}

/// Bytes in base64.
#[derive(Debug, Clone, PartialEq)]
struct Base64(Bytes);

impl Read for Base64 {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match STANDARD.decode(String::read(node, problems)?) {
            Ok(bytes) => Some(Base64(bytes.into())),
            Err(error) => problems.add(node.problem("E202", format!("not base64: {error}"))),
        }
    }
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

members! {
    struct RespondText {
        required status: Status,
        default headers: Named<HeaderText> = Named::default(),
        optional body: String,
        optional body_file: Located<String>,
        optional body_base64: Base64,
    }
}

fn read_respond(node: &Node<'_>, problems: &mut Problems) -> Option<ActionText> {
    let text = RespondText::read(node, problems)?;
    exclude(&node.members()?, &["body", "body_file", "body_base64"], problems);
    let body = text.body.map(Bytes::from).or(text.body_base64.map(|bytes| bytes.0)).unwrap_or_default();
    let headers = text.headers.0.into_iter().map(|(name, value)| (name, value.0)).collect();
    let action = Action::Respond(Response { status: text.status.0, headers, body });
    Some(ActionText { action, body_file: text.body_file })
}

names! {
    enum RawThenName as "way to end" {
        Close = "close",
        Reset = "reset",
        Stall = "stall",
    }
}

members! {
    struct RawText {
        optional text: String,
        optional base64: Base64,
        default then: RawThenName = RawThenName::Close,
    }
}

fn read_raw(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = RawText::read(node, problems)?;
    let members = node.members()?;
    exclude(&members, &["text", "base64"], problems);
    let Some(bytes) = text.text.map(Bytes::from).or(text.base64.map(|bytes| bytes.0)) else {
        return problems.add(members.problem_at_brace("E201", "one of \"text\" and \"base64\" is missing"));
    };
    let then = match text.then {
        RawThenName::Close => Then::Close,
        RawThenName::Reset => Then::Reset,
        RawThenName::Stall => Then::Stall,
    };
    Some(Action::Raw { bytes, then })
}

names! {
    enum StallThenName as "way to go on" {
        Continue = "continue",
        Close = "close",
        Reset = "reset",
    }
}

members! {
    struct StallText {
        required at: PointName,
        optional offset: Offset,
        default hold as "for": Hold = Hold(None),
        default then: StallThenName = StallThenName::Continue,
    }
}

/// How long a stall lasts: a duration, or `"forever"`.
#[derive(Debug, Clone, PartialEq)]
struct Hold(Option<Duration>);

impl Read for Hold {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.text() == Some("forever") {
            return Some(Hold(None));
        }
        Duration::read(node, problems).map(|duration| Hold(Some(duration)))
    }
}

fn read_stall(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = StallText::read(node, problems)?;
    let at = point(&node.members()?, text.at, text.offset, problems)?;
    let then = match text.then {
        StallThenName::Continue => Then::Continue,
        StallThenName::Close => Then::Close,
        StallThenName::Reset => Then::Reset,
    };
    Some(Action::Stall { at, hold: text.hold.0, then })
}

members! {
    struct DelayText {
        default at: PointName = PointName::Reply,
        optional offset: Offset,
        optional fixed: Duration,
        optional uniform: Uniform,
        optional normal: Normal,
        optional lognormal: Lognormal,
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Uniform(Duration, Duration);

impl Read for Uniform {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let bounds = Many::<Duration>::read(node, problems)?;
        match bounds.0.as_slice() {
            [low, high] if low <= high => Some(Uniform(*low, *high)),
            [_, _] => problems.add(node.problem("E204", "the second duration is below the first")),
            _ => problems.add(node.problem("E204", "expected two durations")),
        }
    }
}

members! {
    struct Normal {
        required mean: Duration,
        required sd: Duration,
    }
}

members! {
    struct Lognormal {
        required median: Duration,
        required sigma: Sigma,
        optional max: Duration,
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Sigma(f64);

impl Read for Sigma {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match f64::read(node, problems)? {
            sigma if sigma >= 0.0 => Some(Sigma(sigma)),
            sigma => problems.add(node.problem("E204", format!("{sigma} is below 0"))),
        }
    }
}

fn read_delay(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = DelayText::read(node, problems)?;
    let members = node.members()?;
    let distributions = ["fixed", "uniform", "normal", "lognormal"];
    exclude(&members, &distributions, problems);
    let at = point(&members, text.at, text.offset, problems)?;
    let amount = match text {
        DelayText { fixed: Some(fixed), .. } => Delay::Fixed(fixed),
        DelayText { uniform: Some(uniform), .. } => Delay::Uniform(uniform.0, uniform.1),
        DelayText { normal: Some(normal), .. } => Delay::Normal { mean: normal.mean, sd: normal.sd },
        DelayText { lognormal: Some(lognormal), .. } => {
            Delay::Lognormal { median: lognormal.median, sigma: lognormal.sigma.0, max: lognormal.max }
        }
        _ => {
            let message = format!("one of {} is missing", distributions.join(", "));
            return problems.add(members.problem_at_brace("E201", message));
        }
    };
    Some(Action::Delay { at, amount })
}

names! {
    enum TruncationName as "way to end" {
        Close = "close",
        Reset = "reset",
        Stall = "stall",
        Clean = "clean",
    }
}

impl From<TruncationName> for Truncation {
    fn from(name: TruncationName) -> Self {
        match name {
            TruncationName::Close => Truncation::Close,
            TruncationName::Reset => Truncation::Reset,
            TruncationName::Stall => Truncation::Stall,
            TruncationName::Clean => Truncation::Clean,
        }
    }
}

members! {
    struct TruncateText {
        required keep: Offset,
        default end: TruncationName = TruncationName::Close,
    }
}

members! {
    struct OverrunText {
        optional bytes: Size,
        optional text: String,
        default keep_alive: bool = true,
    }
}

fn read_overrun(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = OverrunText::read(node, problems)?;
    let members = node.members()?;
    exclude(&members, &["bytes", "text"], problems);
    let extra = match (text.bytes, text.text) {
        (Some(size), _) if size > MAX_OVERRUN => {
            let message = format!("{} bytes are more than 16 MiB", size.0);
            return problems.add(members.get("bytes")?.problem("E204", message));
        }
        (Some(size), _) => Bytes::from(vec![FILLER; size.0 as usize]),
        (None, Some(text)) => Bytes::from(text),
        (None, None) => {
            return problems
                .add(members.problem_at_brace("E201", "one of \"bytes\" and \"text\" is missing"));
        }
    };
    Some(Action::Overrun { extra, keep_alive: text.keep_alive })
}

members! {
    struct LengthText {
        required declare: Declared,
    }
}

impl Read for Declared {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.number().is_some() {
            return u64::read(node, problems).map(Declared::Exactly);
        }
        match node.text() {
            Some("absent") => Some(Declared::Absent),
            Some("twice") => Some(Declared::Twice),
            Some(text)
                if text.starts_with(['+', '-']) && text[1..].bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                match text.parse() {
                    Ok(difference) => Some(Declared::Plus(difference)),
                    Err(_) => {
                        problems.add(node.problem("E202", format!("\"{text}\" is no difference of lengths")))
                    }
                }
            }
            Some(text) => {
                let mut problem = node.problem("E203", format!("unknown length \"{text}\""));
                problem.hint = did_you_mean(text, ["absent", "twice"])
                    .or_else(|| Some("a number, \"+10\", \"-10\", \"absent\" or \"twice\"".to_owned()));
                problems.add(problem)
            }
            None => problems.add(node.wrong_type("a number, \"+10\", \"-10\", \"absent\" or \"twice\"")),
        }
    }
}

names! {
    enum CorruptionName as "way to corrupt" {
        Flip = "flip",
        Zero = "zero",
        Random = "random",
        Shift = "shift",
        Swap = "swap",
    }
}

impl From<CorruptionName> for Corruption {
    fn from(name: CorruptionName) -> Self {
        match name {
            CorruptionName::Flip => Corruption::Flip,
            CorruptionName::Zero => Corruption::Zero,
            CorruptionName::Random => Corruption::Random,
            CorruptionName::Shift => Corruption::Shift,
            CorruptionName::Swap => Corruption::Swap,
        }
    }
}

members! {
    struct CorruptText {
        required offset: Offset,
        default length: NonZeroSize = NonZeroSize(1),
        required how: CorruptionName,
    }
}

/// A size of at least one byte.
#[derive(Debug, Clone, PartialEq)]
struct NonZeroSize(u64);

impl Read for NonZeroSize {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match Size::read(node, problems)? {
            Size(0) => problems.add(node.problem("E204", "the size must be at least 1")),
            Size(size) => Some(NonZeroSize(size)),
        }
    }
}

names! {
    enum ChecksumName as "checksum" {
        Etag = "etag",
        Crc64 = "crc64",
        Md5 = "md5",
        Sha256 = "sha256",
        TreeHash = "tree-hash",
        All = "all",
    }
}

impl ChecksumName {
    fn checksums(self) -> Vec<Checksum> {
        match self {
            ChecksumName::Etag => vec![Checksum::Etag],
            ChecksumName::Crc64 => vec![Checksum::Crc64],
            ChecksumName::Md5 => vec![Checksum::Md5],
            ChecksumName::Sha256 => vec![Checksum::Sha256],
            ChecksumName::TreeHash => vec![Checksum::TreeHash],
            ChecksumName::All => Checksum::ALL.to_vec(),
        }
    }
}

names! {
    enum ChecksumValueName as "value of a checksum" {
        Wrong = "wrong",
        Absent = "absent",
        Malformed = "malformed",
    }
}

members! {
    struct Literal {
        required is: HeaderText,
    }
}

impl Read for ChecksumValue {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.members().is_some() {
            return Literal::read(node, problems).map(|literal| ChecksumValue::Is(literal.is.0));
        }
        ChecksumValueName::read(node, problems).map(|name| match name {
            ChecksumValueName::Wrong => ChecksumValue::Wrong,
            ChecksumValueName::Absent => ChecksumValue::Absent,
            ChecksumValueName::Malformed => ChecksumValue::Malformed,
        })
    }
}

members! {
    struct ChecksumText {
        required which: ChecksumName,
        required value: ChecksumValue,
    }
}

/// The name of a header.
#[derive(Debug, Clone, PartialEq)]
struct HeaderName(String);

impl Read for HeaderName {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let name = String::read(node, problems)?;
        if is_header_name(&name) {
            return Some(HeaderName(name));
        }
        problems.add(node.problem("E204", format!("\"{name}\" cannot be a header name")))
    }
}

members! {
    struct HeadersText {
        default set: Named<HeaderText> = Named::default(),
        default append: Named<HeaderText> = Named::default(),
        default remove: Many<HeaderName> = Many(Vec::new()),
    }
}

names! {
    enum RangeAnswerName as "answer" {
        Ignore = "ignore",
        Shift = "shift",
        Short = "short",
        NoHeader = "no-header",
        WrongTotal = "wrong-total",
    }
}

members! {
    struct RangeAnswerText {
        required answer: RangeAnswerName,
        optional by: Difference,
        optional keep: Offset,
    }
}

/// A number of bytes, forwards or backwards.
#[derive(Debug, Clone, PartialEq)]
struct Difference(i64);

impl Read for Difference {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let difference = match Offset::read(node, problems)? {
            Offset::FromStart(bytes) => i64::try_from(bytes).ok(),
            Offset::FromEnd(bytes) => i64::try_from(bytes).ok().map(|bytes| -bytes),
            Offset::Percent(_) => None,
        };
        match difference {
            Some(0) => problems.add(node.problem("E204", "a shift by 0 changes nothing")),
            Some(difference) => Some(Difference(difference)),
            None => problems.add(node.problem("E202", "expected a number of bytes")),
        }
    }
}

fn read_range(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = RangeAnswerText::read(node, problems)?;
    let members = node.members()?;
    let needed = match text.answer {
        RangeAnswerName::Shift => Some("by"),
        RangeAnswerName::Short => Some("keep"),
        RangeAnswerName::Ignore | RangeAnswerName::NoHeader | RangeAnswerName::WrongTotal => None,
    };
    let answer = text.answer.name();
    for name in members.names().filter(|name| ["by", "keep"].contains(name) && Some(*name) != needed) {
        let message = format!("\"{name}\" does not go with \"answer\": \"{answer}\"");
        problems.0.push(members.problem_at_key(name, "E204", message));
    }
    let answer = match (text.answer, text.by, text.keep) {
        (RangeAnswerName::Ignore, ..) => RangeAnswer::Ignore,
        (RangeAnswerName::NoHeader, ..) => RangeAnswer::NoHeader,
        (RangeAnswerName::WrongTotal, ..) => RangeAnswer::WrongTotal,
        (RangeAnswerName::Shift, Some(by), _) => RangeAnswer::Shift(by.0),
        (RangeAnswerName::Short, _, Some(keep)) => RangeAnswer::Short(keep),
        (RangeAnswerName::Shift | RangeAnswerName::Short, ..) => {
            let message = format!("\"{}\" is missing", needed.unwrap_or_default());
            return problems.missing(&members, needed.unwrap_or_default(), "E201", message);
        }
    };
    Some(Action::Range(answer))
}

names! {
    enum ForgottenName as "thing to forget" {
        Upload = "upload",
        Part = "part",
        Object = "object",
        Archive = "archive",
    }
    later "job";
}

impl From<ForgottenName> for Forgotten {
    fn from(name: ForgottenName) -> Self {
        match name {
            ForgottenName::Upload => Forgotten::Upload,
            ForgottenName::Part => Forgotten::Part,
            ForgottenName::Object => Forgotten::Object,
            ForgottenName::Archive => Forgotten::Archive,
        }
    }
}

members! {
    struct ForgetText {
        required what: ForgottenName,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(rules: &str) -> String {
        format!("{{\"version\": 1, \"name\": \"t\", \"rules\": [{rules}]}}")
    }

    /// The codes of a file's problems, each with the text that is marked.
    fn problems(text: &str) -> Vec<(&'static str, String)> {
        match Scenario::parse("t.json", text.as_bytes(), None) {
            Ok(_) => Vec::new(),
            Err(diagnosis) => diagnosis
                .problems()
                .iter()
                .map(|problem| (problem.code, text[problem.span.clone()].to_owned()))
                .collect(),
        }
    }

    fn marks(text: &str, expected: &[(&'static str, &str)]) {
        let found = problems(text);
        let expected: Vec<_> = expected.iter().map(|(code, marked)| (*code, (*marked).to_owned())).collect();
        assert_eq!(
            found,
            expected,
            "{text}\n{}",
            Scenario::parse("t.json", text.as_bytes(), None).unwrap_err()
        );
    }

    fn rule(rest: &str) -> String {
        file(&format!("{{\"id\": \"r\", {rest}}}"))
    }

    fn action(action: &str) -> String {
        rule(&format!("\"do\": {action}"))
    }

    #[test]
    fn the_first_example_of_the_language_is_read() {
        let scenario = Scenario::parse(
            "t",
            br#"{"version": 1, "name": "part 3 is cut twice", "note": "n", "seed": "0x5eed", "$schema": "s", "rules": [
                {"id": "cut-part-3", "note": "n", "when": {"op": "UploadPart", "part": 3, "note": "n"},
                 "fire": {"first": 2, "note": "n"}, "do": {"reset": {"at": "upload", "offset": "1MiB", "note": "n"}, "note": "n"}}]}"#,
            None,
        )
        .unwrap();
        assert_eq!((scenario.name.as_str(), scenario.seed), ("part 3 is cut twice", Some(Seed(0x5eed))));
        let rule = &scenario.rules[0];
        assert_eq!(
            rule.when.operations.as_deref(),
            Some(&[Operation::UploadPart, Operation::UploadVaultPart][..])
        );
        assert_eq!(rule.fire.matches, Matches::First(2));
        let at = Point::Upload(Offset::FromStart(1 << 20));
        assert_eq!(rule.actions, [Action::Reset { at, after: Duration::ZERO }]);
    }

    #[test]
    fn every_action_is_read_with_its_defaults() {
        let read = |text: &str| {
            let text = action(text);
            let scenario =
                Scenario::parse("t", text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"));
            scenario.rules.into_iter().next().unwrap().actions
        };
        let zero = Duration::ZERO;
        let download = Point::Download(Offset::Percent(50.0));
        for (text, expected) in [
            (r#"{"reset": {"at": "reply"}}"#, Action::Reset { at: Point::Reply, after: zero }),
            (
                r#"{"close": {"at": "download", "offset": "50%"}}"#,
                Action::Close { at: download, after: zero },
            ),
            (
                r#"{"stall": {"at": "head"}}"#,
                Action::Stall { at: Point::Head, hold: None, then: Then::Continue },
            ),
            (
                r#"{"stall": {"at": "done", "for": "1s", "then": "reset"}}"#,
                Action::Stall { at: Point::Done, hold: Some(Duration::from_secs(1)), then: Then::Reset },
            ),
            (
                r#"{"delay": {"fixed": "5ms"}}"#,
                Action::Delay { at: Point::Reply, amount: Delay::Fixed(Duration::from_millis(5)) },
            ),
            (r#"{"raw": {"text": ""}}"#, Action::Raw { bytes: Bytes::new(), then: Then::Close }),
            (
                r#"{"raw": {"base64": "AAE=", "then": "stall"}}"#,
                Action::Raw { bytes: Bytes::from_static(&[0, 1]), then: Then::Stall },
            ),
            (
                r#"{"truncate": {"keep": -1}}"#,
                Action::Truncate { keep: Offset::FromEnd(1), end: Truncation::Close },
            ),
            (
                r#"{"overrun": {"bytes": 3}}"#,
                Action::Overrun { extra: Bytes::from_static(b"xxx"), keep_alive: true },
            ),
            (r#"{"length": {"declare": "+10"}}"#, Action::Length(Declared::Plus(10))),
            (r#"{"length": {"declare": "-10"}}"#, Action::Length(Declared::Plus(-10))),
            (r#"{"length": {"declare": 7}}"#, Action::Length(Declared::Exactly(7))),
            (r#"{"length": {"declare": "twice"}}"#, Action::Length(Declared::Twice)),
            (
                r#"{"corrupt": {"offset": 1, "how": "swap"}}"#,
                Action::Corrupt { offset: Offset::FromStart(1), length: 1, how: Corruption::Swap },
            ),
            (
                r#"{"checksum": {"which": "etag", "value": {"is": "x"}}}"#,
                Action::Checksum {
                    which: vec![Checksum::Etag],
                    value: ChecksumValue::Is(HeaderValue::from_static("x")),
                },
            ),
            (
                r#"{"headers": {"remove": ["ETag"], "set": {"Etag": "x"}}}"#,
                Action::Headers {
                    set: vec![("Etag".to_owned(), HeaderValue::from_static("x"))],
                    append: Vec::new(),
                    remove: vec!["ETag".to_owned()],
                },
            ),
            (r#"{"range": {"answer": "shift", "by": -5}}"#, Action::Range(RangeAnswer::Shift(-5))),
            (
                r#"{"range": {"answer": "short", "keep": 5}}"#,
                Action::Range(RangeAnswer::Short(Offset::FromStart(5))),
            ),
            (r#"{"range": {"answer": "ignore"}}"#, Action::Range(RangeAnswer::Ignore)),
            (r#"{"forget": {"what": "upload"}}"#, Action::Forget(Forgotten::Upload)),
        ] {
            assert_eq!(read(text), [expected], "{text}");
        }
        let [Action::Error(error)] = &read(r#"{"error": "SlowDown"}"#)[..] else { panic!() };
        assert_eq!((error.code.as_str(), error.at), ("SlowDown", Point::Reply));
        let [Action::Error(error)] = &read(
            r#"{"error": {"code": "SlowDown", "status": 429, "message": "m", "headers": {"x-cos-request-id": null}, "retry_after": "2s", "at": "upload", "offset": 9}}"#,
        )[..] else {
            panic!()
        };
        assert_eq!((error.status, error.headers.len()), (Some(429), 1));
        let [Action::Respond(response)] = &read(r#"{"respond": {"status": 502, "body": "<html>"}}"#)[..]
        else {
            panic!()
        };
        assert_eq!((response.status, &response.body[..]), (502, &b"<html>"[..]));
    }

    #[test]
    fn an_unknown_field_is_marked_at_its_key_with_a_suggestion() {
        let text = r#"{
  "version": 1, "name": "t",
  "rules": [
    { "id": "r",
      "do": { "reset": { "at": "upload", "ofset": "1MiB" } }
    }
  ]
}"#;
        let diagnosis = Scenario::parse("flaky.json", text.as_bytes(), None).unwrap_err();
        assert_eq!(
            diagnosis.to_string(),
            "flaky.json:5:42: error E203: rules[0].do.reset: unknown field \"ofset\"\n   5 |       \"do\": { \"reset\": { \"at\": \"upload\", \"ofset\": \"1MiB\" } }\n     |                                          ^^^^^^^ did you mean \"offset\"?"
        );
    }

    #[test]
    fn missing_fields_are_marked_at_the_brace_of_their_object() {
        marks("{}", &[("E201", "{"), ("E201", "{")]);
        marks(&file("{}"), &[("E201", "{"), ("E201", "{")]);
        marks(&action(r#"{"reset": {}}"#), &[("E201", "{")]);
        marks(&action(r#"{"raw": {}}"#), &[("E201", "{")]);
        marks(&action(r#"{"delay": {}}"#), &[("E201", "{")]);
        marks(&action(r#"{"range": {"answer": "shift"}}"#), &[("E201", "{")]);
    }

    #[test]
    fn wrong_types_are_marked_at_the_value() {
        marks("[]", &[("E202", "[]")]);
        marks(&file("7"), &[("E202", "7")]);
        marks(
            r#"{"version": "1", "name": 2, "rules": {}}"#,
            &[("E202", "\"1\""), ("E202", "2"), ("E202", "{}")],
        );
        marks(&action(r#"{"delay": {"fixed": 250}}"#), &[("E202", "250")]);
        marks(&action(r#""reset""#), &[("E202", "\"reset\"")]);
        marks(&rule(r#""note": 1, "do": {"error": "SlowDown"}"#), &[("E202", "1")]);
        marks(&action(r#"{"raw": {"base64": "%"}}"#), &[("E202", "\"%\"")]);
    }

    #[test]
    fn unknown_names_are_marked_and_what_is_not_built_is_refused_by_name() {
        marks(
            &rule(r#""when": {"op": "UploadPrt"}, "do": {"error": "SlowDown"}"#),
            &[("E203", "\"UploadPrt\"")],
        );
        marks(&rule(r#""when": {"op": "@reed"}, "do": {"error": "SlowDown"}"#), &[("E203", "\"@reed\"")]);
        marks(&action(r#"{"range": {"answer": "short", "kep": 1}}"#), &[("E203", "\"kep\"")]);
        marks(&file(r#"{"id": "r", "od": {"error": "SlowDown"}}"#), &[("E203", "\"od\"")]);
        marks(&rule(r#""when": {"bukket": "x"}, "do": {"error": "SlowDown"}"#), &[("E203", "\"bukket\"")]);
        marks(&action(r#"{"error": "SlowDwn"}"#), &[("E203", "\"SlowDwn\"")]);
        marks(&action(r#"{"resset": {}}"#), &[("E203", "\"resset\"")]);
        marks(&action(r#"{"reset": {"at": "middle"}}"#), &[("E203", "\"middle\"")]);
        marks(&rule(r#""fire": {"per": "prt"}, "do": {"error": "SlowDown"}"#), &[("E203", "\"prt\"")]);
        for not_built in [
            r#"{"version": 1, "name": "t", "states": {}}"#.to_owned(),
            action(r#"{"throttle": {"rate": "1KiB/s"}}"#),
            rule(r#""when": {"state": "up"}, "do": {"error": "SlowDown"}"#),
            rule(r#""goto": "down", "do": {"error": "SlowDown"}"#),
            action(r#"{"forget": {"what": "job"}}"#),
        ] {
            let diagnosis = Scenario::parse("t", not_built.as_bytes(), None).unwrap_err();
            assert_eq!(diagnosis.problems().len(), 1, "{diagnosis}");
            assert_eq!(diagnosis.problems()[0].code, "E203", "{diagnosis}");
            assert!(diagnosis.to_string().contains("is not built yet"), "{diagnosis}");
        }
    }

    #[test]
    fn values_out_of_range_are_marked() {
        marks(r#"{"version": 2, "name": "t"}"#, &[("E204", "2")]);
        marks(r#"{"version": 1, "name": "t", "seed": "0xg"}"#, &[("E204", "\"0xg\"")]);
        for (fire, marked) in [
            (r#"{"probability": 0}"#, "0"),
            (r#"{"probability": 1.5}"#, "1.5"),
            (r#"{"probability": -1}"#, "-1"),
            (r#"{"first": 0}"#, "0"),
            (r#"{"nth": [1, 0]}"#, "0"),
            (r#"{"every": -2}"#, "-2"),
            (r#"{"times": 4294967296}"#, "4294967296"),
        ] {
            marks(&rule(&format!(r#""fire": {fire}, "do": {{"error": "SlowDown"}}"#)), &[("E204", marked)]);
        }
        marks(&action(r#"{"respond": {"status": 199}}"#), &[("E204", "199")]);
        marks(&action(r#"{"headers": {"set": {"a b": "c"}}}"#), &[("E204", "\"a b\"")]);
        marks(&action(r#"{"headers": {"set": {"a": "b\r\nc"}}}"#), &[("E204", "\"b\\r\\nc\"")]);
        marks(&action(r#"{"overrun": {"bytes": "1GiB"}}"#), &[("E204", "\"1GiB\"")]);
        marks(&action(r#"{"error": {"code": "SlowDown", "at": "done"}}"#), &[("E204", "\"at\"")]);
        marks(
            &rule(r#""must_fire": {"min": 3, "max": 2}, "do": {"error": "SlowDown"}"#),
            &[("E204", r#"{"min": 3, "max": 2}"#)],
        );
        marks(&rule(r#""do": []"#), &[("E204", "[]")]);
    }

    #[test]
    fn an_action_has_exactly_one_name() {
        marks(&action("{}"), &[("E205", "{")]);
        marks(&action(r#"{"note": "n"}"#), &[("E205", "{")]);
        marks(&action(r#"{"error": "SlowDown", "reset": {"at": "reply"}}"#), &[("E205", "\"reset\"")]);
    }

    #[test]
    fn clashes_are_marked_at_the_later_member() {
        let do_error = r#"{"error": "SlowDown"}"#;
        marks(
            &file(&format!(r#"{{"id": "a", "do": {do_error}}}, {{"id": "a", "do": {do_error}}}"#)),
            &[("E301", "\"a\"")],
        );
        marks(
            &rule(&format!(r#""fire": {{"nth": 1, "first": 2, "every": 3}}, "do": {do_error}"#)),
            &[("E302", "\"first\""), ("E302", "\"every\"")],
        );
        marks(
            &action(r#"[{"error": "SlowDown"}, {"reset": {"at": "reply"}}]"#),
            &[("E305", r#"{"reset": {"at": "reply"}}"#)],
        );
        marks(&rule(&format!(r#""continue": true, "do": {do_error}"#)), &[("E307", do_error)]);
        marks(&rule(&format!(r#""do": {do_error}, "continue": true"#)), &[("E307", "true")]);
        marks(
            &rule(r#""apply": "yes", "do": {"reset": {"at": "head"}}"#),
            &[("E310", r#"{"reset": {"at": "head"}}"#)],
        );
        marks(
            &rule(r#""do": {"reset": {"at": "upload", "offset": 1}}, "apply": "twice""#),
            &[("E310", "\"twice\"")],
        );
        marks(&action(r#"{"raw": {"text": "a", "base64": "AA=="}}"#), &[("E204", "\"base64\"")]);
    }

    #[test]
    fn points_and_offsets_go_together() {
        marks(&action(r#"{"reset": {"at": "upload"}}"#), &[("E304", "{")]);
        marks(&action(r#"{"reset": {"at": "reply", "offset": 1}}"#), &[("E304", "\"offset\"")]);
        marks(&action(r#"{"reset": {"offset": 1, "at": "reply"}}"#), &[("E304", "\"at\"")]);
    }

    #[test]
    fn an_action_that_cannot_happen_in_the_operation_is_refused() {
        let refused = |op: &str, action: &str| {
            let text = rule(&format!(r#""when": {{{op}}}, "do": {action}"#));
            let found = problems(&text);
            assert!(found.iter().all(|(code, _)| *code == "E303"), "{text}: {found:?}");
            !found.is_empty()
        };
        assert!(refused(r#""op": "GetObject""#, r#"{"reset": {"at": "upload", "offset": 1}}"#));
        assert!(refused(r#""op": "PutObject""#, r#"{"reset": {"at": "download", "offset": 1}}"#));
        assert!(!refused(r#""op": "GetObject""#, r#"{"reset": {"at": "download", "offset": 1}}"#));
        assert!(refused(r#""op": ["PutObject", "HeadObject"]"#, r#"{"truncate": {"keep": 1}}"#));
        assert!(!refused(r#""op": ["PutObject", "GetObject"]"#, r#"{"truncate": {"keep": 1}}"#));
        assert!(!refused(r#""key": "x""#, r#"{"truncate": {"keep": 1}}"#));
        assert!(refused(
            r#""op": "UploadPart", "service": "cos""#,
            r#"{"checksum": {"which": "tree-hash", "value": "wrong"}}"#
        ));
        assert!(!refused(
            r#""op": "UploadPart""#,
            r#"{"checksum": {"which": "tree-hash", "value": "wrong"}}"#
        ));
        assert!(refused(r#""op": "ListObjects""#, r#"{"range": {"answer": "ignore"}}"#));
        assert!(refused(r#""op": "ListObjects""#, r#"{"forget": {"what": "upload"}}"#));
        assert!(refused(r#""service": "cos""#, r#"{"error": {"code": "SlowDown", "type": "Client"}}"#));
        assert!(!refused(r#""op": "UploadPart""#, r#"{"error": {"code": "SlowDown", "type": "Client"}}"#));
    }

    #[test]
    fn files_stay_in_the_folder_of_the_scenario() {
        let folder = std::env::temp_dir().join(format!("cos-emu-file-{}", std::process::id()));
        let inside = folder.join("inside");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(folder.join("outside.txt"), "outside").unwrap();
        std::fs::write(inside.join("body.txt"), "body").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.join("outside.txt"), inside.join("link.txt")).unwrap();

        let read = |file: &str| {
            let text = action(&format!(r#"{{"respond": {{"status": 200, "body_file": "{file}"}}}}"#));
            Scenario::parse("t", text.as_bytes(), Some(&inside))
                .map_err(|diagnosis| diagnosis.problems()[0].code)
        };
        let scenario = read("body.txt").unwrap();
        let Action::Respond(response) = &scenario.rules[0].actions[0] else { panic!() };
        assert_eq!(response.body, "body");
        for file in ["../outside.txt", "link.txt", "missing.txt", "/etc/hostname"] {
            assert_eq!(read(file).unwrap_err(), "E308", "{file}");
        }
        let text = action(r#"{"respond": {"status": 200, "body_file": "body.txt"}}"#);
        assert_eq!(Scenario::parse("t", text.as_bytes(), None).unwrap_err().problems()[0].code, "E308");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        let diagnosis = Scenario::parse("t", b"{\"name\": \"\xff\"}", None).unwrap_err();
        assert_eq!(diagnosis.problems()[0].code, "E104");
        assert_eq!(diagnosis.position(diagnosis.problems()[0].span.start), (1, 11));
    }
}
