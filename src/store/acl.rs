//! Who may do what with a bucket or an object.
//!
//! Source: COS API, "PUT Bucket acl", "PUT Object acl" (`cos.md` 5.2.1).

/// The access control list of a bucket or an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acl {
    /// By a name that stands for grants.
    Canned(Canned),
    /// By grants: only these.
    Grants(Vec<Grant>),
}

/// A name that stands for grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canned {
    /// The owner alone.
    Private,
    /// Everybody may read.
    PublicRead,
    /// Everybody may read and write.
    PublicReadWrite,
    /// Everybody with an account may read.
    AuthenticatedRead,
    /// Of objects: the owner of the bucket may read, who is the owner here.
    BucketOwnerRead,
    /// Of objects: the owner of the bucket may do everything.
    BucketOwnerFullControl,
}

/// One permission for one grantee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// Who is granted something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// Everybody, also who signs nothing.
    AllUsers,
    /// Everybody who signs.
    AuthenticatedUsers,
    /// An account: its UIN, or `qcs::cam::uin/<owner>:uin/<user>`.
    User(String),
}

/// What is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Of a bucket: to list; of an object: to read.
    Read,
    /// Of a bucket alone: to write and delete objects.
    Write,
    /// To read the access control list.
    ReadAcp,
    /// To write the access control list.
    WriteAcp,
    /// All of it.
    FullControl,
}

impl Canned {
    /// All of them with their names in the order of the documentation.
    pub const ALL: &[(&str, Canned)] = &[
        ("private", Canned::Private),
        ("public-read", Canned::PublicRead),
        ("public-read-write", Canned::PublicReadWrite),
        ("authenticated-read", Canned::AuthenticatedRead),
        ("bucket-owner-read", Canned::BucketOwnerRead),
        ("bucket-owner-full-control", Canned::BucketOwnerFullControl),
    ];
}

impl Permission {
    /// All of them with their names.
    pub const ALL: &[(&str, Permission)] = &[
        ("READ", Permission::Read),
        ("WRITE", Permission::Write),
        ("READ_ACP", Permission::ReadAcp),
        ("WRITE_ACP", Permission::WriteAcp),
        ("FULL_CONTROL", Permission::FullControl),
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        let (name, _) = Self::ALL.iter().find(|(_, permission)| *permission == self).expect("all are listed");
        name
    }
}

impl Acl {
    /// The owner alone.
    pub const PRIVATE: Acl = Acl::Canned(Canned::Private);

    /// The grants; `owner` is the UIN of the owner, who is not among those that were given one by one.
    pub fn grants(&self, owner: &str) -> Vec<Grant> {
        let canned = match self {
            Acl::Grants(grants) => return grants.clone(),
            Acl::Canned(canned) => canned,
        };
        let own = Grant { grantee: Grantee::User(owner.to_owned()), permission: Permission::FullControl };
        let others = match canned {
            Canned::Private | Canned::BucketOwnerRead | Canned::BucketOwnerFullControl => Vec::new(),
            Canned::PublicRead => vec![(Grantee::AllUsers, Permission::Read)],
            Canned::PublicReadWrite => {
                vec![(Grantee::AllUsers, Permission::Read), (Grantee::AllUsers, Permission::Write)]
            }
            Canned::AuthenticatedRead => vec![(Grantee::AuthenticatedUsers, Permission::Read)],
        };
        let others = others.into_iter().map(|(grantee, permission)| Grant { grantee, permission });
        std::iter::once(own).chain(others).collect()
    }

    /// Whether somebody other than the owner may do that; `uin` is `None` for who signs nothing.
    pub fn allows(&self, uin: Option<&str>, wanted: Permission) -> bool {
        let means = |grantee: &Grantee| match (grantee, uin) {
            (Grantee::AllUsers, _) | (Grantee::AuthenticatedUsers, Some(_)) => true,
            (Grantee::AuthenticatedUsers, None) | (Grantee::User(_), None) => false,
            (Grantee::User(user), Some(uin)) => user_is(user, uin),
        };
        let grants = match self {
            Acl::Grants(grants) => grants,
            // The owner of an account that is not known is nobody.
            Acl::Canned(_) => &self.grants(""),
        };
        grants.iter().any(|grant| {
            (grant.permission == wanted || grant.permission == Permission::FullControl)
                && means(&grant.grantee)
        })
    }
}

/// Whether a grantee is that account: both forms name the user last.
fn user_is(user: &str, uin: &str) -> bool {
    !uin.is_empty() && user.rsplit(['/', ':']).next() == Some(uin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_grants() {
        let public = Acl::Canned(Canned::PublicRead);
        assert!(public.allows(None, Permission::Read));
        assert!(!public.allows(None, Permission::Write));
        let authenticated = Acl::Canned(Canned::AuthenticatedRead);
        assert!(!authenticated.allows(None, Permission::Read));
        assert!(authenticated.allows(Some("1"), Permission::Read));
        assert!(!Acl::PRIVATE.allows(Some("1"), Permission::Read));
        assert_eq!(Acl::PRIVATE.grants("7").len(), 1);
    }

    #[test]
    fn an_account_is_granted_by_either_form_of_its_name() {
        for user in ["2", "1/2", "qcs::cam::uin/1:uin/2"] {
            let grant =
                Grant { grantee: Grantee::User(user.to_owned()), permission: Permission::FullControl };
            let acl = Acl::Grants(vec![grant]);
            assert!(acl.allows(Some("2"), Permission::ReadAcp), "{user}");
            assert!(
                !acl.allows(Some("1"), Permission::ReadAcp) && !acl.allows(None, Permission::Read),
                "{user}"
            );
        }
    }
}
