//! `qratum watch --alerts` beside a demo network of real processes: who is told, and that nothing is
//! lost when it is killed.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStdout},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    check::Schema,
    support::{Demo, json},
};

/// A server of web hooks: answers each request with this status and passes it on.
struct Hook {
    requests: Receiver<(Vec<String>, Value)>,
}

impl Hook {
    fn on(listener: TcpListener, status: &'static str) -> Self {
        let (told, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let request = answer(stream.unwrap(), status);
                if request.is_some_and(|request| told.send(request).is_err()) {
                    break;
                }
            }
        });
        Self { requests }
    }

    /// The next event that is not a heartbeat.
    fn event(&self) -> (Vec<String>, Value) {
        loop {
            let (headers, body) = self.requests.recv_timeout(Duration::from_secs(90)).unwrap();
            if body["schema"] == "qratum/alarm/v1" {
                return (headers, body);
            }
        }
    }

    /// Waits for an alarm.
    fn alarm(&self, code: &str, event: &str) -> (Vec<String>, Value) {
        loop {
            let (headers, body) = self.event();
            if body["code"] == code && body["event"] == event {
                return (headers, body);
            }
        }
    }
}

fn answer(mut stream: TcpStream, status: &str) -> Option<(Vec<String>, Value)> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => headers.push(line.to_ascii_lowercase()),
        }
    }
    let length = headers.iter().find_map(|header| header.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(reply.as_bytes()).ok()?;
    Some((headers, serde_json::from_slice(&body).unwrap()))
}

/// Sets a file up that only its owner can write.
fn config(home: &str, text: &str) {
    let path = Path::new(home).join("config.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(home, fs::Permissions::from_mode(0o700)).unwrap();
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Ends it as a service manager does; what it printed.
fn ended(child: Child) -> Vec<Value> {
    let term = std::process::Command::new("kill").arg(child.id().to_string()).status();
    assert!(term.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The next alarm that it prints.
fn printed(watch: &mut BufReader<ChildStdout>, code: &str) -> Value {
    loop {
        let mut line = String::new();
        assert_ne!(watch.read_line(&mut line).unwrap(), 0, "it has ended");
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["code"] == code {
            return event;
        }
    }
}

/// Takes the alarm on, after some who cannot.
fn acknowledge(demo: &Demo, alarm: &Value) {
    let id = alarm["id"].as_u64().unwrap().to_string();
    let (list, code) = json(&demo.run(&["alarms", "list", "--json"]));
    Schema::named("alarms").holds(&list, "list");
    assert_eq!((list["alarms"][0]["code"].as_str(), code), (Some("no-quorum"), 0), "{list}");
    for (id, reason) in [("4711", "x"), (&id, " ")] {
        assert_eq!(demo.run(&["alarms", "ack", id, "--reason", reason]).status.code(), Some(2));
    }
    let (taken, code) = json(&demo.run(&["alarms", "ack", &id, "--reason", "calling them", "--json"]));
    assert_eq!((taken["alarms"][0]["acknowledged"]["reason"].as_str(), code), (Some("calling them"), 0));
    Schema::named("alarms").holds(&taken, "acknowledged");
    let again = demo.run(&["alarms", "ack", &id, "--reason", "x"]);
    assert!(String::from_utf8(again.stderr).unwrap().contains("was acknowledged by"));
}

#[test]
fn an_alarm_reaches_a_hook_once_also_when_the_monitor_is_killed_before_it_could() {
    let mut demo = Demo::start("alerts");
    demo.reach(2);
    // An address at which nobody listens yet.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let page = Path::new(demo.home()).join("paged");
    let text = format!(
        "[alerts]\nown = [\"north\"]\nheartbeat_s = 1\n\
         [[alerts.exec]]\nname = \"page\"\nprogram = \"/usr/bin/tee\"\narguments = [\"-a\", {page:?}]\nleast = \"critical\"\n\
         [[alerts.webhook]]\nname = \"ops\"\nurl = \"http://{address}/alarms\"\nheartbeat = true\n"
    );
    config(demo.home(), &text);
    let mut watch = demo.spawn(&["watch", "--alerts", "--json"]);
    demo.kill(0);
    demo.kill(2);
    // What is printed is on disk; the hook cannot have it.
    let first = printed(&mut BufReader::new(watch.stdout.take().unwrap()), "no-quorum");
    kill(watch);

    let hook = Hook::on(TcpListener::bind(address).unwrap(), "204 No Content");
    let watch = demo.spawn(&["watch", "--alerts", "--json"]);
    let (headers, alarm) = hook.alarm("no-quorum", "raised");
    assert_eq!(alarm, first);
    Schema::named("alarm").holds(&alarm, "alarm");
    assert_eq!(headers[0], "post /alarms http/1.1");
    let key = format!("idempotency-key: {}", alarm["key"].as_str().unwrap());
    assert!(headers.contains(&key), "{headers:?}");
    acknowledge(&demo, &alarm);
    let (_, told) = hook.alarm("no-quorum", "acknowledged");
    assert_eq!(told["acknowledged"]["reason"], "calling them");

    let _north = demo.restore("north");
    let (_, over) = hook.alarm("no-quorum", "cleared");
    assert_eq!(over["id"], alarm["id"]);
    let (_, beat) = hook.requests.iter().find(|(_, body)| body["schema"] == "qratum/heartbeat/v1").unwrap();
    Schema::named("heartbeat").holds(&beat, "heartbeat");
    let events = ended(watch);
    let raised = events.iter().filter(|event| event["code"] == "no-quorum" && event["event"] == "raised");
    assert_eq!(raised.count(), 0, "it goes on, and is not raised again: {events:?}");
    let paged = fs::read_to_string(&page).unwrap();
    assert!(paged.lines().any(|line| serde_json::from_str::<Value>(line).unwrap() == alarm), "{paged}");

    // A third start has nothing more to tell: each event came once.
    let watch = demo.spawn(&["watch", "--alerts", "--timeout", "3"]);
    assert_eq!(watch.wait_with_output().unwrap().status.code(), Some(0));
    let late: Vec<Value> = hook.requests.try_iter().map(|(_, body)| body).collect();
    assert!(late.iter().all(|body| body["code"] != "no-quorum"), "{late:?}");
}
