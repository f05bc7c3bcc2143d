//! The key as a state machine: reports and the time go in, reports come out. Commands are carried out
//! one after the other; one that waits for a touch keeps the key busy for all other channels.

use std::{mem, time::Duration};

use crate::{
    cbor::Value,
    hid::{self, Assembler, BROADCAST, Channel, Message, Report, Wrong, reports},
    key::{Key, Settings, Status, Stop},
    script::{Fault, Touch},
};

/// How long a message may take to come in whole.
const REST: Duration = Duration::from_millis(500);
/// How often a key that waits says so.
const KEEPALIVE: Duration = Duration::from_millis(100);
/// The same of one that is slow at it.
const SLOW: Duration = Duration::from_secs(5);
/// `UPNEEDED`, in what such a key says.
const TOUCH_ME: u8 = 2;

/// A command that waits for a touch.
#[derive(Debug)]
struct Waiting {
    channel: Channel,
    command: Vec<u8>,
    since: Duration,
    said: Duration,
}

/// A key on its wire.
#[derive(Debug)]
pub struct Device {
    /// What answers.
    pub key: Key,
    /// Who touches it.
    pub touch: Touch,
    /// What goes wrong.
    pub fault: Fault,
    /// How long it waits for a touch.
    pub patience: Duration,
    plugged: bool,
    channels: u32,
    answered: u32,
    assembler: Assembler,
    begun: Duration,
    waiting: Option<Waiting>,
    out: Vec<Report>,
}

impl Device {
    /// A key that was just plugged in.
    #[must_use]
    pub fn new(settings: Settings, touch: Touch) -> Self {
        Self {
            key: Key::new(settings),
            touch,
            fault: Fault::None,
            patience: Duration::from_secs(30),
            plugged: true,
            channels: 0,
            answered: 0,
            assembler: Assembler::default(),
            begun: Duration::ZERO,
            waiting: None,
            out: Vec::new(),
        }
    }

    /// Whether it is there.
    #[must_use]
    pub const fn is_plugged(&self) -> bool {
        self.plugged
    }

    /// Has it fail from now on.
    pub fn fail(&mut self, fault: Fault) {
        (self.fault, self.answered) = (fault, 0);
        self.key.is_uv_blocked = fault == Fault::UvBlocked;
    }

    /// Pulls it out.
    pub fn unplug(&mut self) {
        self.plugged = false;
        self.waiting = None;
        self.assembler = Assembler::default();
        self.out.clear();
    }

    /// Plugs it in again, where it was out.
    pub fn plug(&mut self) {
        if !mem::replace(&mut self.plugged, true) {
            self.key.power_cycle();
        }
    }

    /// The reports to send.
    #[must_use]
    pub fn out(&mut self) -> Vec<Report> {
        mem::take(&mut self.out)
    }

    /// Takes a report.
    pub fn take(&mut self, report: &Report, now: Duration) {
        match self.assembler.take(report) {
            Ok(Some(message)) => self.carry_out(message, now),
            Ok(None) => self.begun = now,
            Err((channel, wrong)) => self.error(channel, wrong),
        }
    }

    /// Lets time pass: to be called every few milliseconds.
    pub fn tick(&mut self, now: Duration) {
        if self.assembler.is_waiting() && now.saturating_sub(self.begun) > REST {
            let given_up = self.assembler.give_up();
            given_up.into_iter().for_each(|channel| self.error(channel, Wrong::Late));
        }
        let Some(waiting) = &mut self.waiting else { return };
        let waited = now.saturating_sub(waiting.since);
        if matches!(self.touch, Touch::Auto(delay) if waited >= delay) {
            self.touched(now);
        } else if waited >= self.patience {
            self.end(Status::UserActionTimeout);
        } else if now.saturating_sub(waiting.said) >= if self.fault == Fault::Slow { SLOW } else { KEEPALIVE }
        {
            waiting.said = now;
            let channel = waiting.channel;
            self.send(channel, hid::KEEPALIVE, vec![TOUCH_ME]);
        }
    }

    /// Somebody touches it.
    pub fn touched(&mut self, now: Duration) {
        if let Some(waiting) = self.waiting.take() {
            self.key.counts.touches += 1;
            self.execute(waiting.channel, waiting.command, true, now);
        }
    }

    fn carry_out(&mut self, message: Message, now: Duration) {
        let Message { channel, command, data } = message;
        let is_given = (1..=self.channels).contains(&u32::from_be_bytes(channel));
        let waits_for = self.waiting.as_ref().map(|waiting| waiting.channel);
        match command {
            hid::INIT => self.init(channel, &data),
            _ if !is_given => self.error(channel, Wrong::Channel),
            hid::CANCEL if waits_for == Some(channel) => self.end(Status::KeepaliveCancel),
            hid::CANCEL => {}
            _ if waits_for.is_some() => self.error(channel, Wrong::Busy),
            hid::PING => self.send(channel, hid::PING, data),
            hid::WINK => {
                self.key.counts.winks += 1;
                self.send(channel, hid::WINK, Vec::new());
            }
            hid::CBOR if self.fault == Fault::Silent => {}
            hid::CBOR if self.fault == Fault::Busy => self.error(channel, Wrong::Busy),
            hid::CBOR => self.execute(channel, data, false, now),
            _ => self.error(channel, Wrong::Command),
        }
    }

    /// Gives a channel, or ends what its own was doing: `nonce [8] || channel [4] || version of the
    /// protocol || version of the device [3] || can wink, CBOR, no MSG`.
    fn init(&mut self, channel: Channel, nonce: &[u8]) {
        let mut given = channel;
        if channel == BROADCAST {
            self.channels = self.channels.wrapping_add(1);
            given = self.channels.to_be_bytes();
        } else {
            self.waiting.take_if(|waiting| waiting.channel == channel);
        }
        let nonce = nonce.get(..8).unwrap_or_default();
        self.send(channel, hid::INIT, [nonce, &given, &[2, 0, 1, 0, 0x01 | 0x04 | 0x08]].concat());
    }

    fn execute(&mut self, channel: Channel, command: Vec<u8>, touched: bool, now: Duration) {
        let answer = match self.key.execute(&command, touched) {
            Ok(answer) => [vec![0], answer.iter().flat_map(Value::write).collect()].concat(),
            Err(Stop::Status(status)) => vec![status as u8],
            Err(Stop::Touch) => {
                self.waiting = Some(Waiting { channel, command, since: now, said: now });
                return self.send(channel, hid::KEEPALIVE, vec![TOUCH_ME]);
            }
        };
        self.answer(channel, answer);
    }

    fn end(&mut self, status: Status) {
        if let Some(waiting) = self.waiting.take() {
            self.answer(waiting.channel, vec![status as u8]);
        }
    }

    /// The answer to a command, with what goes wrong with it.
    fn answer(&mut self, channel: Channel, answer: Vec<u8>) {
        self.answered = self.answered.saturating_add(1);
        match self.fault {
            Fault::Unplug(step) if self.answered >= step => self.unplug(),
            Fault::WrongChannel => self.send(channel.map(|byte| !byte), hid::CBOR, answer),
            Fault::Garbled => self.send(channel, hid::CBOR, vec![0, 0xff, 0xff]),
            Fault::Truncated => {
                let message = Message { channel, command: hid::CBOR, data: answer };
                self.out.extend(reports(&message).first());
            }
            _ => self.send(channel, hid::CBOR, answer),
        }
    }

    fn error(&mut self, channel: Channel, wrong: Wrong) {
        self.send(channel, hid::ERROR, vec![wrong as u8]);
    }

    fn send(&mut self, channel: Channel, command: u8, data: Vec<u8>) {
        self.out.extend(reports(&Message { channel, command, data }));
    }
}
