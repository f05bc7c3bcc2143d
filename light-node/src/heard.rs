//! Who else has the newest verified blocks? What peers answered on their own connections, kept for
//! the last few heads.
//!
//! Peers are asked in turn, and the chain moves on meanwhile: a peer that is asked later names a
//! later block. A header names its parent, so whoever hands over a verified block also names every
//! remembered block below it; a height is agreed on soon after it is verified.

use std::collections::VecDeque;

use qratum_chain::types::{BlockId, Height};
use qratum_verifier::{
    Trusted,
    witness::{Parties, Report, may_arm, witnesses},
};

use crate::{
    Witnesses,
    config::{Pinned, parties},
};

/// How many heads are remembered.
const HEADS: usize = 8;

/// A verified block, and who named it. The first to do so is the primary.
#[derive(Debug)]
struct Seen {
    height: Height,
    id: BlockId,
    parent: BlockId,
    reports: Vec<Report>,
}

impl Seen {
    fn of(head: &Trusted) -> Self {
        let header = head.header().get();
        Self { height: header.height, id: head.id(), parent: header.parent, reports: Vec::new() }
    }

    fn named_by(&mut self, source: usize) {
        if self.reports.iter().all(|report| report.source != source) {
            self.reports.push(Report { source, block_id: self.id });
        }
    }
}

/// What was heard from whom.
#[derive(Debug)]
pub(crate) struct Heard {
    parties: Parties,
    operators: Vec<String>,
    heads: VecDeque<Seen>,
}

impl Heard {
    pub(crate) fn new(peers: &[Pinned], head: &Trusted) -> Self {
        let operators = peers.iter().map(|peer| peer.operator.clone()).collect();
        Self { parties: parties(peers), operators, heads: VecDeque::from([Seen::of(head)]) }
    }

    /// Which peers count as one.
    pub(crate) const fn parties(&self) -> &Parties {
        &self.parties
    }

    /// A new head was verified.
    pub(crate) fn head(&mut self, head: &Trusted) {
        if self.heads.len() >= HEADS {
            self.heads.pop_front();
        }
        self.heads.push_back(Seen::of(head));
    }

    /// A peer answered with the block of this id; it counts, where that is a verified one.
    pub(crate) fn block(&mut self, peer: usize, mut named: BlockId) {
        if peer >= self.operators.len() {
            // The socket of the home is nobody's peer.
            return;
        }
        for seen in self.heads.iter_mut().rev().filter(|seen| seen.height > Height(0)) {
            if seen.id == named {
                seen.named_by(peer);
                named = seen.parent;
            }
        }
    }

    /// Nothing that this peer said counts any more.
    pub(crate) fn forget(&mut self, peer: usize) {
        for seen in &mut self.heads {
            seen.reports.retain(|report| report.source != peer);
        }
    }

    /// Who agrees at the best height: the newest with enough witnesses, else the newest.
    pub(crate) fn witnesses(&self) -> Witnesses {
        let mut all = self.heads.iter().rev().map(|seen| self.at(seen));
        let newest = all.next();
        let best = newest.iter().cloned().chain(all).find(|it| may_arm(it.operators.len()));
        best.or(newest).unwrap_or_default()
    }

    fn at(&self, seen: &Seen) -> Witnesses {
        let sources = seen.reports.first().map(|primary| witnesses(&self.parties, &seen.reports, *primary));
        let sources = sources.into_iter().flatten();
        let operators = sources.filter_map(|source| self.operators.get(source)).cloned().collect();
        Witnesses { height: seen.height, operators, may_arm: false }
    }
}

#[cfg(test)]
mod tests {
    use qratum_chain::types::{Enrolment, GenesisValidator, Proofs, STAKE_UNIT, Time};
    use qratum_crypto::sign::ed25519::SecretKey;
    use qratum_verifier::sync::Sync;

    use super::*;
    use crate::{
        chain::{Chain, constant},
        config::{Peer, bind, pinned},
    };

    /// Peers of these operators, on ports of loopback.
    fn peers(operators: &[&str]) -> Vec<Pinned> {
        let peer = |(seed, operator): (u8, &&str)| {
            let id = libp2p::identity::Keypair::ed25519_from_bytes([seed; 32]).unwrap().public().to_peer_id();
            let address = format!("/ip4/127.0.0.1/tcp/{seed}/p2p/{id}").parse().unwrap();
            Peer {
                name: format!("p-{seed}"),
                operator: (*operator).to_owned(),
                address,
                fallbacks: Vec::new(),
            }
        };
        pinned(&(1u8..).zip(operators).map(peer).collect::<Vec<_>>()).unwrap()
    }

    /// The first `count` blocks of a chain as a node verifies them.
    fn heads(count: u64) -> Vec<Trusted> {
        let mut chain = Chain::new("net", Time(1000), constant);
        chain.grow_by(count);
        let (anchor, rules) = Trusted::genesis(&chain.genesis).unwrap();
        let mut sync = Sync::new(anchor, rules);
        let verified = chain.blocks.iter().map(|block| {
            sync.answer(block.clone(), Time(1_000_000));
            sync.head().clone()
        });
        verified.collect()
    }

    fn agreed(heard: &Heard) -> (u64, Vec<String>) {
        let Witnesses { height, operators, .. } = heard.witnesses();
        (height.0, operators)
    }

    fn at(height: u64, operators: &[&str]) -> (u64, Vec<String>) {
        (height, operators.iter().map(|operator| (*operator).to_owned()).collect())
    }

    #[test]
    fn a_later_block_speaks_for_those_below_it() {
        let heads = heads(3);
        let mut heard = Heard::new(&peers(&["a", "b", "c", "d"]), &heads[0]);
        heard.block(0, heads[0].id());
        heard.block(1, heads[0].id());
        assert_eq!(agreed(&heard), at(1, &["b"]));
        heard.head(&heads[1]);
        heard.block(2, heads[1].id());
        assert_eq!(agreed(&heard), at(1, &["b", "c"]), "the primary of 2 is a witness of 1");
        heard.block(0, heads[1].id());
        heard.block(3, heads[1].id());
        assert_eq!(agreed(&heard), at(2, &["a", "d"]));
    }

    #[test]
    fn heads_that_do_not_follow_each_other_do_not_speak_for_each_other() {
        let heads = heads(3);
        let mut heard = Heard::new(&peers(&["a", "b", "c"]), &heads[0]);
        heard.block(0, heads[0].id());
        heard.head(&heads[2]);
        heard.block(1, heads[2].id());
        heard.block(2, heads[2].id());
        assert_eq!(agreed(&heard), at(3, &["c"]));
    }

    #[test]
    fn one_operator_and_blocks_that_nobody_verified_count_nothing() {
        let heads = heads(2);
        let mut heard = Heard::new(&peers(&["a", "a", "b", "b", "c"]), &heads[0]);
        for peer in [0, 1, 2, 3, 0, 2] {
            heard.block(peer, heads[0].id());
        }
        heard.block(4, heads[1].id());
        assert_eq!(agreed(&heard), at(1, &["b"]));
    }

    #[test]
    fn who_is_forgotten_is_no_witness_and_no_primary() {
        let heads = heads(1);
        let mut heard = Heard::new(&peers(&["a", "b", "c"]), &heads[0]);
        for peer in [0, 1, 2] {
            heard.block(peer, heads[0].id());
        }
        assert_eq!(agreed(&heard), at(1, &["b", "c"]));
        heard.forget(2);
        assert_eq!(agreed(&heard), at(1, &["b"]));
        heard.forget(0);
        assert_eq!(agreed(&heard), at(1, &[]), "the next is the primary");
    }

    /// Nor is it the primary, whose party a witness must not be of.
    #[test]
    fn the_socket_of_the_home_is_no_witness() {
        let heads = heads(1);
        let mut heard = Heard::new(&peers(&["a", "b"]), &heads[0]);
        for peer in [2, 0, 1] {
            heard.block(peer, heads[0].id());
        }
        assert_eq!(agreed(&heard), at(1, &["b"]));
    }

    /// Law 9: whatever names the configuration gives to ten enrolled peers of one operator, and to those
    /// that are not enrolled its own word counts.
    #[test]
    fn ten_peer_ids_of_one_operator_never_arm() {
        let heads = heads(1);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let pinned = peers(&names);
        let enrolled = |seed: u8| {
            let key = |seed| SecretKey::from_seed(&[seed; 32]).public();
            let (operator, stake) = ("many".to_owned(), STAKE_UNIT);
            let (peer_key, operator_key) = (key(seed), key(200));
            Enrolment { operator, stake, peer_key, operator_key, proofs: Proofs::MISSING }
        };
        let mut genesis = Chain::new("net", Time(1000), constant).genesis;
        let member = genesis.validators[0].clone();
        genesis.validators = (1..=10)
            .map(|seed| GenesisValidator { enrolment: Some(enrolled(seed)), ..member.clone() })
            .collect();
        let bound = bind(pinned.clone(), &genesis);
        assert_eq!(bound.iter().map(|peer| peer.bound).filter(|bound| *bound).count(), 10);
        assert_eq!((&*bound[9].operator, &*bound[10].operator, bound[10].bound), ("many", "k", false));

        let all_say = |peers: &[Pinned], sources: &[usize]| {
            let mut heard = Heard::new(peers, &heads[0]);
            sources.iter().for_each(|peer| heard.block(*peer, heads[0].id()));
            heard.witnesses().operators
        };
        assert_eq!(all_say(&pinned, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).len(), 9, "what the file claims");
        assert_eq!(all_say(&bound, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), [""; 0]);
        assert_eq!(all_say(&bound, &[10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), ["many"]);
        assert_eq!(all_say(&bound, &[0, 1, 10, 11]), ["k", "l"], "two others are enough");
    }

    #[test]
    fn only_the_last_heads_are_remembered() {
        let heads = heads(9);
        let mut heard = Heard::new(&peers(&["a", "b", "c"]), &heads[0]);
        heads[1..].iter().for_each(|head| heard.head(head));
        for peer in [0, 1, 2] {
            heard.block(peer, heads[0].id());
        }
        assert_eq!(agreed(&heard), at(9, &[]));
        for peer in [0, 1, 2] {
            heard.block(peer, heads[1].id());
        }
        assert_eq!(agreed(&heard), at(2, &["b", "c"]));
    }
}
