//! cloudtrail:ListPublicKeys. The keys by which digests are verified that were made in a span of time.

use landfall_cloud::trail;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

/// The span if none is said. Source: the CloudTrail API Reference.
const DAY_MS: i64 = 86_400_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListPublicKeys {
    start_time: Option<Time>,
    end_time: Option<Time>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPublicKeysResponse<'v> {
    public_key_list: Vec<PublicKey<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKey<'v> {
    value: &'v str,
    validity_start_time: Time,
    validity_end_time: Time,
    fingerprint: &'v str,
}

impl Read for ListPublicKeys {
    const ACTION: Action = Action::cloudtrail("ListPublicKeys");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = ListPublicKeysResponse<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListPublicKeysResponse<'v>, ApiError> {
        let end = self.end_time.map_or(look.view.now().as_millis(), |time| time.0);
        let start = self.start_time.map_or(end - DAY_MS, |time| time.0);
        if start > end {
            let message = "The start time must be before the end time.";
            return Err(ApiError::new("InvalidTimeRangeException", message));
        }
        look.page.bound(Self::PAGE_LIMIT);
        let keys = trail::keys(&look.view);
        let keys = keys.filter(|row| row.valid_from.as_millis() <= end && row.valid_until.as_millis() >= start);
        let rows = look.page.take(keys, |row| row.fingerprint.clone())?;
        let shape = |row: &'v landfall_model::DigestKey| PublicKey {
            value: &row.public,
            validity_start_time: Time(row.valid_from.as_millis()),
            validity_end_time: Time(row.valid_until.as_millis()),
            fingerprint: &row.fingerprint,
        };
        Ok(ListPublicKeysResponse { public_key_list: rows.into_iter().map(shape).collect() })
    }
}
