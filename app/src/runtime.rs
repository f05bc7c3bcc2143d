//! The loop of the console: waits for whatever comes first, updates the model, draws what changed.

use std::{
    future::{Future, ready},
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::{StreamExt, stream::FuturesUnordered};
use qratum_light_node::{LightNode, Snapshot};
use qratum_verifier::Trusted;
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    task::spawn_blocking,
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{
    acting::{
        ceremony::{Event as Said, Order},
        online::Online,
    },
    action::Key,
    asking::{people, prove},
    cli::Look,
    command::alarms::user,
    demo::{self, Demo},
    exit::Failure,
    file,
    home::Home,
    model::{Drill, Model},
    monitor::{Acknowledgement, Monitor, Reports, View as Alarms},
    screen,
    signals::Signals,
    signing::Signing,
    terminal::{self, Guard, Input, Shell},
    time,
    update::{Effect, Msg, update},
};

/// How many names are tried for a file before that is given up.
const NAMES: u32 = 100;

type Jobs<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Msg> + 'a>>>;

/// Everything that events come from.
struct Sources<'a> {
    signals: Signals,
    input: &'a mut Input,
    heads: broadcast::Receiver<Arc<Trusted>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    demo: Demo<'a>,
    jobs: Jobs<'a>,
    monitor: Monitor,
    alarms: watch::Receiver<Arc<Alarms>>,
    reports: Reports,
    signing: Signing,
    seconds: Interval,
}

/// When the screen is to become what the model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// It is, or with the next second.
    Never,
    /// When the terminal has seen the last frame.
    Soon,
    /// As soon as a line that is slow has room.
    Now,
}

/// What comes by itself never stands in the way of what a key did. A head comes with its votes and the
/// claims of all peers, one after the other: all of them are drawn with the second, as ages are.
const fn pace(msg: &Msg) -> Due {
    match msg {
        Msg::Head(..) | Msg::Snapshot(..) => Due::Never,
        Msg::Tick(_) | Msg::Alarm(_) | Msg::Alarms(_) | Msg::Health(..) | Msg::Notice(_) => Due::Soon,
        _ => Due::Now,
    }
}

/// What the console acts through.
struct Console<'a> {
    guard: Guard,
    due: Due,
    sources: Sources<'a>,
    node: &'a LightNode,
    home: &'a Home,
    look: &'a Look,
}

/// Runs the console until the user, a signal or the terminal ends it.
pub(crate) async fn run<'a>(
    mut model: Model,
    (online, home, monitor): (&'a Online, &'a Home, Monitor),
    demo: Demo<'a>,
    (signals, look): (Signals, &'a Look),
) -> Result<(), Failure> {
    let terminal = |error: io::Error| Failure::io("terminal", &error);
    // Opened before the guard and so closed behind it: what the terminal still answers when it is
    // given back is read here, and by nobody else.
    let mut input = Input::open().map_err(terminal)?;
    let guard = Guard::open(model.theme.glyphs(), input.echo()).map_err(terminal)?;
    let mut shell = Shell::listen().map_err(terminal)?;
    let sources = Sources::open(signals, &mut input, (online, home, monitor), demo, &model.network);
    let mut console = Console { guard, due: Due::Now, sources, node: &online.node, home, look };
    model.tick(time::now());
    let size = console.guard.size().map_err(terminal)?;
    update(&mut model, Msg::Resized(size.width, size.height));
    loop {
        let msg = tokio::select! {
            biased;
            ready = console.guard.ready(console.due == Due::Now), if console.due > Due::Never => {
                ready.and_then(|()| console.guard.draw(|frame| screen::view(&model, frame))).map_err(terminal)?;
                console.due = Due::Never;
                continue;
            }
            job = shell.next() => {
                console.guard.follow(job).map_err(terminal)?;
                console.due = Due::Now;
                continue;
            }
            msg = console.sources.next() => msg,
        };
        let Some(msg) = msg else { return Ok(()) };
        let (effects, pace) = applied(&mut model, msg);
        for effect in effects {
            if effect == Effect::Quit {
                return Ok(());
            }
            console.carry_out(effect, pace).map_err(terminal)?;
        }
    }
}

/// Updates the model; what is to be done, and at which pace that is to be seen.
fn applied(model: &mut Model, msg: Msg) -> (Vec<Effect>, Due) {
    let (blank, state, pace) = (model.head().is_none(), model.state(), pace(&msg));
    let signs = matches!(msg, Msg::Sheet(_) | Msg::Ceremony(_));
    if signs || (matches!(msg, Msg::Key(_)) && model.view.sign().is_some()) {
        // What a hand did is told by its time from what a paste did, and from what it meant before.
        model.tick(time::now());
    }
    let effects = update(model, msg);
    if blank && model.head().is_some() {
        // What everybody waits for.
        (effects, Due::Now)
    } else if state != model.state() {
        (effects, pace.max(Due::Soon))
    } else {
        (effects, pace)
    }
}

impl Console<'_> {
    /// Does what is to be done outside, or begins it; what is to be drawn is due at this pace.
    fn carry_out(&mut self, effect: Effect, pace: Due) -> io::Result<()> {
        let jobs = &self.sources.jobs;
        match effect {
            Effect::Draw => self.due = self.due.max(pace),
            Effect::Repaint => {
                self.guard.repaint()?;
                self.due = Due::Now;
            }
            Effect::Suspend => terminal::suspend()?,
            // The loop ends with it.
            Effect::Quit => {}
            Effect::Ring => self.guard.ring(),
            Effect::Copy(value) => self.guard.copy(value),
            Effect::Prove(subject) => jobs.push(Box::pin(prove(self.node, subject))),
            Effect::Theme(name) => jobs.push(Box::pin(dress(self.look.clone(), name))),
            Effect::Write { stem, text } => jobs.push(Box::pin(write(self.home, stem, text))),
            Effect::Drill(drill) => self.sources.drill(drill),
            Effect::People(me) => jobs.push(Box::pin(people(self.node, me))),
            Effect::Plan { account, id, yes } => self.sources.signing.plan(account, id, yes),
            Effect::Ceremony(told) => self.sources.signing.told(told),
            Effect::Acknowledge { id, reason } => {
                let taken = Acknowledgement::new(&user(), &reason, time::now().0);
                self.sources.monitor.acknowledge(id, taken);
            }
        }
        Ok(())
    }
}

/// Reads a theme, for the colors and characters that this terminal has.
async fn dress(look: Look, name: String) -> Msg {
    let look = Look { theme: name.clone(), ..look };
    let read = spawn_blocking(move || terminal::theme(&look)).await;
    let why = |failure: Failure| failure.text.unwrap_or_default();
    let read = read.map_or_else(|_| Err("the theme was not read".to_owned()), |read| read.map_err(why));
    Msg::Theme(name, Box::new(read))
}

/// Writes a file beside whoever started the program, else in `exports` of the home, which a console has
/// made. It never replaces one.
async fn write(home: &Home, stem: String, text: String) -> Msg {
    let folders = [PathBuf::from("."), home.exports()];
    let written = spawn_blocking(move || {
        let mut why = "nothing was written".to_owned();
        for folder in folders {
            match written(&folder, &stem, text.as_bytes()) {
                Ok(path) => return Ok(path.display().to_string()),
                Err(error) => why = format!("nothing was written: {error}"),
            }
        }
        Err(why)
    });
    Msg::Written(written.await.unwrap_or_else(|_| Err("nothing was written".to_owned())))
}

/// The first name that is free.
fn written(folder: &Path, stem: &str, text: &[u8]) -> io::Result<PathBuf> {
    for number in 1..=NAMES {
        let end = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{end}.json"));
        match file::create(&path, text) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => return written.map(|()| std::path::absolute(&path).unwrap_or(path)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{NAMES} files of this name are there")))
}

impl<'a> Sources<'a> {
    /// All of them, from now on.
    fn open(
        signals: Signals,
        input: &'a mut Input,
        (online, home, monitor): (&Online, &Home, Monitor),
        demo: Demo<'a>,
        network: &str,
    ) -> Self {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (heads, mut snapshots) = (online.node.heads(), online.node.snapshots());
        snapshots.mark_changed();
        Self {
            signals,
            input,
            heads,
            snapshots,
            demo,
            jobs: FuturesUnordered::new(),
            alarms: monitor.view(),
            reports: monitor.machine().reports(),
            monitor,
            signing: Signing::new(online.clone(), home.clone(), network.to_owned()),
            seconds,
        }
    }

    /// Has the demo or the watch of this machine do it; where this console started no demo, says so.
    fn drill(&mut self, drill: Drill) {
        let machine = self.monitor.machine();
        let (order, name) = match &drill {
            Drill::Stick(id) => {
                let stuck = format!("{id} is made to stick: its own tests are to find that");
                let said = if machine.stick(id) { stuck } else { Drill::NONE.to_owned() };
                self.jobs.push(Box::pin(ready(Msg::Drilled(said))));
                return;
            }
            Drill::Kill(name) => (demo::Order::Kill, Some(name.as_str())),
            Drill::Restart(name) => (demo::Order::Start, name.as_deref()),
            Drill::Lie => (demo::Order::Lie, None),
        };
        let released = if drill == Drill::Restart(None) { machine.release() } else { Vec::new() };
        let doing = self.demo.drill(order, name);
        self.jobs.push(Box::pin(async move {
            let done = match doing {
                Some(doing) => doing.await,
                None => Drill::NONE.to_owned(),
            };
            let back = released.iter().map(|id| format!("; {id} is tested anew")).collect::<String>();
            Msg::Drilled(done + &back)
        }));
    }

    /// Has the PIN typed, straight into locked memory; without a terminal there is none.
    fn ask_pin(&mut self) {
        match self.input.secret() {
            Ok(entry) => self.signing.listen(entry),
            Err(_) => self.signing.order(Order::Cancel),
        }
    }

    /// The next message; none when the program is to end.
    async fn next(&mut self) -> Option<Msg> {
        loop {
            tokio::select! {
                biased;
                () = self.signals.recv() => return None,
                event = self.input.next() => if let Some(msg) = read(&event?) { return Some(msg) },
                news = self.demo.news() => return Some(Msg::Notice(news)),
                change = self.monitor.next() => match change {
                    Ok(change) => return Some(Msg::Alarm(Box::new(change))),
                    Err(_) => return None,
                },
                Ok(()) = self.alarms.changed() => {
                    return Some(Msg::Alarms(self.alarms.borrow_and_update().clone()));
                }
                Ok(()) = self.reports.changed() => {
                    let report = self.reports.borrow_and_update().clone();
                    if let Some(report) = report { return Some(Msg::Health(report, time::now())) }
                }
                Some(msg) = self.jobs.next(), if !self.jobs.is_empty() => return Some(msg),
                msg = self.signing.next() => {
                    if matches!(msg, Msg::Ceremony(Said::Pin { .. })) {
                        self.ask_pin();
                    }
                    return Some(msg);
                }
                head = self.heads.recv() => match head {
                    Ok(head) => {
                        self.signing.check();
                        return Some(Msg::Head(head, time::now()));
                    }
                    // Too slow for all of them: the next is as good.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                changed = self.snapshots.changed() => {
                    changed.ok()?;
                    let snapshot = self.snapshots.borrow_and_update().clone();
                    return Some(Msg::Snapshot(snapshot, time::now()));
                }
                _ = self.seconds.tick() => return Some(Msg::Tick(time::now())),
            }
        }
    }
}

fn read(event: &Event) -> Option<Msg> {
    match event {
        Event::Resize(width, height) => Some(Msg::Resized(*width, *height)),
        Event::Key(key) if key.kind == KeyEventKind::Press => Some(Msg::Key(pressed(*key))),
        Event::Paste(text) => Some(Msg::Pasted(text.clone())),
        _ => None,
    }
}

/// In raw mode Ctrl-C is a key like any other.
fn pressed(key: KeyEvent) -> Key {
    let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match key.code {
        KeyCode::Char(c) if plain => Key::Char(c),
        KeyCode::Char(c) if key.modifiers == KeyModifiers::CONTROL => Key::Ctrl(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::F(number) => Key::F(number),
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_file_is_written_for_its_owner_and_never_over_another() {
        let folder = std::env::temp_dir().join(format!("qratum-written-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let first = written(&folder, "proof", b"1").unwrap();
        let second = written(&folder, "proof", b"2").unwrap();
        assert_eq!([&first, &second], [&folder.join("proof.json"), &folder.join("proof-2.json")]);
        assert_eq!([fs::read(&first).unwrap(), fs::read(&second).unwrap()], [b"1", b"2"]);
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(&folder).unwrap();
        assert!(written(&folder, "proof", b"3").is_err(), "a folder that is not there");
    }
}
