//! Which positions of a genome are read, and what they are worth. Public: the same for everybody.

use std::{error::Error, fmt};

use qratum_crypto::{domain, hash};

use qratum_chain::Hash;

/// The fewest loci of a panel.
pub const LEAST: usize = 256;
/// The most.
pub const MOST: usize = 4096;

/// The assembly of the human genome that positions count in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// GRCh37, also called hg19.
    Grch37 = 37,
    /// GRCh38, also called hg38.
    Grch38 = 38,
}

impl Build {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grch37 => "GRCh37",
            Self::Grch38 => "GRCh38",
        }
    }

    /// The build of this number.
    pub(super) const fn of(number: u8) -> Option<Self> {
        match number {
            37 => Some(Self::Grch37),
            38 => Some(Self::Grch38),
            _ => None,
        }
    }
}

/// A base of DNA, as its letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Adenine.
    A = b'A' as isize,
    /// Cytosine.
    C = b'C' as isize,
    /// Guanine.
    G = b'G' as isize,
    /// Thymine.
    T = b'T' as isize,
}

impl Base {
    /// The base of a text of one letter.
    pub(super) const fn of(text: &[u8]) -> Option<Self> {
        match text {
            b"A" => Some(Self::A),
            b"C" => Some(Self::C),
            b"G" => Some(Self::G),
            b"T" => Some(Self::T),
            _ => None,
        }
    }

    const fn complement(self) -> Self {
        match self {
            Self::A => Self::T,
            Self::C => Self::G,
            Self::G => Self::C,
            Self::T => Self::A,
        }
    }
}

/// A single-nucleotide polymorphism: where, and between which two bases. How often somebody has the
/// alternative is the secret, and lies in a [`Panel`](super::Panel).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locus {
    /// 1 to 22: who has which sex chromosomes is nobody's business here.
    pub chromosome: u8,
    /// Counted from 1.
    pub position: u32,
    /// The base of the assembly.
    pub reference: Base,
    /// The other one.
    pub alternative: Base,
}

impl Locus {
    /// Bytes of its encoding with a dosage.
    pub(super) const LENGTH: usize = 8;

    /// Where it lies: what loci are ordered by.
    pub(super) const fn place(&self) -> (u8, u32) {
        (self.chromosome, self.position)
    }

    /// Whether it is of an autosome, and reads differently on the two strands: of A/T and C/G nobody can
    /// tell which strand was read.
    pub(super) fn is_sound(&self) -> bool {
        let apart = self.alternative != self.reference && self.alternative != self.reference.complement();
        (1..=22).contains(&self.chromosome) && self.position > 0 && apart
    }

    /// `chromosome u8 || position u32 || reference u8 || alternative u8`; the dosage follows.
    pub(super) const fn encode(&self) -> [u8; Self::LENGTH - 1] {
        let [a, b, c, d] = self.position.to_le_bytes();
        [self.chromosome, a, b, c, d, self.reference as u8, self.alternative as u8]
    }

    /// None where the bytes are no sound locus.
    pub(super) fn decode(bytes: &[u8; Self::LENGTH - 1]) -> Option<Self> {
        let [chromosome, a, b, c, d, reference, alternative] = *bytes;
        let locus = Self {
            chromosome,
            position: u32::from_le_bytes([a, b, c, d]),
            reference: Base::of(&[reference])?,
            alternative: Base::of(&[alternative])?,
        };
        locus.is_sound().then_some(locus)
    }
}

impl fmt::Display for Locus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.chromosome, self.position)
    }
}

/// What is wrong with a list, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadList {
    /// Counted from 1; 0 for the list as a whole.
    pub line: usize,
    /// What a line must be.
    pub want: &'static str,
}

impl fmt::Display for BadList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "the list of loci: {}", self.want),
            line => write!(f, "the list of loci, line {line}: {}", self.want),
        }
    }
}

impl Error for BadList {}

/// Loci that are read, strictly ascending, each with the frequency of its alternative.
#[derive(Clone, Debug, PartialEq)]
pub struct Loci {
    build: Build,
    list: Vec<(Locus, f64)>,
}

impl Loci {
    /// Reads a list: `#` begins a remark, the first other line names the build, and each further one is
    /// `chromosome position reference alternative frequency`, apart by tabs.
    ///
    /// # Errors
    /// [`BadList`], for the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, BadList> {
        let lines = (1..).zip(text.lines()).filter(|(_, text)| !text.starts_with('#'));
        let (mut build, mut list) = (None, Vec::<(Locus, f64)>::new());
        for (line, text) in lines {
            let bad = |want| BadList { line, want };
            if build.is_none() {
                let named = [Build::Grch37, Build::Grch38].into_iter().find(|build| build.name() == text);
                build = Some(named.ok_or(bad("the build is GRCh37 or GRCh38"))?);
                continue;
            }
            let entry = entry(text).ok_or(bad(
                "a locus is chromosome 1 to 22, position, two bases that differ on both strands, and a \
                 frequency between 0 and 1",
            ))?;
            if list.last().is_some_and(|(last, _)| last.place() >= entry.0.place()) {
                return Err(bad("loci ascend, and none comes twice"));
            }
            list.push(entry);
        }
        let whole = |want| BadList { line: 0, want };
        let build = build.ok_or(whole("it names no build"))?;
        if !(LEAST..=MOST).contains(&list.len()) {
            return Err(whole("it has 256 to 4096 loci"));
        }
        Ok(Self { build, list })
    }

    /// The assembly.
    #[must_use]
    pub const fn build(&self) -> Build {
        self.build
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// The loci in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Locus> + Clone + '_ {
        self.list.iter().map(|(locus, _)| *locus)
    }

    /// The same with the frequency of each alternative.
    pub(super) fn frequencies(&self) -> impl Iterator<Item = (Locus, f64)> + '_ {
        self.list.iter().copied()
    }

    /// Which of them lies here.
    pub(super) fn find(&self, chromosome: u8, position: u32) -> Option<(usize, Locus)> {
        let at = self.list.binary_search_by_key(&(chromosome, position), |(locus, _)| locus.place()).ok()?;
        self.list.get(at).map(|(locus, _)| (at, *locus))
    }

    /// `SHA3-256(tag || build u8 || n u32 || loci)`: names the list in a consent.
    #[must_use]
    pub fn id(&self) -> Hash {
        let loci: Vec<u8> = self.iter().flat_map(|locus| locus.encode()).collect();
        hash::tagged(domain::BIOKEY_PANEL, &[&head(self.build, self.len()), &loci])
    }

    /// `sum of -log2 max((1-p)^2, 2p(1-p), p^2)`: the min-entropy in bits of the genotypes of a stranger
    /// at these loci, if they are unlinked and mate at random. Relatives, a laboratory or a leaked
    /// file leave nothing of it: no security argument counts it.
    #[must_use]
    pub fn min_entropy(&self, chosen: impl Fn(&Locus) -> bool) -> f64 {
        let of = |p: f64| -((1.0 - p).powi(2)).max(2.0 * p * (1.0 - p)).max(p * p).log2();
        self.list.iter().filter(|(locus, _)| chosen(locus)).map(|(_, p)| of(*p)).sum()
    }
}

/// `build u8 || n u32`: what stands before the loci.
pub(super) fn head(build: Build, count: usize) -> [u8; 5] {
    let [a, b, c, d] = u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    [build as u8, a, b, c, d]
}

fn entry(text: &str) -> Option<(Locus, f64)> {
    let mut fields = text.split('\t');
    let mut next = || fields.next();
    let (chromosome, position) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let (reference, alternative) = (Base::of(next()?.as_bytes())?, Base::of(next()?.as_bytes())?);
    let frequency: f64 = next()?.parse().ok()?;
    let locus = Locus { chromosome, position, reference, alternative };
    let ends = next().is_none();
    (ends && locus.is_sound() && frequency > 0.0 && frequency < 1.0).then_some((locus, frequency))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of so many loci, with one line of it changed.
    fn list(count: u32, changed: (u32, &str)) -> Result<Loci, BadList> {
        let line = |i: u32| format!("{}\t{}\tA\tG\t0.5\n", 1 + i / 100, 1000 + i);
        let lines: String =
            (0..count).map(|i| if i == changed.0 { format!("{}\n", changed.1) } else { line(i) }).collect();
        Loci::parse(&format!("# a remark\nGRCh38\n{lines}"))
    }

    const NONE: (u32, &str) = (u32::MAX, "");

    #[test]
    fn a_list_ascends_and_names_sound_loci_only() {
        let good = list(256, NONE).unwrap();
        assert_eq!((good.len(), good.build()), (256, Build::Grch38));
        assert!((good.min_entropy(|_| true) - 256.0).abs() < 1e-9, "one bit each at one half");
        let fault = |changed| list(256, changed).unwrap_err();
        for bad in [
            "1\t1005\tA\tG",
            "1\t1005\tA\tG\t0.5\t",
            "23\t1005\tA\tG\t0.5",
            "0\t1005\tA\tG\t0.5",
            "X\t1005\tA\tG\t0.5",
            "1\t0\tA\tG\t0.5",
            "1\t1005\tA\tA\t0.5",
            "1\t1005\tA\tT\t0.5",
            "1\t1005\tG\tC\t0.5",
            "1\t1005\tAC\tG\t0.5",
            "1\t1005\ta\tG\t0.5",
            "1\t1005\tA\tG\t0",
            "1\t1005\tA\tG\t1",
            "1\t1005\tA\tG\tNaN",
        ] {
            let BadList { line, want } = fault((5, bad));
            assert_eq!((line, want.starts_with("a locus is")), (8, true), "{bad}");
        }
        for twice in ["1\t1004\tA\tG\t0.5", "1\t1003\tA\tG\t0.5"] {
            assert_eq!(fault((5, twice)), BadList { line: 8, want: "loci ascend, and none comes twice" });
        }
        assert_eq!(list(255, NONE).unwrap_err().line, 0);
        assert!(list(4096, NONE).is_err(), "chromosome 41");
        assert_eq!(Loci::parse("hg38\n").unwrap_err().want, "the build is GRCh37 or GRCh38");
        assert_eq!(Loci::parse("# nothing\n").unwrap_err().want, "it names no build");
    }

    /// The table of the design: at one third each genotype but one has 4/9.
    #[test]
    fn min_entropy_is_that_of_the_likeliest_genotype() {
        let at = |p: f64| {
            let text: String = (0..256).map(|i| format!("1\t{}\tA\tG\t{p}\n", 1 + i)).collect();
            Loci::parse(&format!("GRCh38\n{text}")).unwrap().min_entropy(|_| true) / 256.0
        };
        for (p, want) in [(0.05, 0.148), (0.2, 0.644), (1.0 / 3.0, 1.170), (0.5, 1.0), (0.95, 0.148)] {
            assert!((at(p) - want).abs() < 0.0006, "{p}: {}", at(p));
        }
    }

    #[test]
    fn the_id_of_a_list_tells_its_loci() {
        let id = |changed| list(256, changed).unwrap().id();
        assert_eq!(id(NONE), id((5, "1\t1005\tA\tG\t0.4")), "a frequency changes nothing that is read");
        assert_ne!(id(NONE), id((5, "1\t1005\tA\tC\t0.5")));
    }
}
