//! This program as the broker of a sink, which a console starts for itself.

use super::network::block_on;
use crate::{
    exit::{Exit, Failure},
    monitor::{Program, serve},
};

/// Runs the program for each line of standard input, until that ends.
pub(crate) fn run(program: Program) -> Result<Exit, Failure> {
    block_on(async {
        serve(program).await.map_err(|error| Failure::io("broker", &error))?;
        Ok(Exit::Done)
    })
}
