//! Pages: a token names the key of the last row that was given, so that the next page goes on after it whatever came or
//! went meanwhile.

use std::fmt::Display;
use std::ops::Bound;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ApiError;

/// The page that was asked for, and what comes after it.
#[derive(Clone, Debug, Default)]
pub struct Page {
    after: Option<String>,
    limit: Option<usize>,
    next: Option<String>,
}

const MAC_BYTES: usize = 16;

impl Page {
    /// Everything at once.
    pub fn whole() -> Self {
        Self::default()
    }

    /// At most that many rows, after that key.
    pub fn new(after: Option<String>, limit: Option<usize>) -> Self {
        Self { after, limit, next: None }
    }

    /// Bounds a page for which no bound was asked for.
    pub fn bound(&mut self, limit: usize) {
        self.limit.get_or_insert(limit);
    }

    /// How many rows it has, if that is bounded.
    pub fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// Makes a page shorter that would cost too much.
    pub fn narrow(&mut self, limit: usize) {
        self.limit = Some(self.limit.map_or(limit, |asked| asked.min(limit)));
    }

    /// Whether a page was asked for at all.
    pub fn is_asked(&self) -> bool {
        self.after.is_some() || self.limit.is_some()
    }

    /// Where the rows of this page start, as a key: for ranges over a table.
    pub fn start<I: FromStr>(&self) -> Result<Bound<I>, ApiError> {
        match &self.after {
            None => Ok(Bound::Unbounded),
            Some(text) => text.parse().map(Bound::Excluded).map_err(|_| bad_token()),
        }
    }

    /// Takes this page's rows from all that match, in key order. Rows up to the page's start are passed over.
    pub fn take<R, K: Display + PartialOrd + FromStr>(
        &mut self,
        rows: impl IntoIterator<Item = R>,
        key: impl Fn(&R) -> K,
    ) -> Result<Vec<R>, ApiError> {
        let start: Bound<K> = self.start()?;
        let mut taken = Vec::new();
        for row in rows {
            if let Bound::Excluded(after) = &start
                && key(&row) <= *after
            {
                continue;
            }
            if self.limit.is_some_and(|limit| taken.len() == limit) {
                self.next = taken.last().map(|last| key(last).to_string());
                break;
            }
            taken.push(row);
        }
        Ok(taken)
    }

    /// The key that the next page starts after, if there is one.
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

/// Makes a token of a position: authenticated, so that nobody asks for positions of their own making.
pub(crate) fn seal(key: &hmac::Key, context: &str, position: &str) -> String {
    let tag = hmac::sign(key, format!("{context}\0{position}").as_bytes());
    let mut bytes = tag.as_ref()[..MAC_BYTES].to_vec();
    bytes.extend_from_slice(position.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads the position of a token that was made for the same action and scope.
pub(crate) fn open(key: &hmac::Key, context: &str, token: &str) -> Result<String, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad_token())?;
    let (tag, position) = bytes.split_at_checked(MAC_BYTES).ok_or_else(bad_token)?;
    let position = std::str::from_utf8(position).map_err(|_| bad_token())?;
    let expected = hmac::sign(key, format!("{context}\0{position}").as_bytes());
    let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&expected.as_ref()[..MAC_BYTES], tag);
    equal.map(|()| position.to_owned()).map_err(|_| bad_token())
}

fn bad_token() -> ApiError {
    ApiError::new("InvalidNextToken", "The token is invalid.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_together_are_the_whole() {
        let rows: Vec<u32> = (0..25).collect();
        let mut after = None;
        let mut seen = Vec::new();
        loop {
            let mut page = Page::new(after.take(), Some(7));
            seen.extend(page.take(rows.iter().copied(), |row| *row).unwrap());
            after = page.next().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, rows);
    }

    #[test]
    fn a_token_is_good_only_where_it_was_made() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let token = seal(&key, "DescribeInstances/1", "i-0123456789abcdef0");
        assert_eq!(open(&key, "DescribeInstances/1", &token).unwrap(), "i-0123456789abcdef0");
        for (context, token) in
            [("DescribeInstances/2", token.as_str()), ("DescribeInstances/1", &token[1..]), ("DescribeInstances/1", "")]
        {
            assert_eq!(open(&key, context, token).unwrap_err().code, "InvalidNextToken");
        }
    }
}
