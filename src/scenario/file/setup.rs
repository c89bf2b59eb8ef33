//! `setup`: what exists at the start.
//!
//! Source: `scenarios.md` 8.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value as Schema, json};

use super::fire::Count;
use super::{AnyName, Keyed, Located, Many, MemberName, exclude, read_file};
use crate::operation::{is_bucket_name, is_vault_name};
use crate::scenario::json::{Node, Problems, Read, constrained, exactly_one, members};
use crate::scenario::value::Size;

/// What exists at the start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Setup {
    /// Credentials that are known, beside those of the command line.
    pub credentials: Vec<CredentialSetup>,
    /// Buckets by name.
    pub buckets: Vec<(String, BucketSetup)>,
    /// Vaults by name.
    pub vaults: Vec<(String, VaultSetup)>,
}

/// A credential.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialSetup {
    /// The access key id.
    pub id: String,
    /// The secret key.
    pub key: String,
    /// The token that must come with it, for temporary credentials.
    pub token: Option<String>,
    /// When it stops being good.
    pub expires: Option<Expiry>,
    /// The account it is of, by its UIN, when not that of the owner of everything.
    pub uin: Option<String>,
}

/// When a credential stops being good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// So long after the start, by the clock of the scenario.
    After(Duration),
    /// Behind so many requests.
    Requests(u32),
}

/// A bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct BucketSetup {
    /// Its region, when not that of the account.
    pub region: Option<String>,
    /// Its objects by key.
    pub objects: Vec<(String, ObjectSetup)>,
}

/// An object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSetup {
    /// Its bytes.
    pub content: ContentSetup,
}

/// A vault.
#[derive(Debug, Clone, PartialEq)]
pub struct VaultSetup {
    /// Its archives.
    pub archives: Vec<ArchiveSetup>,
}

/// An archive.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveSetup {
    /// Its bytes.
    pub content: ContentSetup,
    /// Its description.
    pub description: Option<String>,
}

/// The bytes of an object or archive.
#[derive(Debug, Clone, PartialEq)]
pub enum ContentSetup {
    /// So many bytes of a stream made from seed and name.
    Seeded(u64),
    /// So many zeros.
    Zero(u64),
    /// These bytes.
    Bytes(Bytes),
}

members! {
    /// What exists at the start; files are not read yet.
    pub(super) struct SetupText {
        /// Credentials that are known, beside those of the command line.
        default credentials: Many<CredentialSetup> = Many(Vec::new()),
        /// Buckets by name, with the appid.
        default buckets: Keyed<BucketName, BucketText> = Keyed::default(),
        /// Vaults by name.
        default vaults: Keyed<VaultName, VaultText> = Keyed::default(),
    }
}

impl SetupText {
    /// Reads the files that it refers to.
    pub(super) fn into_setup(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Setup> {
        let mut setup = Setup { credentials: self.credentials.0, ..Setup::default() };
        for (name, bucket) in self.buckets.0 {
            let mut objects = Vec::new();
            for (key, object) in bucket.objects.0 {
                objects.push((key, ObjectSetup { content: object.source.load(folder, problems)? }));
            }
            setup.buckets.push((name, BucketSetup { region: bucket.region, objects }));
        }
        for (name, vault) in self.vaults.0 {
            let mut archives = Vec::new();
            for archive in vault.archives.0 {
                let content = archive.source.load(folder, problems)?;
                archives.push(ArchiveSetup { content, description: archive.description });
            }
            setup.vaults.push((name, VaultSetup { archives }));
        }
        Some(setup)
    }
}

members! {
    struct CredentialText {
        /// The access key id.
        required id: String,
        /// The secret key.
        required key: String,
        /// The token that must come with it, for temporary credentials.
        optional token: String,
        /// When it stops being good.
        optional expires: Expiry,
        /// The account it is of, by its UIN, when not that of the owner of everything: permissions count for it under `auth: strict`.
        optional uin: String,
    }
}

impl Read for CredentialSetup {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let CredentialText { id, key, token, expires, uin } = CredentialText::read(node, problems)?;
        Some(CredentialSetup { id, key, token, expires, uin })
    }

    fn schema() -> Schema {
        CredentialText::schema()
    }
}

members! {
    struct ExpiryText {
        /// So long after the start, by the clock of the scenario.
        optional after: Duration,
        /// Behind so many requests.
        optional requests: Count,
    }
}

impl Read for Expiry {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = ExpiryText::read(node, problems)?;
        let members = node.members()?;
        exclude(&members, &["after", "requests"], problems);
        match (text.after, text.requests) {
            (Some(after), _) => Some(Expiry::After(after)),
            (None, Some(requests)) => Some(Expiry::Requests(requests.0)),
            (None, None) => {
                problems.add(members.problem_at_brace("E201", "one of \"after\" and \"requests\" is missing"))
            }
        }
    }

    fn schema() -> Schema {
        exactly_one(ExpiryText::schema(), &["after", "requests"])
    }
}

/// The full name of a bucket.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BucketName;

impl MemberName for BucketName {
    fn problem(name: &str) -> Option<String> {
        (!is_bucket_name(name)).then(|| {
            format!("\"{name}\" is no bucket name: it needs an appid, such as \"{name}-1250000000\"")
        })
    }

    fn schema() -> Schema {
        json!({ "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?-[0-9]+$|^note$" })
    }
}

/// The name of a vault.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VaultName;

impl MemberName for VaultName {
    fn problem(name: &str) -> Option<String> {
        (!is_vault_name(name))
            .then(|| format!("\"{name}\" is no vault name: up to 255 letters, digits, and . _ - make one"))
    }

    fn schema() -> Schema {
        json!({ "pattern": "^[A-Za-z0-9_.-]{1,255}$" })
    }
}

members! {
    pub(super) struct BucketText {
        /// The region, when not that of the account.
        optional region: String,
        /// The objects by key.
        default objects: Keyed<AnyName, ObjectText> = Keyed::default(),
    }
}

members! {
    pub(super) struct VaultText {
        /// The archives.
        default archives: Many<ArchiveText> = Many(Vec::new()),
    }
}

/// An object as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ObjectText {
    source: Source,
}

/// An archive as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArchiveText {
    source: Source,
    description: Option<String>,
}

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    Ready(ContentSetup),
    File(Located<String>),
}

impl Source {
    fn load(self, folder: Option<&Path>, problems: &mut Problems) -> Option<ContentSetup> {
        match self {
            Source::Ready(content) => Some(content),
            Source::File(file) => match read_file(&file.value, folder) {
                Ok(bytes) => Some(ContentSetup::Bytes(bytes)),
                Err(reason) => problems.add(file.problem("E308", format!("\"{}\": {reason}", file.value))),
            },
        }
    }
}

members! {
    struct ObjectMembers {
        /// The size, for seeded and zero content.
        optional size: Size,
        /// What the bytes are: "seeded", "zero", { "text": … } or { "file": … }.
        default content: ContentText = ContentText::Seeded,
    }
}

members! {
    struct ArchiveMembers {
        /// The size, for seeded and zero content.
        optional size: Size,
        /// What the bytes are: "seeded", "zero", { "text": … } or { "file": … }.
        default content: ContentText = ContentText::Seeded,
        /// The description.
        optional description: String,
    }
}

/// What bytes are, as it is written.
#[derive(Debug, Clone, PartialEq)]
enum ContentText {
    Seeded,
    Zero,
    Text(String),
    File(Located<String>),
}

members! {
    struct GivenContent {
        /// These bytes.
        optional text: String,
        /// The bytes of a file in the scenario's folder.
        optional file: Located<String>,
    }
}

impl Read for ContentText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.text() {
            Some("seeded") => return Some(ContentText::Seeded),
            Some("zero") => return Some(ContentText::Zero),
            Some(text) => {
                let mut problem = node.problem("E203", format!("unknown content \"{text}\""));
                problem.hint = crate::scenario::problem::did_you_mean(text, ["seeded", "zero"])
                    .or_else(|| Some("a text of your own is { \"text\": \"…\" }".to_owned()));
                return problems.add(problem);
            }
            None => {}
        }
        let Some(members) = node.members() else {
            return problems.add(node.wrong_type("\"seeded\", \"zero\", or an object with text or file"));
        };
        let given = GivenContent::read(node, problems)?;
        exclude(&members, &["text", "file"], problems);
        match (given.text, given.file) {
            (Some(text), _) => Some(ContentText::Text(text)),
            (None, Some(file)) => Some(ContentText::File(file)),
            (None, None) => {
                problems.add(members.problem_at_brace("E201", "one of \"text\" and \"file\" is missing"))
            }
        }
    }

    fn schema() -> Schema {
        let given = exactly_one(GivenContent::schema(), &["text", "file"]);
        json!({ "anyOf": [{ "enum": ["seeded", "zero"] }, given] })
    }
}

/// The source that size and content name together.
fn source(
    node: &Node<'_>,
    size: Option<Size>,
    content: ContentText,
    problems: &mut Problems,
) -> Option<Source> {
    let members = node.members()?;
    match (content, size) {
        (ContentText::Text(text), None) => Some(Source::Ready(ContentSetup::Bytes(text.into()))),
        (ContentText::File(file), None) => Some(Source::File(file)),
        (ContentText::Text(_) | ContentText::File(_), Some(_)) => {
            let message = "\"size\" goes with seeded and zero content: a text or a file has its own";
            problems.add(members.problem_at_key("size", "E204", message))
        }
        (ContentText::Seeded, Some(size)) => Some(Source::Ready(ContentSetup::Seeded(size.0))),
        (ContentText::Zero, Some(size)) => Some(Source::Ready(ContentSetup::Zero(size.0))),
        (ContentText::Seeded | ContentText::Zero, None) => {
            problems.missing(&members, "size", "E201", "\"size\" is missing".to_owned())
        }
    }
}

/// The schema of an object in which a size goes with content that has none of its own.
fn size_with_content(schema: Schema) -> Schema {
    constrained(
        schema,
        json!({
            "if": { "required": ["content"], "properties": { "content": { "type": "object" } } },
            "then": { "not": { "required": ["size"] } },
            "else": { "required": ["size"] },
        }),
    )
}

impl Read for ObjectText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let ObjectMembers { size, content } = ObjectMembers::read(node, problems)?;
        Some(ObjectText { source: source(node, size, content, problems)? })
    }

    fn schema() -> Schema {
        size_with_content(ObjectMembers::schema())
    }
}

impl Read for ArchiveText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let ArchiveMembers { size, content, description } = ArchiveMembers::read(node, problems)?;
        Some(ArchiveText { source: source(node, size, content, problems)?, description })
    }

    fn schema() -> Schema {
        size_with_content(ArchiveMembers::schema())
    }
}
