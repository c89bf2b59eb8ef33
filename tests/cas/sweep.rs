//! Ranges of chunks around every boundary, against an oracle of one line.

use std::collections::BTreeMap;

use super::*;

/// Starts and ends around the multiples of the part size, with bodies around the length of the range. Returns how many there were.
fn sweep(part_size: i64) -> usize {
    let server = Server::start();
    let upload = initiate(&server, part_size as usize);
    let bytes = pattern(2 * part_size as usize + 4);
    let around = |place: i64| [place - 1, place, place + 1].into_iter().filter(|place| *place >= 0);
    let places = |step: i64| (0..=2).flat_map(move |count| around(count * step));
    let mut stored = BTreeMap::new();
    let mut connection = server.connect();
    let mut tried = 0;
    for (start, end) in places(MIB as i64).flat_map(|start| places(part_size).map(move |end| (start, end))) {
        let length = end - start + 1;
        for body in (length - 1..=length + 1).filter(|body| (0..=bytes.len() as i64).contains(body)) {
            for is_chunked in [false, true] {
                let good = start % part_size == 0 && (1..=part_size).contains(&length) && body == length;

                let case =
                    format!("bytes {start}-{end}/* of {part_size}, {body} bytes, chunked: {is_chunked}");
                let body = &bytes[..body as usize];
                let mut request = part(&upload, &format!("bytes {start}-{end}/*"), body);
                if is_chunked {
                    let framed = match body.len() {
                        0 => b"0\r\n\r\n".to_vec(),
                        len => [format!("{len:x}\r\n").as_bytes(), body, b"\r\n0\r\n\r\n"].concat(),
                    };
                    request = request.with("Transfer-Encoding", "chunked").body(framed);
                }
                let answer = connection.send(&request);
                if answer.header("Connection") == Some("close") {
                    connection = server.connect();
                }
                if good {
                    stored.insert(start, end);
                    assert_eq!(answer.status, 204, "{case}: {}", answer.text());
                } else {
                    let told = (answer.status, answer.code());
                    assert_eq!(told, (400, "InvalidParameterValueException".to_owned()), "{case}");
                }
                let expected: Vec<_> = stored.iter().map(|(start, end)| format!("{start}-{end}")).collect();
                assert_eq!(ranges(&server, &upload), expected, "{case}: a refusal leaves no trace");
                tried += 1;
            }
        }
    }
    tried
}

#[test]
fn ranges_around_every_boundary_agree_with_the_oracle() {
    assert!(sweep(MIB as i64) + sweep(2 * MIB as i64) > 300);
}
