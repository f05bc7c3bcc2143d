//! Chosen positions of a genotype file: the Variant Call Format 4.x of GA4GH, as plain text, one sample.
//!
//! Our own reader, though good libraries exist: they parse a record into owned strings, and what is in
//! such a file must lie in nothing but memory that is locked and wiped. Six of ten columns are looked at.

use std::{
    error::Error,
    fmt,
    io::{self, Read},
};

use qratum_metal::secret::{LockedBytes, Refused};

use super::{
    BiokeyError,
    locus::{Base, Loci, Locus},
    panel::{Panel, put},
};

/// The longest line that is read.
const LONGEST: usize = 256 << 10;
/// The least genotype quality (`GQ`, Phred) where a file tells any.
const LEAST_QUALITY: u32 = 30;
/// Stands for a dosage that was not found yet.
const NOT_FOUND: u8 = u8::MAX;
/// The columns of a file with one sample.
const COLUMNS: &[u8] = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";

/// Why a file gives no panel. None of these tells a genotype.
#[derive(Debug)]
pub enum VcfError {
    /// It cannot be read.
    Read(io::Error),
    /// It is compressed.
    Compressed,
    /// It does not begin as VCF 4.x does.
    NotVcf,
    /// It has none or several samples, so it is not told whose genotypes are meant.
    Samples,
    /// This line is longer than any that is read.
    LongLine(usize),
    /// This line is no record.
    Record(usize),
    /// The base of the assembly is another one at this locus: another build, or another strand.
    Reference(Locus),
    /// This locus comes twice.
    Twice(Locus),
    /// So many of the loci are called well, and that is too few.
    TooFew(usize),
}

impl fmt::Display for VcfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(why) => write!(f, "the file cannot be read: {why}"),
            Self::Compressed => {
                f.write_str("the file is compressed: unpack it into a pipe (zcat FILE | ...)")
            }
            Self::NotVcf => f.write_str("the file is no text of the Variant Call Format 4.x"),
            Self::Samples => f.write_str(
                "the file has none or several samples: take one out of it (bcftools view -s NAME)",
            ),
            Self::LongLine(line) => write!(f, "line {line} is longer than {LONGEST} bytes"),
            Self::Record(line) => write!(f, "line {line} is no record of a genotype"),
            Self::Reference(locus) => write!(
                f,
                "the reference base at {locus} is another one than in the list of loci: the file is of another \
                 build, or of the other strand"
            ),
            Self::Twice(locus) => write!(f, "{locus} comes twice in the file"),
            Self::TooFew(count) => write!(
                f,
                "only {count} of the loci are called well in the file, and at least {} must be: it must also \
                 tell where nothing differs from the reference",
                super::LEAST
            ),
        }
    }
}

impl Error for VcfError {}

impl Panel {
    /// Reads the loci of the list out of a file and keeps nothing else: no other position, no name. Those
    /// that are not called well (filtered, uncertain, half missing, with a third base) are left out.
    /// `source` should not buffer: what it holds is not wiped.
    ///
    /// # Errors
    /// [`BiokeyError::Vcf`], [`BiokeyError::Memory`].
    pub fn from_vcf(list: &Loci, source: &mut impl Read) -> Result<Self, BiokeyError> {
        let found = LockedBytes::require_locked(list.len(), |found| dosages(list, source, found))?;
        let count = found.with(|found| kept(list, found).count());
        if count < super::LEAST {
            return Err(VcfError::TooFew(count).into());
        }
        Self::make(list.build(), count, |records| {
            found.with(|found| {
                let places = records.chunks_exact_mut(Locus::LENGTH);
                places.zip(kept(list, found)).for_each(|(to, (locus, dosage))| put(to, &locus, dosage));
            });
            Ok(())
        })
    }
}

/// The loci that were found, with their dosages.
fn kept<'a>(list: &'a Loci, found: &'a [u8]) -> impl Iterator<Item = (Locus, u8)> + 'a {
    list.iter().zip(found.iter().copied()).filter(|(_, dosage)| *dosage != NOT_FOUND)
}

/// The dosage of each locus of the list.
fn dosages(list: &Loci, source: &mut impl Read, found: &mut [u8]) -> Result<(), BiokeyError> {
    found.fill(NOT_FOUND);
    LockedBytes::require_locked(LONGEST, |buffer| search(list, source, (buffer, found))).map(drop)
}

/// Looks for the loci line by line, in this buffer.
fn search(
    list: &Loci,
    source: &mut impl Read,
    (buffer, found): (&mut [u8], &mut [u8]),
) -> Result<(), BiokeyError> {
    let mut seen = vec![false; list.len()];
    let mut part = Part::Start;
    lines(source, buffer, |number, line| {
        if part != Part::Records {
            part = part.next(line)?;
            return Ok(());
        }
        let Some((at, record)) = Record::read(list, line).ok_or(VcfError::Record(number))? else {
            return Ok(());
        };
        if record.is_longer() {
            return Ok(());
        }
        let (Some(seen), Some(found)) = (seen.get_mut(at), found.get_mut(at)) else { return Ok(()) };
        if std::mem::replace(seen, true) {
            return Err(VcfError::Twice(record.locus));
        }
        if Base::of(record.reference) != Some(record.locus.reference) {
            return Err(VcfError::Reference(record.locus));
        }
        *found = record.dosage().unwrap_or(NOT_FOUND);
        Ok(())
    })?;
    if part == Part::Records { Ok(()) } else { Err(VcfError::NotVcf.into()) }
}

/// Gives `see` each line, with its number, out of one buffer.
fn lines(
    source: &mut impl Read,
    buffer: &mut [u8],
    mut see: impl FnMut(usize, &[u8]) -> Result<(), VcfError>,
) -> Result<(), VcfError> {
    let (mut held, mut number) = (0, 0_usize);
    loop {
        let room = buffer.get_mut(held..).filter(|room| !room.is_empty());
        let count = match source.read(room.ok_or(VcfError::LongLine(number.saturating_add(1)))?) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(VcfError::Read)?,
        };
        held = held.saturating_add(count);
        let bytes = buffer.get(..held).unwrap_or_default();
        // A last line may lack its end.
        let end =
            if count == 0 { held } else { bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1) };
        for line in bytes.get(..end).unwrap_or_default().split_inclusive(|b| *b == b'\n') {
            number = number.saturating_add(1);
            see(number, line.trim_ascii_end())?;
        }
        if count == 0 {
            return Ok(());
        }
        buffer.copy_within(end..held, 0);
        held = held.saturating_sub(end);
    }
}

/// How far the file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Start,
    Header,
    Records,
}

impl Part {
    /// What follows this line, which is no record.
    fn next(self, line: &[u8]) -> Result<Self, VcfError> {
        match self {
            Self::Start if line.starts_with(&[0x1f, 0x8b]) => Err(VcfError::Compressed),
            Self::Start if line.starts_with(b"##fileformat=VCFv4.") => Ok(Self::Header),
            Self::Header if line.starts_with(b"##") => Ok(Self::Header),
            Self::Header if line.starts_with(b"#CHROM\t") => {
                let sample = line.strip_prefix(COLUMNS).ok_or(VcfError::Samples)?;
                if sample.contains(&b'\t') { Err(VcfError::Samples) } else { Ok(Self::Records) }
            }
            _ => Err(VcfError::NotVcf),
        }
    }
}

/// A record at a locus of the list.
struct Record<'a> {
    locus: Locus,
    reference: &'a [u8],
    alternatives: &'a [u8],
    filter: &'a [u8],
    format: &'a [u8],
    sample: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record and which locus it is of; `Some(None)` for one of another position, which is not looked
    /// at any further, `None` for what is no record.
    fn read(list: &Loci, line: &'a [u8]) -> Option<Option<(usize, Self)>> {
        if line.is_empty() {
            return Some(None);
        }
        let mut columns = line.split(|b| *b == b'\t');
        let mut next = || columns.next();
        let (chromosome, position) = (next()?, number(next()?)?);
        let chromosome = number(chromosome.strip_prefix(b"chr").unwrap_or(chromosome));
        let chromosome = chromosome.and_then(|number| u8::try_from(number).ok());
        let found = chromosome.and_then(|chromosome| list.find(chromosome, position));
        let Some((at, locus)) = found else { return Some(None) };
        let (_id, reference, alternatives, _quality) = (next()?, next()?, next()?, next()?);
        let (filter, _info, format, sample) = (next()?, next()?, next()?, next()?);
        let ends = next().is_none();
        ends.then_some(Some((at, Self { locus, reference, alternatives, filter, format, sample })))
    }

    /// Whether it is of an insertion or a deletion that begins here, beside which the base has a record of
    /// its own.
    fn is_longer(&self) -> bool {
        let mut alternatives = self.alternatives.split(|b| *b == b',');
        self.reference.len() > 1 || alternatives.all(|one| one.len() > 1 && !one.starts_with(b"<"))
    }

    /// How often the alternative base is there; none where the call is not of both copies, of the two bases
    /// and good.
    fn dosage(&self) -> Option<u8> {
        let mut fields = self.format.split(|b| *b == b':').zip(self.sample.split(|b| *b == b':'));
        let (b"GT", genotype) = fields.next()? else { return None };
        let quality = fields.find(|(name, _)| *name == b"GQ").map(|(_, value)| number(value));
        if quality.is_some_and(|quality| quality.is_none_or(|quality| quality < LEAST_QUALITY))
            || !matches!(self.filter, b"PASS" | b".")
        {
            return None;
        }
        let mut alleles = genotype.split(|b| matches!(b, b'/' | b'|')).map(|allele| self.allele(allele));
        let (first, second, None) = (alleles.next()??, alleles.next()??, alleles.next()) else { return None };
        Some(u8::from(first).saturating_add(u8::from(second)))
    }

    /// Whether an allele is the alternative of the locus; none where it is neither that nor the reference.
    fn allele(&self, index: &[u8]) -> Option<bool> {
        let Some(before) = number(index)?.checked_sub(1) else { return Some(false) };
        let named = self.alternatives.split(|b| *b == b',').nth(usize::try_from(before).ok()?)?;
        (Base::of(named)? == self.locus.alternative).then_some(true)
    }
}

/// A decimal number of digits alone.
fn number(text: &[u8]) -> Option<u32> {
    if text.iter().all(u8::is_ascii_digit) { str::from_utf8(text).ok()?.parse().ok() } else { None }
}

impl From<VcfError> for BiokeyError {
    fn from(why: VcfError) -> Self {
        Self::Vcf(why)
    }
}

impl From<Refused> for BiokeyError {
    fn from(why: Refused) -> Self {
        Self::Memory(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "##fileformat=VCFv4.2\n##source=test\n\
                        #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tsomebody\n";

    fn list() -> Loci {
        let lines: String = (0..260).map(|i| format!("{}\t{}\tA\tG\t0.4\n", 1 + i / 100, 1000 + i)).collect();
        Loci::parse(&format!("GRCh38\n{lines}")).unwrap()
    }

    /// A record of the locus of this number.
    fn record(i: usize, rest: &str) -> String {
        format!("chr{}\t{}\trs{i}\t{rest}\n", 1 + i / 100, 1000 + i)
    }

    /// A file in which all loci are heterozygous, with one record of it changed.
    fn file(changed: (usize, &str)) -> String {
        let of =
            |i| if i == changed.0 { changed.1.to_owned() } else { record(i, "A\tG\t50\tPASS\t.\tGT\t0/1") };
        format!("{HEAD}{}", (0..260).map(of).collect::<String>())
    }

    /// The places and dosages that are kept of a file.
    fn read(text: &str) -> Result<Vec<(u32, u8)>, BiokeyError> {
        let panel = Panel::from_vcf(&list(), &mut text.as_bytes())?;
        let dosages =
            panel.with(|[_, records]| records.chunks(8).map(|record| record[7]).collect::<Vec<_>>());
        Ok(panel.loci().into_iter().map(|locus| locus.position).zip(dosages).collect())
    }

    fn reason(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn a_genotype_is_read_as_its_dosage() {
        for (rest, dosage) in [
            ("A\tG\t50\tPASS\t.\tGT\t0/0", 0),
            ("A\tG\t50\t.\t.\tGT\t1|0", 1),
            ("A\tG\t50\tPASS\tAC=2\tGT:AD:GQ\t1/1:0,9:30", 2),
            ("A\t.\t.\tPASS\t.\tGT\t0/0", 0),
            ("A\t<NON_REF>\t.\tPASS\t.\tGT\t0/0", 0),
            ("A\tG,<NON_REF>\t.\tPASS\t.\tGT\t0/1", 1),
            ("A\tT,G\t.\tPASS\t.\tGT\t0|2", 1),
            ("A\tT,G\t.\tPASS\t.\tGT\t0|0", 0),
        ] {
            let kept = read(&file((7, &record(7, rest)))).unwrap();
            assert_eq!((kept.len(), kept[7], kept[8]), (260, (1007, dosage), (1008, 1)), "{rest}");
        }
    }

    #[test]
    fn what_is_not_called_well_is_left_out() {
        for rest in [
            "A\tG\t50\tPASS\t.\tGT\t./.",
            "A\tG\t50\tPASS\t.\tGT\t0/.",
            "A\tG\t50\tPASS\t.\tGT\t1",
            "A\tG\t50\tPASS\t.\tGT\t0/1/1",
            "A\tG\t50\tPASS\t.\tGT\t0/2",
            "A\tT\t50\tPASS\t.\tGT\t0/1",
            "A\t<DEL>\t50\tPASS\t.\tGT\t0/1",
            "A\tG\t50\tLowQual\t.\tGT\t0/1",
            "A\tG\t50\tPASS\t.\tGT:GQ\t0/1:29",
            "A\tG\t50\tPASS\t.\tGT:GQ\t0/1:.",
            "A\tG\t50\tPASS\t.\tDS\t1",
        ] {
            let kept = read(&file((7, &record(7, rest)))).unwrap();
            assert_eq!((kept.len(), kept[7]), (259, (1008, 1)), "{rest}");
        }
        assert_eq!(read(&file((7, ""))).unwrap().len(), 259, "not in the file");
    }

    #[test]
    fn other_positions_are_passed_over_whatever_they_are() {
        let others = "chr1\t5\tx\nchrX\t1007\t.\tA\tG\t.\tPASS\t.\tGT\t1\n1\t99999999\t.\n\n\
                      1\t1007\t.\tAC\tA\t9\tPASS\t.\tGT\t0/1\n\
                      1\t1007\t.\tA\tAT,ATT\t9\tPASS\t.\tGT\t0/1\nHLA*01\t1\t.\tA\n";
        let text = format!("{}{others}", file((usize::MAX, "")));
        assert_eq!(read(&text).unwrap().len(), 260);
        assert_eq!(read(text.trim_end()).unwrap().len(), 260, "without the last end of line");
        assert_eq!(read(&text.replace('\n', "\r\n")).unwrap().len(), 260);
    }

    #[test]
    fn a_file_that_gives_no_panel_says_why() {
        let none = (usize::MAX, "");
        assert!(reason("").contains("no text of the Variant Call"));
        assert!(reason("\u{1f}").contains("no text of the Variant Call"));
        assert!(reason(&file(none).replace("VCFv4", "VCFv3")).contains("no text of the Variant Call"));
        assert!(reason(&HEAD.replace("\tsomebody", "")).contains("none or several samples"));
        assert!(reason(&HEAD.replace("somebody", "a\tb")).contains("none or several samples"));
        assert!(reason(HEAD).contains("only 0 of the loci"));
        let few =
            (0..5).fold(file(none), |text, i| text.replace(&record(i, "A\tG\t50\tPASS\t.\tGT\t0/1"), ""));
        assert!(reason(&few).contains("only 255 of the loci"));
        assert!(
            reason(&file((7, &record(7, "C\tG\t50\tPASS\t.\tGT\t0/1"))))
                .contains("base at 1:1007 is another")
        );
        let twice = record(7, "A\tG\t50\tPASS\t.\tGT\t0/1").repeat(2);
        assert!(reason(&file((7, &twice))).contains("1:1007 comes twice"));
        assert!(reason(&file((7, "chr1\t1007\trs7\tA\tG\n"))).contains("line 11 is no record"));
        assert!(reason(&file((7, "chr1\t-1\trs7\n"))).contains("line 11 is no record"));
        let long = format!("chr1\t1\t{}\n", "x".repeat(LONGEST));
        assert!(reason(&file((7, &long))).contains("line 11 is longer than"));
        let mut packed: &[u8] = &[0x1f, 0x8b, 8, 0, 0];
        let why = Panel::from_vcf(&list(), &mut packed).unwrap_err();
        assert!(matches!(why, BiokeyError::Vcf(VcfError::Compressed)));
    }

    /// A pipe gives what it has: lines are cut anywhere.
    #[test]
    fn a_file_that_comes_byte_by_byte_is_the_same() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                let count = to.len().min(1);
                self.0.read(&mut to[..count])
            }
        }
        let text = file((usize::MAX, ""));
        let panel = Panel::from_vcf(&list(), &mut Drip(text.as_bytes())).unwrap();
        assert_eq!(panel.len(), 260);
    }
}
