//! A ceremony on a terminal: what is needed is asked for there, and typed there.

use std::{
    fs::OpenOptions,
    io::{self, BufRead as _, BufReader, Write as _},
    pin::pin,
    sync::mpsc,
    thread,
};

use qratum_chain::Hash;
use rustix::termios::{QueueSelector, tcflush};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, unbounded_channel},
        oneshot,
    },
    task::spawn_blocking,
};

use crate::{
    acting::{
        ceremony::{Event, Order, Touch},
        run::Talk,
    },
    exit::{Exit, Failure},
    output, passphrase, time,
};

/// The user's word that this is what they sign: the last group of the digest.
///
/// # Errors
/// It is another word, or there is no terminal. Nothing was signed.
pub(super) async fn confirmed(digest: Hash) -> Result<(), Failure> {
    let last: String = digest.to_string().chars().skip(60).collect();
    let typed = line("To sign this, type the last four digits of the digest: ".to_owned()).await?;
    if typed == last {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, "those are not the last four digits of the digest\nNothing was signed"))
}

/// Runs `ceremony` and answers what it asks, on this terminal. Where it ends while something is asked, as
/// when the biokey lapses, the answer is not waited for.
pub(super) async fn answering<T>(ceremony: impl AsyncFnOnce(Talk) -> T) -> T {
    let (events, heard) = unbounded_channel();
    let (orders, taken) = mpsc::channel();
    let mut ceremony = pin!(ceremony(Talk { events, orders: taken }));
    tokio::select! {
        ended = &mut ceremony => ended,
        () = answers(heard, orders) => ceremony.await,
    }
}

/// Until nobody asks any more.
async fn answers(mut heard: UnboundedReceiver<Event>, orders: mpsc::Sender<Order>) {
    while let Some(event) = heard.recv().await {
        if let Some(order) = answer(event).await {
            // A ceremony that is over needs no order.
            let _ = orders.send(order);
        }
    }
}

async fn answer(event: Event) -> Option<Order> {
    match event {
        Event::Pin { tries } => {
            if let Some(left) = tries {
                output::note(&format!("That was not the PIN: {left} tries are left"));
            }
            let typed = spawn_blocking(|| passphrase::ask("PIN of the security key: ")).await;
            return Some(typed.ok().and_then(Result::ok).map_or(Order::Cancel, Order::Pin));
        }
        Event::BiokeyOpen { left } => {
            let left = time::age(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
            let prompt = format!("The biokey is open for {left}. Type yes to sign: ");
            let yes = line(prompt).await.is_ok_and(|typed| typed == "yes");
            return Some(if yes { Order::Go } else { Order::Cancel });
        }
        Event::Touch { n, of, why: Touch::Open } => {
            output::note(&format!("Touch the security key, {n} of {of}: it opens the biokey"));
        }
        Event::Touch { n, of, why: Touch::Sign } => {
            output::note(&format!("Touch the security key, {n} of {of}: it signs"));
        }
        Event::Words(words) => output::note(&format!("words     {words}")),
        Event::Signed { .. } => output::note("signed; not sent yet"),
        Event::Sent { to } => output::note(&format!("sent; {to} validators say that they have it")),
        // How it ended is the answer of the command.
        Event::Final { .. } | Event::Failed(_) => {}
    }
    None
}

/// A line that the user types, seen: it is no secret.
async fn line(prompt: String) -> Result<String, Failure> {
    let read = move || -> io::Result<String> {
        let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        // What was typed or pasted before the question is no answer to it.
        tcflush(&terminal, QueueSelector::IFlush)?;
        terminal.write_all(prompt.as_bytes())?;
        let mut line = String::new();
        BufReader::new(io::Read::take(terminal, 256)).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    };
    // On a thread that nobody waits for: what is asked may be of no account before anybody answers.
    let (tell, told) = oneshot::channel();
    thread::spawn(move || tell.send(read()));
    let read = told.await.unwrap_or_else(|why| Err(io::Error::other(why)));
    read.map_err(|why| {
        let text = format!("signing needs a terminal, and there is none: {why}\nNothing was signed");
        Failure::new(Exit::Usage, text)
    })
}
