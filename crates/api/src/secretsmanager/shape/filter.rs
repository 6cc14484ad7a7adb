//! Filters of secrets. Values of one filter are alternatives; filters together must all match.
//!
//! Source: the Secrets Manager API Reference, "Filter", and its User Guide, "Find secrets in AWS Secrets Manager".

use landfall_cloud::View;
use landfall_cloud::secret;
use landfall_model::Secret;
use serde::Deserialize;

use crate::ApiError;

/// A filter of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filter {
    key: Subject,
    values: Vec<String>,
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Subject {
    All,
    Description,
    Name,
    OwningService,
    PrimaryRegion,
    TagKey,
    TagValue,
}

/// That filters are such as there may be.
pub fn check(filters: &[Filter]) -> Result<(), ApiError> {
    let fits = |value: &String| value.chars().count() <= 512;
    let is_filter = |filter: &Filter| (1..=10).contains(&filter.values.len()) && filter.values.iter().all(fits);
    if filters.len() > 10 || !filters.iter().all(is_filter) {
        let message = "There are up to 10 filters of 1 to 10 values of up to 512 characters each.";
        return Err(ApiError::new("InvalidParameterException", message));
    }
    Ok(())
}

/// Whether a secret matches all filters.
pub fn matches(view: &View<'_>, filters: &[Filter], row: &Secret) -> bool {
    filters.iter().all(|filter| filter.matches(view, row))
}

impl Filter {
    /// A value after an exclamation mark lets all those through that don't match it.
    fn matches(&self, view: &View<'_>, row: &Secret) -> bool {
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !self.has(view, row, value),
            None => self.has(view, row, value),
        })
    }

    fn has(&self, view: &View<'_>, row: &Secret, value: &str) -> bool {
        let description = row.description.as_deref().unwrap_or_default();
        let tags = || view.tags(&secret::tag_id(&row.name)).into_iter().flatten();
        match self.key {
            Subject::Name => row.name.starts_with(value),
            Subject::Description => {
                let lower = description.to_lowercase();
                row.description.is_some() && lower.starts_with(&value.to_lowercase())
            }
            Subject::TagKey => tags().any(|(key, _)| key.starts_with(value)),
            Subject::TagValue => tags().any(|(_, text)| text.starts_with(value)),
            // Secrets are neither replicated nor made by other services.
            Subject::OwningService | Subject::PrimaryRegion => false,
            Subject::All => {
                let texts = [row.name.as_str(), description].map(str::to_lowercase);
                let tagged = tags().flat_map(|(key, value)| [key.to_lowercase(), value.to_lowercase()]);
                let texts: Vec<_> = texts.into_iter().chain(tagged).collect();
                let words: Vec<_> = words(value).map(str::to_lowercase).collect();
                words.iter().all(|word| texts.iter().any(|text| has_word(text, word)))
            }
        }
    }
}

/// The words of a text: what stands between blanks and signs.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '/', '_', '+', '=', '.', '@', '-', '!', ':']).filter(|word| !word.is_empty())
}

fn has_word(text: &str, start: &str) -> bool {
    words(text).any(|word| word.starts_with(start))
}
