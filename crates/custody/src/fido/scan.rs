//! Which security keys are plugged in: by what their report descriptors say, so that one that may not be
//! opened is not taken for one that is not there.

use std::{fs, io, path::PathBuf, sync::Arc};

use super::{Watch, error::KeyError, hid::Wire, key::holds};

/// Where the kernel shows keys.
#[derive(Clone, Debug)]
pub struct Places {
    /// Their descriptions: `/sys/class/hidraw`.
    pub sys: PathBuf,
    /// Their files: `/dev`.
    pub dev: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { sys: "/sys/class/hidraw".into(), dev: "/dev".into() }
    }
}

impl Places {
    /// The files of all keys that are plugged in, in the order of their names.
    ///
    /// # Errors
    /// The folder cannot be read. That it is not there means that no device is.
    pub fn keys(&self) -> io::Result<Vec<PathBuf>> {
        let folder = match fs::read_dir(&self.sys) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let mut found = Vec::new();
        for entry in folder {
            let entry = entry?;
            let descriptor = fs::read(entry.path().join("device/report_descriptor"));
            if descriptor.is_ok_and(|descriptor| is_fido(&descriptor)) {
                found.push(self.dev.join(entry.file_name()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Opens the key that holds the credential: asked without a touch where there are several, and not
    /// asked where there is one, which then says for itself what is wrong.
    ///
    /// # Errors
    /// [`KeyError::Absent`], [`KeyError::Permission`] where none could be opened, and those of a key that
    /// was opened; [`KeyError::NotEnrolled`] where none of several holds it.
    pub fn find(&self, rp_id: &str, credential_id: &[u8], watch: &Arc<dyn Watch>) -> Result<Wire, KeyError> {
        let (mut wires, trouble) = self.open(watch)?;
        match wires.len() {
            // One that could not be opened may be the one that is meant.
            1 if trouble.is_none() => wires.pop().ok_or(KeyError::Absent),
            _ => {
                let mut holding = wires
                    .into_iter()
                    .filter_map(|mut wire| holds(&mut wire, rp_id, credential_id).then_some(wire));
                holding.next().ok_or(trouble.unwrap_or(KeyError::NotEnrolled))
            }
        }
    }

    /// Opens the only key.
    ///
    /// # Errors
    /// [`KeyError::Several`], and those of [`Places::find`].
    pub fn only(&self, watch: &Arc<dyn Watch>) -> Result<Wire, KeyError> {
        let (mut wires, _) = self.open(watch)?;
        match wires.len() {
            1 => wires.pop().ok_or(KeyError::Absent),
            several => Err(KeyError::Several(several)),
        }
    }

    /// All that can be opened, and why one could not. That is an error only where no other can.
    fn open(&self, watch: &Arc<dyn Watch>) -> Result<(Vec<Wire>, Option<KeyError>), KeyError> {
        let (mut wires, mut trouble) = (Vec::new(), None);
        for path in self.keys()? {
            match Wire::open(&path, Arc::clone(watch)) {
                Ok(wire) => wires.push(wire),
                Err(error) => trouble = Some(error),
            }
        }
        if wires.is_empty() {
            return Err(trouble.unwrap_or(KeyError::Absent));
        }
        Ok((wires, trouble))
    }
}

/// Whether a report descriptor names the usage page of FIDO, 0xf1d0 (HID 1.11 section 6.2.2; CTAP 2.1
/// section 11.2.8.1).
fn is_fido(mut descriptor: &[u8]) -> bool {
    const LONG: u8 = 0xfe;
    const USAGE_PAGE: u8 = 0x04;
    while let Some((head, rest)) = descriptor.split_first() {
        let length = match (head & 0x03, *head) {
            (_, LONG) => rest.first().map_or(0, |length| usize::from(*length) + 2),
            (3, _) => 4,
            (length, _) => usize::from(length),
        };
        let Some((data, rest)) = rest.split_at_checked(length) else { return false };
        if head & 0xfc == USAGE_PAGE && matches!(data, [0xd0, 0xf1] | [0xd0, 0xf1, 0, 0]) {
            return true;
        }
        descriptor = rest;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// As a security key and a keyboard describe themselves.
    const KEY: &[u8] = &[0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0xc0];
    const KEYBOARD: &[u8] = &[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0xc0];

    struct Nobody;

    impl Watch for Nobody {
        fn touch(&self, _: bool) {}
        fn tries_left(&self, _: u8) {}
        fn cancelled(&self) -> bool {
            false
        }
    }

    fn machine(name: &str, devices: &[(&str, &[u8])]) -> Places {
        let root = std::env::temp_dir().join(format!("qratum-scan-{name}-{}", std::process::id()));
        let places = Places { sys: root.join("sys"), dev: root.join("dev") };
        fs::create_dir_all(&places.dev).unwrap();
        for (device, descriptor) in devices {
            let folder = places.sys.join(device).join("device");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("report_descriptor"), descriptor).unwrap();
        }
        places
    }

    #[test]
    fn a_key_is_told_from_a_keyboard_by_its_items_and_not_by_its_bytes() {
        assert!(is_fido(KEY));
        assert!(!is_fido(KEYBOARD));
        let as_data: &[u8] = &[0x27, 0x06, 0xd0, 0xf1, 0x00, 0xc0];
        assert!(!is_fido(as_data), "a logical maximum of these bytes is no usage page");
        assert!(is_fido(&[0xfe, 2, 0x77, 1, 2, 0x06, 0xd0, 0xf1]), "behind a long item");
        (0..KEYBOARD.len()).for_each(|length| assert!(!is_fido(&KEYBOARD[..length])));
    }

    #[test]
    fn no_key_and_one_that_may_not_be_opened_are_told_apart() {
        let reason = |places: &Places| {
            let watch: Arc<dyn Watch> = Arc::new(Nobody);
            places.only(&watch).map(|_| ()).unwrap_err()
        };
        let nothing = machine("nothing", &[]);
        assert!(matches!(reason(&nothing), KeyError::Absent));
        let keyboard = machine("keyboard", &[("hidraw0", KEYBOARD)]);
        assert!(matches!(reason(&keyboard), KeyError::Absent));
        let key = machine("key", &[("hidraw0", KEYBOARD), ("hidraw3", KEY)]);
        assert_eq!(key.keys().unwrap(), [key.dev.join("hidraw3")]);
        assert!(matches!(reason(&key), KeyError::Removed), "its file is not there");
        let refused =
            super::super::hid::refused(Path::new("/dev/hidraw3"), io::ErrorKind::PermissionDenied.into());
        assert!(matches!(refused, KeyError::Permission(path) if path == Path::new("/dev/hidraw3")));
        [nothing, keyboard, key].iter().for_each(|m| fs::remove_dir_all(m.dev.parent().unwrap()).unwrap());
    }
}
