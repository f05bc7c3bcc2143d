//! Answers light nodes from memory. Each answer is bounded by what one block, one state value, one
//! audit path or the votes of three heights can be.

use qratum_chain::{Hash, ledger::governance::Placed, types::Height};
use qratum_light_node::wire::{Entry, Included, Request, Response, StateKey};

use crate::{
    block::Decided,
    host::Host,
    ledger::Ledger,
    message::{FULL_REPLY, MAX_BLOCKS, Reply},
    snapshot::Page,
};
use qratum_chain::codec::Encode;

/// The answer to a light node's request.
#[must_use]
pub fn answer(host: &Host, request: &Request) -> Response {
    let ledger = host.ledger();
    let answer = match request {
        Request::Tip => light_block(ledger, ledger.shown()),
        Request::Block(height) => light_block(ledger, *height),
        Request::State(keys) => state(ledger, keys),
        Request::History { height, size } => {
            ledger.history().inclusion(height.0, size.0).map(Response::History)
        }
        Request::Votes => Some(host.heard().answer()),
        Request::Txo(id) => txo(host, id),
        Request::Ballots(id) => Some(Response::Ballots(Placed::all(&ledger.registry(), *id))),
        Request::Evidence(height) => {
            ledger.block(*height).map(|decided| Response::Evidence(decided.block.body.evidence.clone()))
        }
        // Changes what waits, so it does not come this way.
        Request::Submit(_) => None,
    };
    answer.unwrap_or(Response::Unknown)
}

/// The answer to a validator that asks for decided blocks: blocks, or the snapshot where they were
/// dropped. No blocks where they were dropped above the snapshot, since a hand-over lacks signatures.
#[must_use]
pub fn blocks(ledger: &Ledger, from: Height) -> Reply {
    match ledger.snapshot() {
        Some((height, _)) if from < ledger.lowest() && from <= *height => page(ledger, height.0, 0),
        _ => Reply::Blocks(decided(ledger, from)),
    }
}

/// The answer to a validator that asks for a page of the snapshot at this height; no blocks, where
/// there is another one by now.
#[must_use]
pub fn page(ledger: &Ledger, height: u64, offset: u32) -> Reply {
    let snapshot = ledger.snapshot().filter(|(at, _)| at.0 == height);
    let page = snapshot.and_then(|(_, bytes)| Page::of(height, bytes, offset));
    page.map_or_else(|| Reply::Blocks(Vec::new()), Reply::Page)
}

/// The decided blocks from `from` on, as many as fit in one reply.
#[must_use]
pub fn decided(ledger: &Ledger, from: Height) -> Vec<Decided> {
    let (mut blocks, mut bytes, mut height) = (Vec::new(), 0usize, from);
    while let Some(block) = ledger.block(height).filter(|_| blocks.len() < MAX_BLOCKS && bytes < FULL_REPLY) {
        bytes = bytes.saturating_add(block.to_bytes().len());
        blocks.push(block.clone());
        height = height.next();
    }
    blocks
}

fn light_block(ledger: &Ledger, height: Height) -> Option<Response> {
    ledger.light_block(height).map(|block| Response::Block(Box::new(block)))
}

fn txo(host: &Host, id: &Hash) -> Option<Response> {
    let Some((decided, index)) = host.ledger().find(id) else {
        return host.waits(id).then_some(Response::Txo(None));
    };
    let body = &decided.block.body;
    let included = Included {
        height: decided.height(),
        index: index as u64,
        count: body.transactions.len() as u64,
        txo: body.transactions.get(index)?.clone(),
        audit_path: body.audit_path(index)?,
    };
    Some(Response::Txo(Some(Box::new(included))))
}

fn state(ledger: &Ledger, keys: &[StateKey]) -> Option<Response> {
    let entry = |StateKey(key): &StateKey| {
        let (value, proof) = ledger.state().prove(key).ok()?;
        Some(Entry { value, proof })
    };
    let entries = keys.iter().map(entry).collect::<Option<_>>()?;
    Some(Response::State { height: ledger.tip().height, entries })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        host::{Moment, Past},
        quorum::verify_commit,
        testing::{START, key, ledger},
    };
    use qratum_chain::ledger::HEIGHT_KEY;
    use qratum_crypto::merkle::{Sha3, leaf_hash, verify_inclusion};

    fn at(height: u64) -> Host {
        let now = Moment { wall: START, uptime_ms: 0 };
        Host::new(ledger(height), key(0), Past::of(Vec::new()), Vec::new(), now).unwrap()
    }

    #[test]
    fn every_answer_can_be_verified() {
        let host = at(70);
        let chain = host.ledger();
        let Response::Block(tip) = answer(&host, &Request::Tip) else { panic!() };
        assert_eq!(tip.header.height, Height(70));
        assert_eq!(verify_commit(chain.set(), &tip.header, &tip.certificate), Ok(()));

        let keys: [&[u8]; 2] = [HEIGHT_KEY, b"nothing"];
        let asked = Request::State(keys.map(|key| StateKey(key.to_vec())).to_vec());
        let Response::State { height, entries } = answer(&host, &asked) else { panic!() };
        assert_eq!((height, entries.len()), (Height(70), 2));
        for (key, Entry { value, proof }) in keys.iter().zip(entries) {
            assert_eq!(value.is_some(), *key == HEIGHT_KEY);
            assert_eq!(proof.verify(tip.header.state_root, key, value.as_deref()), Ok(()));
        }

        let request = Request::History { height: Height(9), size: Height(70) };
        let Response::History(path) = answer(&host, &request) else { panic!() };
        let id = chain.block(Height(9)).unwrap().block.id();
        let leaf = leaf_hash::<Sha3>(&id.0.0);
        assert_eq!(verify_inclusion::<Sha3>(leaf, 9, 70, &path, tip.header.history_root), Ok(()));
    }

    #[test]
    fn what_is_not_there_is_unknown() {
        let host = at(3);
        for request in [
            Request::Block(Height(0)),
            Request::Block(Height(4)),
            Request::Block(Height(u64::MAX)),
            Request::History { height: Height(3), size: Height(3) },
            Request::History { height: Height(0), size: Height(5) },
        ] {
            assert_eq!(answer(&host, &request), Response::Unknown, "{request:?}");
        }
        assert_eq!(answer(&at(0), &Request::Tip), Response::Unknown);
    }

    #[test]
    fn a_reply_has_at_most_so_many_blocks() {
        let chain = ledger(70);
        let heights = |from| decided(&chain, Height(from)).iter().map(|b| b.height().0).collect::<Vec<_>>();
        assert_eq!(heights(2), (2..66).collect::<Vec<_>>());
        assert_eq!(heights(69), [69, 70]);
        assert_eq!((heights(71), heights(0)), (vec![], vec![]));
    }
}
