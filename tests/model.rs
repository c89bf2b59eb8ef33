//! COS held to a plain model: random sequences over buckets, objects, versions and uploads, each step compared with what a
//! few maps say.
//!
//! A failure prints the seed of its sequence and the shortest sequence that still fails. `COS_EMU_MODEL_STEPS` is how many steps are
//! taken in all, 10,000 when nothing is said.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use support::documents::{VERSIONING, completion, delete_many};
use support::{Answer, Request, Server, md5, pattern};

const MIB: usize = 1 << 20;
const BUCKETS: [&str; 2] = ["one-1250000000", "two-1250000000"];
const KEYS: [&str; 7] = ["a", "a/1", "a/2", "b", "b/c/d", "z 目+%", "z/"];
/// Sequences have so many steps.
const STEPS: usize = 200;

/// What one client does.
#[derive(Debug, Clone)]
enum Step {
    CreateBucket(usize),
    DeleteBucket(usize),
    SetVersioning(usize, bool),
    Put(usize, usize, Vec<u8>),
    Copy {
        from: (usize, usize),
        to: (usize, usize),
    },
    Get(usize, usize),
    /// The version in that place of the key's list, the newest first.
    GetVersion(usize, usize, usize),
    Delete(usize, usize),
    DeleteVersion(usize, usize, usize),
    DeleteMany(usize, Vec<usize>),
    List {
        bucket: usize,
        prefix: &'static str,
        delimiter: bool,
        max: usize,
    },
    ListVersions {
        bucket: usize,
        max: usize,
    },
    Initiate(usize, usize),
    /// An upload by its number, a part by its number, and whether it is large enough to have one behind it.
    PutPart(usize, u32, bool),
    ListParts(usize),
    Complete(usize, u32),
    Abort(usize),
}

/// What the service should hold, and what it should have answered last.
#[derive(Debug, Clone, Default)]
struct Model {
    buckets: BTreeMap<usize, Bucket>,
    /// Every upload there ever was.
    uploads: Vec<Upload>,
    /// How many versions there ever were.
    made: usize,
    expected: Expected,
}

#[derive(Debug, Clone, Default)]
struct Bucket {
    versioning: Option<bool>,
    /// By key, the newest version first. No list is empty.
    keys: BTreeMap<&'static str, Vec<Version>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Version {
    /// `None` is the version `null`.
    number: Option<usize>,
    /// `None` is a delete marker.
    body: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Upload {
    bucket: usize,
    key: usize,
    parts: BTreeMap<u32, Vec<u8>>,
    is_over: bool,
}

/// What a step leads to.
#[derive(Debug, Clone, Default, PartialEq)]
struct Expected {
    status: u16,
    code: &'static str,
    /// The bytes of a read.
    body: Option<Vec<u8>>,
    /// The version that was made.
    made: Option<usize>,
    /// The upload that was initiated.
    initiated: Option<usize>,
    /// The names of a list, in order.
    listed: Option<Vec<String>>,
}

const fn status(status: u16, code: &'static str) -> Expected {
    Expected { status, code, body: None, made: None, initiated: None, listed: None }
}

impl Bucket {
    fn newest(&self, key: &str) -> Option<&Version> {
        self.keys.get(key)?.first()
    }

    fn read(&self, key: &str) -> Option<&Vec<u8>> {
        self.newest(key)?.body.as_ref()
    }

    fn live(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|(_, versions)| versions[0].body.is_some()).map(|(key, _)| *key)
    }
}

impl Model {
    /// Puts a version in front, as the bucket's versioning says. Returns its number.
    fn add(&mut self, bucket: usize, key: usize, body: Option<Vec<u8>>) -> Option<usize> {
        let here = self.buckets.get_mut(&bucket).unwrap();
        let number = (here.versioning == Some(true)).then_some(self.made);
        self.made += 1;
        let versions = here.keys.entry(KEYS[key]).or_default();
        versions.retain(|version| version.number != number);
        versions.insert(0, Version { number, body });
        number
    }

    fn remove(&mut self, bucket: usize, key: usize, place: usize) {
        let here = self.buckets.get_mut(&bucket).unwrap();
        let versions = here.keys.get_mut(KEYS[key]).unwrap();
        versions.remove(place);
        if versions.is_empty() {
            here.keys.remove(KEYS[key]);
        }
    }

    fn delete(&mut self, bucket: usize, key: usize) -> Option<usize> {
        if self.buckets[&bucket].versioning.is_some() {
            return self.add(bucket, key, None);
        }
        self.buckets.get_mut(&bucket).unwrap().keys.remove(KEYS[key]);
        None
    }

    /// # Errors
    /// What is answered when the upload is not there.
    fn upload(&mut self, number: usize) -> Result<&mut Upload, Expected> {
        let upload = self.uploads.get_mut(number).filter(|upload| !upload.is_over);
        upload.ok_or(status(404, "NoSuchUpload"))
    }

    /// # Errors
    /// What is answered instead of a success.
    fn step(&mut self, step: &Step) -> Result<Expected, Expected> {
        const OK: Expected = status(200, "");
        const GONE: Expected = status(204, "");
        let needs = match step {
            Step::CreateBucket(_) => None,
            Step::DeleteBucket(bucket)
            | Step::SetVersioning(bucket, _)
            | Step::Put(bucket, ..)
            | Step::Get(bucket, _)
            | Step::GetVersion(bucket, ..)
            | Step::Delete(bucket, _)
            | Step::DeleteVersion(bucket, ..)
            | Step::DeleteMany(bucket, _)
            | Step::List { bucket, .. }
            | Step::ListVersions { bucket, .. }
            | Step::Initiate(bucket, _)
            | Step::Copy { to: (bucket, _), .. } => Some(*bucket),
            Step::PutPart(upload, ..)
            | Step::ListParts(upload)
            | Step::Complete(upload, _)
            | Step::Abort(upload) =>
            // One that never was is asked for in the first bucket.
            {
                Some(self.uploads.get(*upload).map_or(0, |upload| upload.bucket))
            }
        };
        if needs.is_some_and(|bucket| !self.buckets.contains_key(&bucket)) {
            return Err(status(404, "NoSuchBucket"));
        }
        Ok(match step {
            Step::CreateBucket(bucket) => {
                if self.buckets.contains_key(bucket) {
                    return Err(status(409, "BucketAlreadyOwnedByYou"));
                }
                self.buckets.insert(*bucket, Bucket::default());
                OK
            }
            Step::DeleteBucket(bucket) => {
                let has_uploads =
                    self.uploads.iter().any(|upload| upload.bucket == *bucket && !upload.is_over);
                if !self.buckets[bucket].keys.is_empty() || has_uploads {
                    return Err(status(409, "BucketNotEmpty"));
                }
                self.buckets.remove(bucket);
                GONE
            }
            Step::SetVersioning(bucket, on) => {
                self.buckets.get_mut(bucket).unwrap().versioning = Some(*on);
                OK
            }
            Step::Put(bucket, key, body) => {
                Expected { made: self.add(*bucket, *key, Some(body.clone())), ..OK }
            }
            Step::Copy { from, to } => {
                let source = self.buckets.get(&from.0).ok_or(status(404, "NoSuchBucket"))?;
                let body = source.read(KEYS[from.1]).ok_or(status(404, "NoSuchCopySource"))?.clone();
                if from == to {
                    return Err(status(400, "InvalidRequest"));
                }
                Expected { made: self.add(to.0, to.1, Some(body)), ..OK }
            }
            Step::Get(bucket, key) => {
                let body = self.buckets[bucket].read(KEYS[*key]).ok_or(status(404, "NoSuchKey"))?;
                Expected { body: Some(body.clone()), ..OK }
            }
            Step::GetVersion(bucket, key, place) => {
                let version =
                    self.buckets[bucket].keys.get(KEYS[*key]).and_then(|versions| versions.get(*place));
                let version = version.ok_or(status(404, "NoSuchVersion"))?;
                let body = version.body.clone().ok_or(status(404, "NoSuchKey"))?;
                Expected { body: Some(body), ..OK }
            }
            Step::Delete(bucket, key) => Expected { made: self.delete(*bucket, *key), ..GONE },
            Step::DeleteVersion(bucket, key, place) => {
                let versions = self.buckets[bucket].keys.get(KEYS[*key]);
                if versions.is_some_and(|versions| versions.len() > *place) {
                    self.remove(*bucket, *key, *place);
                }
                GONE
            }
            Step::DeleteMany(bucket, keys) => {
                for key in keys {
                    self.delete(*bucket, *key);
                }
                let listed = keys.iter().map(|key| KEYS[*key].to_owned()).collect();
                Expected { listed: Some(listed), ..OK }
            }
            Step::List { bucket, prefix, delimiter, .. } => {
                let mut names: Vec<String> = Vec::new();
                for key in self.buckets[bucket].live().filter(|key| key.starts_with(prefix)) {
                    let name = match key[prefix.len()..].find('/').filter(|_| *delimiter) {
                        Some(at) => &key[..prefix.len() + at + 1],
                        None => key,
                    };
                    if names.last().is_none_or(|last| last != name) {
                        names.push(name.to_owned());
                    }
                }
                Expected { listed: Some(names), ..OK }
            }
            Step::ListVersions { bucket, .. } => {
                let of_key = |(key, versions): (&&str, &Vec<Version>)| {
                    let kinds = versions.iter().map(|version| version.body.as_ref().map_or("-", |_| "+"));
                    kinds.map(|kind| format!("{kind}{key}")).collect::<Vec<_>>()
                };
                let listed = self.buckets[bucket].keys.iter().flat_map(of_key).collect();
                Expected { listed: Some(listed), ..OK }
            }
            Step::Initiate(bucket, key) => {
                self.uploads.push(Upload {
                    bucket: *bucket,
                    key: *key,
                    parts: BTreeMap::new(),
                    is_over: false,
                });
                Expected { initiated: Some(self.uploads.len() - 1), ..OK }
            }
            Step::PutPart(number, part, large) => {
                let body = part_body(*part, *large);
                self.upload(*number)?.parts.insert(*part, body);
                OK
            }
            Step::ListParts(number) => {
                let parts = self.upload(*number)?.parts.iter();
                let listed = parts.map(|(part, body)| format!("{part}:{}", md5(body))).collect();
                Expected { listed: Some(listed), ..OK }
            }
            Step::Complete(number, last) => {
                let upload = self.upload(*number)?;
                let parts: Vec<_> = (1..=*last).map(|part| upload.parts.get(&part)).collect();
                let Some(parts) = parts.into_iter().collect::<Option<Vec<_>>>() else {
                    return Err(status(400, "InvalidPart"));
                };
                if parts[..parts.len() - 1].iter().any(|body| body.len() < MIB) {
                    return Err(status(400, "EntityTooSmall"));
                }
                let body = parts.into_iter().flatten().copied().collect();
                upload.is_over = true;
                let (bucket, key) = (upload.bucket, upload.key);
                Expected { made: self.add(bucket, key, Some(body)), ..OK }
            }
            Step::Abort(number) => {
                self.upload(*number)?.is_over = true;
                GONE
            }
        })
    }
}

fn part_body(part: u32, large: bool) -> Vec<u8> {
    let mut body = pattern(if large { MIB } else { 10 });
    body[0] = part as u8;
    body
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(state: &Model) -> BoxedStrategy<Step> {
        let (bucket, key) = (0..BUCKETS.len(), 0..KEYS.len());
        let body = prop::collection::vec(any::<u8>(), 0..20);
        // Of uploads the last few, and now and then one that never was.
        let count = state.uploads.len();
        let upload = count.saturating_sub(4)..count + 1;
        prop_oneof![
            2 => bucket.clone().prop_map(Step::CreateBucket),
            1 => bucket.clone().prop_map(Step::DeleteBucket),
            1 => (bucket.clone(), any::<bool>()).prop_map(|(bucket, on)| Step::SetVersioning(bucket, on)),
            8 => (bucket.clone(), key.clone(), body).prop_map(|(bucket, key, body)| Step::Put(bucket, key, body)),
            3 => (bucket.clone(), key.clone(), bucket.clone(), key.clone())
                .prop_map(|(a, b, c, d)| Step::Copy { from: (a, b), to: (c, d) }),
            4 => (bucket.clone(), key.clone()).prop_map(|(bucket, key)| Step::Get(bucket, key)),
            3 => (bucket.clone(), key.clone(), 0_usize..3).prop_map(|(a, b, c)| Step::GetVersion(a, b, c)),
            4 => (bucket.clone(), key.clone()).prop_map(|(bucket, key)| Step::Delete(bucket, key)),
            3 => (bucket.clone(), key.clone(), 0_usize..3).prop_map(|(a, b, c)| Step::DeleteVersion(a, b, c)),
            1 => (bucket.clone(), prop::sample::subsequence((0..KEYS.len()).collect::<Vec<_>>(), 1..4))
                .prop_map(|(bucket, keys)| Step::DeleteMany(bucket, keys)),
            3 => (bucket.clone(), prop::sample::select(vec!["", "a", "a/", "z"]), any::<bool>(), 1_usize..4)
                .prop_map(|(bucket, prefix, delimiter, max)| Step::List { bucket, prefix, delimiter, max }),
            3 => (bucket.clone(), 1_usize..4).prop_map(|(bucket, max)| Step::ListVersions { bucket, max }),
            2 => (bucket, key).prop_map(|(bucket, key)| Step::Initiate(bucket, key)),
            4 => (upload.clone(), 1_u32..4, prop::bool::weighted(0.3)).prop_map(|(a, b, c)| Step::PutPart(a, b, c)),
            1 => upload.clone().prop_map(Step::ListParts),
            3 => (upload.clone(), 1_u32..3).prop_map(|(upload, last)| Step::Complete(upload, last)),
            1 => upload.prop_map(Step::Abort),
        ]
        .boxed()
    }

    fn apply(mut state: Model, step: &Step) -> Model {
        state.expected = state.step(step).unwrap_or_else(|error| error);
        state
    }
}

/// The service, and what its ids are to the model.
struct Service {
    server: Server,
    versions: BTreeMap<usize, String>,
    uploads: Vec<String>,
}

fn encoded(key: &str) -> String {
    percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn at(bucket: usize, key: usize, query: &str) -> String {
    format!("/{}/{}{query}", BUCKETS[bucket], encoded(KEYS[key]))
}

fn decoded(name: &str) -> String {
    percent_encoding::percent_decode_str(name).decode_utf8().unwrap().into_owned()
}

impl Service {
    /// Takes a step, with the model as it was before. Returns the answer, and what it lists.
    fn step(&self, before: &Model, step: &Step) -> (Answer, Option<Vec<String>>) {
        let server = &self.server;
        let send = |method: &str, target: &str| server.send(Request::new(method, target));
        let of_bucket = |bucket: &usize, query: &str| format!("/{}/{query}", BUCKETS[*bucket]);
        let version = |bucket: usize, key: usize, place: usize| {
            let versions = before.buckets.get(&bucket).and_then(|bucket| bucket.keys.get(KEYS[key]));
            match versions.and_then(|versions| versions.get(place)).map(|version| version.number) {
                Some(Some(number)) => format!("?versionId={}", self.versions[&number]),
                Some(None) => "?versionId=null".to_owned(),
                None => "?versionId=MTg0NDUxNTc1NjIzMTQ1MDAwODg".to_owned(),
            }
        };
        let upload = |number: &usize, query: &str| {
            let id = self.uploads.get(*number).map_or("0", String::as_str);
            let (bucket, key) =
                before.uploads.get(*number).map_or((0, 0), |upload| (upload.bucket, upload.key));
            at(bucket, key, &format!("?{query}uploadId={id}"))
        };
        let answer = match step {
            Step::CreateBucket(bucket) => send("PUT", &of_bucket(bucket, "")),
            Step::DeleteBucket(bucket) => send("DELETE", &of_bucket(bucket, "")),
            Step::SetVersioning(bucket, on) => {
                let document =
                    if *on { VERSIONING.to_owned() } else { VERSIONING.replace("Enabled", "Suspended") };
                server.send(Request::new("PUT", &of_bucket(bucket, "?versioning")).body(document))
            }
            Step::Put(bucket, key, body) => {
                server.send(Request::new("PUT", &at(*bucket, *key, "")).body(body))
            }
            Step::Copy { from, to } => {
                let source = at(from.0, from.1, "");
                server.send(Request::new("PUT", &at(to.0, to.1, "")).with("x-cos-copy-source", source))
            }
            Step::Get(bucket, key) => send("GET", &at(*bucket, *key, "")),
            Step::GetVersion(bucket, key, place) => {
                send("GET", &at(*bucket, *key, &version(*bucket, *key, *place)))
            }
            Step::Delete(bucket, key) => send("DELETE", &at(*bucket, *key, "")),
            Step::DeleteVersion(bucket, key, place) => {
                send("DELETE", &at(*bucket, *key, &version(*bucket, *key, *place)))
            }
            Step::DeleteMany(bucket, keys) => {
                let objects: String =
                    keys.iter().map(|key| format!("<Object><Key>{}</Key></Object>", KEYS[*key])).collect();
                let request = delete_many(&format!("<Delete>{objects}</Delete>"));
                let answer = server.send(request.retargeted(|_| of_bucket(bucket, "?delete")));
                let listed = answer.elements("Key");
                return (answer, Some(listed));
            }
            Step::List { bucket, prefix, delimiter, max } => {
                let delimiter = if *delimiter { "&delimiter=/" } else { "" };
                let query = format!("?encoding-type=url&prefix={prefix}{delimiter}&max-keys={max}");
                return self.pages(&of_bucket(bucket, &query), |page| {
                    let mut names = page.elements("Key");
                    // The first is that of the list itself, when it has one.
                    names.extend(page.elements("Prefix").into_iter().skip(usize::from(!prefix.is_empty())));
                    names.sort_by_key(|name| decoded(name));
                    let names = names.iter().map(|name| decoded(name)).collect();
                    (names, page.element("NextMarker").map(|marker| format!("&marker={marker}")))
                });
            }
            Step::ListVersions { bucket, max } => {
                return self.pages(
                    &of_bucket(bucket, &format!("?versions&encoding-type=url&max-keys={max}")),
                    |page| {
                        let text = page.text();
                        let kinds = text.lines().filter_map(|line| match line.trim() {
                            "<Version>" => Some("+"),
                            "<DeleteMarker>" => Some("-"),
                            _ => None,
                        });
                        let names = kinds
                            .zip(page.elements("Key"))
                            .map(|(kind, key)| kind.to_owned() + &decoded(&key));
                        let next = page.element("NextKeyMarker").map(|key| {
                            let id = page.element("NextVersionIdMarker").unwrap_or_default();
                            format!("&key-marker={key}&version-id-marker={id}")
                        });
                        (names.collect(), next)
                    },
                );
            }
            Step::Initiate(bucket, key) => send("POST", &at(*bucket, *key, "?uploads")),
            Step::PutPart(number, part, large) => {
                let target = upload(number, &format!("partNumber={part}&"));
                server.send(Request::new("PUT", &target).body(part_body(*part, *large)))
            }
            Step::ListParts(number) => {
                let answer = send("GET", &upload(number, ""));
                let etags = answer.elements("ETag");
                let etags = etags.iter().map(|etag| etag.replace("&quot;", ""));
                let listed = answer
                    .elements("PartNumber")
                    .iter()
                    .zip(etags)
                    .map(|(part, etag)| format!("{part}:{etag}"))
                    .collect();
                return (answer, Some(listed));
            }
            Step::Complete(number, last) => {
                let parts = before.uploads.get(*number).map(|upload| &upload.parts);
                let etag =
                    |part| parts.and_then(|parts| parts.get(&part)).map(|body| md5(body)).unwrap_or_default();
                let etags: Vec<(u32, String)> = (1..=*last).map(|part| (part, etag(part))).collect();
                let list: Vec<(u32, &str)> =
                    etags.iter().map(|(part, etag)| (*part, etag.as_str())).collect();
                server.send(Request::new("POST", &upload(number, "")).body(completion(&list)))
            }
            Step::Abort(number) => send("DELETE", &upload(number, "")),
        };
        (answer, None)
    }

    /// A list in all of its pages, and the last of them.
    fn pages(
        &self,
        target: &str,
        read: impl Fn(&Answer) -> (Vec<String>, Option<String>),
    ) -> (Answer, Option<Vec<String>>) {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let page = self.server.send(Request::new("GET", &format!("{target}{next}")));
            if page.status != 200 {
                return (page, None);
            }
            let (names, more) = read(&page);
            all.extend(names);
            match more {
                Some(more) => next = more,
                None => return (page, Some(all)),
            }
        }
    }

    /// Takes a step and compares it with the model; `after` is the model behind it.
    fn check(&mut self, before: &Model, step: &Step, after: &Model) {
        let (answer, listed) = self.step(before, step);
        let expected = &after.expected;
        let code = if answer.status < 400 { String::new() } else { answer.code() };
        assert_eq!(
            (answer.status, code.as_str()),
            (expected.status, expected.code),
            "{step:?}\n{}",
            answer.head
        );
        if let Some(body) = &expected.body {
            assert!(answer.body == *body, "{step:?}: another body");
            let etag = answer.header("ETag").unwrap().trim_matches('"').to_owned();
            assert!(etag.contains('-') || etag == md5(body), "{step:?}: {etag}");
        }
        if let Some(expected) = &expected.listed {
            assert_eq!(listed.as_ref(), Some(expected), "{step:?}");
        }
        if expected.initiated.is_some() {
            self.uploads.push(answer.element("UploadId").unwrap());
        }
        if let Some(number) = expected.made {
            let id =
                answer.header("x-cos-version-id").map(str::to_owned).or_else(|| answer.element("VersionId"));
            self.versions
                .insert(number, id.unwrap_or_else(|| panic!("{step:?} names no version\n{}", answer.head)));
        }
        if let Step::DeleteMany(bucket, keys) = step
            && after.buckets.get(bucket).is_some_and(|bucket| bucket.versioning == Some(true))
        {
            let ids = answer.elements("DeleteMarkerVersionId");
            for (key, id) in keys.iter().zip(ids) {
                let number = after.buckets[bucket].newest(KEYS[*key]).and_then(|version| version.number);
                self.versions.insert(number.unwrap(), id);
            }
        }
    }
}

#[test]
fn every_sequence_is_answered_as_the_model_says() {
    let steps: usize = std::env::var("COS_EMU_MODEL_STEPS").map_or(10_000, |steps| steps.parse().unwrap());
    let seed: u64 = std::env::var("COS_EMU_MODEL_SEED").map_or(0x5eed, |seed| seed.parse().unwrap());
    eprintln!("COS_EMU_MODEL_SEED={seed} COS_EMU_MODEL_STEPS={steps}");
    let config = Config {
        cases: u32::try_from(steps.div_ceil(STEPS)).unwrap(),
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let sequences = Model::sequential_strategy(STEPS);
    let outcome = TestRunner::new(config).run(&sequences, |(initial, steps, seen)| {
        let mut service = Service { server: Server::start(), versions: BTreeMap::new(), uploads: Vec::new() };
        let mut model = initial;
        for step in steps {
            // Only what was seen is shortened.
            if let Some(seen) = &seen {
                seen.fetch_add(1, Ordering::SeqCst);
            }
            let after = Model::apply(model.clone(), &step);
            service.check(&model, &step, &after);
            model = after;
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("COS_EMU_MODEL_SEED={seed}: {failure}"));
}
