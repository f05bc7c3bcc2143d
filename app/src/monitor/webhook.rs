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
