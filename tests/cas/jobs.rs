//! Jobs that retrieve archives and inventories, through a socket.

use super::copies::advance;
use super::*;

/// Starts a job and returns its id.
pub fn start_job(server: &Server, body: Value) -> String {
    let answer = server.send(Request::cas("POST", "jobs").body(body.to_string()));
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(answer.body.is_empty() && answer.header("Content-Type").is_none());
    let id = answer.header("x-cas-job-id").unwrap();
    assert_eq!(id.len(), 64);
    assert_eq!(answer.header("Location"), Some(format!("/1250000000/vaults/{VAULT}/jobs/{id}").as_str()));
    id.to_owned()
}

pub fn describe_job(server: &Server, id: &str) -> Value {
    document(&server.send(Request::cas("GET", &format!("jobs/{id}"))))
}

pub fn job_output(server: &Server, id: &str, range: &str) -> Answer {
    let request = Request::cas("GET", &format!("jobs/{id}/output"));
    server.send(if range.is_empty() { request } else { request.with("Range", range) })
}

/// What the command line of the official client looks at without a default.
const JOB_MEMBERS: &[&str] = &[
    "JobId",
    "Action",
    "StatusCode",
    "StatusMessage",
    "ArchiveId",
    "ArchiveSizeInBytes",
    "SHA256TreeHash",
    "ArchiveSHA256TreeHash",
    "RetrievalByteRange",
    "Completed",
    "CompletionDate",
    "CreationDate",
    "InventorySizeInBytes",
    "JobDescription",
    "Tier",
    "VaultQCS",
];

pub fn frozen(config: &mut cos_emu::Config) {
    config.clock = cos_emu::Clock::Frozen(cos_emu::Timestamp::from_unix_seconds(1_500_000_000));
}

#[test]
fn an_archive_is_retrieved() {
    let server = Server::configured(frozen);
    let bytes = pattern(2 * MIB + 5);
    let archive = upload_archive(&server, &bytes).header("x-cas-archive-id").unwrap().to_owned();
    let id =
        start_job(&server, json!({ "Type": "archive-retrieval", "ArchiveId": archive, "Description": "目" }));
    let job = describe_job(&server, &id);
    assert_eq!(
        job,
        json!({
            "Action": "ArchiveRetrieval",
            "ArchiveId": archive,
            "ArchiveSHA256TreeHash": tree(&bytes),
            "ArchiveSizeInBytes": bytes.len(),
            "CallBackUrl": null,
            "Completed": true,
            "CompletionDate": "2017-07-14T02:40:00.000Z",
            "CreationDate": "2017-07-14T02:40:00.000Z",
            "InventoryRetrievalParameters": null,
            "InventorySizeInBytes": null,
            "JobDescription": "目",
            "JobId": id,
            "RetrievalByteRange": "0-2097156",
            "SHA256TreeHash": tree(&bytes),
            "StatusCode": "Succeeded",
            "StatusMessage": "Succeeded",
            "Tier": "Standard",
            "VaultQCS": format!("qcs:id/0:cas:ap-guangzhou:uid/1250000000:vaults/{VAULT}"),
        })
    );
    assert!(JOB_MEMBERS.iter().all(|name| job.get(name).is_some()));
    assert_eq!(
        document(&server.send(Request::cas("GET", "jobs"))),
        json!({ "JobList": [job], "Marker": null })
    );

    let output = job_output(&server, &id, "");
    assert_eq!(output.status, 200);
    assert_eq!(output.header("Content-Type"), Some("application/octet-stream"));
    assert_eq!(output.header("Content-Range"), None);
    assert_eq!(output.header("x-cas-sha256-tree-hash"), Some(tree(&bytes).as_str()));
    assert_eq!(output.body, bytes);

    let entry = server.journal().pop().unwrap();
    assert_eq!(
        (entry.op, entry.job.as_deref(), entry.upload),
        (Some("GetJobOutput"), Some(id.as_str()), None)
    );
}

/// The rows of `cas.md` 3.4: the hash is there when the range of the job and that of the answer are sub-trees.
#[test]
fn an_output_is_read_in_ranges_with_a_tree_hash_where_there_is_one() {
    let server = Server::start();
    let bytes = pattern(6 * MIB + MIB / 2);
    let archive = upload_archive(&server, &bytes).header("x-cas-archive-id").unwrap().to_owned();
    for (first, last, has_hash) in [
        (0, bytes.len() - 1, true),
        (0, 4 * MIB - 1, true),
        (4 * MIB, bytes.len() - 1, true),
        (2 * MIB, 4 * MIB - 1, true),
        (6 * MIB, bytes.len() - 1, true),
        (MIB, 3 * MIB - 1, false),
        (0, 3 * MIB - 1, false),
        (5 * MIB, bytes.len() - 1, false),
    ] {
        let range = format!("{first}-{last}");
        let body = json!({ "Type": "archive-retrieval", "ArchiveId": archive, "RetrievalByteRange": range });
        let id = start_job(&server, body);
        let output = &bytes[first..=last];
        let job = describe_job(&server, &id);
        assert_eq!(job["RetrievalByteRange"], range);
        assert_eq!(
            job["SHA256TreeHash"],
            if has_hash { json!(tree(output)) } else { json!(null) },
            "{range}"
        );
        assert_eq!(job["ArchiveSHA256TreeHash"], tree(&bytes));

        let total = output.len();
        let read = |start: usize, end: usize, has_hash: bool| {
            let part = job_output(&server, &id, &format!("bytes={start}-{}", end - 1));
            assert_eq!(part.status, 206, "{range} {start}..{end}: {}", part.text());
            let label = format!("bytes {start}-{}/{total}", end - 1);
            assert_eq!(part.header("Content-Range"), Some(label.as_str()));
            assert_eq!(part.body, &output[start..end]);
            let hash = tree(&output[start..end]);
            let expected = has_hash.then_some(hash.as_str());
            assert_eq!(part.header("x-cas-sha256-tree-hash"), expected, "{range} {start}..{end}");
        };
        // All of it, its first leaf, and what cuts leaves.
        read(0, total, has_hash);
        read(0, MIB.min(total), has_hash);
        read(1, total, false);
        read(0, total - 1, false);
        read(total - 1, total, false);
        let rest = job_output(&server, &id, "bytes=7-");
        assert_eq!((rest.status, rest.body.as_slice()), (206, &output[7..]));
        for wrong in [
            "bytes=0-99999999",
            &format!("bytes=0-{total}"),
            &format!("bytes={total}-"),
            "bytes=2-1",
            "bytes=-5",
            "0-1",
            "x",
        ] {
            job_output(&server, &id, wrong).is(400, "InvalidParameterValueException");
        }
    }
}

/// The archive was uploaded in chunks, and the hashes follow from those of the chunks.
#[test]
fn an_archive_from_chunks_is_retrieved_in_ranges() {
    let server = Server::start();
    let upload = initiate(&server, 2 * MIB);
    let bytes = pattern(5 * MIB + 7);
    for (index, chunk) in bytes.chunks(2 * MIB).enumerate() {
        server.send(part_at(&upload, index * 2 * MIB, chunk)).ok();
    }
    let made = server.send(complete(&upload, bytes.len(), &tree(&bytes)));
    let archive = made.ok().header("x-cas-archive-id").unwrap();
    let id = start_job(&server, json!({ "Type": "archive-retrieval", "ArchiveId": archive }));
    for (start, end) in [(0, bytes.len()), (0, 4 * MIB), (4 * MIB, bytes.len()), (3 * MIB, 4 * MIB)] {
        let part = job_output(&server, &id, &format!("bytes={start}-{}", end - 1));
        assert_eq!(part.body, &bytes[start..end]);
        assert_eq!(part.header("x-cas-sha256-tree-hash"), Some(tree(&bytes[start..end]).as_str()));
    }
}

/// Rules match on the bytes of the output that a request reads, and change what is read.
#[test]
fn rules_know_the_range_of_an_output() {
    let server = Server::with_rules(
        r#"{"id": "wrong", "when": {"op": "GetJobOutput", "range": {"from": 0, "to": 5}},
            "do": {"checksum": {"which": "tree-hash", "value": "absent"}}},
           {"id": "shift", "when": {"op": "GetJobOutput", "range": {"from": 7, "to": 9}},
            "do": {"range": {"answer": "shift", "by": 1}}}"#,
    );
    let archive = upload_archive(&server, b"0123456789").header("x-cas-archive-id").unwrap().to_owned();
    let id = start_job(&server, json!({ "Type": "archive-retrieval", "ArchiveId": archive }));
    assert_eq!(job_output(&server, &id, "").header("x-cas-sha256-tree-hash"), None);
    let shifted = job_output(&server, &id, "bytes=7-8");
    assert_eq!((shifted.header("Content-Range"), shifted.text().as_str()), (Some("bytes 8-9/10"), "89"));
    assert_eq!(job_output(&server, &id, "bytes=5-6").text(), "56");
    let matched = |entry: &cos_emu::Exchange| {
        let matched = entry.rules.iter().filter(|rule| rule.outcome != "no-match");
        matched.map(|rule| rule.id.to_string()).collect::<Vec<_>>()
    };
    let journal: Vec<_> = server.journal().iter().skip(2).map(matched).collect();
    assert_eq!(journal, [vec!["wrong", "shift"], vec!["shift"], vec![]]);
}

#[test]
fn an_inventory_is_retrieved_as_json_and_as_csv() {
    let server = Server::configured(frozen);
    let empty = start_job(&server, json!({ "Type": "inventory-retrieval" }));
    let archive = upload_archive(&server, b"abc").header("x-cas-archive-id").unwrap().to_owned();
    let id = start_job(&server, json!({ "Type": "inventory-retrieval", "Format": "JSON" }));
    let job = describe_job(&server, &id);
    let output = job_output(&server, &id, "");
    assert!(JOB_MEMBERS.iter().all(|name| job.get(name).is_some()));
    assert_eq!(job["Action"], "InventoryRetrieval");
    assert_eq!(job["InventorySizeInBytes"], output.body.len());
    assert_eq!(job["JobDescription"], "");
    let parameters =
        json!({ "EndDate": null, "Format": "JSON", "Limit": 0, "Marker": null, "StartDate": null });
    assert_eq!(job["InventoryRetrievalParameters"], parameters);
    for name in ["ArchiveId", "ArchiveSizeInBytes", "RetrievalByteRange", "SHA256TreeHash", "Tier"] {
        assert!(job[name].is_null(), "{name}");
    }

    assert_eq!((output.status, output.header("Content-Type")), (200, Some("application/json")));
    assert_eq!(output.header("x-cas-sha256-tree-hash"), None);
    let qcs = format!("qcs:id/0:cas:ap-guangzhou:uid/1250000000:vaults/{VAULT}");
    let date = "2017-07-14T02:40:00.000Z";
    let entry = json!({
        "ArchiveId": archive,
        "ArchiveDescription": "my file ~ (v1)",
        "CreationDate": date,
        "Size": 3,
        "SHA256TreeHash": tree(b"abc"),
    });
    assert_eq!(document(&output), json!({ "VaultQCS": qcs, "InventoryDate": date, "ArchiveList": [entry] }));
    // The official client reads every inventory by a range of all of it.
    let ranged = job_output(&server, &id, &format!("bytes=0-{}", output.body.len() - 1));
    assert_eq!((ranged.status, &ranged.body), (206, &output.body));

    // Of the time when the archive was not there yet; even that is not empty.
    assert_eq!(document(&job_output(&server, &empty, ""))["ArchiveList"], json!([]));

    let id = start_job(&server, json!({ "Type": "inventory-retrieval", "Format": "CSV" }));
    let output = job_output(&server, &id, "");
    assert_eq!((output.status, output.header("Content-Type")), (200, Some("text/csv")));
    let line = format!("{archive},\"my file ~ (v1)\",{date},3,{}", tree(b"abc"));
    assert_eq!(
        output.text(),
        format!("ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n{line}\n")
    );
}

#[test]
fn a_job_in_progress_has_no_output_and_no_hash_of_a_part() {
    let server = Server::configured(|config| config.account.jobs = JobCompletion::AfterDescribes(3));
    let bytes = pattern(2 * MIB);
    let archive = upload_archive(&server, &bytes).header("x-cas-archive-id").unwrap().to_owned();
    let retrieval = |range: &str| {
        let body = json!({ "Type": "archive-retrieval", "ArchiveId": archive, "RetrievalByteRange": range });
        start_job(&server, body)
    };
    let (whole, part) = (retrieval(""), retrieval("0-1048575"));
    for status in ["InProgress", "InProgress", "Succeeded", "Succeeded"] {
        job_output(&server, &part, "").is(400, "InvalidParameterValueException");
        let (whole, job) = (describe_job(&server, &whole), describe_job(&server, &part));
        let done = status == "Succeeded";
        assert_eq!((&job["StatusCode"], &job["StatusMessage"]), (&json!(status), &json!(status)));
        assert_eq!((&job["Completed"], job["CompletionDate"].is_null()), (&json!(done), !done));
        assert_eq!(job["SHA256TreeHash"].is_null(), !done);
        assert_eq!(whole["SHA256TreeHash"], tree(&bytes));
        if done {
            break;
        }
    }
    assert_eq!(job_output(&server, &part, "").ok().body, &bytes[..MIB]);
}

#[test]
fn a_job_completes_by_the_clock() {
    let four_hours = std::time::Duration::from_secs(4 * 60 * 60);
    let server = Server::configured(|config| config.account.jobs = JobCompletion::After(four_hours));
    let id = start_job(&server, json!({ "Type": "inventory-retrieval" }));
    for _ in 0..3 {
        let job = describe_job(&server, &id);
        assert_eq!((&job["StatusCode"], &job["InventorySizeInBytes"]), (&json!("InProgress"), &json!(0)));
    }
    job_output(&server, &id, "").is(400, "InvalidParameterValueException");
    let list =
        |query: &str| document(&server.send(Request::cas("GET", &format!("jobs{query}"))))["JobList"].clone();
    assert_eq!(list("?completed=false")[0]["JobId"], id);
    assert_eq!(list("?completed=true"), json!([]));
}

#[test]
fn what_is_wrong_with_a_job_has_its_code() {
    let server = Server::start();
    let archive = upload_archive(&server, b"abc").header("x-cas-archive-id").unwrap().to_owned();
    let start = |body: &str| server.send(Request::cas("POST", "jobs").body(body));
    start("").is(400, "SerializationException");
    start("[1").is(400, "SerializationException");
    start(&"{\"a\":".repeat(10_000)).is(400, "SerializationException");
    start("{}").is(400, "MissingParameterValueException");
    start(r#"{"Type": "archive-retrieval"}"#).is(400, "MissingParameterValueException");
    start(r#"{"Type": "archive-retrieval", "ArchiveId": "never"}"#).is(404, "ResourceNotFoundException");
    start(r#"{"Type": "archive-retrieval", "ArchiveId": 7}"#).is(400, "InvalidParameterValueException");
    start(r#"{"Type": "unknown"}"#).is(400, "InvalidParameterValueException");
    let range =
        format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{archive}", "RetrievalByteRange": "1-2"}}"#);
    start(&range).is(400, "InvalidParameterValueException");
    let elsewhere = |method: &str, rest: &str| {
        server.send(Request::new(method, &format!("/-/vaults/none/jobs{rest}")).body("{}"))
    };
    elsewhere("POST", "").is(404, "ResourceNotFoundException");
    elsewhere("GET", "").is(404, "ResourceNotFoundException");
    elsewhere("GET", "/x").is(404, "ResourceNotFoundException");
    elsewhere("GET", "/x/output").is(404, "ResourceNotFoundException");
    server.send(Request::cas("GET", "jobs/x")).is(404, "ResourceNotFoundException");
    job_output(&server, "x", "").is(404, "ResourceNotFoundException");
    server.send(Request::cas("GET", "jobs?limit=0")).is(400, "InvalidParameterValueException");
    server.send(Request::cas("GET", "jobs?statuscode=done")).is(400, "InvalidParameterValueException");
    assert!(document(&server.send(Request::cas("GET", "jobs")))["JobList"].as_array().unwrap().is_empty());
}

#[test]
fn a_job_document_of_more_than_2_mib_is_refused() {
    let server = Server::start();
    let padded = |length: usize| {
        let padding = "x".repeat(length - r#"{"Type":"inventory-retrieval","Unknown":""}"#.len());
        format!(r#"{{"Type":"inventory-retrieval","Unknown":"{padding}"}}"#)
    };
    let request = |length: usize| Request::cas("POST", "jobs").body(padded(length));
    assert_eq!(server.send(request(2 * MIB)).status, 202);
    server.send(request(2 * MIB + 1)).is(400, "SerializationException");
}

/// Four hours, and then a day, in some milliseconds.
#[test]
fn a_job_waits_four_hours_of_the_clock_and_its_output_can_be_read_for_a_day() {
    let four_hours = std::time::Duration::from_secs(4 * 60 * 60);
    let server = Server::configured(|config| {
        frozen(config);
        config.account.jobs = JobCompletion::After(four_hours);
    });
    let archive = upload_archive(&server, b"bytes").ok().header("x-cas-archive-id").unwrap().to_owned();
    let id = start_job(&server, json!({ "Type": "archive-retrieval", "ArchiveId": archive }));
    advance(&server, "239m");
    assert_eq!(describe_job(&server, &id)["StatusCode"], "InProgress");
    job_output(&server, &id, "").is(400, "InvalidParameterValueException");
    advance(&server, "1m");
    let job = describe_job(&server, &id);
    assert_eq!(
        (&job["StatusCode"], &job["CompletionDate"]),
        (&json!("Succeeded"), &json!("2017-07-14T06:40:00.000Z"))
    );
    advance(&server, "24h");
    assert_eq!(job_output(&server, &id, "").ok().body, b"bytes");
    advance(&server, "1s");
    job_output(&server, &id, "").is(404, "ResourceNotFoundException");
    server.send(Request::cas("GET", &format!("jobs/{id}"))).is(404, "ResourceNotFoundException");
}
