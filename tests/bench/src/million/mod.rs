//! What does it cost a client to follow a long chain that it hears of for the first time?
//!
//! The chain is forged in one process, which answers as a serving peer would; the client is a
//! process of its own with nothing but a pipe to it, so that its memory is its own.

pub mod client;
pub mod peer;
pub mod wire;

#[cfg(test)]
mod tests {
    use std::{io::pipe, thread};

    use super::{client, peer};
    use peer::{Chain, Order};

    /// Runs a client against a chain in two threads.
    fn follow(order: Order) -> client::Report {
        let chain = Chain::new(order, 10, 5, 8);
        let (requests, to_peer) = pipe().unwrap();
        let (answers, mut to_client) = pipe().unwrap();
        thread::scope(|scope| {
            let client = scope.spawn(|| client::run(answers, to_peer));
            let report = chain.serve(requests, &mut to_client).unwrap();
            client.join().unwrap().unwrap();
            serde_json::from_value(report).unwrap()
        })
    }

    #[test]
    fn where_the_signers_are_new_every_change_is_checked() {
        let report = follow(Order::NewFirst);
        assert_eq!((report.certificates, report.tip), (5, 40));
        assert_eq!(report.proven, 40, "each height below the tip");
    }

    #[test]
    fn where_enough_signers_stayed_changes_are_skipped() {
        let report = follow(Order::KeptFirst);
        assert!(report.certificates < 5, "{report:?}");
    }
}
