//! Access control lists: read from headers and documents, and written.
//!
//! Source: COS API, "PUT Bucket acl", "PUT Object acl" (`cos.md` 5.2.1, 12.4).

use super::integrity::ClaimedDigests;
use super::xml::{self, Element};
use super::{Call, Error, Handled, changed, document_reply, unchanged};
use crate::code::CosCode;
use crate::document::Node;
use crate::message::{Account, Head, Received, Reply};
use crate::store::{Acl, Canned, Change, Grant, Grantee, Permission};

/// The largest number of grants of one resource.
const MAX_GRANTS: usize = 100;
/// What the groups are called.
const GROUPS: &str = "http://cam.qcloud.com/groups/global/";
/// How the documents of 2017 call everybody.
const ANYONE: &str = "qcs::cam::anyone:anyone";

/// What a list is for: some names and permissions are only for one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Bucket,
    Object,
}

/// What headers or a document ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// This list.
    List(Acl),
    /// Of objects: none of its own, but that of the bucket.
    Inherited,
}

const GRANT_HEADERS: &[(&str, Permission)] = &[
    ("x-cos-grant-read", Permission::Read),
    ("x-cos-grant-write", Permission::Write),
    ("x-cos-grant-read-acp", Permission::ReadAcp),
    ("x-cos-grant-write-acp", Permission::WriteAcp),
    ("x-cos-grant-full-control", Permission::FullControl),
];

/// What the headers of a request ask for; `None` when they say nothing.
///
/// # Errors
/// `InvalidArgument` for a name or a grant that is not known, `AttachmentFull` for more than 100 grants.
pub(super) fn from_headers(head: &Head, scope: Scope) -> Result<Option<Asked>, Error> {
    let mut grants = Vec::new();
    for (name, permission) in GRANT_HEADERS {
        let Some(value) = head.header(*name) else { continue };
        if scope == Scope::Object && *permission == Permission::Write {
            return Err(invalid(format_args!("{name} is only for buckets")));
        }
        for grantee in value.split(',') {
            let grantee = grantee_of(grantee.trim()).ok_or_else(|| {
                invalid(format_args!("{name} is \"{value}\", but must be a list of id=\"<uin>\""))
            })?;
            grants.push(Grant { grantee, permission: *permission });
        }
    }
    let canned = match head.header("x-cos-acl") {
        None => None,
        Some("default") if scope == Scope::Object => Some(Asked::Inherited),
        Some(name) => {
            let known = Canned::ALL.iter().find(|(known, _)| *known == name).map(|(_, canned)| *canned);
            let fits = |canned: &Canned| match scope {
                Scope::Bucket => !matches!(canned, Canned::BucketOwnerRead | Canned::BucketOwnerFullControl),
                Scope::Object => *canned != Canned::PublicReadWrite,
            };
            let canned = known.filter(fits);
            let canned = canned.ok_or_else(|| invalid(format_args!("x-cos-acl is \"{name}\"")))?;
            Some(Asked::List(Acl::Canned(canned)))
        }
    };
    match (canned, grants.is_empty()) {
        (canned, true) => Ok(canned),
        (None | Some(Asked::Inherited), false) => Ok(Some(Asked::List(bounded(grants)?))),
        // The tests of the Node SDK send both, and read both back.
        (Some(Asked::List(canned)), false) => {
            let both = canned.grants(Account::UIN).into_iter().chain(grants).collect();
            Ok(Some(Asked::List(bounded(both)?)))
        }
    }
}

fn invalid(reason: std::fmt::Arguments<'_>) -> Error {
    Error::new(CosCode::InvalidArgument).because(reason)
}

fn bounded(grants: Vec<Grant>) -> Result<Acl, Error> {
    if grants.len() > MAX_GRANTS {
        return Err(Error::new(CosCode::AttachmentFull).because(format_args!("the limit is {MAX_GRANTS}")));
    }
    Ok(Acl::Grants(grants))
}

/// `id="100000000001"`, `uin="…"` or `uri="http://cam.qcloud.com/groups/global/AllUsers"`.
fn grantee_of(text: &str) -> Option<Grantee> {
    let (kind, value) = text.split_once('=')?;
    let value = value.trim().trim_matches('"');
    match kind.trim().to_ascii_lowercase().as_str() {
        "id" | "uin" if !value.is_empty() => Some(user(value)),
        "uri" => group(value),
        _ => None,
    }
}

fn user(id: &str) -> Grantee {
    if id == ANYONE { Grantee::AllUsers } else { Grantee::User(id.to_owned()) }
}

fn group(uri: &str) -> Option<Grantee> {
    match uri.strip_prefix(GROUPS)? {
        "AllUsers" => Some(Grantee::AllUsers),
        "AuthenticatedUsers" => Some(Grantee::AuthenticatedUsers),
        _ => None,
    }
}

/// What an `AccessControlPolicy` document asks for.
///
/// # Errors
/// `MalformedXML`, `AttachmentFull` for more than 100 grants.
fn from_document(root: &Node, scope: Scope) -> Result<Acl, Error> {
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    if root.name != "AccessControlPolicy" {
        return Err(malformed("the root is not AccessControlPolicy"));
    }
    let list = root.child("AccessControlList").ok_or_else(|| malformed("there is no AccessControlList"))?;
    let grants = list.all("Grant").map(|grant| {
        let grantee = grant.child("Grantee").ok_or_else(|| malformed("a Grant has no Grantee"))?;
        let grantee = match (grantee.text_of("URI"), grantee.text_of("ID")) {
            (Some(uri), _) => group(uri).ok_or_else(|| malformed("the URI of a Grantee is not known"))?,
            (None, Some(id)) if !id.is_empty() => user(id),
            _ => return Err(malformed("a Grantee has neither URI nor ID")),
        };
        let name = grant.text_of("Permission").unwrap_or("");
        let permission = Permission::ALL.iter().find(|(known, _)| *known == name);
        let (_, permission) = permission
            .filter(|(_, permission)| scope == Scope::Bucket || *permission != Permission::Write)
            .ok_or_else(|| malformed("a Grant has no Permission that is known here"))?;
        Ok(Grant { grantee, permission: *permission })
    });
    bounded(grants.collect::<Result<_, Error>>()?)
}

/// What a request to set a list asks for: in headers or in a document, not both.
///
/// # Errors
/// Those of [`from_headers`] and [`from_document`]; `BadDigest`; `MissingRequestBodyError` when it says nothing;
/// `UnexpectedContent` when it says it twice.
fn asked(head: &Head, body: &Received, scope: Scope) -> Result<Asked, Error> {
    ClaimedDigests::of(head)?.verify(&body.digests, CosCode::InvalidDigest)?;
    match (from_headers(head, scope)?, body.content.is_empty()) {
        (Some(asked), true) => Ok(asked),
        (Some(_), false) => Err(Error::new(CosCode::UnexpectedContent).because("the headers say it already")),
        (None, true) => Err(Error::new(CosCode::MissingRequestBodyError)),
        (None, false) => {
            let root = xml::parse(&body.content.to_bytes());
            let root = root.map_err(|error| Error::new(CosCode::MalformedXML).because(error))?;
            from_document(&root, scope).map(Asked::List)
        }
    }
}

/// Writes a list as the `AccessControlPolicy` document.
fn document(acl: &Acl) -> String {
    xml::document("AccessControlPolicy", |policy| {
        super::list::owner(policy, "Owner");
        policy.nested("AccessControlList", |list| {
            for Grant { grantee, permission } in acl.grants(Account::UIN) {
                list.nested("Grant", |grant| {
                    match grantee {
                        Grantee::AllUsers => group_element(grant, "AllUsers"),
                        Grantee::AuthenticatedUsers => group_element(grant, "AuthenticatedUsers"),
                        Grantee::User(user) => {
                            let id = full_id(&user);
                            grant.nested(&start("CanonicalUser"), |grantee| {
                                grantee.text("ID", &id);
                                grantee.text("DisplayName", &id);
                            });
                        }
                    }
                    grant.text("Permission", permission.name());
                });
            }
        });
    })
}

fn start(kind: &str) -> String {
    format!("Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"{kind}\"")
}

fn group_element(grant: &mut Element, name: &str) {
    grant.nested(&start("Group"), |grantee| grantee.text("URI", format_args!("{GROUPS}{name}")));
}

/// The long form of `<uin>` and `<owner>/<user>`.
fn full_id(user: &str) -> String {
    if user.contains(':') {
        return user.to_owned();
    }
    let (owner, user) = user.split_once('/').unwrap_or((user, user));
    format!("qcs::cam::uin/{owner}:uin/{user}")
}

/// # Errors
/// `NoSuchBucket`.
pub(super) fn get_of_bucket(call: &Call<'_>) -> Handled {
    Ok(unchanged(document_reply(document(call.bucket()?.acl()))))
}

/// # Errors
/// `NoSuchBucket`, and those of [`asked`].
pub(super) fn put_of_bucket(call: &Call<'_>, body: &Received) -> Handled {
    call.bucket()?;
    let acl = match asked(call.head, body, Scope::Bucket)? {
        Asked::List(acl) => acl,
        Asked::Inherited => Acl::PRIVATE,
    };
    Ok(changed(Reply::new(200), Change::SetBucketAcl { bucket: call.target.bucket.clone(), acl }))
}

/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`.
pub(super) fn get_of_object(call: &Call<'_>) -> Handled {
    let (_, object) = call.object()?;
    let reply = match object.metadata.acl() {
        Some(acl) => document_reply(document(acl)),
        None => document_reply(document(&Acl::PRIVATE)).with("x-cos-acl", "default"),
    };
    Ok(unchanged(reply))
}

/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, and those of [`asked`].
pub(super) fn put_of_object(call: &Call<'_>, body: &Received) -> Handled {
    let (id, object) = call.object()?;
    let acl = match asked(call.head, body, Scope::Object)? {
        Asked::List(acl) => Some(acl),
        Asked::Inherited => None,
    };
    let change = call.replace(id, object, |metadata| metadata.details_mut().acl = acl);
    Ok(changed(Reply::new(200), change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::head;

    fn asked_by(headers: &[(&str, &str)], scope: Scope) -> Result<Option<Asked>, CosCode> {
        from_headers(&head("PUT", "/", headers), scope).map_err(|error| error.code())
    }

    #[test]
    fn names_are_for_buckets_or_objects_or_both() {
        let canned = |canned| Ok(Some(Asked::List(Acl::Canned(canned))));
        let by_name = |name, scope| asked_by(&[("x-cos-acl", name)], scope);
        assert_eq!(by_name("public-read", Scope::Object), canned(Canned::PublicRead));
        assert_eq!(by_name("public-read-write", Scope::Bucket), canned(Canned::PublicReadWrite));
        assert_eq!(by_name("default", Scope::Object), Ok(Some(Asked::Inherited)));
        for (name, scope) in [
            ("default", Scope::Bucket),
            ("public-read-write", Scope::Object),
            ("bucket-owner-read", Scope::Bucket),
            ("Private", Scope::Bucket),
        ] {
            assert_eq!(by_name(name, scope), Err(CosCode::InvalidArgument), "{name}");
        }
        assert_eq!(asked_by(&[], Scope::Bucket), Ok(None));
    }

    #[test]
    fn grants_in_headers_list_only_who_is_named() {
        let header =
            ("x-cos-grant-read", r#"id="1",uin="2/3", uri="http://cam.qcloud.com/groups/global/AllUsers""#);
        let Ok(Some(Asked::List(acl))) = asked_by(&[header], Scope::Object) else { panic!("they are read") };
        let grantees: Vec<_> = acl.grants("9").into_iter().map(|grant| grant.grantee).collect();
        let expected = [Grantee::User("1".to_owned()), Grantee::User("2/3".to_owned()), Grantee::AllUsers];
        assert_eq!(grantees, expected);
        for header in [("x-cos-grant-read", "1"), ("x-cos-grant-write", "id=\"1\"")] {
            assert_eq!(asked_by(&[header], Scope::Object), Err(CosCode::InvalidArgument), "{header:?}");
        }
        let both = [("x-cos-grant-read", "id=\"1\""), ("x-cos-acl", "public-read")];
        let Ok(Some(Asked::List(acl))) = asked_by(&both, Scope::Object) else { panic!("they add up") };
        assert_eq!(acl.grants("9").len(), 3, "the owner, everybody, and who is named");
    }

    #[test]
    fn a_written_list_reads_back() {
        let grants = [
            (Grantee::AllUsers, Permission::Read),
            (Grantee::AuthenticatedUsers, Permission::Write),
            (Grantee::User("qcs::cam::uin/1:uin/2".to_owned()), Permission::FullControl),
        ];
        let grants = grants.map(|(grantee, permission)| Grant { grantee, permission }).to_vec();
        let acl = Acl::Grants(grants);
        let root = xml::parse(document(&acl).as_bytes()).unwrap();
        assert_eq!(from_document(&root, Scope::Bucket).unwrap(), acl);
        assert!(from_document(&root, Scope::Object).is_err(), "objects have no WRITE");
    }
}
