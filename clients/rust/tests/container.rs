//! The image, in a container engine. Where there is none, or no image, these tests skip and say so; with
//! `COS_EMU_REQUIRE_CLIENTS=1` that is a failure.

mod support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use cos_emu_client::testcontainers::bollard::errors::Error as Refusal;
use cos_emu_client::testcontainers::core::client::docker_client_instance;
use cos_emu_client::testcontainers::runners::SyncRunner as _;
use cos_emu_client::testcontainers::{Image as _, ImageExt as _};
use cos_emu_client::{Client, Container, CosEmu, Error, Options, PORT};
use opendal::layers::RetryLayer;
use serde_json::json;
use support::{BUCKET, HOST, body, cos, download, run_misled, say, upload, wait};

type Tested = Result<(), Box<dyn std::error::Error>>;

/// Whether there is an engine with the image. Says why not.
#[track_caller]
fn there_is_an_image() -> bool {
    let image = format!("{}:{}", CosEmu::default().name(), CosEmu::default().tag());
    let why = match wait(docker_client_instance()).map(|engine| wait(engine.inspect_image(&image))) {
        Ok(Ok(_)) => return true,
        Ok(Err(Refusal::DockerResponseServerError { status_code: 404, .. })) => {
            format!("there is no image {image}")
        }
        Ok(Err(error)) => format!("no container engine answers: {error}"),
        Err(error) => format!("no container engine answers: {error}"),
    };
    let required = std::env::var("COS_EMU_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(!required, "{why}");
    say(&format!("skipped: {why}"));
    false
}

fn is_there(id: &str) -> bool {
    wait(async { docker_client_instance().await.unwrap().inspect_container(id, None).await }).is_ok()
}

#[test]
fn an_upload_in_parts_survives_resets() -> Tested {
    if !there_is_an_image() {
        return Ok(());
    }
    let server = Container::start(Options::new().shipped("reset-mid-upload").bucket("demo-1250000000"))?;
    let operator = cos(server.proxy(), "AKIDcosemu", "cosemu")
        .layer(RetryLayer::new().with_min_delay(Duration::from_millis(10)));
    upload(&operator, "big.bin", body())?;

    let verdict = server.default_world()?.verdict()?;
    assert!(verdict.holds, "{verdict}");

    assert!(download(&operator, "big.bin")? == body(), "it reads back byte for byte");
    let world = server.default_world()?;
    assert_eq!(world.counts()?.rule("reset-in-part").unwrap().firings, 4);
    Ok(())
}

#[test]
fn a_reset_is_a_reset_at_the_address_of_the_container() -> Tested {
    if !there_is_an_image() {
        return Ok(());
    }
    let scenario = json!({
        "version": 1,
        "name": "reset",
        "rules": [{ "id": "reset", "when": { "op": "PutObject" }, "do": { "reset": { "at": "upload", "offset": 10 } } }],
    });
    let server = Container::start(Options::new().scenario(scenario).bucket(BUCKET))?;
    let endpoint = server.container_endpoint()?;
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap())?;
    write!(stream, "PUT /key HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 20\r\n\r\n0123456789")?;
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    Ok(())
}

#[test]
fn a_server_that_does_not_like_its_options_says_why() {
    if !there_is_an_image() {
        return;
    }
    let error = Container::start(Options::new().option("max-memory", "much")).unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error:?}");
    assert!(error.to_string().contains("invalid value 'much' for '--max-memory <SIZE>'"), "{error}");
}

#[test]
fn the_container_is_gone_afterwards() -> Tested {
    if !there_is_an_image() {
        return Ok(());
    }
    let stopped = Container::start(CosEmu::default())?;
    let id = stopped.container().id().to_owned();
    assert!(is_there(&id));
    stopped.stop()?;
    assert!(!is_there(&id));

    let dropped = Container::start(Options::new())?;
    let id = dropped.container().id().to_owned();
    drop(dropped);
    assert!(!is_there(&id));
    Ok(())
}

#[test]
fn a_request_can_be_made_of_the_image() -> Tested {
    if !there_is_an_image() {
        return Ok(());
    }
    let image = CosEmu::new(Options::new().option("control-token", "open sesame"));
    let server = Container::start(image.with_label("purpose", "test"))?;
    server.default_world()?;
    Ok(())
}

#[test]
fn the_image_alone_is_ready_when_it_has_started() -> Tested {
    if !there_is_an_image() {
        return Ok(());
    }
    let container = CosEmu::default().start()?;
    let port = container.get_host_port_ipv4(PORT)?;
    Client::new(format!("http://127.0.0.1:{port}")).default_world()?;
    Ok(())
}

#[test]
fn the_environment_misleads_neither_the_wait_nor_the_client() {
    if there_is_an_image() {
        run_misled("the_image_alone_is_ready_when_it_has_started");
    }
}

#[test]
fn an_image_has_a_name_and_a_tag() {
    let parts = |image: &str| {
        let image = CosEmu::default().with_image(image);
        (image.name().to_owned(), image.tag().to_owned())
    };
    let of = |name: &str, tag: &str| (name.to_owned(), tag.to_owned());
    assert_eq!(parts("cos-emu"), of("cos-emu", "latest"));
    assert_eq!(parts("registry.example:5000/cos-emu"), of("registry.example:5000/cos-emu", "latest"));
    assert_eq!(parts("registry.example:5000/cos-emu:0.1.0"), of("registry.example:5000/cos-emu", "0.1.0"));
}
