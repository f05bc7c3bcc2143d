//! When is the process told to stop?

use core::future::pending;
use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// Resolves when the process is told to stop: SIGTERM, SIGINT or, if asked for, the end of
/// standard input.
pub(super) fn stop(on_stdin_eof: bool) -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let end = if on_stdin_eof { Some(stdin_end()?) } else { None };
    let end = async move {
        match end {
            Some(end) => end.await.unwrap_or_default(),
            None => pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = end => {}
        }
    })
}

/// Resolves when standard input ends. A thread of its own reads it: a read that blocks must not
/// hold up the end of the process.
fn stdin_end() -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        // An error is an end, too; and nobody may be listening any more.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    })?;
    Ok(end)
}
