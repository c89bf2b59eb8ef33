//! Who may do what: access control lists, bucket policies, referer lists, and what a signature must cover.
//!
//! Lists and policies count only where permissions do (`--auth strict`); the other two are asked for by whoever configures
//! them, and always count.
//!
//! Source: `cos.md` 5.2.1, 5.2.6, 5.2.7, 5.2.20, 3.4, 12.13.

use super::{Call, Error, Site};
use crate::code::CosCode;
use crate::document::Node;
use crate::message::Requester;
use crate::operation::Operation;
use crate::pattern::fits;
use crate::policy::{self, Effect};
use crate::signature::{Signed, signed};
use crate::store::{Acl, Bucket, ConfigurationKind, Object, Permission};

/// Refuses what the one who asks may not do.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn authorise(call: &Call<'_>) -> Result<(), Error> {
    use Operation::{DeleteBucketPolicy, GetBucketPolicy, OptionsObject, PostObject, PutBucketPolicy};

    let operation = call.target.operation;
    // What a website shows is known only when its key is.
    if call.target.site == Site::Website {
        return Ok(());
    }
    let bucket = call.store.bucket(&call.target.bucket);
    if let Some(bucket) = bucket.filter(|bucket| bucket.is_configured()) {
        check_referer(call, bucket)?;
        check_signed(call, bucket)?;
    }
    // Browsers ask without a signature, and the signature of a form is in its body.
    if !call.context.enforced || matches!(operation, OptionsObject | PostObject) {
        return Ok(());
    }
    let Some(bucket) = bucket else {
        return match call.context.requester {
            // The owner is told that there is none.
            Requester::Owner => Ok(()),
            Requester::Guest(_) | Requester::Nobody => Err(Error::new(CosCode::AccessDenied)),
        };
    };
    let is_owner = call.context.requester == Requester::Owner;
    match policy(call.context.requester, operation, &call.target.bucket, bucket, &call.target.key) {
        // Whoever owns a bucket can always mend its policy.
        Some(Effect::Deny)
            if !(is_owner && matches!(operation, GetBucketPolicy | PutBucketPolicy | DeleteBucketPolicy)) =>
        {
            return Err(Error::new(CosCode::AccessDenied).because("the policy of the bucket denies it"));
        }
        Some(Effect::Allow) => return Ok(()),
        Some(Effect::Deny) | None => {}
    }
    if is_owner || is_granted(call, bucket) { Ok(()) } else { Err(Error::new(CosCode::AccessDenied)) }
}

/// Refuses a form whose sender may not write to the bucket.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn check_form(call: &Call<'_>, bucket: &Bucket, key: &str) -> Result<(), Error> {
    let requester = call.context.requester;
    if !call.context.enforced || requester == Requester::Owner {
        return Ok(());
    }
    let allowed = match policy(requester, Operation::PostObject, &call.target.bucket, bucket, key) {
        Some(Effect::Deny) => false,
        Some(Effect::Allow) => true,
        None => allows(bucket.acl(), requester, Permission::Write),
    };
    if allowed { Ok(()) } else { Err(Error::new(CosCode::AccessDenied)) }
}

/// Refuses to copy from an object that the one who asks may not read.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn check_source(
    call: &Call<'_>,
    name: &str,
    bucket: &Bucket,
    key: &str,
    object: &Object,
) -> Result<(), Error> {
    let requester = call.context.requester;
    if !call.context.enforced || requester == Requester::Owner {
        return Ok(());
    }
    let allowed = match policy(requester, Operation::GetObject, name, bucket, key) {
        Some(Effect::Deny) => false,
        Some(Effect::Allow) => true,
        None => allows(object.metadata.acl().unwrap_or(bucket.acl()), requester, Permission::Read),
    };
    if allowed {
        Ok(())
    } else {
        Err(Error::new(CosCode::AccessDenied).because("the source may not be read"))
    }
}

fn allows(acl: &Acl, requester: Requester<'_>, permission: Permission) -> bool {
    match requester {
        Requester::Owner => true,
        Requester::Guest(uin) => acl.allows(Some(uin), permission),
        Requester::Nobody => acl.allows(None, permission),
    }
}

/// Whether the lists grant it to somebody who is not the owner.
fn is_granted(call: &Call<'_>, bucket: &Bucket) -> bool {
    use Operation::*;

    let requester = call.context.requester;
    let of_bucket = |permission| allows(bucket.acl(), requester, permission);
    let of_object = |permission| {
        let named = call.found().ok().and_then(|found| found.object);
        // Of a key that is not there the list of the bucket counts, so that who may not list it does not learn that.
        let own = named.and_then(|object| object.metadata.acl());
        allows(own.unwrap_or(bucket.acl()), requester, permission)
    };
    match call.target.operation {
        GetObject | HeadObject | GetObjectSymlink | GetObjectTagging | GetObjectRetention => {
            of_object(Permission::Read)
        }
        GetObjectAcl => of_object(Permission::ReadAcp),
        PutObjectAcl => of_object(Permission::WriteAcp),
        HeadBucket | ListObjects | ListVersions | ListMultipartUploads | ListParts => {
            of_bucket(Permission::Read)
        }
        PutObject
        | DeleteObject
        | DeleteObjects
        | CopyObject
        | AppendObject
        | PutObjectSymlink
        | PutObjectTagging
        | DeleteObjectTagging
        | RestoreObject
        | PreflightObject
        | InitiateMultipartUpload
        | UploadPart
        | UploadPartCopy
        | CompleteMultipartUpload
        | AbortMultipartUpload => of_bucket(Permission::Write),
        GetBucketAcl => of_bucket(Permission::ReadAcp),
        PutBucketAcl => of_bucket(Permission::WriteAcp),
        // What a bucket is and does is its owner's business.
        _ => false,
    }
}

/// What the policy of a bucket says of an operation; `None` when nothing.
fn policy(
    requester: Requester<'_>,
    operation: Operation,
    name: &str,
    bucket: &Bucket,
    key: &str,
) -> Option<Effect> {
    let (policy, _) = bucket.configuration(ConfigurationKind::Policy)?.json()?;
    let is_action = |text: &str| is_action(text, operation);
    policy::effect(policy, requester, &is_action, &|text| is_resource(text, name, key))
}

/// What an operation is called in policies, where that is not its name.
fn action(operation: Operation) -> &'static str {
    match operation {
        Operation::ListBuckets => "GetService",
        Operation::ListObjects => "GetBucket",
        Operation::ListVersions => "GetBucketObjectVersions",
        Operation::DeleteObjects => "DeleteMultipleObjects",
        Operation::RestoreObject => "PostObjectRestore",
        Operation::CopyObject => "PutObject",
        other => other.name(),
    }
}

fn is_action(text: &str, operation: Operation) -> bool {
    policy::is_action(text, "cos", action(operation))
}

/// `qcs::cos:<region>:uid/<appid>:<bucket>/<key>`, `*`. An operation on the bucket is meant by `<bucket>`, `<bucket>/` and `<bucket>/*`.
fn is_resource(text: &str, bucket: &str, key: &str) -> bool {
    let text = match text.strip_prefix("qcs::cos:") {
        None => text,
        // The bucket stands behind the region and the account; keys may have colons.
        Some(rest) => rest.splitn(3, ':').nth(2).unwrap_or(""),
    };
    fits(text, &format!("{bucket}/{key}")) || (key.is_empty() && fits(text, bucket))
}

/// The reads that a referer list is for, when they are not signed.
fn check_referer(call: &Call<'_>, bucket: &Bucket) -> Result<(), Error> {
    let configuration = bucket.configuration(ConfigurationKind::Referer).and_then(|referer| referer.xml());
    let enabled = configuration.filter(|referer| referer.text_of("Status") == Some("Enabled"));
    let reads = matches!(call.target.operation, Operation::GetObject | Operation::HeadObject);
    let Some(referer) = enabled.filter(|_| reads && signed(call.head).is_none()) else { return Ok(()) };
    let sent = call.head.header("referer").unwrap_or("");
    let host = sent.split_once("://").map_or(sent, |(_, rest)| rest);
    let is_listed = || {
        let domains = referer.child("DomainList").into_iter().flat_map(|list| list.texts_of("Domain"));
        domains.into_iter().any(|domain| {
            let domain = domain.split_once("://").map_or(domain, |(_, rest)| rest);
            // A domain stands for all paths below it, and with a star for all hosts.
            fits(domain, host) || fits(&format!("{domain}/*"), host) || fits(&format!("{domain}:*"), host)
        })
    };
    let allowed = if sent.is_empty() {
        referer.text_of("EmptyReferConfiguration") == Some("Allow")
    } else {
        is_listed() == (referer.text_of("RefererType") == Some("White-List"))
    };
    if allowed {
        return Ok(());
    }
    Err(Error::new(CosCode::AccessDenied).saying("You are denied by bucket referer rule"))
}

/// What the strict signature of a bucket demands that a signature covers.
fn check_signed(call: &Call<'_>, bucket: &Bucket) -> Result<(), Error> {
    let configuration =
        bucket.configuration(ConfigurationKind::StrictSignature).and_then(|strict| strict.xml());
    let (Some(strict), Some(signed)) = (configuration, signed(call.head)) else { return Ok(()) };
    let name = action(call.target.operation).to_ascii_lowercase();
    let rules = strict.all("Rule").filter(|rule| {
        let actions = rule.child("actionlist").into_iter().flat_map(|list| list.texts_of("action"));
        actions.into_iter().any(|action| fits(&action.to_ascii_lowercase(), &name))
    });
    for rule in rules {
        check_rule(call, rule, &signed)?;
    }
    Ok(())
}

fn check_rule(call: &Call<'_>, rule: &Node, signed: &Signed) -> Result<(), Error> {
    let denied = |message: &str| Error::new(CosCode::AccessDenied).saying(message);
    for pattern in rule.child("headerlist").into_iter().flat_map(|list| list.texts_of("header")) {
        let pattern = pattern.to_ascii_lowercase();
        let mut sent = call.head.headers.keys().map(|name| name.as_str()).filter(|name| fits(&pattern, name));
        if sent.any(|name| !signed.headers.iter().any(|other| other == name)) {
            return Err(denied("Strict signature missing header that must be signed"));
        }
    }
    for pattern in rule.child("paramlist").into_iter().flat_map(|list| list.texts_of("param")) {
        let pattern = pattern.to_ascii_lowercase();
        let sent = call.head.query.pairs().iter().map(|(name, _)| name.to_ascii_lowercase());
        let mut meant =
            sent.filter(|name| !name.starts_with("q-") && (pattern == "all" || fits(&pattern, name)));
        if meant.any(|name| !signed.parameters.contains(&name)) {
            return Err(denied("Strict signature missing param that must be signed"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_and_resources_have_their_forms() {
        assert!(is_action("name/cos:GetBucket", Operation::ListObjects));
        assert!(!is_action("name/cos:GetObject", Operation::GetObjectAcl));
        let resource = |text| is_resource(text, "b-1", "dir/k:1");
        for text in
            ["*", "qcs::cos:ap-x:uid/1:b-1/*", "qcs::cos::uid/1:b-1/dir/k:1", "qcs::cos:*:uid/1:b-1/dir/*"]
        {
            assert!(resource(text), "{text}");
        }
        assert!(!resource("qcs::cos:ap-x:uid/1:b-2/*") && !resource("qcs::cos:ap-x:uid/1:b-1/other/*"));
        assert!(
            is_resource("qcs::cos:ap-x:uid/1:b-1/*", "b-1", "")
                && is_resource("qcs::cos::uid/1:b-1", "b-1", "")
        );
    }
}
