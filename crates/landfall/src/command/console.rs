//! `landfall console`: what an instance's console shows, and with `-f` as it goes on.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cli::ConsoleArgs;
use crate::{client, record};

pub fn run(args: &ConsoleArgs) -> Result<()> {
    let record = record::find(args.which.listen)?;
    let mut shown: Vec<u8> = Vec::new();
    loop {
        let parameters = [("InstanceId", args.instance.as_str()), ("Latest", "true")];
        let answer = client::ec2(&record, "GetConsoleOutput", &parameters)?;
        let text = client::text(&answer, "output").unwrap_or_default();
        let output = STANDARD.decode(text.trim()).context("the console's output is no base64")?;
        let mut out = std::io::stdout().lock();
        out.write_all(&harmless(&output[continues(&shown, &output)..]))?;
        out.flush()?;
        shown = output;
        if !args.follow {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Where what is new starts: behind the part of `new` that `old` ended with. The window slides, so `old` may have lost its
/// beginning.
fn continues(old: &[u8], new: &[u8]) -> usize {
    if new.starts_with(old) {
        return old.len();
    }
    // The end of what was shown is looked for, long enough not to be found by chance.
    let tail = &old[old.len().saturating_sub(256)..];
    let found = new.windows(tail.len().max(1)).rposition(|window| window == tail);
    found.map_or(0, |position| position + tail.len())
}

/// The guest's bytes without what would steer the terminal: a guest is hostile.
fn harmless(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\n' | '\t' | '\r' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.into_bytes()
}

fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        // A control sequence: parameters up to a final byte.
        Some('[') => while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {},
        // An operating system command: up to BEL, or to the next escape.
        Some(']') => while chars.next_if(|c| *c != '\u{7}' && *c != '\u{1b}').is_some() {},
        _ => return,
    }
    chars.next();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_goes_on_where_it_was() {
        assert_eq!(continues(b"", b"abc"), 0);
        assert_eq!(continues(b"abc", b"abcdef"), 3);
        assert_eq!(continues(b"abcdef", b"defghi"), 0, "too little is left to be sure");
        let long: Vec<u8> = (0..2000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let (old, new) = (&long[..5000], &long[1000..6000]);
        assert_eq!(continues(old, new), 4000);
    }

    #[test]
    fn a_guest_cannot_steer_the_terminal() {
        let nasty = b"a\x1b[2Jb\x1b]0;title\x07c\x07\x00d\r\n\x1b[31mred\x1b[0m";
        assert_eq!(String::from_utf8(harmless(nasty)).unwrap(), "abcd\r\nred");
    }
}
