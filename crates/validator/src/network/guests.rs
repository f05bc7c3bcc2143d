//! Whom does a validator let in beside its pinned peers, and how much does each get? Budgets refill
//! with time; who asks far beyond them is shut out for a while. No clock: `now_ms` is an argument.
//!
//! Whatever comes from one address counts as one party, of IPv6 whatever comes from one /64. On
//! loopback, which everybody there shares, a party is a key.

use std::{collections::BTreeMap, net::IpAddr};

use libp2p::{PeerId, swarm::ConnectionId};

/// Connections of all guests at once.
const MOST: usize = 64;
/// Connections of one party at once.
const MOST_OF_ONE: usize = 4;
/// Parties whose budgets are remembered.
const MOST_REMEMBERED: usize = 256;
/// Requests of one party: what a light node asks while it syncs, with room to spare.
const REQUESTS: Rate = Rate { a_second: 50, at_once: 200 };
/// Bytes of answers to one party: the largest answer at once.
const BYTES: Rate = Rate { a_second: 2 << 20, at_once: 8 << 20 };
/// Bytes of answers to all guests. An answer is in memory for as long as its reader takes, up to the
/// time limit of a request; this bounds them all together.
const BYTES_OF_ALL: Rate = Rate { a_second: 16 << 20, at_once: 32 << 20 };
/// Requests beyond the budget until a party is shut out, and for how long.
const STRIKES: u32 = 200;
const SHUT_OUT_MS: u64 = 10_000;

/// So many a second on average, and so many at once.
#[derive(Clone, Copy, Debug)]
struct Rate {
    a_second: u64,
    at_once: u64,
}

/// What is left of a budget, in thousandths.
#[derive(Clone, Copy, Debug)]
struct Budget {
    rate: Rate,
    left: u64,
    at_ms: u64,
}

impl Budget {
    const fn full(rate: Rate, now_ms: u64) -> Self {
        Self { rate, left: rate.at_once.saturating_mul(1_000), at_ms: now_ms }
    }

    fn refill(&mut self, now_ms: u64) {
        let more = now_ms.saturating_sub(self.at_ms).saturating_mul(self.rate.a_second);
        self.left = self.left.saturating_add(more).min(self.rate.at_once.saturating_mul(1_000));
        self.at_ms = now_ms;
    }

    fn has(&mut self, amount: u64, now_ms: u64) -> bool {
        self.refill(now_ms);
        self.left >= amount.saturating_mul(1_000)
    }

    fn take(&mut self, amount: u64) {
        self.left = self.left.saturating_sub(amount.saturating_mul(1_000));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    Address(IpAddr),
    Key(PeerId),
}

impl Party {
    fn of(peer: PeerId, address: Option<IpAddr>) -> Self {
        match address {
            Some(IpAddr::V6(address)) if !address.is_loopback() => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self::Address(IpAddr::V6(network.into()))
            }
            Some(address) if !address.is_loopback() => Self::Address(address),
            _ => Self::Key(peer),
        }
    }
}

#[derive(Debug)]
struct Account {
    open: usize,
    requests: Budget,
    bytes: Budget,
    strikes: u32,
    shut_out_until_ms: u64,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is answered.
    Serve,
    /// It gets no answer.
    Drop,
    /// Nor does any other: the connection is closed.
    HangUp,
}

/// All guests.
#[derive(Debug)]
pub(super) struct Guests {
    open: BTreeMap<ConnectionId, Party>,
    accounts: BTreeMap<Party, Account>,
    bytes: Budget,
}

impl Default for Guests {
    fn default() -> Self {
        Self { open: BTreeMap::new(), accounts: BTreeMap::new(), bytes: Budget::full(BYTES_OF_ALL, 0) }
    }
}

impl Guests {
    /// A connection that is not of a pinned peer; `false` when there is no place for it.
    pub(super) fn admit(
        &mut self,
        connection: ConnectionId,
        (peer, address): (PeerId, Option<IpAddr>),
        now_ms: u64,
    ) -> bool {
        self.forget(now_ms);
        let party = Party::of(peer, address);
        let known = self.accounts.len() < MOST_REMEMBERED || self.accounts.contains_key(&party);
        if self.open.len() >= MOST || !known {
            return false;
        }
        let account = self.accounts.entry(party).or_insert_with(|| Account {
            open: 0,
            requests: Budget::full(REQUESTS, now_ms),
            bytes: Budget::full(BYTES, now_ms),
            strikes: 0,
            shut_out_until_ms: 0,
        });
        if account.open >= MOST_OF_ONE || now_ms < account.shut_out_until_ms {
            return false;
        }
        account.open = account.open.saturating_add(1);
        self.open.insert(connection, party);
        true
    }

    /// A connection is closed.
    pub(super) fn left(&mut self, connection: ConnectionId) {
        let party = self.open.remove(&connection);
        if let Some(account) = party.and_then(|party| self.accounts.get_mut(&party)) {
            account.open = account.open.saturating_sub(1);
        }
    }

    /// Forgets who is gone and has had nothing of late.
    fn forget(&mut self, now_ms: u64) {
        self.accounts.retain(|_, account| {
            account.requests.refill(now_ms);
            let fresh = account.requests.left == REQUESTS.at_once.saturating_mul(1_000);
            account.open > 0 || now_ms < account.shut_out_until_ms || !fresh
        });
    }

    /// A request on a connection. On one that was not admitted, and is being closed, nothing is
    /// answered.
    pub(super) fn asks(&mut self, connection: ConnectionId, now_ms: u64) -> Turn {
        let Some(account) = self.open.get(&connection).and_then(|party| self.accounts.get_mut(party)) else {
            return Turn::HangUp;
        };
        if now_ms < account.shut_out_until_ms {
            return Turn::HangUp;
        }
        if account.requests.has(1, now_ms) {
            account.requests.take(1);
            account.strikes = account.strikes.saturating_sub(1);
            return Turn::Serve;
        }
        account.strikes = account.strikes.saturating_add(1);
        if account.strikes < STRIKES {
            return Turn::Drop;
        }
        account.strikes = 0;
        account.shut_out_until_ms = now_ms.saturating_add(SHUT_OUT_MS);
        Turn::HangUp
    }

    /// Whether an answer of so many bytes may leave on a connection.
    pub(super) fn gets(&mut self, connection: ConnectionId, bytes: u64, now_ms: u64) -> bool {
        let Some(account) = self.open.get(&connection).and_then(|party| self.accounts.get_mut(party)) else {
            return false;
        };
        let enough = account.bytes.has(bytes, now_ms) && self.bytes.has(bytes, now_ms);
        if enough {
            account.bytes.take(bytes);
            self.bytes.take(bytes);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> PeerId {
        libp2p::identity::Keypair::ed25519_from_bytes([seed; 32]).unwrap().public().to_peer_id()
    }

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// How many of so many connections are admitted, each as its number says.
    fn admitted(count: usize, who: impl Fn(u8) -> (PeerId, Option<IpAddr>)) -> usize {
        let mut guests = Guests::default();
        let mut admit = |n| guests.admit(ConnectionId::new_unchecked(n), who(n as u8), 0);
        (0..count).filter(|n| admit(*n)).count()
    }

    #[test]
    fn one_address_is_one_party_whatever_its_keys_and_on_loopback_a_key_is() {
        assert_eq!(admitted(20, |n| (key(n + 1), at("192.0.2.1"))), MOST_OF_ONE);
        assert_eq!(admitted(20, |n| (key(n + 1), at(&format!("2001:db8::{n}")))), MOST_OF_ONE);
        assert_eq!(admitted(20, |n| (key(n + 1), at(&format!("2001:db8:0:{n}::1")))), 20);
        assert_eq!(admitted(20, |n| (key(n + 1), at("127.0.0.1"))), 20);
        assert_eq!(admitted(20, |_| (key(1), at("127.0.0.1"))), MOST_OF_ONE);
        assert_eq!(admitted(100, |n| (key(n + 1), at(&format!("192.0.2.{n}")))), MOST);
    }

    #[test]
    fn a_place_is_free_again_when_its_guest_has_left() {
        let mut guests = Guests::default();
        let who = (key(1), at("192.0.2.1"));
        let admit = |guests: &mut Guests, n| guests.admit(ConnectionId::new_unchecked(n), who, 0);
        assert_eq!((0..5).filter(|n| admit(&mut guests, *n)).count(), MOST_OF_ONE);
        guests.left(ConnectionId::new_unchecked(0));
        guests.left(ConnectionId::new_unchecked(77));
        assert!(admit(&mut guests, 6) && !admit(&mut guests, 7));
    }

    #[test]
    fn requests_beyond_the_budget_get_no_answer_and_far_beyond_no_connection() {
        let mut guests = Guests::default();
        let (one, other) = (ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
        assert!(guests.admit(one, (key(1), at("192.0.2.1")), 0));
        assert!(guests.admit(other, (key(2), at("192.0.2.2")), 0));
        let asked = |guests: &mut Guests, count, now_ms| {
            let turns: Vec<Turn> = (0..count).map(|_| guests.asks(one, now_ms)).collect();
            [Turn::Serve, Turn::Drop, Turn::HangUp].map(|it| turns.iter().filter(|turn| **turn == it).count())
        };
        assert_eq!(asked(&mut guests, 250, 0), [200, 50, 0]);
        assert_eq!(asked(&mut guests, 60, 1_000), [50, 10, 0], "a second refills its share");
        assert_eq!(guests.asks(other, 1_000), Turn::Serve, "another party is another budget");
        assert_eq!(asked(&mut guests, 400, 1_000), [0, 189, 211]);
        guests.left(one);
        let back = |guests: &mut Guests, now_ms| guests.admit(one, (key(1), at("192.0.2.1")), now_ms);
        assert!(!back(&mut guests, 10_999) && back(&mut guests, 11_000));
        let refused = ConnectionId::new_unchecked(9);
        assert_eq!(guests.asks(refused, 0), Turn::HangUp, "one that was not let in");
        assert!(!guests.gets(refused, 1, 0));
    }

    #[test]
    fn coming_back_brings_no_new_budget() {
        let mut guests = Guests::default();
        let one = ConnectionId::new_unchecked(1);
        let who = (key(1), at("192.0.2.1"));
        for _ in 0..2 {
            assert!(guests.admit(one, who, 0));
            (0..100).for_each(|_| assert_eq!(guests.asks(one, 0), Turn::Serve));
            guests.left(one);
        }
        assert!(guests.admit(one, who, 0));
        assert_eq!(guests.asks(one, 0), Turn::Drop);
    }

    #[test]
    fn answers_are_bounded_for_each_and_for_all() {
        let mut guests = Guests::default();
        let large = 8u64 << 20;
        let mut got = 0;
        for n in 1..=10u8 {
            let connection = ConnectionId::new_unchecked(n.into());
            assert!(guests.admit(connection, (key(n), None), 0));
            let first = guests.gets(connection, large, 0);
            assert!(!guests.gets(connection, large, 0), "twice at once is more than one gets");
            got += u32::from(first);
        }
        assert_eq!(got, 4, "32 MiB for all");
        let last = ConnectionId::new_unchecked(10);
        assert!(!guests.gets(last, large, 400) && guests.gets(last, large, 500), "16 MiB a second");
    }
}
