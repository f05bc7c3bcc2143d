//! Who is told? Standard error, a program, or a web hook.

use std::sync::Arc;

use super::{broker::Broker, delivery::Letter, program::Program, webhook::Webhook};
use crate::output;

/// A way to tell somebody.
#[derive(Clone, Debug)]
pub(super) enum Sink {
    /// Lines on standard error, with the priority that the system's journal reads.
    Log,
    /// A program that gets the JSON on standard input.
    Exec(Program),
    /// The same, run by another process.
    Brokered(Broker),
    /// An address that gets the JSON by POST.
    Webhook(Webhook),
}

impl Sink {
    /// Makes one attempt.
    pub(super) async fn tell(&self, letter: Arc<Letter>) -> Result<(), String> {
        match self {
            Self::Log => {
                output::note(&letter.line);
                Ok(())
            }
            Self::Exec(program) => program.run(&letter.json).await,
            Self::Brokered(broker) => broker.run(&letter.json).await,
            Self::Webhook(webhook) => webhook.post(&letter).await,
        }
    }
}
