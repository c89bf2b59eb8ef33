//! What is wrong with a scenario file, said to a person: the place, the finding, the cure.
//!
//! Source: `scenarios.md` 14.

use std::fmt;
use std::ops::Range;

/// How much of a line is shown around the marked place, in characters.
const SHOWN_CHARS: usize = 100;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The code, such as `E203`.
    pub code: &'static str,
    /// The bytes of the file that are wrong.
    pub span: Range<usize>,
    /// Where that is in the document, such as `rules[0].do.reset`; empty for the whole.
    pub path: String,
    /// What was found.
    pub message: String,
    /// What to do, such as `did you mean "offset"?`.
    pub hint: Option<String>,
}

impl Problem {
    /// The problem with what to do about it.
    pub fn with_hint(self, hint: &str) -> Self {
        Problem { hint: Some(hint.to_owned()), ..self }
    }
}

/// A file with everything that is wrong with it, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Diagnosis {
    name: String,
    text: String,
    problems: Vec<Problem>,
}

impl Diagnosis {
    pub(super) fn new(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.code));
        problems.dedup();
        Diagnosis { name: name.to_owned(), text: text.to_owned(), problems }
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Line and column of a byte of the file, both from 1; the column counts characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// The line that a byte is in, cut to what is worth showing, and the column of the byte in it, from 0.
    fn excerpt(&self, byte: usize) -> (String, usize) {
        let byte = byte.min(self.text.len());
        let start = self.text[..byte].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[byte..].find('\n').map_or(self.text.len(), |newline| byte + newline);
        let column = self.text[start..byte].chars().count();
        let skipped = column.saturating_sub(SHOWN_CHARS * 2 / 3);
        let line = &self.text[start..end].trim_end();
        let shown = line.chars().skip(skipped).take(SHOWN_CHARS);
        // A tab would move the caret, and others act on the terminal.
        (shown.map(|char| if char.is_control() { ' ' } else { char }).collect(), column - skipped)
    }
}

/// The text with its control characters as escapes: names and values of the file stand in messages.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() { printable.extend(char.escape_default()) } else { printable.push(char) }
    }
    printable
}

impl fmt::Display for Diagnosis {
    /// Each problem as a line with its place, the line of the file, and a caret under the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let (line, column) = self.position(problem.span.start);
            let (excerpt, indent) = self.excerpt(problem.span.start);
            let severity = if problem.code.starts_with('W') { "warning" } else { "error" };
            let separation = if index == 0 { "" } else { "\n\n" };
            let (path, message) = (printable(&problem.path), printable(&problem.message));
            let colon = if path.is_empty() { "" } else { ": " };
            writeln!(
                f,
                "{separation}{}:{line}:{column}: {severity} {}: {path}{colon}{message}",
                self.name, problem.code
            )?;
            let marked = self.text.get(problem.span.clone()).unwrap_or("");
            let width = marked.lines().next().map_or(1, |marked| marked.chars().count());
            let carets = "^".repeat(width.clamp(1, excerpt.chars().count().saturating_sub(indent).max(1)));
            let hint = problem.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
            writeln!(f, "{line:>4} | {excerpt}")?;
            write!(f, "     | {:indent$}{carets}{hint}", "")?;
        }
        Ok(())
    }
}

/// `did you mean "X"?` for the candidate that is nearest to a misspelt name, if one is near enough.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| suggestion(candidate))
}

/// The names in quotes: `"a", "b" and "c"`.
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// The hint what names there are; what is left out of an object in the order of its fields.
pub fn known_are(names: &[&str]) -> String {
    match names {
        [] => "nothing else is known here".to_owned(),
        [name] => format!("known is \"{name}\""),
        names => format!("known are {}", listed(names)),
    }
}

/// The hint that a name was meant.
pub fn suggestion(name: &str) -> String {
    format!("did you mean \"{name}\"?")
}

/// The number of characters to insert, delete, replace or exchange with their neighbour to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<_>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let candidates = ["offset", "at", "after"];
        assert_eq!(did_you_mean("ofset", candidates).as_deref(), Some("did you mean \"offset\"?"));
        assert_eq!(did_you_mean("OFFSET", candidates).as_deref(), Some("did you mean \"offset\"?"));
        assert_eq!(did_you_mean("fofset", candidates).as_deref(), Some("did you mean \"offset\"?"));
        assert_eq!(did_you_mean("ta", candidates).as_deref(), Some("did you mean \"at\"?"));
        assert_eq!(did_you_mean("something", candidates), None);
    }

    #[test]
    fn distances() {
        for (one, other, expected) in
            [("", "", 0), ("abc", "", 3), ("abc", "abd", 1), ("abc", "acb", 1), ("a", "bcd", 3)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{one} {other}");
        }
    }

    fn problem(span: Range<usize>) -> Problem {
        Problem {
            code: "E203",
            span,
            path: "a.b".to_owned(),
            message: "found".to_owned(),
            hint: Some("cure".to_owned()),
        }
    }

    #[test]
    fn columns_count_characters_and_tabs_do_not_move_the_caret() {
        let text = "{\n\t\"目录\": x\n}";
        let at = text.find('x').unwrap();
        let diagnosis = Diagnosis::new("f.json", text, vec![problem(at..at + 1)]);
        assert_eq!(diagnosis.position(at), (2, 8));
        assert_eq!(
            diagnosis.to_string(),
            "f.json:2:8: error E203: a.b: found\n   2 |  \"目录\": x\n     |        ^ cure"
        );
    }

    #[test]
    fn control_characters_of_the_file_do_not_reach_the_terminal() {
        let mut found = problem(2..3);
        found.message = "unknown field \"a\nb\u{1b}[31m\"".to_owned();
        found.path = "rules[0].\t目".to_owned();
        let diagnosis = Diagnosis::new("f", "\u{1b}\rx\u{7f}目", vec![found]);
        assert_eq!(
            diagnosis.to_string(),
            "f:1:3: error E203: rules[0].\\t目: unknown field \"a\\nb\\u{1b}[31m\"\n   1 |   x 目\n     |   ^ cure"
        );
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_place() {
        let text = format!("{}x{}", " ".repeat(10_000), " ".repeat(10_000));
        let diagnosis = Diagnosis::new("f", &text, vec![problem(10_000..10_001)]);
        assert!(diagnosis.to_string().lines().all(|line| line.len() < 200), "{diagnosis}");
        assert!(diagnosis.to_string().contains('x'));
    }

    #[test]
    fn a_place_at_the_end_of_the_file_can_be_shown() {
        for text in ["", "{", "{\n"] {
            let end = text.len();
            assert!(Diagnosis::new("f", text, vec![problem(end..end)]).to_string().contains('^'), "{text:?}");
        }
    }
}
