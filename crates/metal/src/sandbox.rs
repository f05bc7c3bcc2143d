//! Closes a process in: what it may touch of the files is a table of the caller, what it may ask of
//! the kernel is [`FORBIDDEN`]. There is no way back, for it and for every thread it starts later.
//!
//! Two means, each for what it can tell apart: Landlock knows paths and ports (Linux 5.13, more with
//! each of its levels), seccomp knows calls. What this kernel lacks is left open and said, so that
//! nobody believes in a wall that is not there.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
};
use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

/// What a process still needs of the files. A path that is not there at the start stays closed.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Files, and directories with all below them, that it reads.
    pub read: Vec<PathBuf>,
    /// Directories with all below them, in which it makes, writes and removes files as well.
    pub write: Vec<PathBuf>,
    /// Devices that it opens, to read, write and control.
    pub devices: Vec<PathBuf>,
    /// TCP ports that it listens on.
    pub ports: Vec<u16>,
    /// TCP ports that it connects to; none, and it may connect to all.
    pub connect: Option<Vec<u16>>,
}

/// The level of Landlock that is asked for: files, their length and devices; ports.
const WANTED: ABI = ABI::V5;

/// Calls that are refused with `EPERM`: to run another program, to look into another process, to
/// reach the kernel past the calls that are looked at here, to change what the machine is.
pub const FORBIDDEN: &[(&str, c_long)] = &[
    ("execve", libc::SYS_execve),
    ("execveat", libc::SYS_execveat),
    ("ptrace", libc::SYS_ptrace),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("kcmp", libc::SYS_kcmp),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("add_key", libc::SYS_add_key),
    ("request_key", libc::SYS_request_key),
    ("keyctl", libc::SYS_keyctl),
    ("unshare", libc::SYS_unshare),
    ("setns", libc::SYS_setns),
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("move_mount", libc::SYS_move_mount),
    ("open_tree", libc::SYS_open_tree),
    ("fsopen", libc::SYS_fsopen),
    ("fsmount", libc::SYS_fsmount),
    ("fsconfig", libc::SYS_fsconfig),
    ("fspick", libc::SYS_fspick),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("pivot_root", libc::SYS_pivot_root),
    ("chroot", libc::SYS_chroot),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("init_module", libc::SYS_init_module),
    ("finit_module", libc::SYS_finit_module),
    ("delete_module", libc::SYS_delete_module),
    ("kexec_load", libc::SYS_kexec_load),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("reboot", libc::SYS_reboot),
    ("swapon", libc::SYS_swapon),
    ("swapoff", libc::SYS_swapoff),
    ("settimeofday", libc::SYS_settimeofday),
    ("adjtimex", libc::SYS_adjtimex),
    ("clock_adjtime", libc::SYS_clock_adjtime),
    ("clock_settime", libc::SYS_clock_settime),
    ("sethostname", libc::SYS_sethostname),
    ("setdomainname", libc::SYS_setdomainname),
    ("personality", libc::SYS_personality),
];

/// Requests to a terminal that are refused, since whoever may make them types commands into the shell
/// that the console was started from: `ioctl(fd, request)`, of which the kernel reads 32 bits.
const TYPING: [u32; 2] = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

/// x86-64 has a second set of the same calls, with this bit, and some again under numbers of their own.
#[cfg(target_arch = "x86_64")]
const X32: (c_long, std::ops::Range<c_long>) = (0x4000_0000, 512..548);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// The level of Landlock in force; 0 where files are open.
    pub landlock: i32,
    /// Why not all that was asked of Landlock is in force.
    pub files: Result<(), String>,
    /// Why the calls are not refused.
    pub calls: Result<(), String>,
}

impl Sandbox {
    /// Whether all of it is in force.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.files.is_ok() && self.calls.is_ok()
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.files, self.landlock) {
            (Ok(()), level) => write!(f, "files and ports closed (Landlock {level})")?,
            (Err(why), 0) => write!(f, "files and ports OPEN: {why}")?,
            (Err(why), level) => write!(f, "files closed in part (Landlock {level}): {why}")?,
        }
        match &self.calls {
            Ok(()) => write!(f, "; {} calls refused (seccomp)", FORBIDDEN.len()),
            Err(why) => write!(f, "; no call refused: {why}"),
        }
    }
}

/// Closes this process in. Landlock holds for the calling thread and those it starts afterwards, so
/// this comes before there is a second one.
#[must_use]
pub fn enter(table: &Table) -> Sandbox {
    let (landlock, files) = match close_files(table) {
        Ok((level, true)) => (level, Ok(())),
        Ok((0, false)) => (0, Err("this kernel has no Landlock".to_owned())),
        Ok((level, false)) => (level, Err("this kernel's Landlock lacks ports or devices".to_owned())),
        Err(error) => (0, Err(error.to_string())),
    };
    Sandbox { landlock, files, calls: refuse_calls().map_err(|error| error.to_string()) }
}

/// The level in force, and whether it is all that was asked for.
fn close_files(table: &Table) -> Result<(i32, bool), RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let made = AccessFs::from_all(WANTED)
        & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev)
        // Another process that is not closed in would follow the one and wait at the other.
        & !(AccessFs::MakeSym | AccessFs::MakeFifo);
    let port = |access| move |port: &u16| Ok::<_, RulesetError>(NetPort::new(*port, access));
    let connect = table.connect.iter().flatten();
    let asked = match table.connect {
        None => AccessNet::BindTcp.into(),
        Some(_) => AccessNet::BindTcp | AccessNet::ConnectTcp,
    };
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED))?
        .handle_access(asked)?
        .create()?
        .add_rules(path_beneath_rules(&table.read, read))?
        .add_rules(path_beneath_rules(&table.write, made))?
        .add_rules(path_beneath_rules(&table.devices, device))?
        .add_rules(table.ports.iter().map(port(AccessNet::BindTcp)))?
        .add_rules(connect.map(port(AccessNet::ConnectTcp)))?
        .restrict_self()?;
    let level = match (&status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => 0,
        (_, LandlockStatus::Available { effective_abi, .. }) => (effective_abi as i32).min(WANTED as i32),
        _ => 0,
    };
    Ok((level, status.ruleset == RulesetStatus::FullyEnforced))
}

fn refuse_calls() -> Result<(), seccompiler::Error> {
    let refused = FORBIDDEN.iter().map(|(_, number)| *number);
    #[cfg(target_arch = "x86_64")]
    let refused = refused.clone().chain(refused.chain(X32.1).map(|number| number | X32.0));
    let mut rules: BTreeMap<i64, _> = refused.map(|number| (number, Vec::new())).collect();
    let typing = |request: u32| -> Result<SeccompRule, BackendError> {
        let same = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, u64::from(request))?;
        SeccompRule::new(vec![same])
    };
    rules.insert(libc::SYS_ioctl, TYPING.into_iter().map(typing).collect::<Result<_, _>>()?);
    let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let program: BpfProgram = SeccompFilter::new(rules, SeccompAction::Allow, eperm, arch)?.try_into()?;
    apply_filter_all_threads(&program)
}

#[cfg(test)]
mod tests;
