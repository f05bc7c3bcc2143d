//! Somebody's dosages at the loci, in locked memory and in one encoding.

use qratum_crypto::domain;
use qratum_metal::secret::{LockedBytes, Refused};

use super::{
    BiokeyError,
    locus::{Build, LEAST, Locus, MOST, head},
};

/// Loci with how often somebody has the alternative base of each (0, 1 or 2), in their canonical encoding:
///
/// ```text
/// tag                       QRATUM/biokey/panel/v1 and a zero byte
/// build                  1  37 or 38
/// n                      4  little-endian
/// n times, strictly ascending by chromosome and position:
///   chromosome           1  1 to 22
///   position             4  little-endian, from 1
///   reference            1  A, C, G or T
///   alternative          1  neither it nor its complement
///   dosage               1  0, 1 or 2
/// ```
///
/// Unphased: which of the two copies has the base is not kept.
#[derive(Debug)]
pub struct Panel {
    build: Build,
    records: LockedBytes,
}

impl Panel {
    /// The panel of records that `write` makes in place; there are `count` of them.
    ///
    /// # Errors
    /// Those of `write`, [`BiokeyError::Memory`], and [`BiokeyError::Panel`] for what is no panel.
    pub(super) fn make(
        build: Build,
        count: usize,
        write: impl FnOnce(&mut [u8]) -> Result<(), BiokeyError>,
    ) -> Result<Self, BiokeyError> {
        if !(LEAST..=MOST).contains(&count) {
            return Err(BiokeyError::Panel);
        }
        let length = count.saturating_mul(Locus::LENGTH);
        let records = LockedBytes::require_locked(length, |records| {
            write(records)?;
            if is_canonical(records) { Ok(()) } else { Err(BiokeyError::Panel) }
        })?;
        Ok(Self { build, records })
    }

    /// The panel of these loci, with the dosages that `write` makes in place.
    ///
    /// # Errors
    /// As [`Panel::make`].
    pub fn of(
        build: Build,
        loci: impl ExactSizeIterator<Item = Locus>,
        dosages: impl FnOnce(&mut [u8]),
    ) -> Result<Self, BiokeyError> {
        let count = loci.len();
        let given = LockedBytes::require_locked(count, |given| -> Result<(), Refused> {
            dosages(given);
            Ok(())
        })?;
        Self::make(build, count, |records| {
            given.with(|given| {
                for ((record, locus), dosage) in records.chunks_exact_mut(Locus::LENGTH).zip(loci).zip(given)
                {
                    put(record, &locus, *dosage);
                }
            });
            Ok(())
        })
    }

    /// The assembly.
    #[must_use]
    pub const fn build(&self) -> Build {
        self.build
    }

    /// How many loci there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        // A constant, which is not zero.
        self.records.len().checked_div(Locus::LENGTH).unwrap_or_default()
    }

    /// Which loci there are, without what is secret of them.
    #[must_use]
    pub fn loci(&self) -> Vec<Locus> {
        self.records.with(|records| loci(records).flatten().collect())
    }

    /// What `see` makes of the encoding: all before the records, and the records.
    pub fn with<R>(&self, see: impl FnOnce([&[u8]; 2]) -> R) -> R {
        let head = [domain::BIOKEY_PANEL.bytes(), &head(self.build, self.len())].concat();
        self.records.with(|records| see([&head, records]))
    }
}

/// Writes a record.
pub(super) fn put(record: &mut [u8], locus: &Locus, dosage: u8) {
    let bytes = locus.encode().into_iter().chain([dosage]);
    record.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
}

/// The loci of records; none for one that is not sound.
fn loci(records: &[u8]) -> impl Iterator<Item = Option<Locus>> + '_ {
    let (records, _) = records.as_chunks::<{ Locus::LENGTH }>();
    records.iter().map(|record| Locus::decode(record.first_chunk()?))
}

/// Whether these are whole records of sound loci that ascend strictly, with dosages up to 2. Looks at
/// dosages without a branch: all that one learns is whether every one is in its range.
fn is_canonical(records: &[u8]) -> bool {
    let mut last = (0, 0);
    let ascend = loci(records).all(|locus| {
        let place = locus.map_or((0, 0), |locus| locus.place());
        std::mem::replace(&mut last, place) < place
    });
    let (records, rest) = records.as_chunks::<{ Locus::LENGTH }>();
    let beyond = records.iter().map(|[.., dosage]| (dosage & !3) | (dosage & (dosage >> 1) & 1));
    ascend && rest.is_empty() && beyond.fold(0, |all, one| all | one).count_ones() < 1
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::biokey::locus::Base;

    pub(in crate::biokey) fn locus(i: usize) -> Locus {
        let (reference, alternative) = (Base::A, if i.is_multiple_of(2) { Base::G } else { Base::C });
        let chromosome = 1 + u8::try_from(i / 100).unwrap();
        Locus { chromosome, position: 1000 + u32::try_from(i).unwrap(), reference, alternative }
    }

    /// So many loci, with dosages that a number decides.
    pub(in crate::biokey) fn panel(count: usize, number: usize) -> Result<Panel, BiokeyError> {
        Panel::of(Build::Grch38, (0..count).map(locus), |dosages| {
            dosages.iter_mut().enumerate().for_each(|(i, to)| *to = u8::try_from((i + number) % 3).unwrap());
        })
    }

    fn encoded(panel: &Panel) -> Vec<u8> {
        panel.with(|parts| parts.concat())
    }

    #[test]
    fn locus_codec() {
        let panel = panel(256, 0).unwrap();
        let bytes = encoded(&panel);
        let tag = b"QRATUM/biokey/panel/v1\0";
        assert_eq!(bytes.len(), tag.len() + 5 + 256 * 8);
        assert!(bytes.starts_with(tag));
        let rest = &bytes[tag.len()..];
        assert_eq!(rest[..5], [38, 0, 1, 0, 0]);
        assert_eq!(rest[5..13], [1, 0xe8, 3, 0, 0, b'A', b'G', 0]);
        assert_eq!(rest[13..21], [1, 0xe9, 3, 0, 0, b'A', b'C', 1]);
        assert_eq!(rest[5 + 255 * 8..], [3, 0xe7, 4, 0, 0, b'A', b'C', 0]);
        assert_eq!(panel.loci(), (0..256).map(locus).collect::<Vec<_>>());

        let records = rest[5..].to_vec();
        let read = |records: &[u8]| {
            Panel::make(Build::Grch38, records.len() / 8, |to| {
                to.copy_from_slice(&records[..to.len()]);
                Ok(())
            })
        };
        assert_eq!(encoded(&read(&records).unwrap()), bytes);
        for (at, value) in [(0, 0), (0, 2), (0, 23), (5, b'a'), (5, b'G'), (6, b'A'), (6, b'T'), (7, 3)] {
            let mut bad = records.clone();
            bad[at] = value;
            assert!(matches!(read(&bad), Err(BiokeyError::Panel)), "byte {at} as {value}");
        }
        for dosage in 3..=u8::MAX {
            let mut bad = records.clone();
            bad[8 * 200 + 7] = dosage;
            assert!(matches!(read(&bad), Err(BiokeyError::Panel)), "dosage {dosage}");
        }
        let mut swapped = records.clone();
        swapped[..16].rotate_left(8);
        let mut twice = records.clone();
        twice.copy_within(..8, 8);
        for bad in [swapped, twice, records[..255 * 8].to_vec()] {
            assert!(matches!(read(&bad), Err(BiokeyError::Panel)));
        }
    }

    #[test]
    fn fewer_than_256_loci_are_no_panel() {
        assert!(matches!(panel(255, 0), Err(BiokeyError::Panel)));
        assert!(panel(256, 0).is_ok());
    }
}
