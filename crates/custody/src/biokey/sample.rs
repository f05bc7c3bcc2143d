//! Genotypes of nobody, drawn by the frequencies of a list, and keys of nobody: for trying out, demos and
//! tests.

use qratum_metal::secret::LockedBytes;

use super::locus::Loci;
use crate::{
    derived::SealError,
    entropy::{Moment, Random},
};
use qratum_crypto::domain::PANEL;

/// A file of the Variant Call Format 4.2 with the loci of the list, in which both copies of each are drawn
/// by its frequency. It says of itself that it is synthetic.
///
/// # Errors
/// [`SealError`].
pub fn vcf(list: &Loci, (random, now): (&mut Random, Moment)) -> Result<String, SealError> {
    let length = list.len().saturating_mul(4);
    let draws =
        LockedBytes::try_new_with(length, |draws| random.fill(draws, PANEL, now).map_err(SealError::from))?;
    Ok(draws.with(|draws| vcf_of(list, draws)))
}

/// What a software key of a demo is made from.
///
/// # Errors
/// [`SealError`].
pub fn seed((random, now): (&mut Random, Moment)) -> Result<[u8; 16], SealError> {
    let mut seed = [0; 16];
    random.fill(&mut seed, PANEL, now)?;
    Ok(seed)
}

/// The same for draws that are given: four bytes for each locus, two for each copy. The same draws give the
/// same file.
#[must_use]
pub fn vcf_of(list: &Loci, draws: &[u8]) -> String {
    let mut text = format!(
        "##fileformat=VCFv4.2\n##source=qratum synthetic sample: no person has this genome\n##reference={}\n\
         ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
         #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tSYNTHETIC\n",
        list.build().name()
    );
    let (draws, _) = draws.as_chunks::<4>();
    for ((locus, frequency), [a, b, c, d]) in list.frequencies().zip(draws) {
        let copy = |draw| u8::from(f64::from(u16::from_le_bytes(draw)) < frequency * 65_536.0);
        let (reference, alternative) = (locus.reference, locus.alternative);
        text.push_str(&format!(
            "chr{}\t{}\t.\t{reference:?}\t{alternative:?}\t.\tPASS\t.\tGT\t{}/{}\n",
            locus.chromosome,
            locus.position,
            copy([*a, *b]),
            copy([*c, *d])
        ));
    }
    text
}
