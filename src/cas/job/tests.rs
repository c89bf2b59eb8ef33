//! Jobs without a socket: what is refused, what is described, and when.

use std::time::Duration;

use serde_json::{Value, json};

use super::output::output_range;
use super::*;
use crate::cas;
use crate::chance::{Identity, Seed};
use crate::clock::Timestamp;
use crate::code::CasCode;
use crate::digest::{Hasher, Tree, TreeHasher};
use crate::message::tests::head;
use crate::message::{Account, Context};
use crate::store::{JobCompletion, Store};

const MIB: u64 = 1 << 20;

/// A store with the vault `v`, and a clock that the test moves.
struct World {
    store: Store,
    account: Account,
    now: Timestamp,
    requests: u32,
}

impl World {
    fn new(jobs: JobCompletion) -> Self {
        let account = Account {
            appid: "1250000000".to_owned(),
            region: "ap-chengdu".to_owned(),
            default_bucket: None,
            jobs,
            etag: Default::default(),
            cas: Default::default(),
            redirect_hosts: Vec::new(),
        };
        let now = Timestamp::from_unix_seconds(1_500_000_000);
        let mut store = Store::default();
        store.apply(Change::CreateVault { vault: "v".to_owned(), region: account.region.clone(), now });
        World { store, account, now, requests: 0 }
    }

    /// The answer, after what it changes was applied.
    fn send(&mut self, method: &str, path: &str, body: &[u8], lines: &[(&str, &str)]) -> Reply {
        self.requests += 1;
        let head = head(method, &format!("/-/vaults/v/{path}"), lines);
        let target = cas::route(&head, None).unwrap();
        let identity = Identity::new(Seed(7), 1, self.requests);
        let context = Context::of_owner(self.now, identity, &self.account);
        let mut received = Received { content: body.to_vec().into(), ..Received::default() };
        if let Some((content, wanted)) = cas::source(&target, &head, &received, &self.store, &context) {
            let digests = Hasher::of(&content.to_bytes(), wanted);
            received.source = Some((content, digests));
        }
        let outcome = cas::handle(&target, &head, &received, &self.store, &context);
        outcome.changes.into_iter().for_each(|change| self.store.apply(change));
        cas::settle(&mut self.store, &self.account, self.now);
        outcome.reply
    }

    fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, b"", &[])
    }

    fn document(&mut self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{:?}", reply.body.to_bytes());
        serde_json::from_slice(&reply.body.to_bytes()).unwrap()
    }

    /// Starts a job and returns its id.
    fn start(&mut self, body: &Value) -> String {
        let reply = self.send("POST", "jobs", body.to_string().as_bytes(), &[]);
        assert_eq!(reply.status, 202, "{:?}", reply.body.to_bytes());
        reply.header("x-cas-job-id").unwrap().to_str().unwrap().to_owned()
    }

    fn refuses(&mut self, body: &Value, code: CasCode) {
        self.refuses_bytes(body.to_string().as_bytes(), code);
    }

    fn refuses_bytes(&mut self, body: &[u8], code: CasCode) {
        let reply = self.send("POST", "jobs", body, &[]);
        let start = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!((reply.status, reply.code.as_deref()), (code.status(), Some(code.name())), "{start}");
    }

    fn put_archive(&mut self, id: &str, content: Content, description: Option<&str>) {
        // Whole leaves are zeros here, and hashed once.
        let leaf = TreeHasher::of(&[0; MIB as usize]);
        let tail = TreeHasher::of(&content.slice(content.len() / MIB * MIB..content.len()).to_bytes());
        let leaves = std::iter::repeat_n(&leaf, (content.len() / MIB) as usize).chain([&tail]);
        self.store.apply(Change::PutArchive {
            vault: "v".to_owned(),
            archive: id.to_owned(),
            content,
            tree: Tree::concat(leaves).unwrap(),
            description: description.map(str::to_owned),
            now: self.now,
        });
    }

    fn delete_archive(&mut self, id: &str) {
        let (vault, archive) = ("v".to_owned(), id.to_owned());
        self.store.apply(Change::DeleteArchive { vault, archive, now: self.now });
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 60 * 60)
}

/// So many bytes, of which only the first MiB is in memory.
fn zeros(size: u64) -> Content {
    let piece = Content::from(vec![0; MIB as usize]);
    let whole = Content::concat(std::iter::repeat_n(&piece, (size / MIB) as usize));
    Content::concat([&whole, &piece.slice(0..size % MIB)])
}

fn archive_job(archive: &str) -> Value {
    json!({ "Type": "archive-retrieval", "ArchiveId": archive })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[test]
fn an_output_can_be_read_for_24_hours_after_the_job_was_completed() {
    let mut world = World::new(JobCompletion::After(hours(4)));
    world.put_archive("a", b"abc".to_vec().into(), None);
    let id = world.start(&archive_job("a"));
    let output = format!("jobs/{id}/output");
    world.wait(hours(4) - Duration::from_millis(1));
    let reply = world.get(&output);
    assert_eq!((reply.status, reply.code.as_deref()), (400, Some("InvalidParameterValueException")));
    assert_eq!(world.document(&format!("jobs/{id}"))["StatusCode"], "InProgress");
    world.wait(Duration::from_millis(1));
    assert_eq!(world.get(&output).body.to_bytes(), "abc");
    assert_eq!(world.document(&format!("jobs/{id}"))["CompletionDate"], "2017-07-14T06:40:00.000Z");
    world.delete_archive("a");
    world.wait(hours(24));
    assert_eq!(world.get(&output).body.to_bytes(), "abc", "also when the archive was deleted");
    world.wait(Duration::from_millis(1));
    for path in [output, format!("jobs/{id}")] {
        let reply = world.get(&path);
        assert_eq!((reply.status, reply.code.as_deref()), (404, Some("ResourceNotFoundException")));
    }
    assert_eq!(world.document("jobs")["JobList"], json!([]));
}

#[test]
fn lists_and_outputs_do_not_count_as_descriptions() {
    let mut world = World::new(JobCompletion::AfterDescribes(2));
    let id = world.start(&json!({ "Type": "inventory-retrieval" }));
    for _ in 0..3 {
        assert_eq!(world.document("jobs")["JobList"][0]["StatusCode"], "InProgress");
        assert_eq!(world.get(&format!("jobs/{id}/output")).status, 400);
    }
    let status = |world: &mut World| world.document(&format!("jobs/{id}"))["StatusCode"].clone();
    assert_eq!(
        [status(&mut world), status(&mut world), status(&mut world)],
        ["InProgress", "Succeeded", "Succeeded"]
    );
    assert_eq!(world.get(&format!("jobs/{id}/output")).status, 200);
}

/// A setting that changes later is for later jobs.
#[test]
fn a_job_keeps_the_setting_it_was_made_under() {
    let mut world = World::new(JobCompletion::AfterDescribes(9));
    let id = world.start(&json!({ "Type": "inventory-retrieval" }));
    world.account.jobs = JobCompletion::Immediately;
    assert_eq!(world.document(&format!("jobs/{id}"))["Completed"], false);
}

#[test]
fn the_retrieval_of_a_deleted_archive_is_accepted_and_fails() {
    let mut world = World::new(JobCompletion::After(hours(4)));
    world.put_archive("a", b"abc".to_vec().into(), None);
    world.delete_archive("a");
    let id = world.start(&with(archive_job("a"), "RetrievalByteRange", json!("0-2")));
    world.refuses(&archive_job("b"), CasCode::ResourceNotFoundException);
    world.refuses(
        &with(archive_job("a"), "RetrievalByteRange", json!("x")),
        CasCode::InvalidParameterValueException,
    );
    assert_eq!(world.document(&format!("jobs/{id}"))["StatusCode"], "InProgress");
    world.wait(hours(4));
    let job = world.document(&format!("jobs/{id}"));
    assert_eq!((&job["StatusCode"], &job["Completed"]), (&json!("Failed"), &json!(true)));
    assert_eq!(job["ArchiveId"], "a");
    for unknown in ["ArchiveSizeInBytes", "RetrievalByteRange", "SHA256TreeHash", "ArchiveSHA256TreeHash"] {
        assert!(job[unknown].is_null(), "{unknown}");
    }
    let reply = world.get(&format!("jobs/{id}/output"));
    assert_eq!((reply.status, reply.code.as_deref()), (404, Some("ResourceNotFoundException")));
    assert_eq!(world.document("jobs?statuscode=Failed")["JobList"][0]["JobId"], id);
    assert_eq!(world.document("jobs?statuscode=Succeeded")["JobList"], json!([]));
}

#[test]
fn an_expedited_retrieval_has_at_most_256_mib() {
    let mut world = World::new(JobCompletion::Immediately);
    world.put_archive("a", zeros(MAX_EXPEDITED_BYTES + 1), None);
    let expedited = with(archive_job("a"), "Tier", json!("Expedited"));
    let part = |range: &str| with(expedited.clone(), "RetrievalByteRange", json!(range));
    world.refuses(&expedited, CasCode::InvalidParameterValueException);
    world.refuses(&part("0-"), CasCode::InvalidParameterValueException);
    world.start(&part("0-268435455"));
    world.start(&part("1048576-"));
    world.start(&with(archive_job("a"), "Tier", json!("Bulk")));
}

#[test]
fn ranges_of_an_archive_are_aligned_or_refused() {
    let mut world = World::new(JobCompletion::Immediately);
    let size = 3 * MIB + 5;
    world.put_archive("a", zeros(size), None);
    let ranged = |range: &str| with(archive_job("a"), "RetrievalByteRange", json!(range));
    for (range, described) in [
        ("0-3145732", "0-3145732"),
        ("0-1048575", "0-1048575"),
        ("1048576-3145727", "1048576-3145727"),
        ("3145728-3145732", "3145728-3145732"),
        ("1048576-", "1048576-3145732"),
        ("0-", "0-3145732"),
        // Empty and null are as if absent.
        ("", "0-3145732"),
    ] {
        let id = world.start(&ranged(range));
        assert_eq!(world.document(&format!("jobs/{id}"))["RetrievalByteRange"], described, "{range}");
    }
    for range in [
        "1-1048575",
        "0-1048576",
        "0-3145733",
        "0-4194303",
        "4194304-",
        "4194304-4194304",
        "1048576-1048575",
        "1048576-0",
        "0-18446744073709551615",
        "0-18446744073709551616",
        "18446744073709551615-",
        "-",
        "-1048575",
        "--",
        "0",
        "bytes=0-1048575",
        "0-1048575/*",
        "0 - 1048575",
        "+0-1048575",
        "0-+1048575",
        "0x0-0xfffff",
        "0-1048575,2097152-3145727",
        "０-１",
        "\u{0}",
    ] {
        world.refuses(&ranged(range), CasCode::InvalidParameterValueException);
    }
}

#[test]
fn a_body_that_is_wrong_is_an_error_of_the_service_and_starts_nothing() {
    let mut world = World::new(JobCompletion::Immediately);
    world.put_archive("a", b"abc".to_vec().into(), None);
    let deep = "[".repeat(200_000);
    for body in ["", "x", "[]", "null", "\"archive-retrieval\"", "{", "{\"Type\":}", &deep] {
        world.refuses_bytes(body.as_bytes(), CasCode::SerializationException);
    }
    world.refuses_bytes(b"{\"Type\": \"\xff\"}", CasCode::SerializationException);

    let missing = CasCode::MissingParameterValueException;
    world.refuses(&json!({}), missing);
    world.refuses(&json!({ "type": "archive-retrieval" }), missing);
    world.refuses(&json!({ "Type": null }), missing);
    world.refuses(&json!({ "Type": "archive-retrieval" }), missing);
    world.refuses(&json!({ "Type": "archive-retrieval", "ArchiveId": "" }), missing);

    let invalid = CasCode::InvalidParameterValueException;
    let values = [json!(5), json!(true), json!([]), json!(["a"]), json!({}), json!(-1.5)];
    for value in &values {
        world.refuses(&json!({ "Type": value }), invalid);
        for name in ["ArchiveId", "RetrievalByteRange", "Tier", "Description", "CallBackUrl"] {
            world.refuses(&with(archive_job("a"), name, value.clone()), invalid);
        }
    }
    for kind in ["Archive-Retrieval", "select", " archive-retrieval", "\u{0}"] {
        world.refuses(&json!({ "Type": kind }), invalid);
    }
    for tier in ["standard", "Fast"] {
        world.refuses(&with(archive_job("a"), "Tier", json!(tier)), invalid);
    }
    world.refuses(&with(archive_job("a"), "Description", json!("d".repeat(1025))), invalid);
    world.refuses(&with(archive_job("a"), "CallBackUrl", json!("ftp://x")), invalid);
    world.refuses(&archive_job("never"), CasCode::ResourceNotFoundException);
    assert_eq!(world.document("jobs")["JobList"], json!([]));

    let odd =
        json!({ "Unknown": { "a": [1] }, "Description": "d".repeat(1024), "Tier": null, "CallBackUrl": "" });
    let mut body = archive_job("a");
    odd.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
    world.start(&body);
}

#[test]
fn what_is_wrong_with_an_inventory_is_said() {
    let mut world = World::new(JobCompletion::Immediately);
    let inventory = || json!({ "Type": "inventory-retrieval" });
    let limited =
        |name: &str, value: Value| with(inventory(), "InventoryRetrievalParameters", json!({ name: value }));
    let invalid = CasCode::InvalidParameterValueException;
    for format in [json!("XML"), json!("json"), json!(1), json!([])] {
        world.refuses(&with(inventory(), "Format", format), invalid);
    }
    for parameters in [json!([]), json!("x"), json!(1), json!(true)] {
        world.refuses(&with(inventory(), "InventoryRetrievalParameters", parameters), invalid);
    }
    let limits =
        [json!(0), json!("0"), json!(10_001), json!(-1), json!(1.5), json!(1e300), json!("x"), json!([])];
    for limit in limits.iter().chain(&[json!("99999999999999999999"), json!(" 1"), json!(true)]) {
        world.refuses(&limited("Limit", limit.clone()), invalid);
    }
    for date in
        [json!("yesterday"), json!("2017-08-29"), json!("2017-08-29T07:34:28+08:00"), json!(0), json!({})]
    {
        world.refuses(&limited("StartDate", date.clone()), invalid);
        world.refuses(&limited("EndDate", date), invalid);
    }
    world.refuses(&limited("Marker", json!(1)), invalid);
    for limit in [json!(1), json!("10000"), json!(null), json!("")] {
        world.start(&limited("Limit", limit));
    }
    world.start(&limited("Unknown", json!(1)));
    world.start(&with(inventory(), "InventoryRetrievalParameters", json!(null)));
}

#[test]
fn inventories_go_on_where_the_one_before_ended() {
    let mut world = World::new(JobCompletion::AfterDescribes(2));
    for id in ["c", "a", "e", "b", "d"] {
        world.put_archive(id, b"x".to_vec().into(), None);
    }
    for size in 1..=6 {
        let (mut ids, mut marker) = (Vec::new(), Value::Null);
        loop {
            let asked = json!({ "Limit": size.to_string(), "Marker": marker });
            let body = json!({ "Type": "inventory-retrieval", "InventoryRetrievalParameters": asked });
            let id = world.start(&body);
            let running = world.document(&format!("jobs/{id}"));
            assert_eq!(running["InventorySizeInBytes"], 0);
            assert_eq!(running["InventoryRetrievalParameters"]["Marker"], marker);
            let job = world.document(&format!("jobs/{id}"));
            let output = world.get(&format!("jobs/{id}/output"));
            assert_eq!(job["InventorySizeInBytes"], output.body.len());
            assert_eq!(job["InventoryRetrievalParameters"]["Limit"], size);
            assert!(output.header("x-cas-sha256-tree-hash").is_none());
            let inventory: Value = serde_json::from_slice(&output.body.to_bytes()).unwrap();
            let listed = inventory["ArchiveList"].as_array().unwrap();
            assert!(listed.len() <= size);
            ids.extend(listed.iter().map(|entry| entry["ArchiveId"].as_str().unwrap().to_owned()));
            marker = job["InventoryRetrievalParameters"]["Marker"].clone();
            if marker.is_null() {
                break;
            }
            assert_eq!(marker, ids.last().unwrap().as_str());
        }
        assert_eq!(ids, ["a", "b", "c", "d", "e"], "{size}");
    }
}

#[test]
fn an_inventory_is_that_of_its_initiation_and_both_its_dates_are_included() {
    let mut world = World::new(JobCompletion::After(hours(4)));
    for id in ["a", "b", "c"] {
        world.put_archive(id, b"x".to_vec().into(), None);
        world.wait(hours(1));
    }
    let between = |from: &str, until: &str| {
        let dates = json!({ "StartDate": from, "EndDate": until });
        json!({ "Type": "inventory-retrieval", "InventoryRetrievalParameters": dates })
    };
    let cases = [
        (between("2017-07-14T02:40:00Z", "2017-07-14T04:40:00Z"), vec!["a", "b", "c"]),
        (between("2017-07-14T02:40:01Z", "2017-07-14T04:39:59Z"), vec!["b"]),
        (between("2017-07-14T04:40:00.000Z", ""), vec!["c"]),
        (between("", "2017-07-14T02:40:00Z"), vec!["a"]),
        (between("2018-01-01T00:00:00Z", "2017-01-01T00:00:00Z"), vec![]),
    ];
    let jobs: Vec<_> = cases.iter().map(|(body, _)| world.start(body)).collect();
    world.delete_archive("a");
    world.put_archive("d", b"x".to_vec().into(), None);
    world.wait(hours(4));
    for (id, (body, expected)) in jobs.iter().zip(&cases) {
        let inventory = world.document(&format!("jobs/{id}/output"));
        let ids: Vec<_> = inventory["ArchiveList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["ArchiveId"].as_str().unwrap())
            .collect();
        assert_eq!(ids, *expected, "{body}");
        assert_eq!(inventory["InventoryDate"], "2017-07-14T05:40:00.000Z");
    }
}

#[test]
fn a_json_inventory_of_any_length_is_laid_out_as_every_document() {
    let mut world = World::new(JobCompletion::Immediately);
    for count in [0, 1, 2, 400] {
        for number in 0..count {
            let description = Some("a \"quoted\" one").filter(|_| number % 2 == 0);
            world.put_archive(&format!("a{number}"), b"x".to_vec().into(), description);
        }
        let id = world.start(&json!({ "Type": "inventory-retrieval" }));
        let text = world.get(&format!("jobs/{id}/output")).body.to_bytes();
        let document: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(document["ArchiveList"].as_array().unwrap().len(), count);
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), json::styled(&document), "{count}");
    }
}

#[test]
fn a_csv_inventory_has_five_columns_and_escapes_descriptions() {
    let mut world = World::new(JobCompletion::Immediately);
    world.put_archive("a", b"abc".to_vec().into(), Some(r#"one, "two" \ three"#));
    world.put_archive("b", b"x".to_vec().into(), None);
    let id = world.start(&json!({ "Type": "inventory-retrieval", "Format": "CSV" }));
    let output = world.get(&format!("jobs/{id}/output"));
    assert_eq!(output.header("Content-Type").unwrap(), "text/csv");
    let tree = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(
        output.body.to_bytes(),
        format!(
            "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n\
             a,\"one, \\\"two\\\" \\\\ three\",2017-07-14T02:40:00.000Z,3,{of_abc}\n\
             b,\"\",2017-07-14T02:40:00.000Z,1,{tree}\n"
        )
    );
}

#[test]
fn ranges_of_an_output_of_ten_bytes_are_read_or_refused() {
    for (header, range) in [
        ("bytes=0-9", Some(0..10)),
        ("bytes=2-5", Some(2..6)),
        ("bytes=9-9", Some(9..10)),
        ("Bytes=2-", Some(2..10)),
        ("bytes=0-10", None),
        ("bytes=10-", None),
        ("bytes=10-10", None),
        ("bytes=5-2", None),
        ("bytes=-3", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("", None),
        ("bytes=0-1,3-4", None),
        ("bytes=+1-2", None),
        ("bytes= 1-2", None),
        ("bytes 0-1", None),
        ("items=0-1", None),
        ("bytes=0-18446744073709551615", None),
        ("bytes=18446744073709551616-", None),
    ] {
        assert_eq!(output_range(header, 10).ok(), range, "{header}");
    }
    assert!(output_range("bytes=0-", 0).is_err());
}

#[test]
fn lists_are_filtered_and_paged() {
    let mut world = World::new(JobCompletion::Immediately);
    let inventory = json!({ "Type": "inventory-retrieval" });
    let mut done: Vec<_> = (0..3).map(|_| world.start(&inventory)).collect();
    world.account.jobs = JobCompletion::AfterDescribes(9);
    let mut running: Vec<_> = (0..2).map(|_| world.start(&inventory)).collect();
    let mut all = [done.clone(), running.clone()].concat();
    for ids in [&mut done, &mut running, &mut all] {
        ids.sort();
    }
    let mut list = |query: &str| {
        let page = world.document(&format!("jobs?{query}"));
        let jobs = page["JobList"].as_array().unwrap().iter();
        let ids: Vec<String> = jobs.map(|job| job["JobId"].as_str().unwrap().to_owned()).collect();
        (ids, page["Marker"].as_str().map(str::to_owned))
    };
    assert_eq!(list(""), (all.clone(), None));
    assert_eq!(list("completed=&statuscode=&limit=&marker="), (all.clone(), None));
    assert_eq!(list("completed=true"), (done.clone(), None));
    assert_eq!(list("completed=False"), (running.clone(), None));
    assert_eq!(list("statuscode=Succeeded"), (done.clone(), None));
    assert_eq!(list("statuscode=InProgress"), (running.clone(), None));
    assert_eq!(list("statuscode=Failed"), (vec![], None));
    assert_eq!(list("completed=true&statuscode=InProgress"), (vec![], None));
    for (query, expected) in [("", &all), ("&completed=true", &done), ("&statuscode=InProgress", &running)] {
        for limit in 1..=6 {
            let (mut ids, mut marker) = (Vec::new(), String::new());
            loop {
                let (page, next) = list(&format!("limit={limit}&marker={marker}{query}"));
                assert!(page.len() <= limit);
                ids.extend(page);
                match next {
                    Some(next) => marker = next,
                    None => break,
                }
            }
            assert_eq!(ids, *expected, "{query} {limit}");
        }
    }
    for query in ["completed=x", "statuscode=succeeded", "statuscode=x", "limit=0", "limit=1001", "limit=x"] {
        let reply = world.get(&format!("jobs?{query}"));
        assert_eq!(reply.code.as_deref(), Some("InvalidParameterValueException"), "{query}");
    }
}
