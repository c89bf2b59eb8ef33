//! A client of COS to drive: OpenDAL, as it comes.

use std::io::Write as _;

use opendal::services::Cos;
use opendal::{HttpTransporter, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;

pub const BUCKET: &str = "demo-1250000000";
/// The host name of the bucket, which clients know without the emulator.
pub const HOST: &str = "demo-1250000000.cos.ap-guangzhou.myqcloud.com";
/// OpenDAL with the real host names, by a proxy. As it comes it does not retry.
pub fn cos(proxy: &str, id: &str, key: &str) -> Operator {
    let client = reqwest::Client::builder().proxy(reqwest::Proxy::http(proxy).unwrap()).build().unwrap();
    let transport = HttpTransporter::new(ReqwestTransport::new(client));
    let bucket = Cos::default()
        .bucket("demo-1250000000")
        .endpoint("http://cos.ap-guangzhou.myqcloud.com")
        .secret_id(id)
        .secret_key(key);
    Operator::new(bucket).unwrap().with_context(OperationContext::new().with_http_transport(transport))
}

/// Four parts of 1 MiB, the last of them short.
pub fn body() -> Vec<u8> {
    (0..3 * (1 << 20) + 17_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Uploads in parts of 1 MiB, two at a time.
pub fn upload(operator: &Operator, key: &str, body: Vec<u8>) -> opendal::Result<()> {
    wait(async { operator.write_with(key, body).chunk(1 << 20).concurrent(2).await.map(drop) })
}

pub fn download(operator: &Operator, key: &str) -> opendal::Result<Vec<u8>> {
    wait(async { operator.read(key).await.map(|read| read.to_vec()) })
}

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs one test of this binary again, in an environment that is set to mislead it.
pub fn run_misled(test: &str) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        // Nobody listens there.
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:9")))
        .env("COS_EMU_MAX_MEMORY", "wrong")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Says a line past the capture of the test runner.
#[allow(dead_code, reason = "not every test binary has something to skip")]
pub fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
