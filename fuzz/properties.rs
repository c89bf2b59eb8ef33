//! What must hold for whatever bytes arrive: a property for each parser of untrusted input, beyond that it never
//! panics. Most read, write and read again.
//!
//! The targets of `cargo fuzz` call them with bytes that libFuzzer makes up, and `tests/fuzz_corpus.rs` with every file
//! of `fuzz/corpus`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use cos_emu::fuzzing::{
    Change, ChunkRange, Content, Context, Etag, Hasher, Head, Identity, Metadata, Object, ObjectKind,
    ParameterForm, Query, Received, Refusal, Store, Verdict, Version, VersionId, Wanted, cas, check, cos,
    signature_fields,
};
use cos_emu::tree_hash::TreeHasher;
use cos_emu::{Account, AuthMode, Diagnosis, Operation, Scenario, Secret, Seed, Service, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha1::{Digest as _, Sha1};

// ---- scenario files ----

const FILE: &str = "fuzz.json";

/// A scenario file, or not: the scenario is the same in another spelling, and what is wrong is shown at its place.
pub fn scenario(bytes: &[u8]) {
    let read = Scenario::parse(FILE, bytes, None);
    if let Err(diagnosis) = &read {
        shows_each_problem_at_its_place(diagnosis, valid_part(bytes));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        assert!(read.is_err(), "what is no JSON is no scenario");
        return;
    }
    match (read, Scenario::parse(FILE, respelt(text).as_bytes(), None)) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(one), Err(other)) => assert_eq!(findings(&one), findings(&other)),
        (one, other) => panic!("the spelling decides: {one:?} {other:?}"),
    }
}

fn valid_part(bytes: &[u8]) -> &str {
    let end = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    std::str::from_utf8(&bytes[..end]).expect("it ends before what is not UTF-8")
}

/// The same JSON without white space, and with every character of its texts as an escape.
fn respelt(text: &str) -> String {
    let mut respelt = String::new();
    let mut in_text = false;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            ' ' | '\t' | '\n' | '\r' if !in_text => {}
            '"' => {
                in_text = !in_text;
                respelt.push('"');
            }
            '\\' => {
                let kind = chars.next().expect("an escape is complete");
                respelt.extend(['\\', kind]);
                let digits = if kind == 'u' { 4 } else { 0 };
                respelt.extend(chars.by_ref().take(digits));
            }
            _ if in_text => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(respelt, "\\u{unit:04x}").expect("a String takes everything");
                }
            }
            _ => respelt.push(char),
        }
    }
    respelt
}

/// What is wrong, without the places.
fn findings(diagnosis: &Diagnosis) -> Vec<(&str, &str, &str)> {
    let problems = diagnosis.problems().iter();
    problems.map(|problem| (problem.code, problem.path.as_str(), problem.message.as_str())).collect()
}

fn shows_each_problem_at_its_place(diagnosis: &Diagnosis, text: &str) {
    let printed = diagnosis.to_string();
    assert!(!printed.contains(|char: char| char.is_control() && char != '\n'), "{printed:?}");
    let paragraphs: Vec<&str> = printed.split("\n\n").collect();
    assert_eq!(paragraphs.len(), diagnosis.problems().len(), "{printed}");
    assert!(!paragraphs.is_empty());
    let mut last = 0;
    for (problem, paragraph) in diagnosis.problems().iter().zip(paragraphs) {
        let span = &problem.span;
        assert!(text.get(span.clone()).is_some(), "{span:?} is no part of a text of {} bytes", text.len());
        assert!(last <= span.start, "the problems are in the order of the file");
        last = span.start;

        let (line, column) = diagnosis.position(span.start);
        assert_eq!(byte_at(text, line, column), span.start);
        let [finding, excerpt, carets] = paragraph.split('\n').collect::<Vec<_>>()[..] else {
            panic!("a problem is shown in three lines: {paragraph}");
        };
        assert!(
            finding.starts_with(&format!("{FILE}:{line}:{column}: error {}: ", problem.code)),
            "{finding}"
        );
        let marked = carets.chars().position(|char| char == '^').expect("the place is marked");
        let meant = text[span.start..].chars().next();
        if let Some(meant) = meant.filter(|char| !char.is_whitespace() && !char.is_control()) {
            assert_eq!(excerpt.chars().nth(marked), Some(meant), "{paragraph}");
        }
    }
}

/// The byte of a line and column, both from 1.
fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    start + text[start..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
}

// ---- the head of a request ----

/// The head of a request: what routing names is in it, and the same names lead to the same operation again.
pub fn routing(bytes: &[u8]) {
    let Some(head) = head(bytes) else { return };
    let query: Vec<_> = head
        .query
        .pairs()
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let query = Query::parse(&query.join("&"));
    assert_eq!(query.pairs(), head.query.pairs());

    routes_to_cos(&head, &query, None);
    routes_to_cos(&head, &query, Some("default-1250000000"));
    routes_to_cas(&head, &query);
}

/// Reads a request head as the server hands it on; `None` for what it refuses before.
fn head(bytes: &[u8]) -> Option<Head> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut words = lines.next()?.split(|byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let uri = Uri::try_from(words.next()?).ok()?;
    let mut headers = HeaderMap::new();
    for line in lines.take(100).take_while(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.try_append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?).ok()?;
    }
    Some(Head {
        method,
        version: Version::Http11,
        authority: uri.authority().map(|authority| authority.as_str().to_owned()),
        path: Some(uri.path()).filter(|path| !path.is_empty()).unwrap_or("/").to_owned(),
        query: Query::parse(uri.query().unwrap_or("")),
        headers,
    })
}

/// The same head for another place.
fn readdressed(head: &Head, host: &str, path: String, query: &Query) -> Head {
    let mut headers = head.headers.clone();
    headers.insert(header::HOST, HeaderValue::from_str(host).expect("names of hosts are plain"));
    Head { authority: None, path, query: query.clone(), headers, ..head.clone() }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn decoded_path(head: &Head) -> String {
    percent_decode_str(&head.path).decode_utf8().expect("what is routed is UTF-8").into_owned()
}

fn account(default_bucket: Option<&str>) -> Account {
    Account { default_bucket: default_bucket.map(str::to_owned), ..cos_emu::Config::default().account }
}

fn routes_to_cos(head: &Head, query: &Query, default_bucket: Option<&str>) {
    let Ok(target) = cos::route(head, &account(default_bucket)) else { return };
    assert_eq!(target.operation.service(), Service::Cos);
    let path = decoded_path(head);
    let path = path.strip_prefix('/').unwrap_or(&path);
    let (bucket, key) = (target.bucket.as_str(), target.key.as_str());

    let names = target.names(head);
    assert_eq!((names.bucket.as_deref(), names.key.as_deref()), (present(bucket), present(key)));
    assert_eq!(names.upload.as_deref(), head.query.get("uploadId").and_then(present));
    if let Some(part) = names.part {
        let sent = head.query.get("partNumber").expect("the part is named");
        assert!(
            sent.bytes().all(|byte| byte.is_ascii_digit()) && sent.parse() == Ok(part),
            "{sent:?} is {part}"
        );
    }

    let again = |host: &str, path: String| {
        let again = readdressed(head, host, path, query);
        let again = cos::route(&again, &account(None)).expect("it was routed before");
        assert_eq!(
            (again.operation, again.bucket.as_str(), again.key.as_str()),
            (target.operation, bucket, key)
        );
    };
    if target.operation == Operation::ListBuckets {
        assert_eq!((bucket, key, path), ("", "", ""));
        again("service.cos.myqcloud.com", "/".to_owned());
        return;
    }
    if target.site == cos::Site::Website {
        again(&format!("{bucket}.cos-website.ap-chengdu.myqcloud.com"), format!("/{}", encoded(key)));
        return;
    }
    let in_path = path.strip_prefix(bucket).is_some_and(|rest| {
        rest.strip_prefix('/').unwrap_or(rest) == key && (rest.is_empty() || rest.starts_with('/'))
    });
    let in_host = head.host().to_ascii_lowercase().starts_with(&format!("{bucket}."));
    assert!(in_path || ((in_host || default_bucket == Some(bucket)) && path == key), "{target:?}");

    again("127.0.0.1:3077", format!("/{}/{}", encoded(bucket), encoded(key)));
    again(&format!("{bucket}.cos.ap-chengdu.myqcloud.com"), format!("/{}", encoded(key)));
}

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn routes_to_cas(head: &Head, query: &Query) {
    if cas::is_vault_path(&head.path) {
        let at_an_address = readdressed(head, "127.0.0.1:3077", head.path.clone(), query);
        assert!(
            cos::route(&at_an_address, &account(None)).is_err(),
            "the path is one of CAS and of a bucket"
        );
    }
    let Ok(target) = cas::route(head, None) else { return };
    assert_eq!(target.operation.service(), Service::Cas);
    let path = decoded_path(head);
    let path = path.strip_prefix('/').unwrap_or(&path);
    let segments: Vec<&str> = path.split('/').collect();
    let segment = |index: usize| segments.get(index).copied().unwrap_or_default();
    assert_eq!([segment(0), segment(1), segment(2)], [target.uid.as_str(), "vaults", &target.vault]);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    assert!(target.vault.len() <= 255 && target.vault.bytes().all(plain), "{:?}", target.vault);
    assert_eq!(target.vault.is_empty(), target.operation == Operation::ListVaults);
    let names_one_thing = matches!(
        target.operation,
        Operation::DeleteArchive
            | Operation::UploadVaultPart
            | Operation::ListVaultParts
            | Operation::CompleteVaultUpload
            | Operation::AbortVaultUpload
            | Operation::DescribeJob
            | Operation::GetJobOutput
    );
    assert_eq!(target.id.is_empty(), !names_one_thing, "{target:?}");
    assert!(target.id.is_empty() || segment(4) == target.id);

    let names = target.names();
    assert_eq!(names.vault.as_deref(), present(&target.vault));
    let ids: Vec<_> = [names.upload, names.archive, names.job].into_iter().flatten().collect();
    assert_eq!(ids.concat(), target.id);

    let again = readdressed(head, "cas.ap-chengdu.myqcloud.com", format!("/{}/", encoded(path)), query);
    assert_eq!(cas::route(&again, None).expect("it was routed before"), target);
}

// ---- ranges ----

/// `Content-Range` of a chunk and `Range` of a read: the numbers are those of the text, and what is written is read
/// again.
pub fn ranges(bytes: &[u8]) {
    let Ok(header) = std::str::from_utf8(bytes) else { return };
    if let Ok(range) = header.parse::<ChunkRange>() {
        assert_eq!(range.to_string().parse().as_ref(), Ok(&range));
        let numbers: Vec<u64> = header
            .split(|char: char| !char.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .collect();
        assert_eq!(range.start(), numbers[0]);
        assert_eq!(range.end(), numbers[1] + 1);
        assert_eq!(range.len(), (numbers[1] + 1).saturating_sub(numbers[0]));
        assert_eq!(range.is_empty(), numbers[1] < numbers[0]);
    }
    let is_range = cos::parse_range(header, 0).is_some();
    for size in [0, 1, 10, 1 << 40, u64::MAX] {
        let range = cos::parse_range(header, size);
        assert_eq!(range.is_some(), is_range, "whether a text is a range depends on the size {size}");
        if let Some(Ok(Range { start, end })) = range {
            assert!(start < end && end <= size, "{start}..{end} of {size}");
            let written = format!("bytes={start}-{}", end - 1);
            assert_eq!(cos::parse_range(&written, size), Some(Ok(start..end)));
        }
    }
}

// ---- documents ----

/// The documents that COS takes: what is accepted says the same when it is written as the service writes, and nothing
/// any more when its end is missing.
pub fn documents(bytes: &[u8]) {
    let parts = cos::listed_parts(bytes).ok();
    if let Some(parts) = &parts {
        assert!(!parts.is_empty());
        let written = cos::document("CompleteMultipartUpload", |root| {
            for (number, etag) in parts {
                assert!((1..=10_000).contains(&number.get()));
                root.nested("Part", |part| {
                    part.text("PartNumber", number.get());
                    part.text("ETag", format_args!("\"{etag}\""));
                });
            }
        });
        assert_eq!(cos::listed_parts(written.as_bytes()).as_ref().ok(), Some(parts), "{written}");
    }
    let deletion = cos::listed_keys(bytes).ok();
    if let Some(deletion) = &deletion {
        assert!((1..=1000).contains(&deletion.objects.len()));
        assert!(deletion.objects.iter().all(|(key, _)| !key.is_empty()));
        let written = cos::document("Delete", |root| {
            root.text("Quiet", deletion.quiet);
            for (key, version) in &deletion.objects {
                root.nested("Object", |object| {
                    object.text("Key", key);
                    object.optional("VersionId", version.as_ref());
                });
            }
        });
        assert_eq!(cos::listed_keys(written.as_bytes()).as_ref().ok(), Some(deletion), "{written}");
    }
    assert!(parts.is_none() || deletion.is_none(), "a document is of one kind");
    let accepted = parts.is_some() || deletion.is_some();
    if accepted && [&b"-->"[..], b"?>"].iter().all(|end| !bytes.trim_ascii_end().ends_with(end)) {
        let cut = bytes.trim_ascii_end().strip_suffix(b">").expect("the end of the root is the last thing");
        assert!(cos::listed_parts(cut).is_err() && cos::listed_keys(cut).is_err());
    }
}

// ---- documents of CAS ----

/// A job, an access policy or a notification configuration, by the first byte: what is refused is an error of the client and
/// changes nothing; what is accepted can be read again, and a job ends at once and is described as JSON.
pub fn jobs(bytes: &[u8]) {
    let Some((kind, document)) = bytes.split_first() else { return };
    let (method, path) = match kind {
        b'p' => ("PUT", "access-policy"),
        b'n' => ("PUT", "notification-configuration"),
        _ => ("POST", "jobs"),
    };
    let account = cos_emu::Config::default().account;
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    let mut store = furnished(now);
    let send = |store: &mut Store, method: &str, path: &str, body: &[u8]| {
        let head = Head {
            method: method.parse().expect("a method"),
            version: Version::Http11,
            authority: None,
            path: format!("/-/vaults/v/{path}"),
            query: Query::parse(""),
            headers: HeaderMap::new(),
        };
        let target = cas::route(&head, None).expect("an operation");
        let context = Context::of_owner(now, Identity::new(Seed(7), 1, 1), &account);
        let mut received = Received { content: body.to_vec().into(), ..Received::default() };
        received.source = cas::source(&target, &head, &received, store, &context).map(|(content, wanted)| {
            let mut hasher = Hasher::new(wanted);
            hasher.update(&content.to_bytes());
            (content, hasher.finish())
        });
        let outcome = cas::handle(&target, &head, &received, store, &context);
        let changed = !outcome.changes.is_empty();
        outcome.changes.into_iter().for_each(|change| store.apply(change));
        cas::settle(store, &account, now);
        (outcome.reply, changed)
    };
    let (reply, changed) = send(&mut store, method, path, document);
    if reply.status >= 400 {
        assert!((400..500).contains(&reply.status) && !changed, "{}", reply.status);
        return;
    }
    let Some(job) = reply.header("x-cas-job-id").map(|id| id.to_str().expect("text").to_owned()) else {
        let (read, _) = send(&mut store, "GET", path, b"");
        assert_eq!(read.status, 200, "what was set can be read");
        return;
    };
    let (described, _) = send(&mut store, "GET", &format!("jobs/{job}"), b"");
    let described: serde_json::Value =
        serde_json::from_slice(&described.body.to_bytes()).expect("it is JSON");
    assert_eq!(described["Completed"], true, "{described}");
    let (output, _) = send(&mut store, "GET", &format!("jobs/{job}/output"), b"");
    let has_output = described["StatusCode"] == "Succeeded"
        && ["ArchiveRetrieval", "InventoryRetrieval"].iter().any(|action| described["Action"] == *action);
    assert_eq!(output.status, if has_output { 200 } else { 404 }, "{described}");
}

/// A vault with an archive, and a bucket with an object.
fn furnished(now: Timestamp) -> Store {
    let mut store = Store::default();
    let (vault, bucket) = ("v".to_owned(), "b-1250000000".to_owned());
    store.apply(Change::CreateVault { vault: vault.clone(), region: "r".to_owned(), now });
    store.apply(Change::CreateBucket { bucket: bucket.clone(), region: "r".to_owned(), now });
    let content: Content = b"bytes".to_vec().into();
    let tree = TreeHasher::of(b"bytes");
    store.apply(Change::PutArchive {
        vault,
        archive: "a".to_owned(),
        content: content.clone(),
        tree,
        description: None,
        now,
    });
    let mut hasher = Hasher::new(Wanted { md5_and_crc64: true, ..Wanted::default() });
    hasher.update(b"bytes");
    let digests = hasher.finish();
    let object = Object {
        content,
        etag: Etag::Md5(digests.md5.expect("it was wanted")),
        crc64: digests.crc64.expect("it was wanted"),
        modified: now,
        metadata: Metadata::default(),
        kind: ObjectKind::Normal,
    };
    let (key, version) = ("k".to_owned(), VersionId::Null);
    store.apply(Change::PutObject { bucket, key, version, object: object.into() });
    store
}

// ---- forms ----

/// A form with the boundary `X`: its file ends where the first boundary behind it begins, however its bytes are cut, and fields and
/// file are read again from a form that is written with them.
pub fn forms(bytes: &[u8]) {
    let head = form_head();
    let content = Content::from(bytes.to_vec());
    let Ok(posted) = cos::PostedForm::read(&head, &content, Wanted::default()) else { return };
    let file = &bytes[posted.start as usize..];
    let expected = file.windows(5).position(|window| window == b"\r\n--X").map(|at| at as u64);
    for size in [1, 2, 3, 5, 64, usize::MAX] {
        let mut finder = posted.end_finder();
        let found = file.chunks(size.min(file.len().max(1))).find_map(|piece| finder.feed(piece));
        assert_eq!(found, expected, "cut into pieces of {size}");
    }
    let Ok(file) = posted.file(&content, expected) else { return };
    assert_eq!(Some(file.len()), expected);

    let mut written = Vec::new();
    for (name, value) in &posted.form.fields {
        if name.contains(['"', '\r', '\n', '%']) || name == "file" {
            return;
        }
        let part = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        written.extend_from_slice(part.as_bytes());
    }
    written.extend_from_slice(b"--X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n");
    written.extend_from_slice(&file.to_bytes());
    written.extend_from_slice(b"\r\n--X--\r\n");
    let content = Content::from(written);
    let again = cos::PostedForm::read(&head, &content, Wanted::default()).expect("it is a form");
    assert_eq!(again.form.fields, posted.form.fields);
    let again = again.file(&content, expected).expect("it has an end");
    assert_eq!(again.to_bytes(), file.to_bytes());
}

fn form_head() -> Head {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("multipart/form-data; boundary=X"));
    Head {
        method: Method::POST,
        version: Version::Http11,
        authority: None,
        path: "/".to_owned(),
        query: Query::parse(""),
        headers,
    }
}

// ---- signatures ----

const NOW: i64 = 1_700_000_000;
const KEY_ID: &str = "AKIDexample";
const KEY: &str = "example-key";

/// A signature in a line, and the request it is for: it means the same in the header, in the query and in `sign`, it
/// is that of the client that rules see, and signed as the refusal says it is valid.
pub fn authorization(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (signature, request) = bytes.split_at(end);
    let Ok(signature) = std::str::from_utf8(signature) else { return };
    let Some(head) = request.get(1..).and_then(head) else { return };
    means_the_same_in_each_place(signature, &head, ParameterForm::LowerCase);
    if head.decoded_path().is_ok() {
        means_the_same_in_each_place(signature, &head, ParameterForm::KeepCase);
    }
}

fn means_the_same_in_each_place(signature: &str, head: &Head, form: ParameterForm) {
    let Ok(header) = HeaderValue::from_bytes(signature.as_bytes()) else { return };
    let in_header = |header: HeaderValue| {
        let mut signed = head.clone();
        signed.headers.insert(header::AUTHORIZATION, header);
        signed
    };
    verdict(head, form);
    let found = verdict(&in_header(header), form);
    let is_of_a_signature = |(name, _): &(String, String)| name == "sign" || name.starts_with("q-");
    if head.headers.contains_key(header::AUTHORIZATION) || head.query.pairs().iter().any(is_of_a_signature) {
        return;
    }

    // A signature that covers the place it stands in is another one in another place.
    let pairs = pairs(signature);
    let covered = ["q-url-param-list", "q-header-list"].map(|list| field(&pairs, list).unwrap_or_default());
    let covered = percent_decode_str(&covered.join(";")).decode_utf8_lossy().to_lowercase();
    if ["sign", "q-", "authorization"].iter().any(|place| covered.contains(place)) {
        return;
    }
    let with =
        |query: &str| Head { query: Query::parse(&format!("{query}&{}", head.query.raw())), ..head.clone() };
    assert_eq!(verdict(&with(&format!("sign={}", encoded(signature))), form), found);
    let parameters: Vec<_> = pairs
        .iter()
        .filter(|(name, _)| name.starts_with("q-"))
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    assert_eq!(verdict(&with(&parameters.join("&")), form), found);

    let Verdict::Refused(Refusal::Mismatch { string_to_sign, format_string }) = found else { return };
    let hash = hex(&Sha1::digest(&format_string));
    let sign_time = field(&pairs, "q-sign-time").expect("it was verified");
    assert_eq!(string_to_sign, format!("sha1\n{sign_time}\n{hash}\n"));
    let sign_key = hmac_sha1(KEY, field(&pairs, "q-key-time").expect("it was verified"));
    let mut right = hmac_sha1(&sign_key, &string_to_sign);
    let verdict_of = |signature: &str| {
        let fields: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", if *name == "q-signature" { signature } else { value }))
            .collect();
        verdict(&in_header(HeaderValue::from_bytes(fields.join("&").as_bytes()).expect("it was one")), form)
    };
    assert_eq!(verdict_of(&right), Verdict::Valid);
    right.pop();
    assert!(matches!(verdict_of(&right), Verdict::Refused(Refusal::Mismatch { .. })));
}

/// What the strictest check says, after the others were compared with it.
fn verdict(head: &Head, form: ParameterForm) -> Verdict {
    let path = match form {
        ParameterForm::KeepCase => head.decoded_path().expect("only such a path is routed"),
        ParameterForm::LowerCase => head.path.clone(),
    };
    let credentials =
        HashMap::from([(KEY_ID.to_owned(), Secret { key: KEY.to_owned(), token: None, uin: None })]);
    let now = Timestamp::from_unix_seconds(NOW);
    let [off, lax, strict] = [AuthMode::Off, AuthMode::Check, AuthMode::Strict]
        .map(|mode| check(head, &path, &credentials, mode, form, now));
    assert_eq!(off, Verdict::NotChecked);
    match &strict {
        Verdict::Refused(Refusal::Missing) => assert_eq!(lax, Verdict::None),
        Verdict::Refused(Refusal::UnknownKey) => assert_eq!(lax, Verdict::UnknownKey),
        _ => {
            assert_eq!(lax, strict);
            assert_eq!(head.access_key_id(), Some(KEY_ID), "rules see another client than was verified");
        }
    }
    strict
}

/// The `name=value` pairs of a signature.
fn pairs(signature: &str) -> Vec<(&str, &str)> {
    // A blank before an `&` that none follows belongs to the value.
    signature_fields(signature).filter_map(|pair| pair.split_once('=')).collect()
}

fn field<'a>(pairs: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

fn hmac_sha1(key: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
