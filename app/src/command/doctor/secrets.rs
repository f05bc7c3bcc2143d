//! Is this process fit to hold a secret: is its memory locked, and can nobody read it?

use qratum_metal::{
    pages::LockStatus,
    process::{Hardening, LockLimit, locked_bytes},
    secret,
};

use crate::check::Check;

/// Bytes that should still be lockable: some hundred secrets with pages of their own.
const ROOM: u64 = 1 << 20;

/// What this process, hardened as every command is, says of itself.
pub(crate) fn checks() -> Vec<Check> {
    let memory = match secret::status() {
        // The first secret makes what is then counted.
        Ok(status) => memory(status, locked_bytes().ok(), LockLimit::read()),
        Err(error) => Check::fail("memory lock", format!("no memory for secrets: {error}"), "Free memory"),
    };
    let Hardening { unreadable, no_core, no_new_privileges } = Hardening::read();
    vec![
        memory,
        in_force("memory reading", unreadable, "only root can attach to this process or read its memory"),
        in_force("core dumps", unreadable && no_core, "off: a crash writes no memory to a disk"),
        in_force("new rights", no_new_privileges, "no program that it starts can gain rights"),
    ]
}

/// A step of the start that the kernel should never refuse.
fn in_force(check: &str, is: bool, text: &str) -> Check {
    if is {
        return Check::ok(check, text);
    }
    let todo = "The kernel or a container refused it: keep no key here, and run this on another machine";
    Check::fail(check, "NOT in force", todo)
}

/// How secrets are kept, how much is locked, and how much more may be.
fn memory(status: LockStatus, locked: Option<u64>, limit: LockLimit) -> Check {
    let counted = locked.map_or_else(|| "?".to_owned(), |bytes| (bytes >> 10).to_string());
    let text = match limit.now {
        Some(limit) => format!("{status}; {counted} of {} KiB", limit >> 10),
        None => format!("{status}; {counted} KiB, no limit"),
    };
    if !status.is_locked() {
        let todo = format!("Secrets could reach the disk, so no biokey is made. {}", raise(limit));
        return Check::fail("memory lock", text, todo);
    }
    if limit.now.is_some_and(|limit| limit.saturating_sub(locked.unwrap_or(0)) < ROOM) {
        return Check::warn("memory lock", text, raise(limit));
    }
    Check::ok("memory lock", text)
}

/// How whoever reads it raises the limit: alone, where the hard limit allows it.
fn raise(limit: LockLimit) -> String {
    let wanted = 8 * ROOM;
    if limit.most.is_none_or(|most| most >= wanted) {
        return format!("Raise it before the start: ulimit -l {}", wanted >> 10);
    }
    format!(
        "Root must raise it: LimitMEMLOCK=8M in the service, or `NAME - memlock {}` in \
         /etc/security/limits.conf, and a new login",
        wanted >> 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Word;

    const LIMIT: LockLimit = LockLimit { now: Some(8 << 20), most: Some(8 << 20) };

    #[test]
    fn what_is_locked_is_told_with_the_limit() {
        let check = memory(LockStatus::MemfdSecret, Some(72 << 10), LIMIT);
        assert_eq!(check.verdict, Word::Ok);
        assert_eq!(check.text, "locked, hidden from root (memfd_secret); 72 of 8192 KiB");
        let check = memory(LockStatus::Mlocked, None, LockLimit { now: None, most: None });
        assert_eq!((check.verdict, check.text.as_str()), (Word::Ok, "locked (mlock); ? KiB, no limit"));
    }

    #[test]
    fn a_limit_that_is_nearly_reached_warns_and_one_that_is_reached_fails() {
        let nearly = |locked| memory(LockStatus::Mlocked, Some(locked), LIMIT).verdict;
        assert_eq!([nearly(7 << 20), nearly((7 << 20) + 1)], [Word::Ok, Word::Warn]);
        let check = memory(LockStatus::Unlocked(12), Some(0), LockLimit { now: Some(0), most: Some(0) });
        assert_eq!(check.verdict, Word::Fail);
        assert!(check.text.starts_with("NOT LOCKED: Cannot allocate memory"), "{}", check.text);
        assert!(check.todo.unwrap().contains("no biokey"));
    }

    #[test]
    fn who_can_raise_a_limit_is_told_how() {
        let low = |most| raise(LockLimit { now: Some(64 << 10), most });
        for alone in [None, Some(8 << 20)] {
            assert_eq!(low(alone), "Raise it before the start: ulimit -l 8192");
        }
        assert!(low(Some(64 << 10)).starts_with("Root must raise it"), "{}", low(Some(64 << 10)));
    }

    #[test]
    fn a_step_that_was_refused_fails() {
        assert_eq!(in_force("core dumps", true, "off").verdict, Word::Ok);
        assert_eq!(in_force("core dumps", false, "off").verdict, Word::Fail);
    }
}
