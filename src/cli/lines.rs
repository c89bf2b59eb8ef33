//! The lines that point each client here, ready to be pasted: `cos-emu env --sdk`.
//!
//! A text stands in `lines/` for each client, with names such as `@addr@` in it. `tests/reach.rs` pastes each of them into a
//! program and runs it.
//!
//! Source: `clients.md` 2.

use std::net::SocketAddr;

use clap::ValueEnum;

/// A client that there are lines for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Sdk {
    /// cos-python-sdk-v5
    Python,
    /// cos-nodejs-sdk-v5
    Node,
    /// cos-go-sdk-v5
    Go,
    /// cos_api
    Java,
    /// coscmd
    Coscmd,
    /// cosfs, the filesystem of fsspec
    Cosfs,
    /// The Python binding of OpenDAL
    Opendal,
    /// cassdk, of the archive service
    Cassdk,
    /// Any program that goes by the proxy and the certificates of its environment
    Shell,
}

/// What the lines name.
pub(super) struct Named<'a> {
    pub(super) addr: SocketAddr,
    pub(super) id: &'a str,
    pub(super) key: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) bucket: &'a str,
    pub(super) appid: &'a str,
    pub(super) region: &'a str,
}

/// The lines for a client.
///
/// # Errors
/// A name has a character that would have to be escaped in some language, or the credential is a temporary one.
pub(super) fn lines(sdk: Sdk, named: &Named<'_>) -> anyhow::Result<String> {
    let id = named.id;
    anyhow::ensure!(
        named.token.is_none(),
        "the lines are for a credential without a token, but {id} has one"
    );
    for name in [named.id, named.key, named.region] {
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "+/=-_.".contains(c));
        anyhow::ensure!(is_plain, "{name:?} cannot be pasted as it is: take letters, digits and + / = - _ .");
    }
    let text = match sdk {
        Sdk::Python => include_str!("lines/python.py"),
        Sdk::Node => include_str!("lines/node.js"),
        Sdk::Go => include_str!("lines/go.txt"),
        Sdk::Java => include_str!("lines/java.txt"),
        Sdk::Coscmd => include_str!("lines/coscmd.sh"),
        Sdk::Cosfs => include_str!("lines/cosfs.py"),
        Sdk::Opendal => include_str!("lines/opendal.py"),
        Sdk::Cassdk => include_str!("lines/cassdk.py"),
        Sdk::Shell => include_str!("lines/shell.sh"),
    };
    let text = text
        .replace("@addr@", &named.addr.to_string())
        .replace("@host@", &named.addr.ip().to_string())
        .replace("@port@", &named.addr.port().to_string())
        .replace("@bucket@", named.bucket)
        .replace("@appid@", named.appid)
        .replace("@region@", named.region)
        .replace("@id@", named.id)
        .replace("@key@", named.key);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(id: &'a str, key: &'a str) -> Named<'a> {
        let addr = ([127, 0, 0, 1], 3077).into();
        Named {
            addr,
            id,
            key,
            token: None,
            bucket: "demo-1250000000",
            appid: "1250000000",
            region: "ap-guangzhou",
        }
    }

    #[test]
    fn every_name_in_the_lines_of_every_client_is_filled_in() {
        for sdk in Sdk::value_variants() {
            let text = lines(*sdk, &named("AKIDx", "secret")).unwrap();
            // Java has its own use of the sign, before capitals.
            let is_left = text.split('@').skip(1).any(|rest| rest.starts_with(|c: char| c.is_lowercase()));
            assert!(text.contains("127.0.0.1") && !is_left, "{text}");
        }
    }

    #[test]
    fn a_token_is_not_dropped_in_silence() {
        let error = lines(Sdk::Python, &Named { token: Some("t"), ..named("AKIDx", "secret") }).unwrap_err();
        assert!(error.to_string().contains("AKIDx has one"), "{error}");
    }

    #[test]
    fn what_would_have_to_be_escaped_is_refused_by_name() {
        let error = lines(Sdk::Python, &named("AKIDx", "se\"cret")).unwrap_err().to_string();
        assert!(error.contains(r#""se\"cret" cannot be pasted"#), "{error}");
    }
}
