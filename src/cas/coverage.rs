//! What is emulated of each operation: the table that `docs/cas.md` is made of, and that the tests are counted by.

use std::fmt::Write as _;

use crate::code::CasCode::{self, *};
use crate::coverage::{Coverage, write_choices};
use crate::operation::Operation;

/// Of everything in a vault.
const IN_VAULT: &[CasCode] = &[ResourceNotFoundException];
/// Of bodies that are documents.
const DOCUMENT: &[CasCode] =
    &[SerializationException, MissingParameterValueException, InvalidParameterValueException];
/// Of bodies that are archive bytes.
const DATA: &[CasCode] = &[
    MissingParameterValueException,
    InvalidParameterValueException,
    BadRequest,
    RequestTimeoutException,
    ServiceUnavailableException,
];
/// Of lists.
const PAGED: &[CasCode] = &[InvalidParameterValueException];

/// The errors that every operation can be answered with.
pub const OF_ALL: &[(CasCode, &str)] = &[
    (MissingAuthenticationTokenException, "no signature, under `--auth strict`"),
    (UnrecognizedClientException, "a key id that is not known, under `--auth strict`; a wrong token"),
    (
        InvalidSignatureException,
        "a signature that is wrong, malformed, expired or not valid yet: 400, where COS says 403",
    ),
    (
        AccessDeniedException,
        "the account of somebody else in the path; under `--auth strict` what a policy refuses",
    ),
    (ExpiredTokenException, "credentials of a scenario that have expired"),
    (BadRequest, "a path or method that is no operation, broken percent-encoding"),
    (InvalidParameterValueException, "a vault name that is none: 1 to 255 of `a-z A-Z 0-9 _ - .`"),
    (ThrottlingException, "a `rate_limit` of a scenario"),
];

/// The errors that do not occur by themselves: a scenario answers them.
pub const BY_SCENARIO: &[(CasCode, &str)] = &[
    (PolicyEnforcedException, "there are no retrieval rates to be configured"),
    (InsufficientCapacityException, "expedited retrievals always find room; in use with Glacier"),
    (
        InvalidDigest,
        "not in the table of CAS; with type `client` it is what the official client retries a chunk on",
    ),
    (NotImplemented, "everything of CAS is emulated"),
];

const fn of(
    operation: Operation,
    parameters: &'static str,
    errors: &'static [&'static [CasCode]],
    differences: &'static str,
) -> Coverage<CasCode> {
    Coverage { operation, tier: 'A', parameters, errors, differences }
}

/// Every operation of CAS, in the order of the table of operations.
pub const COVERAGE: &[Coverage<CasCode>] = &[
    of(
        Operation::CreateVault,
        "",
        &[&[LimitExceededException]],
        "An account has 1,000 vaults. Making one again changes nothing and is answered 201.",
    ),
    of(
        Operation::DescribeVault,
        "",
        &[IN_VAULT],
        "The figures are those of the inventory, which is taken at the first midnight UTC after each change; `\"inventory\": \"live\"` \
         in `server.cas` of a scenario tells those of the moment.",
    ),
    of(
        Operation::ListVaults,
        "`limit`, `marker`",
        &[PAGED],
        "The marker is the resource name of the first vault of the page.",
    ),
    of(
        Operation::DeleteVault,
        "",
        &[IN_VAULT, &[BadRequest]],
        "Open uploads keep a vault as archives do. Jobs do not.",
    ),
    of(Operation::GetVaultAccessPolicy, "", &[IN_VAULT], "404 also when there is none."),
    of(
        Operation::SetVaultAccessPolicy,
        "`policy`; also `Policy`",
        &[IN_VAULT, DOCUMENT],
        "Kept as it came. Under `--auth strict` statements that allow or deny count; those with a `condition` say nothing. An action is \
         `name/cas:<operation>`, with stars. The owner can always set, read and delete a policy.",
    ),
    of(Operation::DeleteVaultAccessPolicy, "", &[IN_VAULT], "204 also when there is none."),
    of(Operation::GetVaultNotifications, "", &[IN_VAULT], "404 also when there are none."),
    of(Operation::SetVaultNotifications, "`CallBackUrl`, `Events`", &[IN_VAULT, DOCUMENT], ""),
    of(Operation::DeleteVaultNotifications, "", &[IN_VAULT], "204 also when there are none."),
    of(
        Operation::UploadArchive,
        "`x-cas-content-sha256`, `x-cas-sha256-tree-hash`, `x-cas-archive-description`",
        &[IN_VAULT, DATA],
        "At most 4 GiB, at least one byte. May come in chunks.",
    ),
    of(
        Operation::DeleteArchive,
        "",
        &[IN_VAULT],
        "204 for an archive that once was, 404 for one that never was.",
    ),
    of(
        Operation::InitiateVaultUpload,
        "`x-cas-part-size`, `x-cas-archive-description`",
        &[IN_VAULT, &[MissingParameterValueException, InvalidParameterValueException]],
        "",
    ),
    of(
        Operation::UploadVaultPart,
        "`Content-Range`, `x-cas-content-sha256`, `x-cas-sha256-tree-hash`, `Expect`",
        &[IN_VAULT, DATA],
        "`\"content_range\": \"lenient\"` in `server.cas` also takes a range without `/*`.",
    ),
    of(
        Operation::CompleteVaultUpload,
        "`x-cas-archive-size`, `x-cas-sha256-tree-hash`",
        &[IN_VAULT, &[MissingParameterValueException, InvalidParameterValueException]],
        "",
    ),
    of(Operation::AbortVaultUpload, "", &[IN_VAULT], ""),
    of(
        Operation::ListVaultParts,
        "`limit`, `marker`",
        &[IN_VAULT, PAGED],
        "The marker is the offset of the first chunk of the page.",
    ),
    of(
        Operation::ListVaultUploads,
        "`limit`, `marker`",
        &[IN_VAULT, PAGED],
        "The marker is the id of the first upload of the page.",
    ),
    of(
        Operation::InitiateJob,
        "all members of the four kinds; those that are not known are left out",
        &[IN_VAULT, DOCUMENT],
        "Every kind takes the time that `server.jobs` says, also `pull-from-cos`. A copy that fails says why in `StatusMessage`, \
         with the code of COS. What a push writes is of the storage class STANDARD and the type `application/octet-stream`. Callbacks \
         are sent by POST, up to four times with pauses of 0.5, 1 and 2 seconds, to this machine alone unless `--callbacks any`.",
    ),
    of(Operation::DescribeJob, "", &[IN_VAULT], ""),
    of(
        Operation::ListJobs,
        "`limit`, `marker`, `completed`, `statuscode`",
        &[IN_VAULT, PAGED],
        "A job is listed for 24 hours after it was completed.",
    ),
    of(Operation::GetJobOutput, "`Range`", &[IN_VAULT, PAGED], ""),
];

/// The points that the documentation leaves open, and what is built.
///
/// Source: `cas.md` 10, 11.
const CHOICES: &[(&str, &str)] = &[
    ("The code of a wrong hash", "400 InvalidParameterValueException, the linear hash first."),
    (
        "A short chunk before the last",
        "Refused when the upload is completed; `\"short_parts\": \"at-upload\"` in `server.cas` refuses the chunk.",
    ),
    ("The status of Initiate Multipart Upload and Complete", "201; 204 for Abort."),
    ("`Content-Range` without `/*`", "400; a setting of a scenario reads it."),
    ("Upload Part in chunks", "Accepted; what arrives counts as the length."),
    ("A chunk beyond the 10,000th", "400 InvalidParameterValueException."),
    ("The 24 hours of an upload id", "From its last use: a chunk, or List Parts."),
    ("Completing twice", "The same answer for a day, while the archive is there."),
    ("Aborting twice", "404 ResourceNotFoundException."),
    ("The code of an expired signature", "400 InvalidSignatureException."),
    ("Deleting an unknown vault", "404 ResourceNotFoundException."),
    ("Get Job Output before the job is complete", "400 InvalidParameterValueException."),
    ("Get Job Output of a job that failed, or that is a copy", "404 ResourceNotFoundException."),
    ("A `Range` beyond the output", "400 InvalidParameterValueException; 416 is not in the table of CAS."),
    (
        "The CSV of an inventory",
        "A line of names, five columns, descriptions in quotes with `\\` before quotes and backslashes.",
    ),
    ("`RetrievalByteRange` without an end", "To the end of the archive."),
    ("An expedited retrieval above 256 MiB", "400 InvalidParameterValueException."),
    ("The largest archive in one piece", "4 GiB."),
    ("An empty archive", "400 InvalidParameterValueException."),
    ("The request id", "`x-cas-requestId`, on every answer."),
    ("Which bucket `Bucket` names", "Its domain, its full name, or its name without the account."),
    ("A bucket or an object of a copy that is not there", "The job fails; the request is accepted."),
];

/// The page `docs/cas.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# What is emulated of CAS\n\n\
         Made from the table of operations by `tests/operations`; do not edit it by hand.\n\n\
         Everything that is documented of CAS is emulated. Errors are JSON in the layout of the service: `code`, `message`, `type`. \
         These can meet every operation:\n\n| code | status | when |\n| --- | --- | --- |\n",
    );
    for (code, when) in OF_ALL {
        let _ = writeln!(page, "| `{code}` | {} | {when} |", code.status());
    }
    page.push_str("\nThese do not occur by themselves; a scenario answers them:\n\n| code | status | why |\n| --- | --- | --- |\n");
    for (code, why) in BY_SCENARIO {
        let _ = writeln!(page, "| `{code}` | {} | {why} |", code.status());
    }
    page.push_str("\n## Operations\n");
    for row in COVERAGE {
        row.write(&mut page);
    }
    write_choices(&mut page, CHOICES);
    page.push_str(
        "\n## How signatures differ from those of COS\n\n\
         The values of query parameters are signed in lower case (as they stand is accepted too). Of two `Host` lines either may be the signed \
         one. Signatures in the query are not documented, and are read as those of COS are. A refusal is 400 in JSON, where COS answers 403 in XML.\n",
    );
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::operation::{Emulation, Service};

    #[test]
    fn the_table_has_every_operation_once_and_all_are_built() {
        let listed: Vec<Operation> = COVERAGE.iter().map(|row| row.operation).collect();
        let all: Vec<Operation> =
            Operation::ALL.iter().copied().filter(|operation| operation.service() == Service::Cas).collect();
        assert_eq!(listed, all);
        assert!(all.iter().all(|operation| operation.emulation() == Emulation::Built));
    }

    #[test]
    fn every_code_stands_somewhere() {
        let of_some = COVERAGE.iter().flat_map(Coverage::codes);
        let of_all = OF_ALL.iter().chain(BY_SCENARIO).map(|(code, _)| *code);
        let listed: BTreeSet<&str> = of_some.chain(of_all).map(|code| code.name()).collect();
        let known: BTreeSet<&str> = CasCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(listed, known);
    }
}
