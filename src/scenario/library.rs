//! The shipped scenarios: files of `scenarios/`, embedded by name.

/// A shipped scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// The name, which is that of the file without `.json`.
    pub name: &'static str,
    /// The text of the file.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// Every shipped scenario, by name.
        pub const ALL: &[Shipped] =
            &[$(Shipped { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".json")) }),*];
    };
}

shipped![
    "append-lost-answer",
    "body-not-rewound",
    "cas-slow-vault",
    "cas-throttled",
    "cas-tree-hash-broken",
    "cas-upload-expired",
    "chunked-cut",
    "clock-skew",
    "complete-200-error",
    "complete-200-garbage",
    "complete-503-but-done",
    "complete-lost-answer",
    "conflict-409",
    "content-length-mismatch",
    "continue-late",
    "early-answer",
    "expired-token",
    "flaky",
    "hash-mismatch",
    "idle-race",
    "initiate-lost-answer",
    "list-page-loop",
    "misaligned-content-range",
    "missing-request-id",
    "no-etag",
    "no-such-upload",
    "one-request-per-connection",
    "outage-five-seconds",
    "part-lost",
    "put-lost-answer",
    "read-after-write-lag",
    "reset-every-request-once",
    "reset-mid-upload",
    "sdk-retry-fixture",
    "slow-body-kick",
    "slow-down",
    "stalled-reply",
    "stalled-second-part",
    "wrong-region",
    "zero-byte-retry",
];

/// The shipped scenario of that name, with or without `.json`.
pub fn find(name: &str) -> Option<Shipped> {
    let name = name.strip_suffix(".json").unwrap_or(name);
    ALL.iter().copied().find(|shipped| shipped.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn every_shipped_file_is_valid_named_like_its_file_and_explained() {
        for shipped in ALL {
            let scenario = Scenario::parse(shipped.name, shipped.text.as_bytes(), None)
                .unwrap_or_else(|diagnosis| panic!("{diagnosis}"));
            assert_eq!(scenario.name, shipped.name);
            assert!(scenario.note.is_some_and(|note| note.len() > 100), "{}", shipped.name);
        }
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        for file in files {
            assert!(find(file.to_str().unwrap()).is_some(), "{file:?} is not embedded");
        }
    }

    #[test]
    fn a_name_is_found_with_and_without_its_ending() {
        assert_eq!(find("flaky"), find("flaky.json"));
        assert_eq!(find("unknown"), None);
    }
}
