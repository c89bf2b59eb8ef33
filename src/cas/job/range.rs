//! The ranges of jobs: of an archive, whose ends are leaves of its tree, and of an output.

use std::ops::Range;

use crate::cas::Error;

/// What the ends of a range of an archive are aligned to: 1 MiB, a leaf of the tree hash.
const ALIGNMENT_BYTES: u64 = 1 << 20;

/// A `RetrievalByteRange`: `1048576-2097151`, or `1048576-` for everything from there on, as the official command line
/// writes it.
pub(super) struct RetrievalRange<'a> {
    text: &'a str,
    first: u64,
    last: Option<u64>,
}

impl<'a> RetrievalRange<'a> {
    /// # Errors
    /// `InvalidParameterValueException`.
    pub(super) fn parse(text: &'a str) -> Result<Self, Error> {
        let (first, last) = bounds(text).ok_or_else(|| {
            Error::invalid(format_args!("Invalid RetrievalByteRange: {text}, expected <first>-<last>"))
        })?;
        Ok(RetrievalRange { text, first, last })
    }

    /// The bytes of an archive of that size.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a range that is empty, reaches beyond the end, or is not aligned to 1 MiB;
    /// only the end of the archive needs no alignment.
    pub(super) fn of_an_archive(&self, size: u64) -> Result<Range<u64>, Error> {
        let invalid = |reason: String| {
            Error::invalid(format_args!("Invalid RetrievalByteRange: {}. {reason}", self.text))
        };
        let end = match self.last {
            Some(last) if last >= size => return Err(invalid(format!("The archive has {size} bytes."))),
            Some(last) => last + 1,
            None => size,
        };
        if self.first >= end {
            return Err(invalid("The range has no bytes.".to_owned()));
        }
        if !self.first.is_multiple_of(ALIGNMENT_BYTES)
            || !(end.is_multiple_of(ALIGNMENT_BYTES) || end == size)
        {
            return Err(invalid(format!("The range is not aligned to {ALIGNMENT_BYTES} bytes.")));
        }
        Ok(self.first..end)
    }
}

/// The numbers of `<first>-<last>`, or of `<first>-`. `None` for anything else.
pub(super) fn bounds(text: &str) -> Option<(u64, Option<u64>)> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    match text.split_once('-')? {
        (first, "") => Some((number(first)?, None)),
        (first, last) => Some((number(first)?, Some(number(last)?))),
    }
}
