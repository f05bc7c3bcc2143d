use rustix::process::{Resource, Rlimit, setrlimit};

use super::*;
use crate::{
    process::locked_bytes,
    testing::{case, child, signal},
};

const ABORT: Option<i32> = Some(6);
const FAULT: Option<i32> = Some(11);
const WAYS: [&str; 2] = ["hidden", "anonymous"];

fn pages(way: &str, len: usize) -> Pages {
    let layout = Layout::of(len, rustix::param::page_size()).unwrap();
    match way {
        "hidden" => Pages::on(hidden(layout).unwrap(), LockStatus::MemfdSecret, len),
        _ => {
            let (mapping, status) = anonymous(layout).unwrap();
            Pages::on(mapping, status, len)
        }
    }
}

/// What a write `offset` bytes from the first of 100 does to a process, in both ways.
fn writes_at(name: &str, offset: isize, ends: Option<i32>) {
    if let Some(way) = case() {
        let pages = pages(&way, 100);
        let at = pages.start().as_ptr().wrapping_offset(offset);
        // SAFETY: none: that this is caught is what is tested.
        unsafe { at.write_volatile(1) };
        return;
    }
    for way in WAYS {
        let output = child(name, way);
        assert_eq!(signal(&output), ends, "{way}: {output:?}");
    }
}

#[test]
fn the_bytes_are_there() {
    if let Some(way) = case() {
        for offset in [0, 99] {
            let pages = pages(&way, 100);
            let at = pages.start().as_ptr().wrapping_add(offset);
            // SAFETY: inside the hundred bytes.
            unsafe { at.write_volatile(1) };
        }
        return;
    }
    for way in WAYS {
        let output = child("pages::tests::the_bytes_are_there", way);
        assert!(output.status.success(), "{way}: {output:?}");
    }
}

#[test]
fn one_byte_too_many_is_a_fault_at_once() {
    writes_at("pages::tests::one_byte_too_many_is_a_fault_at_once", 100, FAULT);
}

#[test]
fn one_byte_below_breaks_the_canary() {
    writes_at("pages::tests::one_byte_below_breaks_the_canary", -1, ABORT);
}

#[test]
fn a_page_below_is_a_fault_at_once() {
    writes_at("pages::tests::a_page_below_is_a_fault_at_once", -4096, FAULT);
}

/// How a forked child of this process ends that runs `act`.
fn forked(act: impl FnOnce() -> i32) -> (Option<i32>, Option<i32>) {
    // SAFETY: the child calls `act` and `_exit` only: no lock, no allocation.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = act();
        // SAFETY: ends the child without running what belongs to its parent.
        unsafe { libc::_exit(code) }
    }
    let mut status = 0;
    // SAFETY: `status` lives longer than the call.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    (code, libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)))
}

#[test]
fn a_forked_child_gets_nothing_and_is_stopped_before_it_uses_it() {
    for (way, read, checked) in [("hidden", (None, FAULT), FAULT), ("anonymous", (Some(0), None), ABORT)] {
        let pages = pages(way, 100);
        // SAFETY: the first of the bytes.
        unsafe { pages.start().write_volatile(42) };
        // SAFETY: as above; in a child a fault or a zero, which is what is tested.
        assert_eq!(forked(|| i32::from(unsafe { pages.start().read_volatile() })), read, "{way}");
        let check = || {
            pages.check();
            0
        };
        assert_eq!(forked(check), (None, checked), "{way}");
        pages.check();
        // SAFETY: the first of the bytes.
        assert_eq!(unsafe { pages.start().read_volatile() }, 42, "{way}: the parent keeps its own");
    }
}

#[test]
fn a_forked_child_that_drops_them_touches_nothing() {
    for way in WAYS {
        let mut pages = Some(pages(way, 100));
        let drop_them = || {
            pages = None;
            7
        };
        assert_eq!(forked(drop_them), (Some(7), None), "{way}");
    }
}

#[test]
fn what_is_locked_is_counted_and_given_back() {
    const NAME: &str = "pages::tests::what_is_locked_is_counted_and_given_back";
    if let Some(way) = case() {
        let before = locked_bytes().unwrap();
        let pages = pages(&way, 3 * 4096);
        assert!(pages.status().is_locked(), "{}", pages.status());
        let counted = locked_bytes().unwrap() - before;
        assert!((4 * 4096..=6 * 4096).contains(&counted), "{counted}");
        drop(pages);
        assert_eq!(locked_bytes().unwrap(), before);
        return;
    }
    for way in WAYS {
        let output = child(NAME, way);
        assert!(output.status.success(), "{way}: {output:?}");
    }
}

#[test]
fn at_the_limit_the_better_way_gives_way_and_then_the_status_says_so() {
    const NAME: &str = "pages::tests::at_the_limit_the_better_way_gives_way_and_then_the_status_says_so";
    if case().is_none() {
        let output = child(NAME, "limited");
        return assert!(output.status.success(), "{output:?}");
    }
    let limit = 64 * 1024;
    setrlimit(Resource::Memlock, Rlimit { current: Some(limit), maximum: Some(limit) }).unwrap();
    let all: Vec<Pages> = (0..24).map(|_| Pages::new(32).unwrap()).collect();
    let status: Vec<LockStatus> = all.iter().map(Pages::status).collect();
    let (hidden, rest) = status.split_at(status.iter().position(|s| *s != LockStatus::MemfdSecret).unwrap());
    let (locked, open) = rest.split_at(rest.iter().position(|s| *s != LockStatus::Mlocked).unwrap());
    assert_eq!((hidden.len(), locked.len()), (5, 1), "fifteen pages and one are the limit: {status:?}");
    assert!(open.iter().all(|status| *status == LockStatus::Unlocked(libc::ENOMEM)), "{status:?}");
    assert_eq!(open[0].to_string(), "NOT LOCKED: Cannot allocate memory (os error 12)");
    assert_eq!(locked_bytes().unwrap(), limit);
}

#[test]
fn dropping_wipes_before_it_unmaps() {
    let layout = Layout::of(100, rustix::param::page_size()).unwrap();
    let file = memfd_secret(layout.total()).unwrap();
    let open = |mapping: Mapping| {
        mapping.open().unwrap();
        mapping
    };
    let ours = Pages::on(open(Mapping::new(layout, Some(&file)).unwrap()), LockStatus::MemfdSecret, 100);
    // The same bytes once more, which stay.
    let witness = open(Mapping::new(layout, Some(&file)).unwrap());
    let seen = || {
        // SAFETY: the open pages of the witness; nobody writes meanwhile.
        unsafe { std::slice::from_raw_parts(witness.open_start().as_ptr(), layout.open) }.to_vec()
    };
    // SAFETY: the hundred bytes.
    unsafe { ours.start().write_bytes(0xa5, 100) };
    assert_eq!(seen()[layout.open - 100..], [0xa5; 100]);
    drop(ours);
    assert_eq!(seen(), vec![0; layout.open]);
}

#[test]
fn nothing_is_dumped() {
    for way in WAYS {
        let pages = pages(way, 100);
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let start = format!("{:x}-", pages.mapping.open_start().addr());
        let mine = maps.lines().skip_while(|line| !line.starts_with(&start));
        let flags = mine.into_iter().find_map(|line| line.strip_prefix("VmFlags: ")).unwrap();
        let inherited = if way == "hidden" { "dc" } else { "wf" };
        for flag in ["lo", "dd", inherited] {
            assert!(flags.split(' ').any(|found| found == flag), "{way}: {flag} is not in {flags}");
        }
    }
}

#[test]
fn a_length_beyond_the_address_space_is_no_layout() {
    for len in [usize::MAX, usize::MAX - 4096, usize::MAX - 3 * 4096] {
        assert!(Layout::of(len, 4096).is_none(), "{len}");
    }
    assert_eq!(Layout::of(4096 - CANARY, 4096).unwrap().total(), 3 * 4096);
    assert_eq!(Layout::of(4097 - CANARY, 4096).unwrap().total(), 4 * 4096);
}
