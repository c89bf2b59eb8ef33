//! The ends of connections at every place: `reset`, `close`, `half_close` and `stall` after so many bytes of a body, up and
//! down.

mod support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use cos_emu::{Config, Scenario};
use support::{End, Request, Server, pattern};

const SMALL: usize = 40;
const LARGE: usize = 8 << 20;
/// The places of a large body.
const PLACES: [usize; 6] = [0, 1, 65_535, 65_536, 1 << 20, LARGE - 1];
/// How long a stall is listened to. It is never awaited to be over.
const SILENCE: Duration = Duration::from_millis(20);

/// The four ways, and how the connection ends then; `None` is silence.
const WAYS: [(&str, Option<End>); 4] =
    [("reset", Some(End::Rst)), ("close", Some(End::Fin)), ("half_close", Some(End::Fin)), ("stall", None)];

/// A server with a rule for each way and place; the header `x-place` chooses.
fn server(at: &str, way: &str, places: &[usize]) -> Server {
    let rules: Vec<String> = places
        .iter()
        .map(|place| {
            format!(
                r#"{{"id": "{place}", "when": {{"header": {{"x-place": "{place}"}}}},
                    "do": {{"{way}": {{"at": "{at}", "offset": {place}}}}}}}"#
            )
        })
        .collect();
    let text = format!(r#"{{"version": 1, "name": "sweep", "rules": [{}]}}"#, rules.join(","));
    let scenario = Scenario::parse("sweep", text.as_bytes(), None).unwrap();
    Server::configured(|config: &mut Config| config.scenario = Some(scenario))
}

/// Cuts an upload of `size` bytes at each place.
fn sweep_upload(size: usize, places: &[usize]) {
    for (way, end) in WAYS {
        let server = server("upload", way, places);
        for (index, place) in places.iter().enumerate() {
            let request = Request::cos("PUT", "key").with("x-place", place).body(pattern(size));
            let mut connection = server.connect();
            connection.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            // What the server does not take any more cannot be written, or is answered with an RST.
            let written = connection.stream.write_all(&request.bytes());
            match end {
                Some(End::Rst) => {
                    // The system tells of an RST once: to the write, if that is still going on.
                    let error = match written {
                        Err(error) if error.kind() == ErrorKind::ConnectionReset => error,
                        _ => connection.stream.read(&mut [0]).unwrap_err(),
                    };
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{way} at {place} of {size}");
                }
                Some(End::Fin) => {
                    assert_eq!(connection.stream.read(&mut [0]).unwrap(), 0, "{way} at {place} of {size}");
                }
                None => {
                    // Silence comes before the stall where the server is behind with what was written.
                    server.wait_for("the stall", |journal| {
                        journal.get(index).is_some_and(|exchange| !exchange.actions.is_empty())
                    });
                    assert!(connection.is_silent_for(SILENCE), "{way} at {place} of {size}");
                }
            }
            let exchange = server.journal().pop().unwrap();
            assert_eq!(exchange.received.bytes, *place as u64, "{way} at {place} of {size}");
            assert_eq!(exchange.actions[0].offset, Some(*place as u64));
            assert!(!exchange.applied && exchange.answer.is_none());
        }
        assert_eq!(server.send(Request::cos("GET", "key")).status, 404, "nothing was stored");
    }
}

/// Cuts a download of `size` bytes at each place.
fn sweep_download(size: usize, places: &[usize]) {
    let body = pattern(size);
    for (way, end) in WAYS {
        let server = server("download", way, places);
        server.send(Request::cos("PUT", "key").body(&body)).ok();
        for place in places {
            let mut connection = server.connect();
            connection.write(Request::cos("GET", "key").with("x-place", place).bytes());
            let head = connection.head();
            assert!(
                head.starts_with("HTTP/1.1 200") && head.contains(&format!("Content-Length: {size}\r\n"))
            );
            assert!(connection.exactly(*place) == body[..*place], "{way} at {place} of {size}");
            match end {
                Some(end) => assert_eq!(connection.rest(), (Vec::new(), end), "{way} at {place} of {size}"),
                None => assert!(connection.is_silent_for(SILENCE), "{way} at {place} of {size}"),
            }
        }
    }
}

#[test]
fn an_upload_ends_at_every_byte_of_a_small_body() {
    sweep_upload(SMALL, &(0..=SMALL).collect::<Vec<_>>());
}

#[test]
fn a_download_ends_at_every_byte_of_a_small_body() {
    sweep_download(SMALL, &(0..=SMALL).collect::<Vec<_>>());
}

#[test]
fn an_upload_ends_at_chosen_places_of_8_mib() {
    sweep_upload(LARGE, &PLACES);
}

#[test]
fn a_download_ends_at_chosen_places_of_8_mib() {
    sweep_download(LARGE, &PLACES);
}

/// Reads slowly, so that most of the answer waits in the server's send queue when the RST is due.
fn reads_slowly(server: &Server, place: usize, pause: Duration, piece: usize) -> Vec<u8> {
    let mut connection = server.connect();
    connection.write(Request::cos("GET", "key").with("x-place", place).bytes());
    let mut buffer = vec![0; piece];
    let mut received = Vec::new();
    loop {
        std::thread::sleep(pause);
        match connection.stream.read(&mut buffer) {
            Ok(0) => panic!("a FIN instead of an RST"),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                let head = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
                return received.split_off(head);
            }
        }
    }
}

#[test]
fn a_slow_reader_gets_exactly_what_was_promised_before_the_rst_every_time() {
    let place = 50_000;
    let body = pattern(100_000);
    let server = server("download", "reset", &[place]);
    server.send(Request::cos("PUT", "key").body(&body)).ok();
    for run in 0..200 {
        let received = reads_slowly(&server, place, Duration::from_micros(200), 4096);
        assert!(received == body[..place], "run {run}: {} bytes", received.len());
        assert_eq!(server.journal().last().unwrap().answer.as_ref().unwrap().bytes, place as u64);
    }
}

#[test]
fn a_slow_reader_of_8_mib_gets_all_of_it_before_the_rst() {
    let body = pattern(LARGE);
    let server = server("download", "reset", &[LARGE - 1]);
    server.send(Request::cos("PUT", "key").body(&body)).ok();
    for _ in 0..3 {
        let received = reads_slowly(&server, LARGE - 1, Duration::from_millis(1), 32 << 10);
        assert!(received == body[..LARGE - 1], "{} bytes", received.len());
    }
}
