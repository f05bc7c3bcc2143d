//! When? The wall clock, and times as people write them (RFC 3339, UTC only).

use std::time::{SystemTime, UNIX_EPOCH};

use qratum_chain::types::Time;

const DAY_S: u64 = 24 * 60 * 60;
/// The last second of the year 9999: what lies beyond has no RFC 3339 form.
const LAST_S: u64 = 253_402_300_799;
/// Days of the months of a year that starts in March, so that a leap day comes last.
const MONTHS: [u64; 12] = [31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29];

/// The system clock. Before 1970 it reads as 1970: the verifier then refuses for time.
pub(crate) fn now() -> Time {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Time(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// Milliseconds from `then` to `now`; zero when `then` is ahead.
pub(crate) const fn since(then: Time, now: Time) -> u64 {
    now.0.saturating_sub(then.0)
}

/// Reads `YYYY-MM-DDTHH:MM:SSZ` or milliseconds since 1970.
pub(crate) fn parse(text: &str) -> Result<Time, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        let form = "neither YYYY-MM-DDTHH:MM:SSZ from 1970 on nor milliseconds";
        return civil(text).ok_or_else(|| form.to_owned());
    }
    let time = text.parse().ok().filter(|millis: &u64| millis / 1000 <= LAST_S).map(Time);
    time.ok_or_else(|| format!("later than {}, the last time there is", format(Time(LAST_S * 1000))))
}

fn civil(text: &str) -> Option<Time> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T', _, _, b':', _, _, b':', _, _, b'Z'] = bytes else {
        return None;
    };
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day)? * DAY_S + hour * 3600 + minute * 60 + second;
    Some(Time(seconds * 1000))
}

/// Days from 1970-01-01 to a date from 1970 to 9999; none when there is no such date.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // January and February belong to the year before: it starts in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let index = usize::try_from(month).ok()?;
    let longest = match MONTHS.get(index)? {
        29 if !is_leap(year + 1) => 28,
        longest => *longest,
    };
    if day == 0 || day > longest {
        return None;
    }
    let before: u64 = MONTHS.iter().take(index).sum();
    (first_of_march(year) + before + day - 1).checked_sub(first_of_march(1969) + 306)
}

/// Days from March 1st of the year 0 to March 1st of this one.
const fn first_of_march(year: u64) -> u64 {
    year * 365 + year / 4 - year / 100 + year / 400
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

/// `YYYY-MM-DDTHH:MM:SSZ`, or the milliseconds where there is no such form.
pub(crate) fn format(time: Time) -> String {
    let seconds = time.0 / 1000;
    if seconds > LAST_S {
        return format!("{} ms", time.0);
    }
    let since_march = seconds / DAY_S + first_of_march(1969) + 306;
    let mut year = since_march / 365;
    while first_of_march(year) > since_march {
        year -= 1;
    }
    let (mut day, mut month) = (since_march - first_of_march(year), 0u64);
    for length in MONTHS.iter().take(11) {
        if day < *length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let rest = seconds % DAY_S;
    format!("{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z", day + 1, rest / 3600, rest / 60 % 60, rest % 60)
}

/// An age in words that stay short: `3 s`, `4 min 5 s`, `2 h 3 min`, `5 d 1 h`.
pub(crate) fn age(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..DAY_S => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / DAY_S, seconds / 3600 % 24),
    }
}

/// How far a clock is off, in words: `about 1 h 0 min ahead`.
pub(crate) fn offset(millis: i64) -> String {
    let way = if millis < 0 { "behind" } else { "ahead" };
    format!("about {} {way}", age(millis.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `date -u -d @N`.
    const KNOWN: [(&str, u64); 8] = [
        ("1970-01-01T00:00:00Z", 0),
        ("1972-02-29T23:59:59Z", 68_255_999),
        ("1999-12-31T23:59:59Z", 946_684_799),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("2000-03-01T00:00:00Z", 951_868_800),
        ("2026-11-21T23:37:05Z", 1_795_304_225),
        ("2100-02-28T00:00:00Z", 4_107_456_000),
        ("9999-12-31T23:59:59Z", LAST_S),
    ];

    #[test]
    fn known_times_read_and_print() {
        for (text, seconds) in KNOWN {
            assert_eq!(parse(text), Ok(Time(seconds * 1000)), "{text}");
            assert_eq!(format(Time(seconds * 1000 + 999)), text);
        }
        assert_eq!(parse("1795304225123"), Ok(Time(1_795_304_225_123)));
    }

    #[test]
    fn every_day_reads_back_as_the_next_number() {
        for day in 0..(LAST_S / DAY_S) {
            let time = Time(day * DAY_S * 1000);
            assert_eq!(parse(&format(time)), Ok(time), "day {day}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "-1",
            "+5",
            "1e3",
            "1969-12-31T23:59:59Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+01",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:0éZ",
        ] {
            assert!(parse(text).unwrap_err().starts_with("neither "), "{text}");
        }
        for text in ["253402300800000", "18446744073709551615", "18446744073709551616"] {
            assert_eq!(parse(text).unwrap_err(), "later than 9999-12-31T23:59:59Z, the last time there is");
        }
        assert_eq!(parse("253402300799999"), Ok(Time(253_402_300_799_999)));
    }

    #[test]
    fn far_times_print_as_milliseconds() {
        assert_eq!(format(Time(u64::MAX)), "18446744073709551615 ms");
    }

    #[test]
    fn an_offset_says_which_way() {
        assert_eq!(offset(3_600_000), "about 1 h 0 min ahead");
        assert_eq!(offset(-61_000), "about 1 min 1 s behind");
        assert_eq!(offset(i64::MIN), "about 106751991167 d 7 h behind");
    }

    #[test]
    fn ages_are_short() {
        let ages = [(999, "0 s"), (59_999, "59 s"), (245_000, "4 min 5 s"), (7_380_000, "2 h 3 min")];
        for (millis, want) in ages {
            assert_eq!(age(millis), want);
        }
        assert_eq!(age(5 * DAY_S * 1000 + 3_600_000), "5 d 1 h");
    }
}
