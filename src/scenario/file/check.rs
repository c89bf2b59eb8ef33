//! What can only be seen of a file as a whole: ids that two rules share, states that nothing reaches, rules that can never
//! fire.
//!
//! Source: `scenarios.md` 7, 11 and 14.

use std::collections::{BTreeSet, HashSet};

use super::Scenario;
use super::state::Trigger;
use crate::scenario::json::{Node, Problems};
use crate::scenario::problem::{Problem, did_you_mean};
use crate::scenario::rule::{Action, Fire, Matches, Per, Rule, Staleness, When};

/// Looks for ids that two rules share. Works on the tree, so that it also sees rules that have other problems.
pub(super) fn unique_ids(root: &Node<'_>, problems: &mut Problems) {
    let Some(members) = root.members() else { return };
    let mut seen = HashSet::new();
    for list in ["rules", "connections"] {
        for rule in members.get(list).and_then(|rules| rules.elements()).unwrap_or_default() {
            let Some(id) = rule.members().and_then(|members| members.get("id")) else { continue };
            let Some(text) = id.text() else { continue };
            if !seen.insert(text) {
                problems.0.push(id.problem("E301", format!("another rule has the id \"{text}\" already")));
            }
        }
    }
}

/// The names of states in a file, each with its place.
#[derive(Default)]
struct Mentions<'a> {
    /// Where a transition starts.
    left: Vec<Node<'a>>,
    /// What a rule waits for.
    awaited: Vec<Node<'a>>,
    /// Where a rule goes.
    gone_to: Vec<Node<'a>>,
    /// Where a transition leads, and the initial state.
    entered: Vec<Node<'a>>,
}

/// Looks for states that nothing reaches, and for ways to states that nothing knows.
pub(super) fn known_states(root: &Node<'_>, problems: &mut Problems) {
    let Some(members) = root.members() else { return };
    let mut mentions = Mentions::default();
    if let Some(states) = members.get("states").and_then(|states| states.members()) {
        mentions.entered.extend(states.get("initial"));
        let transitions = states.get("transitions").and_then(|transitions| transitions.elements());
        for transition in transitions.unwrap_or_default() {
            let Some(transition) = transition.members() else { continue };
            mentions.left.extend(transition.get("from"));
            mentions.entered.extend(transition.get("to"));
        }
    }
    let rules = members.get("rules").and_then(|rules| rules.elements());
    let expect = members.get("expect").and_then(|expect| expect.members());
    let requests = expect.and_then(|expect| expect.get("requests")?.elements());
    // What is expected of requests has a `when` like that of rules.
    for rule in rules.into_iter().chain(requests).flatten() {
        let Some(rule) = rule.members() else { continue };
        mentions.gone_to.extend(rule.get("goto"));
        let mut when = rule.get("when");
        while let Some(members) = when.and_then(|when| when.members()) {
            if let Some(state) = members.get("state") {
                mentions.awaited.extend(state.elements().unwrap_or_else(|| vec![state.clone()]));
            }
            when = members.get("not");
        }
    }
    mentions.check(members.get("states").is_some(), problems);
}

impl Mentions<'_> {
    fn check(&self, has_states: bool, problems: &mut Problems) {
        fn names<'a>(nodes: &[Node<'a>]) -> BTreeSet<&'a str> {
            nodes.iter().filter_map(Node::text).collect()
        }
        let mut reached = names(&self.entered);
        let known: BTreeSet<&str> =
            [&reached, &names(&self.left), &names(&self.awaited)].into_iter().flatten().copied().collect();
        reached.extend(names(&self.gone_to));
        let mut report = |node: &Node<'_>, message: String, among: &BTreeSet<&str>| {
            let mut problem = node.problem("E306", message);
            let name = node.text().unwrap_or_default();
            let others = among.iter().copied().filter(|other| *other != name);
            problem.hint = if has_states {
                did_you_mean(name, others)
            } else {
                Some("the file has no \"states\"".to_owned())
            };
            problems.0.push(problem);
        };
        for node in self.awaited.iter().filter(|node| node.text().is_some_and(|name| !reached.contains(name)))
        {
            let name = node.text().unwrap_or_default();
            report(node, format!("no transition and no \"goto\" reaches the state \"{name}\""), &reached);
        }
        for node in self.left.iter().filter(|node| node.text().is_some_and(|name| !reached.contains(name))) {
            let name = node.text().unwrap_or_default();
            report(node, format!("the transition leaves a state \"{name}\" that is never entered"), &reached);
        }
        let known = if has_states { known } else { BTreeSet::new() };
        for node in self.gone_to.iter().filter(|node| node.text().is_some_and(|name| !known.contains(name))) {
            let name = node.text().unwrap_or_default();
            report(node, format!("nothing in the file knows the state \"{name}\""), &known);
        }
    }
}

/// What is allowed but hardly meant: `W401` for rules that can never fire, `W402` for what depends on real time.
pub(super) fn warnings(root: &Node<'_>, scenario: &Scenario) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let Some(members) = root.members() else { return warnings };
    let rules = members.get("rules").and_then(|rules| rules.elements()).unwrap_or_default();
    for (index, (node, rule)) in rules.iter().zip(&scenario.rules).enumerate() {
        let Some(members) = node.members() else { continue };
        // Ten thousand rules that all follow one that takes everything are worth one look each, not ten thousand.
        if let Some(winner) =
            scenario.rules[..index].iter().take(MAX_COMPARED).find(|earlier| always_wins(earlier, rule))
            && let Some(id) = members.get("id")
        {
            let message = format!(
                "the rule \"{}\" can never fire: \"{}\" takes every match that it is due on",
                rule.id, winner.id
            );
            let mut warning = id.problem("W401", message);
            warning.hint =
                Some("put it first, or count firings (\"times\") where it counts matches".to_owned());
            warnings.push(warning);
        }
        if let Some(fire) = members.get("fire").and_then(|fire| fire.members())
            && rule.fire.window.is_some()
        {
            warnings.push(fire.problem_at_key(
                "window",
                "W402",
                "whether the rule fires depends on real time",
            ));
        }
        if rule.actions.iter().any(|action| matches!(action, Action::Stale(Staleness::For(_)))) {
            warnings.push(members.problem_at_key("do", "W402", "what later reads see depends on real time"));
        }
    }
    let states = members.get("states").and_then(|states| states.members());
    let transitions = states.and_then(|states| states.get("transitions")?.elements()).unwrap_or_default();
    let ways = scenario.states.iter().flat_map(|states| &states.transitions);
    for (node, way) in transitions.iter().zip(ways) {
        if let Some(members) = node.members()
            && matches!(way.trigger, Trigger::After(_))
        {
            warnings.push(members.problem_at_key(
                "after",
                "W402",
                "when the transition is taken depends on real time",
            ));
        }
    }
    warnings
}

/// With how many earlier rules a rule is compared.
const MAX_COMPARED: usize = 100;

/// Whether `earlier` fires, and ends the evaluation, on every match that `later` can be due on.
fn always_wins(earlier: &Rule, later: &Rule) -> bool {
    let Fire { matches, skip: 0, probability: None, times: None, window: None, per } = &earlier.fire else {
        return false;
    };
    if earlier.continues || !covers(&earlier.when, &later.when) {
        return false;
    }
    match matches {
        Matches::All => true,
        // The n-th match of the later rule is at most the n-th of the earlier one: all that the later one looks at
        // beside is fixed by the scope of the earlier one, and so is its own scope.
        Matches::First(first) => {
            let last = match &later.fire.matches {
                Matches::First(last) => Some(*last),
                Matches::Nth(numbers) => numbers.iter().copied().max(),
                Matches::All | Matches::Every(_) => None,
            };
            last.is_some_and(|last| last <= *first)
                && scope_fixes_scope(*per, later.fire.per)
                && scope_fixes_conditions(*per, &earlier.when, &later.when)
        }
        Matches::Nth(_) | Matches::Every(_) => false,
    }
}

/// Whether every request that fulfils `narrow` fulfils `wide` too, as far as it can be read off.
fn covers(wide: &When, narrow: &When) -> bool {
    let operations = wide.operations.as_ref().is_none_or(|wide_operations| {
        narrow.possible_operations().all(|operation| wide_operations.contains(&operation))
    });
    fn same<T: PartialEq>(wide: &Option<T>, narrow: &Option<T>) -> bool {
        wide.is_none() || wide == narrow
    }
    fn each<T: PartialEq>(wide: &[T], narrow: &[T]) -> bool {
        wide.iter().all(|condition| narrow.contains(condition))
    }
    operations
        && same(&wide.service, &narrow.service)
        && same(&wide.bucket, &narrow.bucket)
        && same(&wide.key, &narrow.key)
        && same(&wide.upload, &narrow.upload)
        && same(&wide.vault, &narrow.vault)
        && same(&wide.archive, &narrow.archive)
        && same(&wide.job, &narrow.job)
        && same(&wide.part, &narrow.part)
        && same(&wide.range, &narrow.range)
        && same(&wide.size, &narrow.size)
        && same(&wide.method, &narrow.method)
        && same(&wide.path, &narrow.path)
        && each(&wide.query, &narrow.query)
        && each(&wide.header, &narrow.header)
        && same(&wide.client, &narrow.client)
        && same(&wide.attempt, &narrow.attempt)
        && same(&wide.on_connection, &narrow.on_connection)
        && same(&wide.http, &narrow.http)
        && same(&wide.expect_continue, &narrow.expect_continue)
        && same(&wide.tls, &narrow.tls)
        && same(&wide.state, &narrow.state)
        && same(&wide.not, &narrow.not)
}

/// Whether requests that agree in the scope `fine` agree in the scope `coarse` too.
fn scope_fixes_scope(fine: Per, coarse: Per) -> bool {
    match coarse {
        Per::Scenario => true,
        Per::Key => matches!(fine, Per::Key | Per::Upload | Per::Part | Per::Request),
        Per::Upload => matches!(fine, Per::Upload | Per::Part | Per::Request),
        Per::Part => matches!(fine, Per::Part | Per::Request),
        Per::Client => matches!(fine, Per::Client | Per::Request),
        Per::Connection | Per::Request => fine == coarse,
    }
}

/// Whether requests that agree in a scope and all fulfil `wide` agree in whether they fulfil `narrow`.
fn scope_fixes_conditions(scope: Per, wide: &When, narrow: &When) -> bool {
    let names = matches!(scope, Per::Key | Per::Upload | Per::Part | Per::Request);
    let upload = matches!(scope, Per::Upload | Per::Part | Per::Request);
    let part = matches!(scope, Per::Part | Per::Request);
    let request = scope == Per::Request;
    let client = matches!(scope, Per::Client | Per::Request);
    let settled = [
        (request, wide.operations == narrow.operations && wide.service == narrow.service),
        (names, wide.bucket == narrow.bucket && wide.key == narrow.key),
        (names, wide.vault == narrow.vault && wide.archive == narrow.archive),
        (upload, wide.upload == narrow.upload),
        (part, wide.part == narrow.part),
        (client, wide.client == narrow.client),
        (request, wide.method == narrow.method && wide.path == narrow.path && wide.query == narrow.query),
        (request, wide.range == narrow.range && wide.job == narrow.job),
        // No scope fixes these: attempts of one request may differ in them.
        (false, wide.size == narrow.size && wide.header == narrow.header && wide.http == narrow.http),
        (false, wide.attempt == narrow.attempt && wide.on_connection == narrow.on_connection),
        (false, wide.expect_continue == narrow.expect_continue && wide.state == narrow.state),
        (false, wide.tls == narrow.tls && wide.not == narrow.not),
    ];
    settled.into_iter().all(|(fixed, equal)| fixed || equal)
}
