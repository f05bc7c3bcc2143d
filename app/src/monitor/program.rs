//! A program that is told of alarms, and how it is run.

use std::{path::PathBuf, process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

/// The path that a program gets; nothing else of this program's environment reaches it.
const SEARCH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A program to run: no shell, fixed arguments, nothing of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) within: Duration,
}

impl Program {
    /// Whether it took the text and ended well in time; later it is killed.
    pub(super) async fn run(&self, json: &str) -> Result<(), String> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().env("PATH", SEARCH).current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let run = async {
            if let Some(mut input) = child.stdin.take() {
                // A program that does not read is judged by how it ends.
                let _ = input.write_all(format!("{json}\n").as_bytes()).await;
            }
            child.wait().await
        };
        match timeout(self.within, run).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("ended with {status}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("did not end in {:?}", self.within)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn program(path: &str, arguments: &[&str], within_ms: u64) -> Program {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Program { path: PathBuf::from(path), arguments, within: Duration::from_millis(within_ms) }
    }

    fn run(program: &Program, json: &str) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(program.run(json))
    }

    #[test]
    fn a_program_gets_the_json_and_nothing_of_the_environment() {
        // The shell is the tested program here; none stands between.
        let sees = |script: &str| run(&program("/bin/sh", &["-c", script], 10_000), "{\"a\":\"$(id) ;\"}");
        assert_eq!(sees(r#"read -r line && [ "$line" = '{"a":"$(id) ;"}' ]"#), Ok(()));
        assert_eq!(sees(r#"[ -z "$HOME$USER$CARGO" ] && [ "$PWD" = / ]"#), Ok(()));
        assert_eq!(sees("exit 3"), Err("ended with exit status: 3".to_owned()));
        let missing = run(&program("/nonexistent/page", &[], 1000), "{}").unwrap_err();
        assert!(missing.starts_with("No such file"), "{missing}");
    }

    #[test]
    fn a_program_that_does_not_end_is_killed_and_one_that_does_not_read_is_not_waited_for() {
        let started = Instant::now();
        let late = run(&program("/bin/sleep", &["60"], 100), &"x".repeat(1 << 20));
        assert_eq!(late, Err("did not end in 100ms".to_owned()));
        assert_eq!(run(&program("/bin/true", &[], 10_000), &"x".repeat(1 << 20)), Ok(()));
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
