//! secretsmanager:BatchGetSecretValue. Shows the values of several secrets, named or found by filters.
//!
//! What keeps one of them from being shown stands beside the others, also that the caller may not read it. Each is an event
//! of GetSecretValue by itself, so that whoever has a secret sees who reads it and nothing else.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_cloud::value::Secrets;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::get_secret_value::{GetSecretValue, ValueShape, demand_read, read};
use super::shape::filter::{self, Filter};
use crate::audit::Part;
use crate::{Action, ApiError, Call, Demands, Outside};

/// How many secrets one call shows.
const MOST: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct BatchGetSecretValue {
    #[serde(default)]
    secret_id_list: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
    /// The secrets that the caller may not read, by the names that they are asked for by.
    #[serde(skip)]
    denied: BTreeMap<String, ApiError>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchGetSecretValueResult {
    secret_values: Vec<ValueShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    errors: Vec<ErrorShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorShape {
    secret_id: String,
    error_code: String,
    message: String,
}

impl Call for BatchGetSecretValue {
    const ACTION: Action = Action::secretsmanager("BatchGetSecretValue");
    type Made = BatchGetSecretValueResult;
    type Output<'t> = BatchGetSecretValueResult;

    fn check(&self) -> Result<(), ApiError> {
        filter::check(&self.filters)?;
        let invalid = |message: &str| Err(ApiError::new("InvalidParameterException", message));
        if self.secret_id_list.is_empty() == self.filters.is_empty() {
            return invalid("Either 'SecretIdList' or 'Filters' must be provided, but not both.");
        }
        if self.max_results.is_some() && self.filters.is_empty() {
            return invalid("'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.");
        }
        if self.secret_id_list.len() > MOST || self.max_results.is_some_and(|most| !(1..=MOST).contains(&most)) {
            return invalid("A call shows up to 20 secrets.");
        }
        Ok(())
    }

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
        if !self.filters.is_empty() {
            demands.anything(Action::secretsmanager("ListSecrets"));
        }
    }

    fn parts(&self, view: &View<'_>) -> Vec<String> {
        let ids = self.ids(view).unwrap_or_default().0;
        ids.into_iter().take(MOST).filter(|id| !self.denied.contains_key(id)).collect()
    }

    fn demand_part(&self, view: &View<'_>, part: &str, demands: &mut Demands) {
        demand_read(view, demands, part, None, None);
    }

    fn hear_denied(&mut self, part: String, denied: ApiError) {
        self.denied.insert(part, denied);
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Self::Made, ApiError> {
        let (ids, next_token) = self.ids(&view)?;
        let (mut secret_values, mut errors) = (Vec::new(), Vec::new());
        for secret_id in ids {
            let value = match self.denied.get(&secret_id) {
                Some(denied) => Err(denied.clone()),
                None => read(outside, &view, &secret_id, None, None),
            };
            outside.deeds.add_part(Part {
                action: GetSecretValue::ACTION,
                parameters: json!({ "secretId": secret_id }),
                resource: value.as_ref().ok().and_then(|value| Some((value.arn().clone(), value.arn().account()?))),
                fault: value.as_ref().err().cloned(),
            });
            match value {
                Ok(value) => secret_values.push(value),
                Err(error) if error.status >= 500 => return Err(error),
                Err(error) => {
                    errors.push(ErrorShape { secret_id, error_code: error.code.into_owned(), message: error.message });
                }
            }
        }
        Ok(BatchGetSecretValueResult { secret_values, next_token, errors })
    }

    fn run(self, made: Self::Made, tx: &mut Tx<'_, '_>) -> Result<Self::Made, ApiError> {
        for value in &made.secret_values {
            value.touch(tx, value.arn().as_str());
        }
        Ok(made)
    }
}

impl BatchGetSecretValue {
    /// The secrets that are meant, and where the next page begins. Its token is a name: it opens nothing that the caller
    /// couldn't ask for by itself.
    fn ids(&self, view: &View<'_>) -> Result<(Vec<String>, Option<String>), ApiError> {
        if self.filters.is_empty() {
            return Ok((self.secret_id_list.clone(), None));
        }
        let start = match &self.next_token {
            None => Bound::Unbounded,
            Some(token) => Bound::Excluded(name_of(token).ok_or_else(bad_token)?),
        };
        let rows = view.from::<Secrets, String>(start).filter(|row| row.deletion.is_none());
        let mut rows = rows.filter(|row| filter::matches(view, &self.filters, row)).map(|row| row.name.clone());
        let page: Vec<_> = rows.by_ref().take(self.max_results.unwrap_or(MOST)).collect();
        let more = rows.next().and(page.last()).map(|name| URL_SAFE_NO_PAD.encode(name));
        Ok((page, more))
    }
}

fn name_of(token: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

fn bad_token() -> ApiError {
    ApiError::new("InvalidNextTokenException", "The token is invalid.")
}
