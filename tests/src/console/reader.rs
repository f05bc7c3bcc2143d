//! The terminal's side of it: reads what the program writes, as fast as it is told to, and answers
//! when it is asked whether it is well, as terminals do.

use std::{
    fmt,
    io::Read,
    num::NonZeroU16,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::line::Line;

/// How long anything may take to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// How fast the terminal reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// At once.
    Fast,
    /// Over a line.
    Slow {
        /// Bytes in a second that the terminal gets.
        rate: usize,
        /// What each byte needs on its way, to the terminal and from it.
        delay: Duration,
    },
    /// Not at all.
    Down,
}

impl Link {
    const fn delay(self) -> Duration {
        match self {
            Self::Slow { delay, .. } => delay,
            Self::Fast | Self::Down => Duration::ZERO,
        }
    }
}

/// Counts the questions whether the terminal is well (DSR 5, ECMA-48 8.3.35).
#[derive(Default)]
struct Questions(usize);

impl vt100::Callbacks for Questions {
    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        i1: Option<u8>,
        _: Option<u8>,
        parameters: &[&[u16]],
        action: char,
    ) {
        if (i1, parameters, action) == (None, &[&[5]], 'n') {
            self.0 += 1;
        }
    }
}

/// What a terminal shows.
#[derive(Clone)]
pub struct Screen(vt100::Screen);

impl Screen {
    /// Its rows, without the spaces at their ends.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        let (_, columns) = self.0.size();
        self.0.rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    /// All of it, row by row.
    #[must_use]
    pub fn text(&self) -> String {
        self.rows().join("\n")
    }

    /// Whether a text stands somewhere in one row.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        self.rows().iter().any(|row| row.contains(text))
    }

    /// Whether this is the alternate screen.
    #[must_use]
    pub fn is_alternate(&self) -> bool {
        self.0.alternate_screen()
    }

    /// Whether the cursor is shown.
    #[must_use]
    pub fn shows_cursor(&self) -> bool {
        !self.0.hide_cursor()
    }

    /// Whether what is pasted comes as such, and not as keys.
    #[must_use]
    pub fn marks_pastes(&self) -> bool {
        self.0.bracketed_paste()
    }

    /// The cells with their colors and attributes.
    #[must_use]
    pub const fn cells(&self) -> &vt100::Screen {
        &self.0
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

struct State {
    parser: vt100::Parser<Questions>,
    written: Vec<u8>,
    link: Link,
    answers: bool,
    over: bool,
}

#[derive(Clone)]
pub(super) struct Reader(Arc<(Mutex<State>, Condvar)>);

impl Reader {
    /// Reads from `source`; keys go to `keys`.
    pub(super) fn start(source: Box<dyn Read + Send>, keys: Line, (columns, rows): (u16, u16)) -> Self {
        let (rows, columns) = (at_least_one(rows), at_least_one(columns));
        let parser = vt100::Parser::new_with_callbacks(rows, columns, 0, Questions::default());
        let state = State { parser, written: Vec::new(), link: Link::Fast, answers: true, over: false };
        let reader = Self(Arc::new((Mutex::new(state), Condvar::new())));
        let [own, shown, ended] = [reader.clone(), reader.clone(), reader.clone()];
        let line = Line::start(move |bytes| shown.show(bytes, &keys), move || ended.stop());
        thread::spawn(move || own.read(source, &line));
        reader
    }

    fn read(&self, mut source: Box<dyn Read + Send>, line: &Line) {
        let mut buffer = [0; 4096];
        while let Some(link) = self.up() {
            let most = match link {
                Link::Slow { rate, .. } => (rate / 20).max(1),
                Link::Fast | Link::Down => buffer.len(),
            };
            let room = buffer.get_mut(..most).unwrap_or_default();
            let Ok(count @ 1..) = source.read(room) else { break };
            let Some(bytes) = room.get(..count) else { break };
            if let Link::Slow { rate, .. } = link {
                // The time that these bytes need on such a line.
                thread::sleep(Duration::from_secs_f64(count as f64 / rate as f64));
            }
            if self.up().is_none() {
                break;
            }
            line.put(link.delay(), bytes);
        }
    }

    /// What comes out at the terminal's end.
    fn show(&self, bytes: &[u8], keys: &Line) {
        let mut state = self.state();
        state.parser.process(bytes);
        state.written.extend_from_slice(bytes);
        let questions = std::mem::take(&mut state.parser.callbacks_mut().0);
        let answers = if state.answers { questions } else { 0 };
        keys.put(state.link.delay(), &b"\x1b[0n".repeat(answers));
        self.0.1.notify_all();
    }

    /// Waits until the link is up; none when the terminal is gone.
    fn up(&self) -> Option<Link> {
        let down = |state: &mut State| state.link == Link::Down && !state.over;
        let state = self.0.1.wait_while(self.state(), down).unwrap_or_else(PoisonError::into_inner);
        (!state.over).then_some(state.link)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed while it looked still has to be cleared away.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn screen(&self) -> Screen {
        Screen(self.state().parser.screen().clone())
    }

    pub(super) fn written(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().written)
    }

    pub(super) fn link(&self, link: Link) {
        self.state().link = link;
        self.0.1.notify_all();
    }

    pub(super) fn delay(&self) -> Duration {
        self.state().link.delay()
    }

    pub(super) fn never_answers(&self) {
        self.state().answers = false;
    }

    pub(super) fn resize(&self, (columns, rows): (u16, u16)) {
        self.state().parser.screen_mut().set_size(at_least_one(rows), at_least_one(columns));
    }

    pub(super) fn stop(&self) {
        self.state().over = true;
        self.0.1.notify_all();
    }

    pub(super) fn wait(&self, what: &str, done: impl Fn(&Screen) -> bool) -> Screen {
        self.wait_for(what, |state| Some(Screen(state.parser.screen().clone())).filter(&done))
    }

    pub(super) fn wait_for_bytes(&self, text: &str) {
        let holds = |state: &State| state.written.windows(text.len()).any(|part| part == text.as_bytes());
        self.wait_for(&format!("{text:?} written"), |state| holds(state).then_some(()));
    }

    fn wait_for<T>(&self, what: &str, done: impl Fn(&State) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if let Some(found) = done(&state) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let screen = Screen(state.parser.screen().clone());
            assert!(!left.is_zero() && !state.over, "not seen: {what}\n{screen:?}");
            state = self.0.1.wait_timeout(state, left).unwrap().0;
        }
    }

    pub(super) fn wait_for_end(&self) {
        let running = |state: &mut State| !state.over;
        let (state, late) = self.0.1.wait_timeout_while(self.state(), PATIENCE, running).unwrap();
        assert!(!late.timed_out(), "it still runs\n{:?}", Screen(state.parser.screen().clone()));
    }
}

fn at_least_one(size: u16) -> NonZeroU16 {
    NonZeroU16::new(size).unwrap_or(NonZeroU16::MIN)
}
