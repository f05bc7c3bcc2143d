//! Storms over a network in virtual time, each from one number: what the weather and the crashes
//! were, and whether the promises held.

use qratum_chain::{
    codec::{Decode, Encode},
    ledger::registry::{Order, rotation_scope},
    types::{ChainParams, Genesis, Purpose, Registration, Txo, TxoBody, TxoClass},
};
use qratum_crypto::sign::ed25519::SecretKey;
use qratum_validator::{
    drivers::virtual_time::{Dice, Net, Weather},
    ledger::Ledger,
};

use crate::forge::{Forge, Team, seed_bytes};

/// How long a network in fair weather may take for its next heights, in virtual milliseconds.
const PATIENCE_MS: u64 = 300_000;
/// How many heights it must get on by.
const HEIGHTS: u64 = 3;
/// How many blocks a set has: few enough that sets change in a storm.
const SET: u64 = 3;
/// How many times the weather changes in a storm.
const GUSTS: usize = 6;
/// Power of each validator.
const POWERS: [u64; 4] = [30, 25, 25, 20];
/// The number of the first key.
const FIRST_KEY: u64 = 1;

/// Four validators (30, 25, 25, 20 of 100) with the chances of `seed`.
#[must_use]
pub fn network(seed: u64) -> Net {
    network_of(genesis(), seed)
}

/// The genesis of these networks.
#[must_use]
pub fn genesis() -> Genesis {
    let params = ChainParams { set_length: SET, ..ChainParams::default() };
    Forge::new(params, vec![Team::new(FIRST_KEY, &POWERS)]).enrolled()
}

/// The same with a genesis that differs from theirs in its time.
#[must_use]
pub fn network_of(genesis: Genesis, seed: u64) -> Net {
    let seeds: Vec<[u8; 32]> = (FIRST_KEY..).take(POWERS.len()).map(seed_bytes).collect();
    Net::new(genesis, &seeds, Dice(seed))
}

/// A storm of `seed`, and then fair weather, in which the network must go on.
///
/// # Errors
/// What broke, with the command that runs this storm again.
pub fn storm(seed: u64) -> Result<Net, String> {
    let mut net = network(seed);
    // One clock in four storms is an hour off, either way; the others are nearly right.
    let off = [3_600_000, -3_600_000, 100, -100, 150, -150, 0, 0];
    let drawn = off.get(net.dice().below(8) as usize).copied();
    net.skew(3, drawn.unwrap_or_default());
    net.skew(1, 150);
    for _ in 0..GUSTS {
        gust(&mut net);
    }
    let tip = (0..POWERS.len()).map(|i| net.height(i).0).max().unwrap_or_default();
    *net.weather() = Weather::FAIR;
    net.heal();
    net.start_all();
    if net.run(PATIENCE_MS, |net| net.lowest() >= tip.saturating_add(HEIGHTS)) {
        return Ok(net);
    }
    let stands = format!("it stands still at {} of {tip}", net.lowest());
    let why = net.broken().first().cloned().unwrap_or(stands);
    Err(format!("storm {seed}: {why}; again: make simulate SEEDS={seed}..{}", seed.saturating_add(1)))
}

/// A few seconds of bad luck.
fn gust(net: &mut Net) {
    let one = |net: &mut Net| net.dice().below(POWERS.len() as u64) as usize;
    let (loses_one_in, slowest_ms) = (3 + net.dice().below(30), 10 + net.dice().below(900));
    *net.weather() = Weather { loses_one_in, slowest_ms };
    if net.dice().one_in(2) {
        let cut = [one(net), one(net)];
        net.cut_off(cut);
    }
    rotate(net);
    for _ in 0..2 {
        let (victim, outputs) = (one(net), net.dice().below(40));
        net.kill_after(victim, outputs);
    }
    let long = 700 + net.dice().below(2_500);
    net.run(long, |_| false);
    if net.dice().one_in(3) {
        net.heal();
    }
    net.start_all();
}

/// Lets a validator have a new vote key from the next set on, if the order gets through.
fn rotate(net: &mut Net) {
    let [which, at] = [(); 2].map(|()| net.dice().below(POWERS.len() as u64));
    let new = seed_bytes(10_000_u64.saturating_add(net.dice().below(1 << 40)));
    net.give_key(which as usize, new);
    let order = net.host(at as usize).and_then(|host| rotation(host.ledger(), which, new));
    if let Some(order) = order {
        // Whether it gets into a block is a matter of luck.
        let _ = net.submit(at as usize, &order.to_bytes());
    }
}

/// An order of the operator of validator number `which`, as the next one that the ledger takes.
#[must_use]
pub fn order(ledger: &Ledger, which: u64, make: impl Fn(&str, u64) -> Order) -> Option<Txo> {
    let name = genesis().validators.get(which as usize)?.name.clone();
    let registration = ledger.state().get(&Registration::state_key(&name))?;
    let nonce = Registration::from_bytes(registration).ok()?.nonce;
    let operator = SecretKey::from_seed(&seed_bytes(which.saturating_mul(2).saturating_add(1_001)));
    let (chain_id, sender, payload) = (ledger.chain_id(), operator.public(), make(&name, nonce).to_bytes());
    Some(
        TxoBody { chain_id, sender: sender.into(), nonce, class: TxoClass::Network, payload }.sign(&operator),
    )
}

fn rotation(ledger: &Ledger, which: u64, new: [u8; 32]) -> Option<Txo> {
    let (new, chain_id) = (SecretKey::from_seed(&new), ledger.chain_id());
    order(ledger, which, |name, nonce| {
        let scope = rotation_scope(chain_id, name, nonce);
        let proof = new.sign(&Purpose::Vote.possession(scope, &new.public()));
        Order::Rotate { vote_key: new.public(), proof }
    })
}
