//! The replicas of one chain, run until each has committed it.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use ed25519_dalek::SigningKey;
use hotstuff_rs::{
    block_tree::accessors::public::BlockTreeCamera,
    hotstuff::types::PhaseCertificate,
    replica::{Configuration, Replica, ReplicaSpec},
    types::{
        data_types::{BufferSize, ChainID, EpochLength},
        update_sets::AppStateUpdates,
    },
};

use crate::{
    app::HeaderApp,
    network::{Port, ports},
    plan::Plan,
    store::MemoryStore,
};

/// Longest time a recording may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a replica tells while it runs.
pub(crate) enum Report {
    /// A certificate it collected as the next leader, or took over as its highest.
    Certificate(PhaseCertificate),
    /// It committed a block.
    Committed,
    /// Its application failed.
    Fault(String),
}

/// What the replicas leave behind.
pub(crate) struct Capture {
    /// Block tree of the first replica.
    pub(crate) store: MemoryStore,
    /// Every certificate that any replica saw while it ran. The blocks do not hold the old set's
    /// commit phase for a block that changes the set.
    pub(crate) certificates: Vec<PhaseCertificate>,
}

/// Runs the chain of `plan`: one replica for each key. A key that is in no set yet, or no longer,
/// listens and follows.
pub(crate) fn run(plan: &Arc<Plan>) -> Result<Capture> {
    let keys: Vec<_> = plan.seeds.iter().map(SigningKey::from_bytes).collect();
    let ports = ports(&keys.iter().map(SigningKey::verifying_key).collect::<Vec<_>>());
    let (sender, reports) = mpsc::channel();
    let (mut stores, mut replicas) = (Vec::new(), Vec::new());
    for (key, port) in keys.into_iter().zip(ports) {
        let store = MemoryStore::default();
        Replica::initialize(store.clone(), AppStateUpdates::new(), plan.initial_sets()?);
        stores.push(store.clone());
        replicas.push(start(plan, key, port, store, &sender));
    }
    drop(sender);
    let certificates = collect(&reports, &stores, plan.tip)?;
    drop(replicas);
    Ok(Capture { store: stores.into_iter().next().context("a first replica")?, certificates })
}

fn start(
    plan: &Arc<Plan>,
    key: SigningKey,
    port: Port,
    store: MemoryStore,
    reports: &Sender<Report>,
) -> Replica<MemoryStore> {
    let app = HeaderApp { plan: Arc::clone(plan), store: store.clone(), reports: reports.clone() };
    let (collected, highest, committed) = (reports.clone(), reports.clone(), reports.clone());
    ReplicaSpec::builder()
        .app(app)
        .network(port)
        .kv_store(store)
        .configuration(configuration(key, plan.chain))
        .on_collect_pc(move |event| {
            let _ = collected.send(Report::Certificate(event.phase_certificate.clone()));
        })
        .on_update_highest_pc(move |event| {
            let _ = highest.send(Report::Certificate(event.highest_pc.clone()));
        })
        .on_commit_block(move |_| {
            let _ = committed.send(Report::Committed);
        })
        .build()
        .start()
}

fn configuration(me: SigningKey, chain: u64) -> Configuration {
    Configuration::builder()
        .me(me)
        .chain_id(ChainID::new(chain))
        .block_sync_request_limit(50)
        .block_sync_server_advertise_time(Duration::from_secs(1))
        .block_sync_response_timeout(Duration::from_secs(2))
        .block_sync_blacklist_expiry_time(Duration::from_secs(5))
        .block_sync_trigger_min_view_difference(5)
        .block_sync_trigger_timeout(Duration::from_secs(10))
        .progress_msg_buffer_capacity(BufferSize::new(1 << 20))
        // The last view of an epoch always runs into its timeout: keep it out of the recording.
        .epoch_length(EpochLength::new(1000))
        // Below one second hotstuff_rs truncates to zero, and no view is long enough for a block.
        .max_view_time(Duration::from_secs(2))
        .log_events(false)
        .build()
}

/// Gathers certificates until every store has committed `tip`.
fn collect(reports: &Receiver<Report>, stores: &[MemoryStore], tip: u64) -> Result<Vec<PhaseCertificate>> {
    let (start, mut certificates) = (Instant::now(), Vec::new());
    loop {
        let left = PATIENCE.saturating_sub(start.elapsed());
        match reports.recv_timeout(left).context("the chain does not grow")? {
            Report::Certificate(certificate) => certificates.push(certificate),
            Report::Fault(why) => bail!("a replica's application: {why}"),
            Report::Committed => {
                let heights: Vec<_> = stores.iter().map(committed_height).collect::<Result<_>>()?;
                if heights.iter().all(|height| *height >= Some(tip)) {
                    return Ok(certificates);
                }
            }
        }
    }
}

fn committed_height(store: &MemoryStore) -> Result<Option<u64>> {
    let camera = BlockTreeCamera::new(store.clone());
    let tree = camera.snapshot();
    let Some(block) = tree.highest_committed_block().map_err(|why| anyhow!("{why:?}"))? else {
        return Ok(None);
    };
    Ok(tree.block_height(&block).map_err(|why| anyhow!("{why:?}"))?.map(|height| height.int()))
}
