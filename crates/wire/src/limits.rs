//! What a request may cost before anyone knows who sent it.
//!
//! The size of the body itself is bounded where it is read; these bound what is made out of it, so that a small
//! body can't become a large or deep value.

/// How deep values nest: the segments of a query parameter's name, or JSON's and XML's brackets.
pub const MAX_DEPTH: usize = 32;

/// The highest index that a list of a query protocol may name. Lists are sparse until they are read, so an
/// index costs nothing by itself: the bound is there because AWS has no list that long either.
pub const MAX_LIST_INDEX: u32 = 100_000;

/// How many parameters one query request may have.
pub const MAX_PARAMETERS: usize = 20_000;

/// How many values one body may make: leaves, structures and lists. Without it, short names with many segments
/// would become a hundred times their size.
pub const MAX_VALUES: usize = 100_000;

/// The longest name of a parameter or member, decoded.
pub const MAX_KEY_BYTES: usize = 1_024;

/// The longest single value of a query parameter, decoded. IAM's largest documents have 131,072 characters.
pub const MAX_VALUE_BYTES: usize = 512 * 1_024;

/// How many headers a signature may cover.
pub const MAX_SIGNED_HEADERS: usize = 100;

/// How many parameters the query string of a signed request may have.
pub const MAX_SIGNED_QUERY_PARAMETERS: usize = MAX_PARAMETERS;
