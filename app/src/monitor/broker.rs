//! A program of a sink, run for a console that has closed itself in and can start nothing.
//!
//! The broker is this program once more, started before under the name [`NAME`] for one program with
//! fixed arguments: whoever takes over the console can have that program told something, and no other
//! run. It is no command: nobody types it.
//! It is sent a line of JSON and answers with a line, which is empty where the program took it and
//! says why where not. The console holds the only other end of its socket, so it ends with it.

use std::{
    ffi::OsString,
    io,
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{
        AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout,
    },
    time::timeout,
};

use super::program::Program;

/// What the program is called when it is a broker.
const NAME: &str = "qratum-broker";
/// How much longer than its program a broker may take to answer.
const GRACE: Duration = Duration::from_secs(5);
/// No answer is longer.
const LONGEST: u64 = 1024;
/// Nor is what a program is told.
const LONGEST_EVENT: u64 = 64 << 10;

/// The console's end of a broker.
#[derive(Clone, Debug)]
pub(super) struct Broker {
    socket: Arc<UnixStream>,
    /// Its process; none in tests.
    process: Option<Arc<Mutex<Child>>>,
    patience: Duration,
}

impl Broker {
    /// Starts a broker that can run `program` and nothing else.
    pub(super) fn start(program: &Program) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        let mut command = Command::new("/proc/self/exe");
        command.arg0(NAME).args(arguments(program)).process_group(0);
        let process = command.stdin(theirs.try_clone()?).stdout(theirs).stderr(Stdio::null()).spawn()?;
        let broker = Self::at(ours, program.within.saturating_add(GRACE))?;
        Ok(Self { process: Some(Arc::new(Mutex::new(process))), ..broker })
    }

    fn at(socket: UnixStream, patience: Duration) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Arc::new(socket), process: None, patience })
    }

    /// Takes note of its end, so that the kernel forgets it.
    fn reap(&self) {
        if let Some(mut process) = self.process.as_ref().and_then(|process| process.lock().ok()) {
            // One that still runs is told to end by the end of its socket.
            let _ = process.try_wait();
        }
    }

    /// Whether the program took the text and ended well in time. One is asked after the other.
    pub(super) async fn run(&self, json: &str) -> Result<(), String> {
        let answer = timeout(self.patience, self.ask(json)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        match answer.as_ref().map(|answer| answer.strip_suffix('\n')) {
            Ok(Some("")) => Ok(()),
            Ok(Some(why)) => Err(why.to_owned()),
            Ok(None) => {
                self.reap();
                Err("its broker has ended: start the console again".to_owned())
            }
            Err(error) => {
                // What it may still say must not be taken for the answer to something else.
                let _ = self.socket.shutdown(Shutdown::Both);
                self.reap();
                Err(format!("its broker does not answer ({error}): start the console again"))
            }
        }
    }

    async fn ask(&self, json: &str) -> io::Result<String> {
        let mut socket = tokio::net::UnixStream::from_std(self.socket.try_clone()?)?;
        socket.write_all(format!("{json}\n").as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(socket).take(LONGEST).read_line(&mut answer).await?;
        Ok(answer)
    }
}

/// How a broker of `program` is started: milliseconds, the program, its arguments.
fn arguments(program: &Program) -> Vec<OsString> {
    let fixed = [program.within.as_millis().to_string().into(), program.path.clone().into()];
    fixed.into_iter().chain(program.arguments.iter().map(OsString::from)).collect()
}

/// The program whose broker this process was started as, by all its arguments; none for a console or
/// a command.
pub(crate) fn asked_for(mut arguments: impl Iterator<Item = OsString>) -> Option<Program> {
    arguments.next().filter(|name| name == NAME)?;
    let within = Duration::from_millis(arguments.next()?.into_string().ok()?.parse().ok()?);
    let path = arguments.next()?.into();
    let arguments = arguments.map(OsString::into_string).collect::<Result<_, _>>().ok()?;
    Some(Program { path, arguments, within })
}

/// The broker's side: runs `program` for each line of standard input, until that ends or is no line.
pub(crate) async fn serve(program: Program) -> io::Result<()> {
    let (mut lines, mut out) = (BufReader::new(stdin()), stdout());
    while let Some(json) = next_line(&mut lines).await? {
        let why = program.run(&json).await.err().unwrap_or_default();
        out.write_all(reply(&why).as_bytes()).await?;
        out.flush().await?;
    }
    Ok(())
}

/// The next line; none at the end, and none where it is longer than any event: whoever sends that is
/// no console.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = String::new();
    lines.take(LONGEST_EVENT).read_line(&mut line).await?;
    Ok(line.strip_suffix('\n').map(str::to_owned))
}

/// The answer: one line that fits.
fn reply(why: &str) -> String {
    let most = usize::try_from(LONGEST).unwrap_or(usize::MAX).saturating_sub(1);
    let ends = why.char_indices().map(|(start, c)| start + c.len_utf8());
    let end = ends.take_while(|end| *end <= most).last().unwrap_or(0);
    format!("{}\n", why.get(..end).unwrap_or_default().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, Write as _},
        path::PathBuf,
        thread,
    };

    use super::*;

    /// What the console makes of brokers that answer so, and what they were sent.
    async fn answered(answers: &'static [&str]) -> (Vec<Result<(), String>>, Vec<String>) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let broker = Broker::at(ours, Duration::from_secs(10)).unwrap();
        let other = thread::spawn(move || {
            let mut lines = std::io::BufReader::new(&theirs).lines();
            let answer = |answer: &&str| {
                let line = lines.next().unwrap().unwrap();
                (&theirs).write_all(answer.as_bytes()).unwrap();
                line
            };
            answers.iter().map(answer).collect()
        });
        let mut got = Vec::new();
        for number in 0..answers.len() {
            got.push(broker.run(&format!("{{\"n\":{number}}}")).await);
        }
        (got, other.join().unwrap())
    }

    #[test]
    fn a_broker_is_started_for_the_program_that_it_then_runs() {
        let arguments = vec!["-c".to_owned(), "cat >> file".to_owned()];
        let program = Program { path: "/bin/sh".into(), arguments, within: Duration::from_millis(1500) };
        let named = |name: &str| [vec![OsString::from(name)], super::arguments(&program)].concat();
        assert_eq!(asked_for(named(NAME).into_iter()), Some(program.clone()));
        assert_eq!(asked_for(named("qratum").into_iter()), None);
        assert_eq!(asked_for(named(NAME).into_iter().take(2)), None);
    }

    #[tokio::test]
    async fn each_line_gets_its_own_answer() {
        let (got, sent) = answered(&["\n", "ended with exit status: 3\n", "\n"]).await;
        assert_eq!(got, [Ok(()), Err("ended with exit status: 3".to_owned()), Ok(())]);
        assert_eq!(sent, [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#]);
    }

    #[tokio::test]
    async fn a_line_has_a_longest_in_both_directions() {
        let most = usize::try_from(LONGEST_EVENT).unwrap();
        let said = [b"x".repeat(most - 1), b"\n{}\n".to_vec(), b"y".repeat(2 * most)].concat();
        let mut lines = BufReader::new(said.as_slice());
        let lengths = async |lines: &mut BufReader<_>| next_line(lines).await.unwrap().map(|line| line.len());
        assert_eq!(lengths(&mut lines).await, Some(most - 1));
        assert_eq!(lengths(&mut lines).await, Some(2));
        assert_eq!(lengths(&mut lines).await, None, "whoever sends this is not served");
        let answer = reply(&"é\n".repeat(1000));
        assert!(answer.len() as u64 <= LONGEST && answer.len() > 1000, "{}", answer.len());
        assert_eq!((answer.matches('\n').count(), answer.ends_with('\n')), (1, true));
    }

    #[tokio::test]
    async fn a_broker_that_ends_has_told_nobody() {
        let (got, _) = answered(&["half an ans"]).await;
        assert!(got[0].as_ref().unwrap_err().starts_with("its broker has ended"), "{got:?}");
    }

    /// The kernel remembers a process until somebody has taken note of its end.
    #[tokio::test]
    async fn a_broker_that_has_ended_is_forgotten() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let theirs = OwnedFd::from(theirs);
        let ended = Command::new("true").stdin(theirs.try_clone().unwrap()).stdout(theirs).spawn().unwrap();
        let process = PathBuf::from("/proc").join(ended.id().to_string());
        let broker = Broker::at(ours, Duration::from_secs(10)).unwrap();
        let broker = Broker { process: Some(Arc::new(Mutex::new(ended))), ..broker };
        for _ in 0..100 {
            assert!(broker.run("{}").await.is_err());
            if !process.exists() {
                return;
            }
            // Its end of the socket is closed a moment before it has ended.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} is still there", process.display());
    }

    #[tokio::test]
    async fn a_broker_that_hangs_is_asked_nothing_more() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let broker = Broker::at(ours, Duration::from_millis(20)).unwrap();
        let why = broker.run("{}").await.unwrap_err();
        assert!(why.starts_with("its broker does not answer (timed out)"), "{why}");
        (&theirs).write_all(b"\n").unwrap_err();
        assert!(broker.run("{}").await.is_err(), "a late answer was taken for this one");
    }
}
