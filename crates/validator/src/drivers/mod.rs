//! What brings the state machine its time and messages, and carries out what it asks for: a process
//! with sockets and files, or a whole network in virtual time.

pub mod real;
pub mod virtual_time;
