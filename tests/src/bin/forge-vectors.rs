//! Writes the vectors of refusals: `forge-vectors FOLDER`. The files are deterministic; a test
//! holds the committed ones against what this makes.

use std::{env, fs, path::PathBuf, process::ExitCode};

use qratum_tests::vectors::reject;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: forge-vectors FOLDER");
        return ExitCode::from(2);
    };
    match write(&folder) {
        Ok(count) => {
            println!("{count} files in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &std::path::Path) -> std::io::Result<usize> {
    fs::create_dir_all(folder)?;
    let files = reject::files();
    for (name, content) in &files {
        fs::write(folder.join(name), format!("{content:#}\n"))?;
    }
    Ok(files.len())
}
