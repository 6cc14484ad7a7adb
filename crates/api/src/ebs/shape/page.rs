//! Pages of blocks. They begin at a block rather than after a row, and their tokens have to fit EBS's pattern.

use super::invalid;
use super::token::Tokens;
use crate::error::ApiError;

/// How many blocks a page may be asked to have. Source: botocore's model.
const LEAST: u32 = 100;
const MOST: u32 = 10_000;

/// The page that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageAsked<'p> {
    /// The token of the page before.
    pub token: Option<&'p str>,
    /// How many blocks.
    pub max: Option<u32>,
    /// Where the first one begins.
    pub start: Option<u64>,
}

impl PageAsked<'_> {
    /// Refuses what no page can have.
    pub fn check(&self) -> Result<(), ApiError> {
        match self.max {
            Some(max) if !(LEAST..=MOST).contains(&max) => {
                let message = format!("maxResults is {max}; it must be between {LEAST} and {MOST}.");
                Err(invalid("INVALID_PARAMETER_VALUE", message))
            }
            _ => Ok(()),
        }
    }

    /// How many blocks, and the first of them. "If you specify NextToken, then StartingBlockIndex is ignored."
    pub fn read(&self, tokens: &Tokens, context: &str) -> Result<(u64, usize), ApiError> {
        let from = match self.token.filter(|token| !token.is_empty()) {
            Some(token) => {
                let opened = tokens.open_page(context, token);
                opened.ok_or_else(|| invalid("INVALID_PAGE_TOKEN", "The page token is invalid."))?
            }
            None => self.start.unwrap_or(0),
        };
        Ok((from, self.max.unwrap_or(MOST) as usize))
    }
}
