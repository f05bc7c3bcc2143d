//! Which of two cells comes first? Digits count as numbers, all else as words.

/// A stretch of digits or of anything else.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Run {
    /// What stands before the first digit or after the last, or between.
    Word(String),
    /// Without leading zeros: the longer of two is the greater.
    Number(usize, String),
}

/// What a cell is sorted by: its runs, from the left.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let other = |c: char| c.is_ascii_digit() != first.is_ascii_digit();
        let (run, after) = rest.split_at(rest.find(other).unwrap_or(rest.len()));
        runs.push(if first.is_ascii_digit() {
            let digits = run.trim_start_matches('0');
            Run::Number(digits.len(), digits.to_owned())
        } else {
            Run::Word(run.to_owned())
        });
        rest = after;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers_inside_words_too() {
        let sorted = |mut all: Vec<&'static str>| {
            all.sort_by_key(|text| runs(text));
            all
        };
        assert_eq!(sorted(vec!["10", "9", "0100", ""]), ["", "9", "10", "0100"]);
        assert_eq!(sorted(vec!["30.7 %", "9.5 %", "9.10 %"]), ["9.5 %", "9.10 %", "30.7 %"]);
        assert_eq!(sorted(vec!["val-10", "val-9", "east"]), ["east", "val-9", "val-10"]);
        let huge = ["18446744073709551616", "18446744073709551615"];
        assert_eq!(sorted(huge.into()), [huge[1], huge[0]]);
    }
}
