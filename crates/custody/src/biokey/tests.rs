use std::sync::mpsc::channel;

use qratum_chain::types::BadBiokey;

use super::{panel::tests::panel, *};

const NOW: Time = Time(1_000);
const CREDENTIAL: CredentialId = CredentialId(Hash([7; 32]));

fn terms() -> Terms {
    Terms { credential: CREDENTIAL, version: 1, given: NOW, until: Time(9_000), purpose: "acts".to_owned() }
}

fn secret(first: u8) -> Locked<32> {
    Locked::new_with(|bytes| bytes.iter_mut().zip(first..).for_each(|(to, byte)| *to = byte)).unwrap()
}

fn salt() -> [u8; SALT_LENGTH] {
    std::array::from_fn(|i| u8::try_from(i).unwrap())
}

/// The panel of the oracle, sealed for the key whose secret begins with 32.
fn sealed() -> (SealedPanel, Biokey) {
    SealedPanel::seal(&panel(256, 0).unwrap(), &secret(32), terms(), (salt(), [9; 12])).unwrap()
}

fn unlock(panel: &SealedPanel) -> Result<Biokey, BiokeyError> {
    Biokey::unlock(panel, &secret(32), CREDENTIAL, NOW)
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}

/// What `tests/oracles/biokey.py` prints, from Python's own library.
#[test]
fn equals_an_independent_derivation() {
    let (_, biokey) = sealed();
    let root = biokey.root.with(|root| root.with(|root| root.to_vec())).unwrap();
    assert_eq!(
        root,
        bytes::<64>(
            "f02f733fafa77eb5ca345548c4c906cac092267c5de18c57f5feedc5d959f0fe\
             4580b1c77184e427586010af361602d0c0fa09deeae7e7ab07777d66cbe7cb6b"
        )
    );
    let seed = |child| biokey.child(child, |seed| *seed).unwrap();
    let ed25519 = bytes("a1b032f038e268b15df17ae1be66016758006d9562fed074197ec927b53248a2");
    let ml_dsa = bytes("fdfdada9be4648ccea5199dad0c4c8bbe5f4a6a60d0a36a81f6fc48903f5e86c");
    assert_eq!((seed(Child::Ed25519), seed(Child::MlDsa65)), (ed25519, ml_dsa));
    let check = bytes("9dd88c76308be017c3ba9bf8a404b7a4930e23d686ae40fa6d706c5ecd864a68");
    assert_eq!(sealed().0.check, check);
}

#[test]
fn an_unlocked_biokey_is_the_enrolled_one_and_signs_with_both_keys() {
    let (panel, enrolled) = sealed();
    let read = SealedPanel::read(panel.bytes().to_vec()).unwrap();
    assert_eq!((read.terms(), read.count(), read.build()), (&terms(), 256, Build::Grch38));
    let biokey = unlock(&read).unwrap();
    assert_eq!(biokey.public(), enrolled.public());
    assert_eq!(read.keys(), &biokey.public().keys());
    assert!(biokey.left() > LIFE - Duration::from_secs(5) && biokey.left() <= LIFE);
    let signed = biokey.sign(&[3; 32]).unwrap();
    let verify = |tag, message| read.keys().verify(tag, Hash(message), &signed);
    assert_eq!(verify(BIOKEY_ACTION, [3; 32]), Ok(()));
    assert_eq!(verify(BIOKEY_ACTION, [4; 32]), Err(BadBiokey::Ed25519));
    // Ed25519 has no context: its message is a hash under the tag.
    assert_eq!(verify(qratum_crypto::domain::CONSENT, [3; 32]), Err(BadBiokey::MlDsa));
}

#[test]
fn other_device_cannot_derive() {
    let (panel, _) = sealed();
    let other = Biokey::unlock(&panel, &secret(33), CREDENTIAL, NOW);
    assert!(matches!(other, Err(BiokeyError::OtherKey)), "{other:?}");
    let other = Biokey::unlock(&panel, &secret(32), CredentialId(Hash([8; 32])), NOW);
    assert!(matches!(other, Err(BiokeyError::OtherCredential)), "{other:?}");
}

#[test]
fn retention_ends_to_the_millisecond() {
    let (panel, _) = sealed();
    let at = |now| Biokey::unlock(&panel, &secret(32), CREDENTIAL, Time(now));
    assert!(at(8_999).is_ok());
    assert!(matches!(at(9_000), Err(BiokeyError::Over(Time(9_000)))));
}

/// Every byte of the file, and what is said of it once it is another.
#[test]
fn every_changed_byte_has_its_reason() {
    let (panel, _) = sealed();
    let file = panel.bytes();
    let tag = b"QRATUM/custody/panel/v1\0".len();
    let (version, credential) = (tag + 5, tag + 13);
    let (given, purpose) = (credential + 32, credential + 50);
    let keys = purpose + "acts".len();
    let (salt, nonce, commitment) = (keys + 96, keys + 160, keys + 172);
    let want = |at: usize| match at {
        at if at < version => "not a sealed panel",
        at if at < credential => "was changed since",
        at if at < given => "enrolled with another credential",
        at if at < salt => "was changed since",
        at if at < nonce => "sealed with another security key",
        at if at < commitment => "was changed since",
        at if at < commitment + 32 => "sealed with another security key",
        _ => "was changed since",
    };
    for at in 0..file.len() {
        let mut changed = file.to_vec();
        changed[at] ^= 1;
        let why = SealedPanel::read(changed).and_then(|panel| unlock(&panel)).unwrap_err().to_string();
        // A length that is not that of the file, and a consent that would be given after its end.
        let no_terms = (purpose - 2..purpose).contains(&at) || (given + 2..given + 8).contains(&at);
        let want = if no_terms { "not a sealed panel" } else { want(at) };
        assert!(why.contains(want), "byte {at}: {why}, and not {want}");
    }
    for length in [0, tag, keys, file.len() - 1] {
        let cut = SealedPanel::read(file[..length].to_vec());
        assert!(matches!(cut, Err(BiokeyError::Form)), "{length} bytes");
    }
    assert!(matches!(SealedPanel::read([file, &[0]].concat()), Err(BiokeyError::Form)));
}

/// A build that derives otherwise is found before it signs.
#[test]
fn a_wrong_derivation_is_told_before_use() {
    let (panel, _) = sealed();
    let mut changed = panel.clone();
    changed.check[0] ^= 1;
    assert!(matches!(unlock(&changed), Err(BiokeyError::Check)));
    let mut changed = panel;
    changed.keys.mldsa_hash = Hash([1; 32]);
    assert!(matches!(unlock(&changed), Err(BiokeyError::Check)));
}

#[test]
fn nothing_of_the_panel_stands_in_the_file() {
    let panel = panel(256, 0).unwrap();
    let (sealed, _) = SealedPanel::seal(&panel, &secret(200), terms(), (salt(), [9; 12])).unwrap();
    let records = panel.with(|[_, records]| records.to_vec());
    let secret: Vec<u8> = (200..232).collect();
    for hidden in [records.as_slice(), &secret] {
        assert!(sealed.bytes().windows(8).all(|window| !hidden.windows(8).any(|it| it == window)));
    }
}

#[test]
fn terms_that_nobody_could_read_are_refused() {
    let refused = |change: fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        SealedPanel::seal(&panel(256, 0).unwrap(), &secret(32), terms, (salt(), [9; 12])).unwrap_err()
    };
    for change in [
        (|it| it.purpose = String::new()) as fn(&mut Terms),
        |it| it.purpose = "x".repeat(MAX_PURPOSE + 1),
        |it| it.purpose = "a\u{1b}[2J".to_owned(),
        |it| it.until = it.given,
    ] {
        assert!(matches!(refused(change), BiokeyError::Terms));
    }
}

fn brief(life: Duration) -> Biokey {
    let root = Root::new(&panel(256, 0).unwrap(), &salt(), &secret(32)).unwrap();
    root.biokey(&purpose(&terms()), life).unwrap()
}

/// A secret of which is heard when it is wiped: fields go in this order.
struct Heard {
    _secret: LockedBytes,
    _end: std::sync::mpsc::Sender<()>,
}

#[test]
fn biokey_use_after_ttl_errs() {
    let over = brief(Duration::ZERO);
    assert_eq!(over.left(), Duration::ZERO);
    assert!(matches!(over.sign(&[3; 32]), Err(BiokeyError::Expired)));
    let wiped = brief(LIFE);
    assert!(wiped.sign(&[3; 32]).is_ok());
    wiped.wipe();
    assert_eq!(wiped.left(), Duration::ZERO);
    assert!(matches!(wiped.sign(&[3; 32]), Err(BiokeyError::Expired)));
}

/// Nobody asks for it again, and it goes: what holds a biokey is what is tested, with a shorter life.
#[test]
fn a_biokey_goes_by_itself() {
    let (end, ended) = channel();
    let secret = Heard { _secret: LockedBytes::new_with(64, |_| ()).unwrap(), _end: end };
    let held = Expiring::new(secret, Duration::from_millis(20)).unwrap();
    assert!(ended.recv().is_err(), "its owner still holds it");
    assert_eq!(held.remaining(), Duration::ZERO);
}

#[test]
fn a_consent_is_signed_by_the_biokey_that_it_is_about() {
    let (panel, biokey) = sealed();
    let consent =
        Consent { account: "alice".into(), terms: terms(), loci: Hash([1; 32]), shown: Hash([2; 32]) };
    let signed = consent.sign(&biokey).unwrap();
    assert_eq!(consent.verify(panel.keys(), &signed), Ok(()));
    let mut other = consent.clone();
    other.terms.until = Time(9_001);
    assert_eq!(other.verify(panel.keys(), &signed), Err(BadBiokey::Ed25519));
    // No act, whatever its hash is, can be read out of it.
    assert_eq!(panel.keys().verify(BIOKEY_ACTION, consent.digest(), &signed), Err(BadBiokey::MlDsa));
}

#[test]
fn a_sample_is_a_file_of_the_list_by_its_frequencies() {
    let lines: String = (0..600).map(|i| format!("1\t{}\tA\tG\t0.35\n", 1000 + i)).collect();
    let list = Loci::parse(&format!("GRCh38\n{lines}")).unwrap();
    let mut random = crate::entropy::Random::start(
        crate::entropy::sources(std::path::Path::new("/nonexistent")).unwrap(),
        crate::entropy::now(),
    )
    .unwrap();
    let text = sample::vcf(&list, (&mut random, crate::entropy::now())).unwrap();
    assert!(text.contains("synthetic"));
    let panel = Panel::from_vcf(&list, &mut text.as_bytes()).unwrap();
    assert_eq!(panel.len(), 600);
    let alternatives: u32 = panel.with(|[_, records]| records.chunks(8).map(|it| u32::from(it[7])).sum());
    // 420 of 1,200 copies, with a standard deviation of 16.5.
    assert!((320..520).contains(&alternatives), "{alternatives}");
}
