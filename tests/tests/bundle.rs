//! What crosses an air gap: whatever byte of a bundle changes on the way, it is refused, and for that.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test file: a panic is the verdict")]

use std::collections::BTreeSet;

use qratum_chain::{
    document::{Bundle, DocumentError, HeaderProof},
    types::{Certificate, LightBlock, Time, TxoBody, TxoClass},
};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_tests::forge::Forge;
use qratum_verifier::{Reject, Trusted, proof};

fn bundle(forge: &Forge, count: u64) -> Bundle {
    let key = SecretKey::from_seed(&[7; 32]);
    let body = |nonce| TxoBody {
        chain_id: forge.chain_id,
        sender: key.public().into(),
        nonce,
        class: TxoClass::Network,
        payload: vec![2],
    };
    let LightBlock { header, certificate, validators, .. } = forge.block(7);
    let (certificate, path) = (Some(certificate), forge.path_to(7));
    let head = HeaderProof { header, certificate, validators, path, history: None };
    Bundle { head, transactions: (0..count).map(|nonce| body(nonce).sign(&key)).collect() }
}

#[test]
fn a_bundle_comes_back_as_it_went() {
    let forge = Forge::small(7);
    for count in [0, 1, 256] {
        let bundle = bundle(&forge, count);
        assert_eq!(Bundle::from_json(bundle.to_json().unwrap().as_bytes()), Ok(bundle));
    }
    let many = bundle(&forge, 257);
    assert_eq!(many.to_json(), Err(DocumentError::Count { got: 257, most: 256 }));
}

#[test]
fn every_changed_byte_is_refused() {
    let text = bundle(&Forge::small(7), 2).to_json().unwrap().into_bytes();
    let mut reasons = BTreeSet::new();
    for at in 0..text.len() {
        // A digit of hex becomes another, or none; a quote or a comma becomes something else.
        for flip in [1, 16] {
            let mut changed = text.clone();
            changed[at] ^= flip;
            let why = Bundle::from_json(&changed).unwrap_err();
            let text = format!("{why:?}");
            reasons.insert(text.split(['(', ' ']).next().unwrap().to_owned());
        }
    }
    let all = ["BlockId", "Digest", "Hex", "Json", "Malformed", "Schema", "TxoId"];
    assert_eq!(reasons, all.map(str::to_owned).into(), "each kind of damage has a reason of its own");
}

#[test]
fn another_text_of_the_same_content_is_none() {
    let text = bundle(&Forge::small(7), 1).to_json().unwrap();
    for other in
        [format!("{text}\n"), text.replacen(':', ": ", 1), text.replacen("qratum", "\\u0071ratum", 1)]
    {
        assert_eq!(Bundle::from_json(other.as_bytes()), Err(DocumentError::Form), "{other:.40}");
    }
    // Two fields change places.
    let (digest, rest) = text[1..].split_once(",\"transactions\"").unwrap();
    let other = format!("{{\"transactions\"{},{digest}}}", &rest[..rest.len() - 1]);
    assert_eq!(Bundle::from_json(other.as_bytes()), Err(DocumentError::Form));
}

/// Whoever makes the digest anew has a bundle, and nothing that it vouches for.
#[test]
fn the_digest_vouches_for_nothing() {
    let forge = Forge::small(7);
    let (anchor, rules) = Trusted::genesis(&forge.genesis).unwrap();
    let now = Time(bundle(&forge, 0).head.header.time.0 + 1);
    let judged = |bundle: &Bundle| {
        let read = Bundle::from_json(bundle.to_json().unwrap().as_bytes()).unwrap();
        proof::check(&read.head, &anchor, &rules, now).map(drop)
    };
    let honest = bundle(&forge, 1);
    assert_eq!(judged(&honest), Ok(()));
    let mut forged = honest.clone();
    let Some(Certificate::Commit(commit)) = &mut forged.head.certificate else { unreachable!() };
    commit.signatures[0].0[0] ^= 1;
    assert!(matches!(judged(&forged), Err(Reject::BadSignature { .. })), "{:?}", judged(&forged));
    let mut forged = honest;
    forged.head.header.state_root.0[0] ^= 1;
    assert!(matches!(judged(&forged), Err(Reject::CertificateBlock { .. })), "{:?}", judged(&forged));
}
