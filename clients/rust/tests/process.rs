//! The binary, and the control API.

mod support;

use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use cos_emu_client::{Auth, Client, Error, Filter, Options, Process, Scenario, Skew};
use opendal::layers::RetryLayer;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use support::{BUCKET, HOST, body, cos, download, run_misled, upload};

/// For tests that make worlds of their own.
static SERVER: LazyLock<Process> = LazyLock::new(|| Process::start(Options::new()).unwrap());

type Tested = Result<(), Box<dyn std::error::Error>>;

fn server() -> Process {
    Process::start(Options::new().bucket(BUCKET)).unwrap()
}

/// Puts an object without any client of COS, and says with which status it was answered.
fn put(proxy: &str, world: Option<&(String, String)>) -> u16 {
    let proxy = ureq::Proxy::new(proxy).unwrap();
    let agent = ureq::Agent::config_builder().proxy(Some(proxy)).http_status_as_error(false).build();
    let request = ureq::Agent::from(agent).put(format!("http://{HOST}/key"));
    let request = match world {
        Some((name, value)) => request.header(name, value),
        None => request,
    };
    request.send("body").unwrap().status().as_u16()
}

#[test]
fn an_upload_in_parts_survives_resets() -> Tested {
    let server = Process::start(Options::new().shipped("reset-mid-upload").bucket("demo-1250000000"))?;
    let operator = cos(server.proxy(), "AKIDcosemu", "cosemu")
        .layer(RetryLayer::new().with_min_delay(Duration::from_millis(10)));
    upload(&operator, "big.bin", body())?;

    let verdict = server.default_world()?.verdict()?;
    assert!(verdict.holds, "{verdict}");

    assert!(download(&operator, "big.bin")? == body(), "it reads back byte for byte");
    let world = server.default_world()?;
    assert_eq!(world.counts()?.rule("reset-in-part").unwrap().firings, 4);

    let reset = world.journal(Filter::new().op("UploadPart").outcome("fired").limit(1))?.exchanges.remove(0);
    assert_eq!(reset.host, HOST, "the client kept the real name");
    assert_eq!((reset.bucket.as_deref(), reset.key.as_deref()), (Some(BUCKET), Some("big.bin")));
    assert_eq!((reset.method.as_str(), reset.attempt, reset.ended.as_deref()), ("PUT", 1, Some("reset")));
    assert_eq!((reset.rules[0].id.as_str(), reset.actions[0].action.as_str()), ("reset-in-part", "reset"));
    assert_eq!(reset.actions[0].offset, Some(reset.received.declared.unwrap() / 2));
    assert!(reset.answer.is_none() && !reset.applied);
    assert_eq!(reset.raw["signature"], "valid");
    Ok(())
}

#[test]
fn a_client_that_does_not_retry_did_not_cope() -> Tested {
    let server = Process::start(Options::new().shipped("reset-mid-upload").bucket(BUCKET))?;
    upload(&cos(server.proxy(), "AKIDcosemu", "cosemu"), "big.bin", body()).unwrap_err();
    let verdict = server.default_world()?.verdict()?;
    assert!(!verdict.holds);
    let text = verdict.to_string();
    assert!(text.contains("did not cope with \"reset-mid-upload\""), "{text}");
    assert!(text.contains("requests[0]: as many requests came as expected\n"), "{text}");
    assert!(text.contains(": 0 came, not at least 1"), "{text}");
    Ok(())
}

#[test]
fn two_worlds_do_not_disturb_each_other() -> Tested {
    let broken = SERVER.create(
        r#"{
            "version": 1,
            "name": "no object is put",
            "rules": [{ "id": "busy", "when": { "op": "PutObject" }, "do": { "error": "ServiceUnavailable" } }],
            "setup": { "buckets": { "demo-1250000000": {} } }
        }"#,
    )?;
    let world = SERVER.create(
        json!({ "version": 1, "name": "whole", "rules": [], "setup": { "buckets": { "demo-1250000000": {} } } }),
    )?;
    let key = world.access_key.as_ref().unwrap();
    upload(&cos(&world.endpoint, &key.id, &key.key), "small", b"body".to_vec())?;
    assert_eq!(world.journal(Filter::new().op("PutObject"))?.exchanges.len(), 1);

    let key = broken.access_key.as_ref().unwrap();
    upload(&cos(&broken.endpoint, &key.id, &key.key), "small", b"body".to_vec()).unwrap_err();
    assert_eq!(put(SERVER.proxy(), Some(&broken.header)), 503);
    assert_eq!(put(SERVER.proxy(), Some(&world.header)), 200);
    assert_eq!(broken.counts()?.rule("busy").unwrap().firings, 2);
    assert_eq!(broken.journal(Filter::new().status(503))?.exchanges.len(), 2);
    assert_eq!(world.journal(Filter::new().status(200))?.exchanges.len(), 2);
    Ok(())
}

#[test]
fn a_world_ends_when_it_is_dropped_and_the_default_one_does_not() -> Tested {
    let server = server();
    let made = server.create(json!({ "version": 1, "name": "short", "rules": [] }))?;
    let id = made.id.clone();
    assert_eq!(
        server.worlds()?.iter().map(|world| world.name.as_str()).collect::<Vec<_>>(),
        ["no faults", "short"]
    );
    assert_eq!(server.world(&id)?.name, "short", "what is looked up goes on");
    drop(made);
    let gone = server.world(&id).unwrap_err();
    assert!(gone.to_string().contains("404 Not Found: there is no scenario"), "{gone}");

    assert!(server.create(json!({ "version": 1, "name": "judged", "rules": [] }))?.delete()?.holds);
    let refused = server.default_world()?.delete().unwrap_err();
    assert!(matches!(&refused, Error::Problem(problem) if problem.status == 409), "{refused}");
    server.default_world()?;
    Ok(())
}

#[test]
fn a_mistake_in_a_scenario_has_its_code_and_place_and_a_hint() {
    let text = "{\n  \"version\": 1,\n  \"name\": \"x\",\n  \"rules\": [{ \"id\": \"x\", \"wen\": {}, \"do\": \"close\" }]\n}";
    let error = SERVER.create(text).unwrap_err();
    let Error::Problem(problem) = &error else { panic!("{error}") };
    assert_eq!(problem.status, 422);
    let finding = problem.errors.iter().find(|finding| finding.code == "E203").unwrap();
    assert_eq!((finding.line, finding.column, finding.path.as_str()), (4, 26, "rules[0]"));
    assert_eq!(finding.message, "unknown field \"wen\"");
    assert_eq!(finding.hint.as_deref(), Some("did you mean \"when\"?"));
    assert_eq!(finding.to_string(), "4:26: E203: rules[0]: unknown field \"wen\"; did you mean \"when\"?");
    let told = problem.errors.iter().all(|finding| error.to_string().contains(&finding.message));
    assert!(told && error.to_string().contains("did you mean"), "{error}");
}

#[test]
fn a_reset_empties_the_journal() -> Tested {
    let server = server();
    put(server.proxy(), None);
    let world = server.default_world()?;
    let page = world.journal(Filter::new().key("key").op("PutObject").status(200))?;
    assert_eq!((page.exchanges.len(), page.dropped, page.next), (1, 0, 2));
    world.reset()?;
    assert_eq!(world.journal(Filter::new())?.exchanges.len(), 0);
    Ok(())
}

#[test]
fn the_clock_stands_goes_on_and_is_wrong_as_it_is_told() -> Tested {
    let server = server();
    let world = server.default_world()?;
    assert!(world.clock()?.run);
    assert_eq!(world.freeze("2024-05-01T00:00:00Z")?.now, "2024-05-01T00:00:00.000Z");
    world.advance(Duration::from_millis(4 * 3_600_000 + 5))?;
    let clock = world.clock()?;
    assert_eq!((clock.now.as_str(), clock.run), ("2024-05-01T04:00:00.005Z", false));
    assert!(world.run()?.now.starts_with("2024-05-01T04:00:0"));
    assert_eq!(world.skew(Skew::Behind(Duration::from_secs(1200)))?.skew_ms, Some(-1_200_000));
    assert_eq!(world.skew(Skew::Ahead(Duration::from_secs(1)))?.skew_ms, Some(1000));
    let wrong = world.freeze("noon").unwrap_err();
    assert!(wrong.to_string().contains("400 Bad Request: freeze is \"noon\""), "{wrong}");
    Ok(())
}

#[test]
fn who_waits_for_an_exchange_is_told_when_it_comes() -> Tested {
    let server = server();
    let world = server.default_world()?;
    let puts = || Filter::new().op("PutObject");
    let early = world.wait_for(1, puts(), Duration::from_millis(50)).unwrap_err();
    assert!(matches!(early, Error::TooFew { wanted: 1, came: 0, .. }), "{early}");

    let started = Instant::now();
    let exchanges = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            put(server.proxy(), None)
        });
        world.wait_for(1, puts(), Duration::from_secs(30))
    })?
    .exchanges;
    assert_eq!(exchanges[0].key.as_deref(), Some("key"));
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(100) && waited < Duration::from_secs(10), "{waited:?}");
    Ok(())
}

#[test]
fn the_ca_signs_for_the_server() -> Tested {
    let server = server();
    let file = std::env::temp_dir().join(format!("ca-{}.pem", server.id()));
    server.write_ca(&file)?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&file)?)?;
    std::fs::remove_file(&file)?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1")?;
    let session = rustls::ClientConnection::new(Arc::new(config), name)?;
    let address = server.endpoint().strip_prefix("http://").unwrap();
    let mut stream = rustls::StreamOwned::new(session, TcpStream::connect(address)?);
    write!(stream, "GET /_cos-emu/readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
    Ok(())
}

#[test]
fn options_reach_the_server() -> Tested {
    let file = std::env::temp_dir().join(format!("scenario-{}.json", std::process::id()));
    std::fs::write(&file, r#"{ "version": 1, "name": "from a file", "rules": [] }"#)?;
    let options = Options::new()
        .shipped("flaky")
        .scenario(Scenario::file(&file)?)
        .bucket("first-1250000000")
        .bucket(BUCKET)
        .vault("one")
        .vault("two")
        .credential("AKIDfirst", "first")
        .credential_with_token("AKIDsecond", "second", "token")
        .credential("AKIDthird", "third")
        .seed("0x114")
        .auth(Auth::Strict)
        .option("journal-entries", 1);
    std::fs::remove_file(&file)?;
    let server = Process::start(options)?;
    let world = server.default_world()?;
    assert_eq!((world.name.as_str(), world.seed.as_str()), ("from a file", "0x114"));
    upload(&cos(server.proxy(), "AKIDthird", "third"), "small", b"body".to_vec())?;
    upload(&cos(server.proxy(), "AKIDfirst", "first"), "small", b"body".to_vec())?;
    let page = world.journal(Filter::new())?;
    assert_eq!((page.exchanges[0].client.as_deref(), page.dropped), (Some("AKIDfirst"), 1));
    assert_eq!(put(server.proxy(), None), 403, "strict wants a signature");
    Ok(())
}

#[test]
fn a_control_token_is_shown() -> Tested {
    let server = Process::start(Options::new().option("control-token", "open sesame"))?;
    server.default_world()?;
    let stranger = Client::new(server.endpoint());
    assert!(matches!(stranger.worlds(), Err(Error::Problem(problem)) if problem.status == 401));
    stranger.with_token("open sesame").worlds()?;
    Ok(())
}

#[test]
fn a_server_that_does_not_like_its_options_says_why() {
    let error = Process::start(Options::new().option("max-memory", "much")).unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error:?}");
    assert!(error.to_string().contains("invalid value 'much' for '--max-memory <SIZE>'"), "{error}");

    let error = Process::start(Options::new().scenario("{ \"version\": 1 }")).unwrap_err();
    assert!(error.to_string().contains("\"name\" is missing"), "{error}");
}

#[test]
fn a_binary_that_is_not_there_is_named() {
    let error = Process::start_binary("/nowhere/cos-emu", Options::new()).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/cos-emu: No such file"), "{error}");
    assert!(error.source().is_some());
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let nobody = Client::new("http://127.0.0.1:9");
    let error = nobody.worlds().unwrap_err();
    assert!(error.to_string().starts_with("GET http://127.0.0.1:9/_cos-emu/v1/scenarios: "), "{error}");
    let error = nobody.wait_until_ready(Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.to_string(), "http://127.0.0.1:9 was not ready after 50ms");
}

#[test]
fn stop_ends_the_process() -> Tested {
    let mut server = server();
    let address = server.endpoint().strip_prefix("http://").unwrap().to_owned();
    let status = server.stop()?;
    assert!(status.success(), "{status}");
    assert_eq!(server.stop()?, status, "once more is the same");
    assert!(TcpStream::connect(&address).is_err());
    assert!(!Path::new(&format!("/proc/{}", server.id())).exists());

    let id = {
        let dropped = Process::start(Options::new())?;
        dropped.id()
    };
    assert!(!Path::new(&format!("/proc/{id}")).exists());
    Ok(())
}

#[test]
fn a_server_that_is_never_dropped_ends_with_the_process_that_started_it() {
    const NAME: &str = "a_server_that_is_never_dropped_ends_with_the_process_that_started_it";
    // In a process of its own, this test only starts one.
    if std::env::var_os("STARTS_ONLY").is_some() {
        println!("server {}", SERVER.endpoint());
        return;
    }
    let mut own = std::process::Command::new(std::env::current_exe().unwrap());
    let printed = own.args(["--exact", NAME, "--nocapture"]).env("STARTS_ONLY", "1").output().unwrap().stdout;
    let printed = String::from_utf8(printed).unwrap();
    let client = Client::new(printed.lines().find_map(|line| line.split_once("server ")).unwrap().1);
    let started = Instant::now();
    while client.is_ready() {
        assert!(started.elapsed() < Duration::from_secs(10), "{} goes on", client.endpoint());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_environment_misleads_neither_the_server_nor_its_client() {
    run_misled("a_control_token_is_shown");
}
