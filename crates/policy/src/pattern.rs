//! Wildcard patterns: `*` is any run of characters, `?` exactly one.
//!
//! A pattern is cut at its stars when it is made. What lies between two stars has a fixed number of characters, so
//! taking the leftmost place where it fits is always right and nothing is ever tried again: each piece is searched
//! for once, from where the last one ended. Pieces without `?` are found by the standard library's linear search;
//! one with `?` costs at most text times piece.

/// One part of a pattern, before it is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Text that must be there as it is.
    Text(&'a str),
    /// Any one character.
    One,
    /// Any run of characters, also none.
    Many,
}

/// A compiled pattern over one string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `*`.
    All,
    /// No wildcard.
    Exact(Box<str>),
    /// Text and one star at its end: the usual form, worth a path of its own.
    Prefix(Box<str>),
    /// Pieces with a star between each two; the first is anchored at the start, the last at the end.
    Pieces(Box<[Piece]>),
}

/// What lies between two stars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece(Vec<Atom>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Atom {
    Text(Box<str>),
    /// So many characters, whichever.
    Any(usize),
}

impl Pattern {
    /// Compiles text in which `*` and `?` are wildcards.
    pub(crate) fn parse(text: &str) -> Self {
        Self::compile(tokens(text))
    }

    /// Compiles tokens. Neighbouring texts are joined.
    pub(crate) fn compile<'a>(tokens: impl IntoIterator<Item = Token<'a>>) -> Self {
        let mut pieces = vec![Piece::default()];
        for token in tokens {
            match token {
                Token::Many => pieces.push(Piece::default()),
                Token::One => last(&mut pieces).push_any(),
                Token::Text(text) => last(&mut pieces).push_text(text),
            }
        }
        // Two stars with nothing between them are one.
        let end = pieces.len() - 1;
        let mut index = 0;
        pieces.retain(|piece| {
            let keep = index == 0 || index == end || !piece.0.is_empty();
            index += 1;
            keep
        });
        match pieces.as_slice() {
            [only] if only.0.is_empty() => Self::Exact("".into()),
            [Piece(atoms)] => match atoms.as_slice() {
                [Atom::Text(text)] => Self::Exact(text.clone()),
                _ => Self::Pieces(pieces.into()),
            },
            [Piece(first), Piece(second)] if second.is_empty() => match first.as_slice() {
                [] => Self::All,
                [Atom::Text(text)] => Self::Prefix(text.clone()),
                _ => Self::Pieces(pieces.into()),
            },
            _ => Self::Pieces(pieces.into()),
        }
    }

    /// Whether the whole of `text` fits.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(want) => **want == *text,
            Self::Prefix(prefix) => text.as_bytes().starts_with(prefix.as_bytes()),
            Self::Pieces(pieces) => matches_pieces(pieces, text),
        }
    }
}

/// Cuts text at its wildcards.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    text.split_inclusive(['*', '?']).flat_map(|chunk| {
        let (head, wildcard) = match chunk.as_bytes().last() {
            Some(b'*') => (&chunk[..chunk.len() - 1], Some(Token::Many)),
            Some(b'?') => (&chunk[..chunk.len() - 1], Some(Token::One)),
            _ => (chunk, None),
        };
        (!head.is_empty()).then_some(Token::Text(head)).into_iter().chain(wildcard)
    })
}

fn last(pieces: &mut [Piece]) -> &mut Piece {
    let at = pieces.len() - 1;
    &mut pieces[at]
}

fn matches_pieces(pieces: &[Piece], text: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    let Some(mut rest_text) = first.strip_start(text) else { return false };
    let Some((end, middle)) = rest.split_last() else { return rest_text.is_empty() };
    // The end is taken off first, so that no piece in the middle can eat what the end needs.
    match end.strip_end(rest_text) {
        Some(left) => rest_text = left,
        None => return false,
    }
    for piece in middle {
        match piece.find(rest_text) {
            Some(after) => rest_text = after,
            None => return false,
        }
    }
    true
}

impl Piece {
    fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Atom::Text(have)) = self.0.last_mut() {
            *have = format!("{have}{text}").into_boxed_str();
        } else {
            self.0.push(Atom::Text(text.into()));
        }
    }

    fn push_any(&mut self) {
        if let Some(Atom::Any(count)) = self.0.last_mut() {
            *count += 1;
        } else {
            self.0.push(Atom::Any(1));
        }
    }

    /// What follows the piece, when the text starts with it.
    fn strip_start<'t>(&self, mut text: &'t str) -> Option<&'t str> {
        for atom in &self.0 {
            text = match atom {
                Atom::Text(want) => text.strip_prefix(&**want)?,
                Atom::Any(count) => skip_chars(text, *count)?,
            };
        }
        Some(text)
    }

    /// What precedes the piece, when the text ends with it.
    fn strip_end<'t>(&self, mut text: &'t str) -> Option<&'t str> {
        for atom in self.0.iter().rev() {
            text = match atom {
                Atom::Text(want) => text.strip_suffix(&**want)?,
                Atom::Any(count) => skip_chars_back(text, *count)?,
            };
        }
        Some(text)
    }

    /// What follows the leftmost place where the piece fits.
    fn find<'t>(&self, mut text: &'t str) -> Option<&'t str> {
        match self.0.as_slice() {
            [] => Some(text),
            [Atom::Text(want)] => text.find(&**want).map(|at| &text[at + want.len()..]),
            _ => loop {
                if let Some(after) = self.strip_start(text) {
                    return Some(after);
                }
                text = skip_chars(text, 1)?;
            },
        }
    }
}

fn skip_chars(text: &str, count: usize) -> Option<&str> {
    let mut chars = text.chars();
    for _ in 0..count {
        chars.next()?;
    }
    Some(chars.as_str())
}

fn skip_chars_back(text: &str, count: usize) -> Option<&str> {
    let mut chars = text.chars();
    for _ in 0..count {
        chars.next_back()?;
    }
    Some(chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, by trying everything: slow, and plainly right.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            Some((want, rest)) => match text.split_first() {
                Some((have, left)) => (*want == '?' || want == have) && naive(rest, left),
                None => false,
            },
        }
    }

    #[test]
    fn table() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("?", "", false),
            ("?", "ä", true),
            ("??", "ä", false),
            ("ec2:Describe*", "ec2:DescribeInstances", true),
            ("ec2:Describe*", "ec2:describe", false),
            ("*Describe*", "ec2:DescribeX", true),
            ("a*b?c*d", "axxbyczzd", true),
            ("a*b?c*d", "axxbycd", true),
            ("a*b?c*d", "axxbyc", false),
            ("ab*ba", "aba", false),
            ("ab*ba", "abba", true),
            ("**a**", "bab", true),
            ("*?", "", false),
            ("?*?", "ab", true),
            ("?*?", "a", false),
            ("*a?b", "aaxab", false),
            ("*a?b", "aaxb", true),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_not_slow() {
        let pattern = Pattern::parse(&format!("{}b", "a*".repeat(500)));
        let text = "a".repeat(2_000);
        // A search that tried every split again would not end in this life.
        assert!(!pattern.matches(&text));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?é]{0,8}", text in "[abé]{0,10}") {
            let expected = naive(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(Pattern::parse(&pattern).matches(&text), expected);
        }

        #[test]
        fn a_text_matches_itself_with_any_stars_put_in(text in "[a-c:/]{1,20}", cuts in prop::collection::vec(0usize..20, 0..4)) {
            let mut pattern = text.clone();
            for cut in cuts {
                pattern.insert(cut.min(pattern.len()), '*');
            }
            prop_assert!(Pattern::parse(&pattern).matches(&text));
        }
    }
}
