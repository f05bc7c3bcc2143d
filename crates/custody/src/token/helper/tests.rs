use std::thread;

use super::{super::Identity, *};

fn choice() -> Choice {
    Choice { module: PathBuf::from("/lib/module.so"), serial: None, label: Some("one two".to_owned()) }
}

#[test]
fn either_process_is_started_for_the_token_that_it_then_asks() {
    let named = |name: &str| [&[OsString::from(name)], arguments(&choice()).as_slice()].concat();
    for (name, is_worker) in [(KEEPER, false), (WORKER, true)] {
        let job = asked_for(named(name).into_iter());
        assert_eq!(job, Some(Job { choice: choice(), is_worker }));
        assert_eq!(asked_for(named(name).into_iter().take(3)), None);
    }
    assert_eq!(asked_for(named("qratum").into_iter()), None);
}

/// A token that counts, and fails after so many requests.
struct Counting {
    identity: Identity,
    left: u8,
}

impl Token for Counting {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn random(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.left = self.left.checked_sub(1).ok_or_else(|| Error::Refused("C_GenerateRandom".to_owned()))?;
        bytes.fill(self.left);
        Ok(())
    }
}

/// The answers of a worker whose token is opened so, and how the asking ended.
fn answers(
    open: Result<Counting, Error>,
    questions: &[Question],
) -> Vec<(Result<bool, Fault>, [u8; LENGTH])> {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let worker = thread::spawn(move || serve(theirs, || open));
    let ask = |question: &Question| {
        let mut bytes = [0xaa; LENGTH];
        (ask(&mut ours, *question, &mut bytes), bytes)
    };
    let answers = questions.iter().map(ask).collect();
    drop(ours);
    assert_eq!(worker.join().unwrap().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    answers
}

fn counting(manufacturer: &str, left: u8) -> Counting {
    let (manufacturer, model) = (manufacturer.to_owned(), String::new());
    Counting { identity: Identity { manufacturer, model, hardware: true }, left }
}

#[test]
fn a_worker_answers_in_frames_and_says_why_not() {
    let asked = [Question::Identity, Question::Random, Question::Random, Question::Random];
    let said = answers(Ok(counting("Vendor", 2)), &asked);
    let good: Vec<_> = said.iter().take(3).map(|(result, bytes)| (*result, bytes[0], bytes[63])).collect();
    assert_eq!(good, [(Ok(true), 0, 0), (Ok(true), 1, 1), (Ok(true), 0, 0)]);
    assert_eq!(
        (said[3].0, reason(&said[3].1)),
        (Err(Fault::Failed), Some("its module refused: C_GenerateRandom".to_owned()))
    );
    let program = answers(Ok(counting("SoftHSM project", 1)), &[Question::Identity, Question::Random]);
    assert_eq!(program.iter().map(|(result, _)| *result).collect::<Vec<_>>(), [Ok(false); 2]);
    let absent = answers(Err(Error::Absent), &[Question::Random]);
    assert_eq!(absent[0].0, Err(Fault::Unavailable));
}

#[test]
fn a_reason_is_cut_and_has_no_byte_that_a_terminal_obeys() {
    let mut frame = [7; 1 + LENGTH];
    fail(&mut frame, 2, &format!("\x1b]0;{}", "x".repeat(500)));
    let (status, said) = frame.split_first_chunk::<1>().unwrap();
    let said = reason(said.try_into().unwrap()).unwrap();
    assert_eq!((status, said.len(), said.starts_with("]0;xxx")), (&[2], LENGTH - 1, true));
    assert_eq!(reason(&[0; LENGTH]), None);
}

#[test]
fn an_answer_that_comes_in_drops_is_late_all_the_same() {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(b"half").unwrap();
    let late = Instant::now() + Duration::from_millis(20);
    let error = read_until(&mut ours, &mut [0; 8], late).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    let error = read_until(&mut ours, &mut [0; 8], late).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "nothing is waited for once it is late");
    drop(theirs);
    let late = Instant::now() + Duration::from_secs(60);
    assert_eq!(read_until(&mut ours, &mut [0; 8], late).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

/// A keeper that is gone, or says more than it was asked, is asked nothing more.
#[test]
fn a_keeper_that_does_not_answer_is_not_asked_again() {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    assert_eq!(ask(&mut ours, Question::Random, &mut [0; LENGTH]), Err(Fault::Failed));
    assert!(theirs.write_all(&[0; 1 + LENGTH]).is_err());
    assert_eq!(ask(&mut ours, Question::Random, &mut [0; LENGTH]), Err(Fault::Failed));
}

/// A module can write into the socket of its worker, before or after the answer.
#[test]
fn a_worker_that_says_more_than_an_answer_is_not_believed() {
    let answer = |said: &[u8]| {
        let (socket, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(said).unwrap();
        let worker = Worker { socket, child: Command::new("true").spawn().unwrap() };
        let mut frame = Frame::new_with(|_| ()).unwrap();
        let answered = worker.answer([Question::Random as u8], &mut frame);
        answered.map(|again| again.is_some()).map_err(|error| error.to_string())
    };
    assert_eq!(answer(&[0; 1 + LENGTH]), Ok(true));
    assert_eq!(answer(&[0; 2 + LENGTH]), Err("its module wrote between the answers".to_owned()));
}

/// A program may stand behind the label of a token that was a device at the start.
#[test]
fn a_program_in_the_name_of_a_device_gives_nothing() {
    for (credited, status, taken) in [(true, 0, Ok(())), (true, 4, Err(Fault::Failed)), (false, 4, Ok(()))] {
        let (mut socket, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&[[status].as_slice(), &[7; LENGTH]].concat()).unwrap();
        let (mut bytes, given) = ([0; LENGTH], if taken.is_ok() { 7 } else { 0 });
        assert_eq!((draw(&mut socket, credited, &mut bytes), bytes), (taken, [given; LENGTH]), "{status}");
    }
}
