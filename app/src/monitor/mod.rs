//! What is wrong, who has been told, and who has taken it on? Alarms of the console and of
//! `qratum watch --alerts`, on one path:
//!
//! - [`sight`] says what is wrong in a snapshot, [`missed`] what only a look back can say, and
//!   [`alarms`] makes alarms of that, and ends them. All three are pure: the time is an argument.
//! - [`machine`] watches the sources of randomness, and says what their reports come to.
//! - [`journal`] keeps what happened as [`entry`] lines, [`book`] says what those add up to, and
//!   [`keeper`] sees to it that an alarm is on disk before anybody is told. [`limit`] holds floods off.
//! - [`delivery`] tells one [`sink`] until it has it: standard error, a [`program`], a [`webhook`];
//!   [`document`] and [`beat`] are what it is told. A [`broker`] runs the program where this process
//!   cannot.
//! - [`driver`] is the thread around all of this, and [`notify`] tells the system that it works.

mod alarm;
mod alarms;
mod beat;
mod book;
mod broker;
mod code;
mod delivery;
mod document;
mod driver;
mod entry;
mod journal;
mod keeper;
mod limit;
mod machine;
mod missed;
mod notify;
mod outlets;
mod program;
mod sight;
mod sink;
mod webhook;

pub(crate) use alarm::{Acknowledgement, Alarm, Change, What};
pub(crate) use book::Book;
pub(crate) use broker::{asked_for, serve};
pub(crate) use code::{Code, Level};
pub(crate) use document::{AlarmDocument, AlarmJson, Network};
pub(crate) use driver::{Monitor, Setup, View};
pub(crate) use entry::{Entry, Found};
pub(crate) use journal::Journal;
pub(crate) use machine::{Reports, security_token};
pub(crate) use outlets::{brokered, setup};
pub(crate) use program::Program;
