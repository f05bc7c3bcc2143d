//! A web hook: the JSON of an event as the body of a POST, over TLS.
//!
//! The client blocks, so each attempt has a thread of its own that ends by its time limit; nobody waits
//! for it longer. It follows no redirect, asks no proxy and believes the certificates of one file.

use std::{fmt, fs, io, path::Path, sync::Arc, thread, time::Duration};

use tokio::{sync::oneshot, time::timeout};
use ureq::{
    Agent,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::delivery::Letter;

/// Beyond the time limit of the client, in case that does not hold.
const GRACE: Duration = Duration::from_secs(2);

/// Where to post.
#[derive(Clone)]
pub(super) struct Webhook {
    agent: Agent,
    url: String,
    /// What proves that it is us: a secret, so it is shown nowhere.
    token: Option<Arc<str>>,
    within: Duration,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("within", &self.within).finish_non_exhaustive()
    }
}

impl Webhook {
    /// A hook at `url`, whose server has a certificate of one of those in the file `roots`.
    pub(super) fn new(
        url: &str,
        token: Option<&str>,
        roots: Option<&Path>,
        within: Duration,
    ) -> io::Result<Self> {
        let roots = roots.map_or_else(|| Ok(Vec::new()), certificates)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .max_redirects(0)
            .timeout_global(Some(within))
            .user_agent(concat!("qratum/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.into(), url: url.to_owned(), token: token.map(Arc::from), within })
    }

    /// Posts once. What the server answers beside its status is not read.
    pub(super) async fn post(&self, letter: &Arc<Letter>) -> Result<(), String> {
        let (hook, letter, (ended, end)) = (self.clone(), Arc::clone(letter), oneshot::channel());
        let attempt = move || {
            let _ = ended.send(hook.attempt(&letter));
        };
        thread::Builder::new()
            .name("webhook".to_owned())
            .spawn(attempt)
            .map_err(|error| error.to_string())?;
        match timeout(self.within.saturating_add(GRACE), end).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) | Err(_) => Err("no answer in time".to_owned()),
        }
    }

    fn attempt(&self, letter: &Letter) -> Result<(), String> {
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(key) = &letter.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        match request.send(letter.json.as_bytes()) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the server answered {}", answer.status().as_u16())),
            Err(ureq::Error::StatusCode(status)) => Err(format!("the server answered {status}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The certificates of a PEM file.
fn certificates(path: &Path) -> io::Result<Vec<ureq::tls::Certificate<'static>>> {
    let text = fs::read(path)?;
    let certificates = parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() { Err(io::Error::other("no certificate in it")) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read, Write},
        net::TcpListener,
        sync::mpsc::{Receiver, channel},
        time::Instant,
    };

    use rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    };

    use super::*;

    fn data(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
    }

    /// Reads a request and answers it.
    fn answer(stream: impl Read + Write, reply: &str) -> Request {
        let mut reader = BufReader::new(stream);
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim_end() {
                "" => break,
                line => headers.push(line.to_ascii_lowercase()),
            }
        }
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "))?;
        let mut body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        reader.get_mut().write_all(reply.as_bytes()).ok()?;
        Some((headers, String::from_utf8(body).unwrap()))
    }

    /// Headers and body, where a whole request came.
    type Request = Option<(Vec<String>, String)>;

    /// A server, and what it was sent.
    fn server(tls: bool, reply: &'static str) -> (String, Receiver<Request>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (told, requests) = channel();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = vec![CertificateDer::from_pem_file(data("server.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(data("key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = Arc::new(config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap());
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let request = if tls {
                let session = ServerConnection::new(config).unwrap();
                answer(StreamOwned::new(session, stream), reply)
            } else {
                answer(stream, reply)
            };
            let _ = told.send(request);
        });
        (address, requests)
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    fn post(url: &str, token: Option<&str>, roots: Option<&str>) -> Result<(), String> {
        let within = Duration::from_secs(10);
        let hook = Webhook::new(url, token, roots.map(data).as_deref(), within).unwrap();
        tell(&hook)
    }

    fn tell(hook: &Webhook) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (key, json) = (Some("1-2-3-raised".to_owned()), r#"{"a":1}"#.to_owned());
        runtime.block_on(hook.post(&Arc::new(Letter { key, line: String::new(), json })))
    }

    #[test]
    fn over_tls_it_reaches_the_server_whose_certificate_is_believed() {
        let (address, requests) = server(true, GOOD);
        assert_eq!(post(&format!("https://{address}/x"), Some("s3cret"), Some("ca.pem")), Ok(()));
        let (headers, body) = requests.recv().unwrap().unwrap();
        assert_eq!((headers[0].as_str(), body.as_str()), ("post /x http/1.1", r#"{"a":1}"#));
        for header in ["authorization: bearer s3cret", "idempotency-key: 1-2-3-raised"] {
            assert!(headers.iter().any(|line| line == header), "{headers:?}");
        }
    }

    #[test]
    fn a_server_with_another_certificate_or_name_gets_nothing() {
        let (address, requests) = server(true, GOOD);
        let why = post(&format!("https://{address}/x"), Some("s3cret"), Some("other.pem")).unwrap_err();
        assert!(why.contains("UnknownIssuer"), "{why}");
        assert_eq!(requests.recv().unwrap(), None);
        let (address, requests) = server(true, GOOD);
        let port = address.rsplit(':').next().unwrap();
        let why = post(&format!("https://localhost:{port}/x"), Some("s3cret"), Some("ca.pem")).unwrap_err();
        assert!(why.contains("not valid for name"), "{why}");
        assert_eq!(requests.recv().unwrap(), None);
    }

    #[test]
    fn what_is_no_success_is_a_failure_and_no_redirect_is_followed() {
        let replies = [
            ("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", "the server answered 500"),
            ("HTTP/1.1 302 Go\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n", "302"),
            ("SSH-2.0-OpenSSH\r\n", "protocol"),
        ];
        for (reply, why) in replies {
            let (address, _requests) = server(false, reply);
            let told = post(&format!("http://{address}/"), None, None).unwrap_err();
            assert!(told.contains(why), "{reply}: {told}");
        }
    }

    #[test]
    fn a_server_that_does_not_answer_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let hook = Webhook::new(&url, Some("s3cret"), None, Duration::from_millis(200)).unwrap();
        let started = Instant::now();
        assert!(tell(&hook).unwrap_err().contains("timeout"));
        assert!(started.elapsed() < Duration::from_secs(5));
        let shown = format!("{hook:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("127"), "{shown}");
    }

    #[test]
    fn a_file_without_a_certificate_is_none() {
        let within = Duration::from_secs(1);
        let why = Webhook::new("https://x/", None, Some(&data("../data/alarm.json")), within).unwrap_err();
        assert_eq!(why.to_string(), "no certificate in it");
    }
}
