//! CTAPHID (CTAP 2.1 section 11.2): messages in reports of 64 bytes. The first report of a message is
//! `channel [4] || 0x80 | command || length u16 || data [57]`, each further one
//! `channel [4] || sequence || data [59]`; numbers are big-endian.

/// Bytes of a report.
pub const REPORT: usize = 64;
/// A report.
pub type Report = [u8; REPORT];
/// Who talks: a number that the key gave.
pub type Channel = [u8; 4];

/// The channel on which a number is asked for.
pub const BROADCAST: Channel = [0xff; 4];
/// The most bytes of a message: one first and 128 further reports.
pub const MAX_MESSAGE: usize = 57 + 128 * 59;

/// Send it back.
pub const PING: u8 = 0x01;
/// A CTAP1 message, which this key does not know.
pub const MSG: u8 = 0x03;
/// Give me a channel.
pub const INIT: u8 = 0x06;
/// Show which key you are.
pub const WINK: u8 = 0x08;
/// A CTAP2 command.
pub const CBOR: u8 = 0x10;
/// Stop what you wait for.
pub const CANCEL: u8 = 0x11;
/// I still work on it, or wait for a touch.
pub const KEEPALIVE: u8 = 0x3b;
/// It went wrong below CTAP2.
pub const ERROR: u8 = 0x3f;

/// What [`ERROR`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wrong {
    /// No such command.
    Command = 0x01,
    /// More bytes than a message may have.
    Length = 0x03,
    /// A report that is not the next one.
    Sequence = 0x04,
    /// The rest of a message did not come.
    Late = 0x05,
    /// Somebody else is being served.
    Busy = 0x06,
    /// A channel that was not given.
    Channel = 0x0b,
}

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who talks.
    pub channel: Channel,
    /// What is wanted.
    pub command: u8,
    /// With what.
    pub data: Vec<u8>,
}

/// The reports of a message, of which what lies above [`MAX_MESSAGE`] is left out.
#[must_use]
pub fn reports(message: &Message) -> Vec<Report> {
    let data = message.data.get(..MAX_MESSAGE).unwrap_or(&message.data);
    let (first, rest) = data.split_at(data.len().min(57));
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    let head = report(&message.channel, &[0x80 | message.command, length[0], length[1]], first);
    let further = (0..=u8::MAX).zip(rest.chunks(59));
    let further = further.map(|(sequence, data)| report(&message.channel, &[sequence], data));
    [head].into_iter().chain(further).collect()
}

fn report(channel: &Channel, head: &[u8], data: &[u8]) -> Report {
    let mut report = [0; REPORT];
    let bytes = channel.iter().chain(head).chain(data);
    report.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    report
}

/// A message of which more is to come.
#[derive(Debug)]
struct Partial {
    message: Message,
    length: usize,
    next: u8,
}

/// Puts reports together.
#[derive(Debug, Default)]
pub struct Assembler {
    partial: Option<Partial>,
}

impl Assembler {
    /// Takes a report.
    ///
    /// # Returns
    /// The message that it ends; none where more is to come.
    ///
    /// # Errors
    /// What to answer, and on which channel.
    pub fn take(&mut self, report: &Report) -> Result<Option<Message>, (Channel, Wrong)> {
        let [a, b, c, d, kind, rest @ ..] = report;
        let channel = [*a, *b, *c, *d];
        let first = kind & 0x80 != 0;
        match &mut self.partial {
            // Only INIT ends what its own channel began.
            Some(partial) if partial.message.channel != channel || (first && *kind != 0x80 | INIT) => {
                let same = partial.message.channel == channel;
                let wrong = if same { Wrong::Sequence } else { Wrong::Busy };
                self.partial = self.partial.take().filter(|_| !same);
                return Err((channel, wrong));
            }
            Some(partial) if !first => {
                if partial.next != *kind {
                    self.partial = None;
                    return Err((channel, Wrong::Sequence));
                }
                partial.next = partial.next.wrapping_add(1);
                partial.message.data.extend_from_slice(rest);
            }
            // A further report of nothing is not answered.
            None if !first => return Ok(None),
            _ => {
                let [high, low, data @ ..] = rest;
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if length > MAX_MESSAGE {
                    return Err((channel, Wrong::Length));
                }
                let message = Message { channel, command: kind & 0x7f, data: data.to_vec() };
                self.partial = Some(Partial { message, length, next: 0 });
            }
        }
        Ok(self.whole())
    }

    fn whole(&mut self) -> Option<Message> {
        let partial = self.partial.take_if(|partial| partial.message.data.len() >= partial.length)?;
        let mut message = partial.message;
        message.data.truncate(partial.length);
        Some(message)
    }

    /// Drops a message whose rest did not come.
    ///
    /// # Returns
    /// Whose it was.
    pub fn give_up(&mut self) -> Option<Channel> {
        self.partial.take().map(|partial| partial.message.channel)
    }

    /// Whether more of a message is to come.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.partial.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Message {
        let data = (0..length).map(|i| i as u8).collect();
        Message { channel: [1, 2, 3, 4], command: PING, data }
    }

    #[test]
    fn messages_of_every_length_come_back_whole() {
        for length in [0, 1, 56, 57, 58, 57 + 59, 57 + 59 + 1, MAX_MESSAGE] {
            let (message, mut assembler) = (message(length), Assembler::default());
            let mut found: Vec<_> =
                reports(&message).iter().filter_map(|report| assembler.take(report).unwrap()).collect();
            assert_eq!(found.pop(), Some(message), "{length}");
            assert!(found.is_empty() && !assembler.is_waiting());
        }
    }

    #[test]
    fn reports_out_of_turn_are_refused_with_the_reason() {
        let long = reports(&message(200));
        let mut assembler = Assembler::default();
        assert_eq!(assembler.take(&long[1]), Ok(None), "nothing was begun");
        assembler.take(&long[0]).unwrap();
        assert_eq!(assembler.take(&long[2]), Err(([1, 2, 3, 4], Wrong::Sequence)));
        assembler.take(&long[0]).unwrap();
        let other = Message { channel: [9; 4], ..message(3) };
        assert_eq!(assembler.take(&reports(&other)[0]), Err(([9; 4], Wrong::Busy)));
        assert!(assembler.is_waiting(), "another channel does not end what this one began");
        let mut too_long = long[0];
        too_long[5..7].copy_from_slice(&7610_u16.to_be_bytes());
        assembler.give_up();
        assert_eq!(assembler.take(&too_long), Err(([1, 2, 3, 4], Wrong::Length)));
    }
}
