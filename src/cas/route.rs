//! Which vault, which archive or upload, which operation: from path and method.
//!
//! Source: `cas.md` 1.2.

use http::Method;

use super::error::Error;
use crate::code::CasCode;
use crate::message::Head;
use crate::operation::{Names, Operation, is_vault_name};

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The operation.
    pub operation: Operation,
    /// The account in the path: an APPID, or `-` for the one that signs.
    pub uid: String,
    /// The vault; empty for `ListVaults`.
    pub vault: String,
    /// The archive, upload or job id; empty for operations on vaults.
    pub id: String,
    /// The region that the host names, if it names one.
    pub region: Option<String>,
}

impl Target {
    /// What rules match on and the journal shows, but the part number: it depends on the part size of the upload, which
    /// is not in the request.
    pub fn names(&self) -> Names {
        let present = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut names = Names { vault: present(&self.vault), ..Names::default() };
        match self.operation {
            Operation::DeleteArchive => names.archive = present(&self.id),
            Operation::DescribeJob | Operation::GetJobOutput => names.job = present(&self.id),
            _ => names.upload = present(&self.id),
        }
        names
    }
}

/// Whether a path is one of CAS whatever the host: `/<uid>/vaults`, alone or with more behind it, where the uid is
/// `-` or a number. No bucket of COS has such a name.
pub fn is_vault_path(path: &str) -> bool {
    let mut segments = path.trim_start_matches('/').split('/');
    let uid = segments.next().unwrap_or("");
    let is_uid = uid == "-" || (!uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_digit()));
    is_uid && segments.next() == Some("vaults")
}

/// Finds out what a request is for. `region` is the one that the host names.
///
/// # Errors
/// `BadRequest` for a path or method that is no operation, and for malformed percent-encoding;
/// `InvalidParameterValueException` for a vault name that is none.
pub fn route(head: &Head, region: Option<String>) -> Result<Target, Error> {
    let path = head.decoded_path().map_err(|malformed| Error::new(CasCode::BadRequest).saying(malformed))?;
    if head.query.is_malformed() {
        return Err(Error::new(CasCode::BadRequest).saying("the percent-encoding of the query is malformed"));
    }
    let segments: Vec<&str> =
        path.strip_prefix('/').unwrap_or(&path).trim_end_matches('/').split('/').collect();
    let (uid, rest) = match segments.as_slice() {
        [uid, "vaults", rest @ ..] => (*uid, rest),
        _ => return Err(no_operation(head)),
    };
    let (vault, id) = match rest {
        [] => ("", ""),
        [vault] | [vault, _] => (*vault, ""),
        [vault, _, id, ..] => (*vault, *id),
    };
    let operation = operation(&head.method, rest).ok_or_else(|| no_operation(head))?;
    if operation != Operation::ListVaults && !is_vault_name(vault) {
        return Err(Error::invalid(format_args!("Invalid vault name: {vault}")));
    }
    Ok(Target { operation, uid: uid.to_owned(), vault: vault.to_owned(), id: id.to_owned(), region })
}

fn operation(method: &Method, rest: &[&str]) -> Option<Operation> {
    Some(match (rest, method.as_str()) {
        ([], "GET") => Operation::ListVaults,
        ([_], "PUT") => Operation::CreateVault,
        ([_], "GET") => Operation::DescribeVault,
        ([_], "DELETE") => Operation::DeleteVault,
        ([_, "access-policy"], "PUT") => Operation::SetVaultAccessPolicy,
        ([_, "access-policy"], "GET") => Operation::GetVaultAccessPolicy,
        ([_, "access-policy"], "DELETE") => Operation::DeleteVaultAccessPolicy,
        ([_, "notification-configuration"], "PUT") => Operation::SetVaultNotifications,
        ([_, "notification-configuration"], "GET") => Operation::GetVaultNotifications,
        ([_, "notification-configuration"], "DELETE") => Operation::DeleteVaultNotifications,
        ([_, "archives"], "POST") => Operation::UploadArchive,
        ([_, "archives", _], "DELETE") => Operation::DeleteArchive,
        ([_, "multipart-uploads"], "POST") => Operation::InitiateVaultUpload,
        ([_, "multipart-uploads"], "GET") => Operation::ListVaultUploads,
        ([_, "multipart-uploads", _], "PUT") => Operation::UploadVaultPart,
        ([_, "multipart-uploads", _], "GET") => Operation::ListVaultParts,
        ([_, "multipart-uploads", _], "POST") => Operation::CompleteVaultUpload,
        ([_, "multipart-uploads", _], "DELETE") => Operation::AbortVaultUpload,
        ([_, "jobs"], "POST") => Operation::InitiateJob,
        ([_, "jobs"], "GET") => Operation::ListJobs,
        ([_, "jobs", _], "GET") => Operation::DescribeJob,
        ([_, "jobs", job, "output"], "GET") if !job.is_empty() => Operation::GetJobOutput,
        _ => return None,
    })
}

fn no_operation(head: &Head) -> Error {
    Error::new(CasCode::BadRequest)
        .saying(format_args!("{} {} is no operation of CAS.", head.method, head.path))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::message::tests::head;
    use crate::operation::Service;

    fn routed(method: &str, target: &str) -> Result<Target, CasCode> {
        route(&head(method, target, &[]), None).map_err(|error| error.code())
    }

    #[test]
    fn each_operation_is_found_by_method_and_path() {
        let mut found = BTreeSet::new();
        for (method, path, operation) in [
            ("GET", "/-/vaults", Operation::ListVaults),
            ("GET", "/-/vaults/?limit=1", Operation::ListVaults),
            ("PUT", "/125/vaults/v", Operation::CreateVault),
            ("GET", "/125/vaults/v", Operation::DescribeVault),
            ("DELETE", "/125/vaults/v", Operation::DeleteVault),
            ("PUT", "/-/vaults/v/access-policy", Operation::SetVaultAccessPolicy),
            ("GET", "/-/vaults/v/access-policy", Operation::GetVaultAccessPolicy),
            ("DELETE", "/-/vaults/v/access-policy", Operation::DeleteVaultAccessPolicy),
            ("PUT", "/-/vaults/v/notification-configuration", Operation::SetVaultNotifications),
            ("GET", "/-/vaults/v/notification-configuration", Operation::GetVaultNotifications),
            ("DELETE", "/-/vaults/v/notification-configuration", Operation::DeleteVaultNotifications),
            ("POST", "/-/vaults/v/archives", Operation::UploadArchive),
            ("DELETE", "/-/vaults/v/archives/a", Operation::DeleteArchive),
            ("POST", "/-/vaults/v/multipart-uploads", Operation::InitiateVaultUpload),
            ("GET", "/-/vaults/v/multipart-uploads", Operation::ListVaultUploads),
            ("PUT", "/-/vaults/v/multipart-uploads/u", Operation::UploadVaultPart),
            ("GET", "/-/vaults/v/multipart-uploads/u", Operation::ListVaultParts),
            ("POST", "/-/vaults/v/multipart-uploads/u", Operation::CompleteVaultUpload),
            ("DELETE", "/-/vaults/v/multipart-uploads/u", Operation::AbortVaultUpload),
            ("POST", "/-/vaults/v/jobs", Operation::InitiateJob),
            ("GET", "/-/vaults/v/jobs", Operation::ListJobs),
            ("GET", "/-/vaults/v/jobs/j", Operation::DescribeJob),
            ("GET", "/-/vaults/v/jobs/j/output", Operation::GetJobOutput),
        ] {
            assert_eq!(routed(method, path).unwrap().operation, operation, "{method} {path}");
            found.insert(operation);
        }
        let all: BTreeSet<_> =
            Operation::ALL.iter().copied().filter(|operation| operation.service() == Service::Cas).collect();
        assert_eq!(found, all);
    }

    #[test]
    fn what_is_no_operation_is_a_bad_request() {
        for (method, path) in [
            ("POST", "/-/vaults"),
            ("PATCH", "/-/vaults/v"),
            ("GET", "/-/vaults/v/archives/a"),
            ("GET", "/-/vaults/v/unknown"),
            ("GET", "/-/vaults/v/jobs/j/output/x"),
            ("GET", "/-/vaults/v/jobs//output"),
            ("GET", "/-/buckets"),
            ("GET", "/"),
            ("GET", "/-/vaults/%zz"),
            ("GET", "/-/vaults?limit=%"),
        ] {
            assert_eq!(routed(method, path).unwrap_err(), CasCode::BadRequest, "{method} {path}");
        }
    }

    #[test]
    fn vault_names_have_their_alphabet_and_length() {
        for name in ["v", "My_Vault.1-x", &"v".repeat(255)] {
            assert!(routed("PUT", &format!("/-/vaults/{name}")).is_ok(), "{name}");
        }
        for name in ["%20", "a%2Fb", "v!", "%E7%9B%AE", &"v".repeat(256)] {
            let result = routed("PUT", &format!("/-/vaults/{name}"));
            assert!(result.is_err(), "{name}");
        }
    }

    #[test]
    fn paths_of_cas_are_told_from_keys() {
        for path in ["/-/vaults", "/1250000000/vaults", "/1250000000/vaults/v/archives"] {
            assert!(is_vault_path(path), "{path}");
        }
        for path in
            ["/", "/vaults", "/demo-1250000000/vaults", "/-/vaultsx", "/-", "/abc/vaults", "/-/x/vaults"]
        {
            assert!(!is_vault_path(path), "{path}");
        }
    }
}
