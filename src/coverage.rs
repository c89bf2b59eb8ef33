//! How a table says what is emulated of a service, and how it becomes a page of `docs/`.

use std::fmt::{self, Write as _};

use crate::operation::Operation;

/// What is emulated of one operation.
#[derive(Debug)]
pub struct Coverage<Code: 'static> {
    /// The operation.
    pub operation: Operation,
    /// How close to the core it is: `A`, `B`, `C`, or `D` for what is not emulated.
    pub tier: char,
    /// The query parameters and headers that are honoured, beside those of every request.
    pub parameters: &'static str,
    /// The errors it answers with, beside those of every request.
    pub errors: &'static [&'static [Code]],
    /// In what it differs from the real service; empty when in nothing that is known.
    pub differences: &'static str,
}

impl<Code: Copy + fmt::Display> Coverage<Code> {
    /// The codes of its errors.
    pub fn codes(&self) -> impl Iterator<Item = Code> {
        self.errors.iter().flat_map(|codes| codes.iter().copied())
    }

    /// Writes its section of a page.
    pub(crate) fn write(&self, page: &mut String) {
        let _ = write!(page, "\n### {}\n\n", self.operation);
        if !self.parameters.is_empty() {
            let _ = writeln!(page, "- honours: {}", self.parameters);
        }
        let codes: Vec<String> = self.codes().map(|code| format!("`{code}`")).collect();
        let _ = writeln!(page, "- errors: {}", codes.join(", "));
        if !self.differences.is_empty() {
            let _ = writeln!(page, "- differs: {}", self.differences);
        }
    }
}

/// Writes what is built where the documentation leaves a choice.
pub(crate) fn write_choices(page: &mut String, choices: &[(&str, &str)]) {
    page.push_str(
        "\n## Where the documentation is silent or of two minds\n\n| question | built |\n| --- | --- |\n",
    );
    for (question, choice) in choices {
        let _ = writeln!(page, "| {question} | {choice} |");
    }
}
