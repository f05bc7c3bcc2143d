//! A home for a console that is tested.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use crate::root;

/// A home under the folder for temporary files; it goes with this.
#[derive(Debug)]
pub struct Home(PathBuf);

impl Home {
    /// A home that is not there yet, as `qratum demo --home` wants it.
    ///
    /// # Panics
    /// When there is no folder for it.
    #[must_use]
    pub fn none(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let parent = env::temp_dir().join(format!("qratum-console-{}-{number}-{name}", process::id()));
        let _ = fs::remove_dir_all(&parent);
        fs::create_dir_all(&parent).unwrap();
        Self(parent.join("home"))
    }

    /// A home of the demo network of the samples, of which nobody is there.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn alone(name: &str) -> Self {
        let home = Self::none(name);
        fs::create_dir(&home.0).unwrap();
        for file in ["genesis.json", "peers.json"] {
            fs::copy(root().join("app/tests/data").join(file), home.0.join(file)).unwrap();
        }
        home
    }

    /// Has its alarms of this level and above told to a file, by a program.
    ///
    /// # Panics
    /// When the configuration cannot be written.
    #[must_use]
    pub fn sink(&self, least: &str) -> Told {
        let (path, told) = (self.0.join("config.toml"), self.0.join("told"));
        let text = format!(
            "[[alerts.exec]]\nname = \"told\"\nprogram = \"/usr/bin/tee\"\narguments = [\"-a\", {told:?}]\nleast = \"{least}\"\n"
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)).unwrap();
        Told(told)
    }

    /// Its path, as an argument.
    ///
    /// # Panics
    /// Never: the path is made of ASCII.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap_or(Path::new("")));
    }
}

/// What a sink was told.
#[derive(Debug)]
pub struct Told(PathBuf);

impl Told {
    /// The first alarm that speaks of this, as JSON, when it is there.
    ///
    /// # Panics
    /// When none comes within a minute.
    #[must_use]
    pub fn until(&self, text: &str) -> String {
        let late = Instant::now() + Duration::from_secs(60);
        loop {
            let all = fs::read_to_string(&self.0).unwrap_or_default();
            if let Some(line) = all.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(Instant::now() < late, "nobody was told of {text}: {all}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// How long after an alarm was raised the sink had it, where it is the last that it was told.
    ///
    /// # Panics
    /// When this is no alarm.
    #[must_use]
    pub fn late(&self, alarm: &str) -> Duration {
        let alarm: serde_json::Value = serde_json::from_str(alarm).unwrap();
        let raised = UNIX_EPOCH + Duration::from_millis(alarm.get("at_ms").unwrap().as_u64().unwrap());
        let told = fs::metadata(&self.0).unwrap().modified().unwrap();
        told.duration_since(raised).unwrap_or_default()
    }
}
