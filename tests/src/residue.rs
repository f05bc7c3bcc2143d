//! Is a secret left anywhere? Looks for every eight bytes in a row of it, raw and as hex digits, in all
//! that `/proc/PID/mem` shows of a process, in the files below a folder (logs, databases, cores), and
//! in what a program said.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    hint::black_box,
    io,
    ops::AddAssign,
    os::unix::fs::FileExt as _,
    path::Path,
};

use qratum_custody::biokey::{Base, BiokeyError, Build, Locus, Panel};

/// Numbers of the secrets of `keep-secrets`, from which [`write()`] makes them.
pub const KEY: u8 = 1;
/// The large one.
pub const LARGE: u8 = 2;
/// The one that lay elsewhere at first.
pub const ABSORBED: u8 = 3;
/// The one whose time is soon up.
pub const BRIEF: u8 = 4;
/// The one that a console proves to a web hook with.
pub const TOKEN: u8 = 5;
/// The one that is typed.
pub const PASSPHRASE: u8 = 6;
/// What a security key computes, for a biokey.
pub const COMPUTED: u8 = 7;
/// The salt under which it derives keys from [`KEY`].
pub const SALT: &[u8] = b"residue";

/// The panel of a biokey that nobody has: 256 loci, with dosages made from [`COMPUTED`].
///
/// # Errors
/// Memory cannot be locked.
pub fn panel() -> Result<Panel, BiokeyError> {
    let loci = (0..256_u32).map(|i| Locus {
        chromosome: 1,
        position: 0x0a5a_5a5a_u32.saturating_add(i.saturating_mul(0x0001_0307)),
        reference: Base::A,
        alternative: Base::G,
    });
    Panel::of(Build::Grch38, loci.collect::<Vec<_>>().into_iter(), |dosages| {
        write(COMPUTED, dosages);
        dosages.iter_mut().for_each(|dosage| *dosage = (*dosage >> 7) + ((*dosage >> 3) & 1));
    })
}

/// Bytes of a secret that are looked for at once.
const WINDOW: usize = 8;

/// Writes the secret of this number, a byte at a time: no eight of them are ever in a register, and
/// who looks for it can make it too, so that it is in no argument and no pipe.
pub fn write(number: u8, secret: &mut [u8]) {
    let mut state = u32::from(number);
    for byte in secret {
        // Numerical Recipes' generator; its high byte is what looks random.
        state = black_box(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        *byte = state.to_be_bytes()[0];
    }
}

/// What is looked for.
#[derive(Debug, Default)]
pub struct Windows {
    raw: BTreeSet<Vec<u8>>,
    hex: BTreeSet<Vec<u8>>,
}

impl Windows {
    /// Has `secret` looked for as well.
    pub fn add(&mut self, secret: &[u8]) {
        for window in secret.windows(WINDOW) {
            self.raw.insert(window.to_vec());
            self.hex.insert(hex::encode(window).into_bytes());
            self.hex.insert(hex::encode_upper(window).into_bytes());
        }
    }
}

/// What was found, in windows that differ, and in how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// As it is.
    pub raw: usize,
    /// As hex digits.
    pub hex: usize,
    /// Bytes that were looked through.
    pub bytes: usize,
}

impl AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        self.raw += other.raw;
        self.hex += other.hex;
        self.bytes += other.bytes;
    }
}

/// Looks through what a program has said.
#[must_use]
pub fn search(said: &[u8], windows: &Windows) -> Found {
    let (mut raw, mut hex) = (BTreeSet::new(), BTreeSet::new());
    collect(said, WINDOW, &windows.raw, &mut raw);
    collect(said, 2 * WINDOW, &windows.hex, &mut hex);
    Found { raw: raw.len(), hex: hex.len(), bytes: said.len() }
}

/// Looks through every file below a folder that `chosen` takes. What is found in two files counts twice.
///
/// # Errors
/// One of them cannot be read.
pub fn scan_folder(folder: &Path, windows: &Windows, chosen: &dyn Fn(&Path) -> bool) -> io::Result<Found> {
    let mut found = Found::default();
    for entry in fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            found += scan_folder(&path, windows, chosen)?;
        } else if kind.is_file() && chosen(&path) {
            found += search(&fs::read(&path)?, windows);
        }
    }
    Ok(found)
}

/// Looks through the memory that the process `pid` can write to: a secret gets nowhere else. What the
/// kernel does not show is left out.
///
/// # Errors
/// Its memory cannot be opened: another user's, or hardened, and this process is not root.
pub fn scan(pid: u32, windows: &Windows) -> io::Result<Found> {
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let (mut raw, mut hex, mut bytes) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (from, length) in mappings(&fs::read_to_string(format!("/proc/{pid}/maps"))?) {
        let mut content = vec![0; length];
        if memory.read_exact_at(&mut content, from).is_ok() {
            bytes += length;
            collect(&content, WINDOW, &windows.raw, &mut raw);
            collect(&content, 2 * WINDOW, &windows.hex, &mut hex);
        }
    }
    Ok(Found { raw: raw.len(), hex: hex.len(), bytes })
}

/// Where the writable mappings start, and how long they are.
fn mappings(maps: &str) -> Vec<(u64, usize)> {
    let mapping = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).ok());
        let length = usize::try_from(to?.checked_sub(from?)?).ok()?;
        rest.starts_with("rw").then_some((from?, length))
    };
    maps.lines().filter_map(mapping).collect()
}

/// Adds those of `wanted`, each `length` long, that stand in `content`.
fn collect(content: &[u8], length: usize, wanted: &BTreeSet<Vec<u8>>, found: &mut BTreeSet<Vec<u8>>) {
    // Most places are passed over by their first two bytes alone.
    let start = |window: &[u8]| window.first_chunk().map_or(0, |two| usize::from(u16::from_le_bytes(*two)));
    let mut starts = vec![false; 1 << 16];
    for window in wanted {
        starts.get_mut(start(window)).into_iter().for_each(|is| *is = true);
    }
    for window in content.windows(length) {
        if starts.get(start(window)) == Some(&true) && wanted.contains(window) {
            found.insert(window.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_found_wherever_they_stand() {
        let mut secret = [0; 10];
        write(9, &mut secret);
        let mut windows = Windows::default();
        windows.add(&secret);
        assert_eq!((windows.raw.len(), windows.hex.len()), (3, 6));
        let seen = |content: &[u8]| {
            let mut found = BTreeSet::new();
            collect(content, 8, &windows.raw, &mut found);
            found.len()
        };
        assert_eq!(seen(&[b"before".as_slice(), &secret, b"behind"].concat()), 3);
        assert_eq!(seen(&secret[2..]), 1);
        assert_eq!(seen(&secret[3..]), 0);
    }

    #[test]
    fn only_writable_mappings_are_read() {
        let maps = "\
55d0-55d2 r--p 00000000 00:2a 1 /bin/x
55d2-55d3 ---p 00000000 00:00 0
55d3-55d8 rw-p 00000000 00:00 0 [heap]
";
        assert_eq!(mappings(maps), [(0x55d3, 5)]);
    }
}
