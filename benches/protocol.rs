//! What a request costs beside its bytes: its signature, and XML in and out: `cargo bench --bench protocol`.

use cos_emu::benching::{Head, ParameterForm, Query, Verdict, Version, check_signature, cos};
use cos_emu::{AuthMode, Credentials, Secret, Timestamp};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use sha1::{Digest as _, Sha1};

fn main() {
    divan::main();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("any key will do");
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// A signed request for a part, with one header and two parameters under its signature.
fn signed() -> Head {
    let (path, query, time) = ("/dir/key", "partnumber=3&uploadid=1795", "1700000000;1700003600");
    let request = hex(&Sha1::digest(format!("put\n{path}\n{query}\nhost=h\n")));
    let signature = hmac(&hmac("secret", time), &format!("sha1\n{time}\n{request}\n"));
    let authorization = format!(
        "q-sign-algorithm=sha1&q-ak=AKIDtest&q-sign-time={time}&q-key-time={time}&q-header-list=host\
         &q-url-param-list=partnumber;uploadid&q-signature={signature}"
    );
    let headers =
        [(HOST, HeaderValue::from_static("h")), (AUTHORIZATION, authorization.parse().expect("it is text"))];
    Head {
        method: http::Method::PUT,
        version: Version::Http11,
        authority: None,
        path: path.to_owned(),
        query: Query::parse("partNumber=3&uploadId=1795"),
        headers: HeaderMap::from_iter(headers),
    }
}

#[divan::bench]
fn signature(bencher: Bencher<'_, '_>) {
    let head = signed();
    let secret = Secret { key: "secret".to_owned(), token: None, uin: None };
    let credentials = Credentials::from([("AKIDtest".to_owned(), secret)]);
    let now = Timestamp::from_unix_seconds(1_700_000_100);
    let checked =
        || check_signature(&head, "/dir/key", &credentials, AuthMode::Strict, ParameterForm::KeepCase, now);
    assert!(matches!(checked(), Verdict::Valid));
    bencher.bench(|| black_box(checked()));
}

/// The list of parts that an upload is completed with.
#[divan::bench(args = [1, 100, 10_000])]
fn xml_in(bencher: Bencher<'_, '_>, parts: usize) {
    let parts_text: String = (1..=parts)
        .map(|part| format!("<Part><PartNumber>{part}</PartNumber><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag></Part>"))
        .collect();
    let list = format!("<CompleteMultipartUpload>{parts_text}</CompleteMultipartUpload>");
    bencher
        .counter(BytesCount::of_str(&list))
        .counter(ItemsCount::new(parts))
        .bench(|| cos::listed_parts(black_box(list.as_bytes())));
}

/// A list of so many keys.
#[divan::bench(args = [1, 1000])]
fn xml_out(bencher: Bencher<'_, '_>, keys: usize) {
    bencher.counter(ItemsCount::new(keys)).bench(|| {
        cos::document("ListBucketResult", |root| {
            for number in 0..black_box(keys) {
                root.nested("Contents", |object| {
                    object.text("Key", format_args!("dir/key-{number}"));
                    object.text("ETag", "\"d41d8cd98f00b204e9800998ecf8427e\"");
                    object.text("Size", number);
                    object.text("StorageClass", "STANDARD");
                });
            }
        })
    });
}
