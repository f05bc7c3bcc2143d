//! The console's light node, on a thread of its own: no key waits until a signature is verified, and what
//! the screen costs can be told from what the verifying costs.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use qratum_light_node::{Config, LightNode};
use tokio::{runtime::Builder, sync::oneshot};

use super::network::start_failure;
use crate::exit::Failure;

/// The name of the thread, as the system lists it.
const THREAD: &str = "light-node";

/// A running light node and its thread.
pub(crate) struct Hosted {
    pub(crate) node: Arc<LightNode>,
    /// Dropped when the thread is to end.
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Hosted {
    /// Starts the thread, and the node on it.
    pub(crate) async fn start(config: Config) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::io("runtime", &error);
        let runtime =
            Builder::new_current_thread().thread_name(THREAD).enable_all().build().map_err(failed)?;
        let ((hand, handed), (end, ended)) = (oneshot::channel(), oneshot::channel());
        let host = async move {
            if hand.send(LightNode::start(config).await).is_ok() {
                // An error too: both mean that whoever held it is gone.
                let _ = ended.await;
            }
        };
        let thread = thread::Builder::new().name(THREAD.to_owned());
        let thread = thread.spawn(move || runtime.block_on(host)).map_err(failed)?;
        let gone = |_| Failure::io("light node", &std::io::Error::other("its thread ended"));
        let node = handed.await.map_err(gone)?.map_err(|error| start_failure(&error))?;
        Ok(Self { node: Arc::new(node), end, thread })
    }

    /// Stops the node: connections are closed and the store is released when this returns. Where a ceremony
    /// still waits for its key and holds the node, it ends with its thread.
    pub(crate) async fn stop(self) {
        if let Some(node) = Arc::into_inner(self.node) {
            node.stop().await;
        }
        drop(self.end);
        // One that panicked has ended too.
        let _ = self.thread.join();
    }
}
