//! A peer in C: a program of its own, compiled here with `cc`, so that its library and its faults stay
//! out of ours. It says one line at its start, and answers each question, a line, with the nanoseconds
//! of CPU time that the work took.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use crate::Outcome;

/// The running program, which ends when its input does.
pub struct Peer {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// What it said at its start.
    pub first: String,
}

impl Peer {
    /// Compiles `source`, a file beside this one, with `library` (an option of the linker, and the
    /// Debian package that it is in), and starts it.
    ///
    /// # Errors
    /// When it does not compile or start.
    pub fn start(source: &str, (library, package): (&str, &str)) -> Outcome<Self> {
        let path = format!("{}/src/{source}", env!("CARGO_MANIFEST_DIR"));
        let program = env::temp_dir().join(format!("qratum-peer-{}-{source}.out", std::process::id()));
        let built = Command::new("cc").args(["-O2", &path, library, "-o"]).arg(&program).status()?;
        if !built.success() {
            return Err(format!("cc could not build the peer {source}: is {package} installed?").into());
        }
        let mut child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        fs::remove_file(&program)?;
        let questions = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let first = line(&mut answers)?;
        Ok(Self { child, questions, answers, first })
    }

    /// The CPU time of the work that `question` asks for.
    ///
    /// # Errors
    /// When it is gone or answers with no number.
    pub fn time(&mut self, question: &str) -> Outcome<Duration> {
        let questions = self.questions.as_mut().ok_or("the peer is gone")?;
        writeln!(questions, "{question}")?;
        Ok(Duration::from_nanos(line(&mut self.answers)?.parse()?))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.questions = None;
        let _ended = self.child.wait();
    }
}

fn line(from: &mut BufReader<ChildStdout>) -> Outcome<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
