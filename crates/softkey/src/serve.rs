//! The key behind a Unix socket, as a hidraw file would be: whoever connects sends reports, and every
//! report of the key goes to all who are connected. Lines of text steer it.

use std::{
    io::{self, BufRead, Read as _, Write},
    os::unix::net::{UnixListener, UnixStream},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{
    device::Device,
    hid::{REPORT, Report},
};

/// How often time passes for the key.
const TICK: Duration = Duration::from_millis(5);
/// How long somebody may take to read a report before the key goes on without it.
const PATIENCE: Duration = Duration::from_millis(100);

enum Event {
    Opened(UnixStream),
    Report(Report),
    Line(String),
    /// Nobody steers any more.
    Over,
}

/// Serves until `lines` ends.
///
/// # Arguments
/// Lines are read from `lines` and each is answered by one on `answers`: `ok`, `error: ...`, or the
/// counts as JSON. They are:
/// `touch`, `touch auto[:MS]|manual|never`, `count zero|credential|global|backwards`, `fault ...`
/// ([`crate::script::Fault`]), `unplug`, `plug`, `patience MS`, `report`.
///
/// # Errors
/// An answer cannot be written.
pub fn serve(
    mut device: Device,
    listener: UnixListener,
    lines: impl BufRead + Send + 'static,
    mut answers: impl Write,
) -> io::Result<()> {
    let events = listen(listener, lines);
    let (start, mut connected) = (Instant::now(), Vec::new());
    loop {
        let event = events.recv_timeout(TICK);
        let now = start.elapsed();
        match event {
            Ok(Event::Opened(stream)) => connected.push(stream),
            Ok(Event::Report(report)) if device.is_plugged() => device.take(&report, now),
            Ok(Event::Line(line)) => {
                writeln!(answers, "{}", steer(&mut device, &line, now).unwrap_or_else(|why| why))?;
                answers.flush()?;
            }
            Ok(Event::Over) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(Event::Report(_)) | Err(RecvTimeoutError::Timeout) => {}
        }
        device.tick(now);
        for report in device.out() {
            connected.retain_mut(|stream| stream.write_all(&report).is_ok());
        }
        if !device.is_plugged() {
            connected.drain(..).for_each(|stream| {
                let _ = stream.shutdown(std::net::Shutdown::Both);
            });
        }
    }
}

fn listen(listener: UnixListener, lines: impl BufRead + Send + 'static) -> Receiver<Event> {
    let (tell, events) = channel();
    let steered = tell.clone();
    thread::spawn(move || {
        let lines = lines.lines().map_while(Result::ok).map(Event::Line);
        for event in lines.chain([Event::Over]) {
            if steered.send(event).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            if accept(stream, &tell).is_err() {
                return;
            }
        }
    });
    events
}

/// Reads the reports of one that has connected, in a thread that ends with the connection.
fn accept(stream: UnixStream, tell: &Sender<Event>) -> Result<(), ()> {
    let Ok(mut reading) = stream.try_clone() else { return Ok(()) };
    let _ = stream.set_write_timeout(Some(PATIENCE));
    tell.send(Event::Opened(stream)).map_err(|_| ())?;
    let tell = tell.clone();
    thread::spawn(move || {
        let mut report = [0; REPORT];
        while reading.read_exact(&mut report).is_ok() {
            if tell.send(Event::Report(report)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn steer(device: &mut Device, line: &str, now: Duration) -> Result<String, String> {
    let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    match verb {
        "touch" if rest.is_empty() => device.touched(now),
        "touch" => device.touch = rest.parse()?,
        "count" => device.key.settings.counting = rest.parse()?,
        "fault" => device.fail(rest.parse()?),
        "unplug" => device.unplug(),
        "plug" => device.plug(),
        "patience" => {
            let patience = rest.parse().map_err(|_| format!("error: no number: {rest}"))?;
            device.patience = Duration::from_millis(patience);
        }
        "report" => return Ok(report(device)),
        _ => return Err(format!("error: no such line: {verb}")),
    }
    Ok("ok".to_owned())
}

fn report(device: &Device) -> String {
    let counts = device.key.counts;
    format!(
        r#"{{"touches":{},"pins":{},"wrong_pins":{},"signatures":{},"winks":{}}}"#,
        counts.touches, counts.pins, counts.wrong_pins, counts.signatures, counts.winks
    )
}
