//! The transport over HTTP, with or without TLS.
//!
//! Proxies named in the environment are used, except to reach this very machine. Redirects are not followed: they would carry the
//! session token to somebody else.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use reqwest::{Client, Response, header::CONTENT_LENGTH, redirect::Policy};

use super::{
    error::SyncError,
    transport::{
        EventBytes, Method, Reply, Request, Streamed, Streaming, Transport, TransportFault,
    },
};
use crate::protocol::{MAX_BATCH_BODY, VERSION, VERSION_HEADER};

const CONNECT_TIME: Duration = Duration::from_secs(10);

/// One central endpoint over HTTP.
pub struct HttpTransport {
    client: Client,
    base: String,
}

impl HttpTransport {
    /// A transport to the server at this address ([`tidy_url`]).
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str) -> Result<Self, SyncError> {
        let base = tidy_url(url)?;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIME)
            .redirect(Policy::none())
            .user_agent(concat!("shicha/", env!("CARGO_PKG_VERSION")))
            .tcp_nodelay(true);
        if is_this_machine(&base) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| SyncError::BadAddress {
            reason: error.to_string(),
        })?;
        Ok(Self { client, base })
    }

    fn send(&self, request: Request) -> reqwest::RequestBuilder {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
        };
        let mut builder = self
            .client
            .request(method, format!("{}{}", self.base, request.path))
            .header(VERSION_HEADER, VERSION);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if request.body.is_empty() {
            builder
        } else {
            builder.body(request.body)
        }
    }
}

/// Puts an address that a person typed right: `http://` where no scheme stands, no slash at the end.
///
/// # Errors
/// When it is no address of a web server.
pub fn tidy_url(text: &str) -> Result<String, SyncError> {
    let text = text.trim();
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let bad = |reason: &str| SyncError::BadAddress {
        reason: reason.to_owned(),
    };
    let url = reqwest::Url::parse(&full).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("only http and https"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("no host"));
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(bad("more than an address"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_this_machine(base: &str) -> bool {
    let host = reqwest::Url::parse(base)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The words of a network error, without the address: it may hold more than it should in a log.
fn fault(error: reqwest::Error) -> TransportFault {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    TransportFault::Unreachable(words)
}

impl Transport for HttpTransport {
    fn call<'a>(&'a self, request: Request) -> BoxFuture<'a, Result<Reply, TransportFault>> {
        async move {
            let timeout = request.timeout;
            let response = self
                .send(request)
                .timeout(timeout)
                .send()
                .await
                .map_err(fault)?;
            let mut reply = head_of(&response);
            let body = &mut reply.body;
            let mut stream = response.bytes_stream();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(fault)?;
                if body.len() + chunk.len() > MAX_BATCH_BODY {
                    return Err(TransportFault::TooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(reply)
        }
        .boxed()
    }

    fn listen<'a>(&'a self, request: Request) -> BoxFuture<'a, Result<EventBytes, TransportFault>> {
        async move {
            let response = tokio::time::timeout(request.timeout, self.send(request).send())
                .await
                .map_err(|_elapsed| TransportFault::Unreachable("no answer".to_owned()))?
                .map_err(fault)?;
            if response.status() != reqwest::StatusCode::OK {
                return Err(TransportFault::Unreachable(format!(
                    "status {}",
                    response.status().as_u16()
                )));
            }
            Ok(bytes_of(response))
        }
        .boxed()
    }

    fn stream<'a>(
        &'a self,
        request: Request,
        body: Streaming,
    ) -> BoxFuture<'a, Result<Streamed, TransportFault>> {
        async move {
            let response = self
                .send(request)
                .header(CONTENT_LENGTH, body.length)
                .body(reqwest::Body::wrap_stream(body.pieces))
                .send()
                .await
                .map_err(fault)?;
            Ok(Streamed {
                reply: head_of(&response),
                body: bytes_of(response),
            })
        }
        .boxed()
    }
}

/// Status and headers.
fn head_of(response: &Response) -> Reply {
    Reply {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect(),
        body: Vec::new(),
    }
}

fn bytes_of(response: Response) -> EventBytes {
    response
        .bytes_stream()
        .map(|chunk| chunk.map(|bytes| bytes.to_vec()).map_err(fault))
        .boxed()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_is_put_right_as_a_person_means_it() {
        assert_eq!(
            tidy_url(" 10.1.2.3:7300/ ").unwrap(),
            "http://10.1.2.3:7300"
        );
        assert_eq!(
            tidy_url("https://shicha.example.gov.cn/zx/").unwrap(),
            "https://shicha.example.gov.cn/zx"
        );
        for wrong in [
            "",
            "ftp://x",
            "http://",
            "http://a:b@c",
            "http://x/?q",
            "两个 词",
        ] {
            assert!(tidy_url(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        assert!(
            is_this_machine("http://127.0.0.1:7300")
                && is_this_machine("http://[::1]:1")
                && is_this_machine("http://localhost")
        );
        assert!(
            !is_this_machine("http://10.0.0.1") && !is_this_machine("https://localhost.example.cn")
        );
    }
}
