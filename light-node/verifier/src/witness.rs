//! Who else saw this block? An action may be armed only when [`NEEDED`] others did.
//!
//! A *witness* is a pinned peer that named the same block for the same height on a direct
//! connection, other than the *primary*, which handed the block over first. Peers of one operator,
//! at one address or with one key are one *party*, and a party counts once; the primary's does not
//! count at all. Which peers are one party follows from the configuration alone: neither the order
//! of answers nor who stays silent changes it.

use core::net::{IpAddr, SocketAddr};

use qratum_chain::types::BlockId;

/// How many witnesses an action needs.
pub const NEEDED: usize = 2;

/// Whom a peer belongs to and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Who runs it.
    pub operator: &'a str,
    /// Where it is dialled.
    pub addresses: &'a [Address<'a>],
    /// The key that answers there, or its hash.
    pub key: &'a [u8],
}

/// Where a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// At an address of the Internet.
    Socket(SocketAddr),
    /// Behind a name of a network of its own, in lower case. Whoever has it has all its ports.
    Name(&'a str),
}

/// What a peer named for one height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which peer, by its place among the sources.
    pub source: usize,
    /// The block it named.
    pub block_id: BlockId,
}

/// Which sources count as one.
#[derive(Clone, Debug)]
pub struct Parties(Vec<usize>);

impl Parties {
    /// Puts sources that share operator, address or key into one party, and so on through others:
    /// a peer that shares its operator with one and its address with another joins all three.
    #[must_use]
    pub fn of(sources: &[Source<'_>]) -> Self {
        let mut parties: Vec<usize> = (0..sources.len()).collect();
        for (index, source) in sources.iter().enumerate() {
            let mut same: Vec<usize> = parties.get(index).copied().into_iter().collect();
            let before = sources.iter().zip(&parties).take(index);
            same.extend(before.filter(|(other, _)| is_one(source, other)).map(|(_, party)| *party));
            if let Some(least) = same.iter().min().copied() {
                parties.iter_mut().filter(|party| same.contains(party)).for_each(|party| *party = least);
            }
        }
        Self(parties)
    }

    /// How many parties there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.distinct(0..self.0.len()).len()
    }

    /// The first source of each party among these. Places where there is no source count nothing.
    #[must_use]
    pub fn distinct(&self, sources: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let (mut seen, mut first) = (Vec::new(), Vec::new());
        for source in sources {
            if let Some(party) = self.0.get(source).filter(|party| !seen.contains(*party)) {
                seen.push(*party);
                first.push(source);
            }
        }
        first
    }
}

/// The witnesses of the block that `primary` named: one source for each party that named the same,
/// in the order of the reports. All reports are about one height.
#[must_use]
pub fn witnesses(parties: &Parties, reports: &[Report], primary: Report) -> Vec<usize> {
    let agreeing = reports.iter().filter(|report| report.block_id == primary.block_id);
    let sources = core::iter::once(primary.source).chain(agreeing.map(|report| report.source));
    let mut distinct = parties.distinct(sources);
    distinct.retain(|source| *source != primary.source);
    distinct
}

/// Whether this many witnesses are enough to arm an action.
#[must_use]
pub const fn may_arm(witnesses: usize) -> bool {
    witnesses >= NEEDED
}

fn is_one(a: &Source<'_>, b: &Source<'_>) -> bool {
    let share = || a.addresses.iter().any(|address| b.addresses.iter().any(|other| is_same(address, other)));
    a.operator == b.operator || a.key == b.key || share()
}

fn is_same(a: &Address<'_>, b: &Address<'_>) -> bool {
    match (a, b) {
        (Address::Socket(a), Address::Socket(b)) => place(*a) == place(*b),
        (a, b) => a == b,
    }
}

/// What makes two addresses one. Whoever has a host has all its ports, so the port tells nobody
/// apart. On loopback every address is this machine, and the port is all there is to tell the
/// validators of a demo, or the ends of tunnels, apart: there an address proves nothing about who
/// answers, the pinned key does.
fn place(address: SocketAddr) -> (IpAddr, Option<u16>) {
    let ip = address.ip().to_canonical();
    (ip, ip.is_loopback().then(|| address.port()))
}

#[cfg(test)]
mod tests {
    use qratum_chain::Hash;

    use super::*;

    const BLOCK: BlockId = BlockId(Hash([1; 32]));
    const OTHER: BlockId = BlockId(Hash([2; 32]));

    fn address(text: &str) -> Address<'_> {
        text.parse().map_or(Address::Name(text), Address::Socket)
    }

    /// Sources by operator, addresses and first byte of the key.
    fn parties(sources: &[(&str, &str, u8)]) -> Parties {
        let keys: Vec<[u8; 1]> = sources.iter().map(|(_, _, key)| [*key]).collect();
        let addresses: Vec<Vec<Address<'_>>> =
            sources.iter().map(|(_, all, _)| all.split(' ').map(address).collect()).collect();
        let sources: Vec<_> = (sources.iter().zip(&keys).zip(&addresses))
            .map(|(((operator, ..), key), addresses)| Source { operator, addresses, key })
            .collect();
        Parties::of(&sources)
    }

    /// Witnesses when all sources name one block and the first is the primary.
    fn agreeing(sources: &[(&str, &str, u8)]) -> Vec<usize> {
        let all: Vec<_> = (0..sources.len()).map(|source| Report { source, block_id: BLOCK }).collect();
        witnesses(&parties(sources), &all, all[0])
    }

    const P: (&str, &str, u8) = ("primary", "10.0.0.1:1", 1);
    const A: (&str, &str, u8) = ("a", "10.0.0.2:1", 2);
    const B: (&str, &str, u8) = ("b", "10.0.0.3:1", 3);

    #[test]
    fn two_operators_beside_the_primary_are_enough_and_one_is_not() {
        assert_eq!(agreeing(&[P, A, B]), [1, 2]);
        assert!(may_arm(agreeing(&[P, A, B]).len()));
        assert!(!may_arm(agreeing(&[P, A]).len()) && !may_arm(agreeing(&[P]).len()));
    }

    #[test]
    fn ten_peers_of_one_operator_never_arm() {
        let hosts: Vec<String> = (10..20).map(|host| format!("10.0.0.{host}:1")).collect();
        let ten = hosts.iter().zip(10u8..).map(|(host, key)| ("many", host.as_str(), key));
        let sources: Vec<_> = std::iter::once(P).chain(ten).collect();
        assert_eq!(agreeing(&sources), [1]);
        assert!(!may_arm(agreeing(&sources).len()));
    }

    #[test]
    fn one_address_or_one_key_counts_once() {
        assert_eq!(agreeing(&[P, A, ("b", "10.0.0.2:9", 3)]), [1], "another port of one host");
        assert_eq!(agreeing(&[P, A, ("b", "[::ffff:10.0.0.2]:1", 3)]), [1], "the same in IPv6");
        assert_eq!(agreeing(&[P, A, ("b", "10.0.0.3:1", 2)]), [1], "one key");
    }

    #[test]
    fn one_address_of_several_is_enough_to_be_one() {
        assert_eq!(agreeing(&[P, A, ("b", "10.0.0.3:1 a.onion", 3)]), [1, 2]);
        assert_eq!(agreeing(&[P, ("a", "10.0.0.2:1 a.onion", 2), ("b", "a.onion 10.0.0.3:1", 3)]), [1]);
        assert_eq!(agreeing(&[P, A, ("b", "b.onion 10.0.0.1:2", 3)]), [1], "the primary's");
    }

    #[test]
    fn on_loopback_ports_tell_apart() {
        let local = |second| agreeing(&[P, ("a", "127.0.0.1:1", 2), ("b", second, 3)]);
        assert_eq!(local("127.0.0.1:2"), [1, 2]);
        assert_eq!(local("127.0.0.1:1"), [1]);
    }

    #[test]
    fn what_shares_anything_with_the_primary_never_counts() {
        assert_eq!(agreeing(&[P, A, ("primary", "10.0.0.3:1", 3)]), [1]);
        assert_eq!(agreeing(&[P, A, ("b", "10.0.0.1:2", 3)]), [1]);
        assert_eq!(agreeing(&[P, A, ("b", "10.0.0.3:1", 1)]), [1]);
    }

    #[test]
    fn a_party_reaches_through_others_in_any_order() {
        let link = ("a", "10.0.0.3:1", 4);
        for sources in [[P, A, B, link], [P, A, link, B], [P, link, B, A]] {
            assert_eq!(agreeing(&sources), [1]);
        }
        let parties = parties(&[P, A, B, link]);
        let said = [0, 1, 2].map(|source| Report { source, block_id: BLOCK });
        assert_eq!(witnesses(&parties, &said, said[0]), [1], "also while it is silent");
        assert_eq!(parties.count(), 2);
    }

    #[test]
    fn another_block_is_no_agreement_and_an_unknown_source_is_nobody() {
        let parties = parties(&[P, A, B]);
        let primary = Report { source: 0, block_id: BLOCK };
        let of = |reports: &[(usize, BlockId)]| {
            let reports: Vec<_> = reports
                .iter()
                .map(|(source, block_id)| Report { source: *source, block_id: *block_id })
                .collect();
            witnesses(&parties, &reports, primary)
        };
        assert_eq!(of(&[(1, BLOCK), (2, OTHER)]), [1]);
        assert_eq!(of(&[(1, BLOCK), (1, BLOCK), (7, BLOCK)]), [1]);
        assert!(of(&[(2, OTHER), (1, OTHER)]).is_empty());
    }
}
