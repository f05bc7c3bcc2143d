//! `qratum man`: the manual, made from the same table as the command line.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use crate::{
    cli::Cli,
    exit::{Exit, Failure},
    output,
};

/// Prints the page of `qratum`; or writes it and one for each command below it into a directory.
pub(crate) fn run(directory: Option<&Path>) -> Result<Exit, Failure> {
    match directory {
        None => {
            let mut page = Vec::new();
            Man::new(Cli::command()).render(&mut page)?;
            output::own(&page)?;
        }
        Some(path) => {
            let failed = |error| Failure::io(&path.display().to_string(), &error);
            generate_to(Cli::command(), path).map_err(failed)?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use super::*;

    fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
        files.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
    }

    /// The pages that a package installs are those of this command line. `QRATUM_BLESS=1` writes them.
    #[test]
    fn the_manual_is_that_of_the_command_line() {
        let made = std::env::temp_dir().join(format!("qratum-man-{}", std::process::id()));
        let _ = fs::remove_dir_all(&made);
        fs::create_dir(&made).unwrap();
        run(Some(&made)).unwrap();
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/man");
        if std::env::var_os("QRATUM_BLESS").is_some() {
            fs::remove_dir_all(&assets).unwrap();
            fs::create_dir(&assets).unwrap();
            run(Some(&assets)).unwrap();
        }
        let (want, have) = (files(&made), files(&assets));
        let pages = want.keys().chain(have.keys());
        let old: Vec<_> = pages.filter(|name| want.get(*name) != have.get(*name)).collect();
        assert!(old.is_empty(), "`make man` writes the manual anew: {old:?}");
        fs::remove_dir_all(made).unwrap();
    }
}
