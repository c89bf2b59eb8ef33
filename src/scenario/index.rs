//! Which rules a request can match at all, by its operation and one of its names: with ten thousand rules only a few are
//! looked at.

use std::collections::HashMap;

use super::engine::Facts;
use super::rule::{Rule, When};
use super::value::Pattern;
use crate::operation::Operation;

/// How many part numbers a rule is entered under; one with more is looked at for every part.
const MAX_PARTS: u64 = 64;

/// Rules by operation and by the most telling of their conditions.
#[derive(Debug, Default)]
pub struct Index {
    by_operation: HashMap<Operation, Shelf>,
    /// Rules that name no operation.
    of_any: Shelf,
}

/// Rules by one condition. Each rule stands in one of the fields.
#[derive(Debug, Default)]
struct Shelf {
    by_key: HashMap<String, Vec<usize>>,
    by_place: HashMap<String, Vec<usize>>,
    by_part: HashMap<u64, Vec<usize>>,
    others: Vec<usize>,
}

impl Index {
    /// The index of these rules.
    pub fn new(rules: &[Rule]) -> Self {
        let mut index = Index::default();
        for (number, rule) in rules.iter().enumerate() {
            if rule.when.operations.is_none() {
                index.of_any.put(number, &rule.when);
                continue;
            }
            for operation in rule.when.possible_operations() {
                index.by_operation.entry(operation).or_default().put(number, &rule.when);
            }
        }
        index
    }

    /// The rules that the request can match, in the order of the file.
    pub fn candidates(&self, facts: &Facts<'_>) -> Vec<usize> {
        let named = facts.operation.and_then(|operation| self.by_operation.get(&operation));
        let mut candidates = Vec::new();
        for shelf in named.into_iter().chain([&self.of_any]) {
            shelf.take(facts, &mut candidates);
        }
        candidates.sort_unstable();
        // A rule whose operations are named two times stands there two times.
        candidates.dedup();
        candidates
    }
}

impl Shelf {
    fn put(&mut self, number: usize, when: &When) {
        let exact = |pattern: &Option<Pattern>| match pattern {
            Some(Pattern::Exactly(text)) => Some(text.clone()),
            _ => None,
        };
        let numbers = when.part.as_ref().map(|parts| {
            parts
                .0
                .iter()
                .map(|range| (range.end() - range.start()).saturating_add(1))
                .fold(0, u64::saturating_add)
        });
        if let Some(key) = exact(&when.key) {
            self.by_key.entry(key).or_default().push(number);
        } else if let Some(parts) = &when.part
            && numbers.is_some_and(|numbers| numbers <= MAX_PARTS)
        {
            for part in parts.0.iter().cloned().flatten() {
                self.by_part.entry(part).or_default().push(number);
            }
        } else if let Some(place) = exact(&when.bucket).or_else(|| exact(&when.vault)) {
            self.by_place.entry(place).or_default().push(number);
        } else {
            self.others.push(number);
        }
    }

    fn take(&self, facts: &Facts<'_>, candidates: &mut Vec<usize>) {
        let names = facts.names;
        let by_name = |shelf: &HashMap<String, Vec<usize>>, name: &Option<String>, into: &mut Vec<usize>| {
            if let Some(rules) = name.as_ref().and_then(|name| shelf.get(name)) {
                into.extend(rules);
            }
        };
        by_name(&self.by_key, &names.key, candidates);
        by_name(&self.by_place, &names.bucket, candidates);
        by_name(&self.by_place, &names.vault, candidates);
        if let Some(rules) = names.part.and_then(|part| self.by_part.get(&part)) {
            candidates.extend(rules);
        }
        candidates.extend(&self.others);
    }
}
