//! What the replicas agree on: one header in each block, with its id as the data hash.

use std::sync::{Arc, mpsc::Sender};

use anyhow::{Context, Result, anyhow, ensure};
use borsh::BorshSerialize;
use hotstuff_rs::{
    app::{App, ProduceBlockRequest, ProduceBlockResponse, ValidateBlockRequest, ValidateBlockResponse},
    block_tree::accessors::{app::AppBlockTreeView, public::BlockTreeCamera},
    hotstuff::types::PhaseCertificate,
    types::{
        block::Block,
        data_types::{CryptoHash, Data, Datum},
        update_sets::ValidatorSetUpdates,
    },
};
use qratum_chain::{
    codec::{Decode, Encode},
    types::Header,
};

use crate::{cluster::Report, plan::Plan, store::MemoryStore};

/// The application of one replica.
pub(crate) struct HeaderApp {
    /// Which header belongs where.
    pub(crate) plan: Arc<Plan>,
    /// The replica's own store.
    pub(crate) store: MemoryStore,
    /// Where faults go: the methods of an `App` have no way to fail.
    pub(crate) reports: Sender<Report>,
}

impl HeaderApp {
    /// The header of a block that is about to be proposed.
    ///
    /// `hotstuff_rs` proposes on its highest certificate, but tells the application only which
    /// block that names. No other thread writes to this store, so it still is the highest here.
    fn propose(&self, request: &ProduceBlockRequest<MemoryStore>) -> Result<Header> {
        let camera = BlockTreeCamera::new(self.store.clone());
        let justify =
            camera.snapshot().highest_pc().map_err(|why| anyhow!("highest certificate: {why:?}"))?;
        let parent = (!justify.is_genesis_pc()).then_some(justify.block);
        ensure!(parent == request.parent_block(), "the highest certificate has changed");
        self.header_on(request.block_tree(), &justify)
    }

    /// Accepts exactly the one block that may stand on its certificate.
    fn validate(&self, request: &ValidateBlockRequest<MemoryStore>) -> Result<Option<ValidatorSetUpdates>> {
        let block: &Block = request.proposed_block();
        let header = self.header_on(request.block_tree(), &block.justify)?;
        ensure!(block.height.int() == header.height.0, "the block has another height than its header");
        ensure!(block.data_hash.bytes() == header.id().0.0, "the data hash is not the header's id");
        let data: Vec<_> = block.data.iter().map(Datum::bytes).collect();
        ensure!(data == [&header.to_bytes()], "the data is not the header");
        self.plan.updates(header.height)
    }

    fn header_on(&self, tree: &AppBlockTreeView<MemoryStore>, justify: &PhaseCertificate) -> Result<Header> {
        self.plan.header(&headers_below(tree, justify)?, &justify.try_to_vec()?)
    }

    fn answer(&self, request: &ValidateBlockRequest<MemoryStore>) -> ValidateBlockResponse {
        match self.validate(request) {
            Ok(validator_set_updates) => {
                ValidateBlockResponse::Valid { app_state_updates: None, validator_set_updates }
            }
            Err(why) => {
                self.fault(&why);
                ValidateBlockResponse::Invalid
            }
        }
    }

    fn fault(&self, why: &anyhow::Error) {
        // Whoever no longer listens has all the blocks it wanted.
        let _ = self.reports.send(Report::Fault(format!("{why:#}")));
    }
}

impl App<MemoryStore> for HeaderApp {
    fn produce_block(&mut self, request: ProduceBlockRequest<MemoryStore>) -> ProduceBlockResponse {
        let header = self.propose(&request).inspect_err(|why| self.fault(why)).ok();
        // Without a header the block is empty, and no replica votes for it.
        ProduceBlockResponse {
            data_hash: CryptoHash::new(header.as_ref().map_or([0; 32], |header| header.id().0.0)),
            data: Data::new(header.iter().map(|header| Datum::new(header.to_bytes())).collect()),
            app_state_updates: None,
            // Taken from the answer to the validation of the same block.
            validator_set_updates: None,
        }
    }

    fn validate_block(&mut self, request: ValidateBlockRequest<MemoryStore>) -> ValidateBlockResponse {
        self.answer(&request)
    }

    fn validate_block_for_sync(
        &mut self,
        request: ValidateBlockRequest<MemoryStore>,
    ) -> ValidateBlockResponse {
        self.answer(&request)
    }
}

/// All headers below a block that stands on `justify`, from genesis on.
fn headers_below(tree: &AppBlockTreeView<MemoryStore>, justify: &PhaseCertificate) -> Result<Vec<Header>> {
    let (mut headers, mut justify) = (Vec::new(), justify.clone());
    while !justify.is_genesis_pc() {
        let datum = tree.block_datum(&justify.block, 0).context("a block below without data")?;
        headers.push(Header::from_bytes(datum.bytes()).map_err(|why| anyhow!("a header below: {why}"))?);
        justify = tree.block_justify(&justify.block).map_err(|why| anyhow!("a block below: {why:?}"))?;
    }
    headers.reverse();
    Ok(headers)
}
