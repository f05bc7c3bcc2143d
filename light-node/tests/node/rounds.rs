//! What is a fork and what is not, over real connections.

use qratum_chain::types::{Bitmap, Certificate, CommitCertificate, Phase, Round};

use super::{chain::vote, *};

/// The block with a certificate of another round: the same block, decided again by others who were
/// late in the first.
fn in_round(block: &LightBlock, round: u32, signers: &[u32], chain: &Chain) -> LightBlock {
    let (height, id) = height_and_id(block);
    let sign = |signer: &u32| {
        let seed = constant(0)[*signer as usize];
        vote((*signer, seed), (height.0, round, Phase::Precommit), Some(id), chain).signature
    };
    let certificate = CommitCertificate {
        chain_id: block.header.chain_id,
        set_id: block.header.set_id,
        height,
        round: Round(round),
        block_id: id,
        bitmap: Bitmap::of(4, signers.iter().copied()),
        signatures: signers.iter().map(sign).collect(),
    };
    LightBlock { certificate: Certificate::Commit(certificate), ..block.clone() }
}

/// Law 7: the same block in rounds 0 and 2, with other signers, is normal. Nobody is blamed, and
/// whoever hands it over is a witness.
#[tokio::test]
async fn one_block_certified_in_two_rounds_raises_no_alarm() {
    let chain = grown(constant, 3);
    let block = chain.lock().unwrap().grow(now());
    let again = in_round(&block, 2, &[1, 2, 3], &chain.lock().unwrap());
    assert_eq!(height_and_id(&again), height_and_id(&block));
    assert_ne!(again.certificate, block.certificate);
    let a = FakePeer::start("a", 101, tip(block.clone())).await;
    let b = FakePeer::start("b", 102, tip(again)).await;
    let c = FakePeer::start("c", 103, tip(block.clone())).await;
    let node = LightNode::start(config(&chain, &[&a, &b, &c], None)).await.unwrap();
    let agreed = until(&node, "all agree", |snapshot| snapshot.witnesses.operators.len() == 2).await;
    assert_eq!((agreed.head.id(), agreed.witnesses.height), (block.header.id(), block.header.height));
    assert!(agreed.fork.is_none() && agreed.voting.evidence.is_empty());
    assert_eq!(agreed.refusals, []);
    costs_nobody_anything(&agreed);
    node.stop().await;
}

/// The twin of that: another block of that height in round 2 is a fork, and across rounds more than a
/// third of the power stands in both, though nobody alone is proven guilty.
#[tokio::test]
async fn another_block_in_a_later_round_is_a_fork() {
    let chain = grown(constant, 3);
    let rival = chain.lock().unwrap().next(now(), Hash([7; 32]));
    let block = chain.lock().unwrap().grow(now());
    let rival = in_round(&rival, 2, &[1, 2, 3], &chain.lock().unwrap());
    let a = FakePeer::start("a", 101, honest(&chain)).await;
    let node = LightNode::start(config(&chain, &[&a], None)).await.unwrap();
    until_height(&node, 4).await;
    a.now(tip(rival));
    let snapshot = until(&node, "forked", |snapshot| snapshot.state == State::Forked).await;
    let fork = snapshot.fork.as_ref().unwrap();
    assert_eq!(snapshot.head.id(), block.header.id());
    assert!(fork.culprits().is_empty());
    assert!(fork.power_of(&fork.signers_of_both()).is_more_than_a_third());
    node.stop().await;
}
