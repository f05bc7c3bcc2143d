//! A home for a console that is tested.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
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
