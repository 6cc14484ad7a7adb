//! Throttling: how often an account may call each operation in a region, as AWS limits it, and how often somebody may fail
//! to prove who he is.
//!
//! What is kept is in memory and bounded: a server that starts anew begins with full buckets, which costs AWS's tools nothing
//! and an attacker little. Refusals are AWS's own, so that its tools wait and try again.

mod attempts;
mod bucket;
mod rates;
mod uncategorized;

use std::collections::BTreeMap;

use landfall_model::{AccountId, Region, Scope};
use landfall_wire::{Protocol, Tree};

pub(crate) use attempts::{Attempts, Source};

use self::bucket::{Buckets, Rate};
use self::rates::{Bucket, FamilyOf, costs};
use crate::error::ApiError;
use crate::operation::Action;

/// How much of AWS's rates accounts have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// In percent of AWS's own, for accounts that aren't named; 0 is no limit.
    pub percent: u32,
    /// The same for accounts by themselves.
    pub accounts: BTreeMap<AccountId, u32>,
}

/// What accounts have used lately.
pub(crate) struct Throttle {
    settings: Throttling,
    used: Buckets<(AccountId, Region, Bucket)>,
    /// By where calls come from that nobody signed.
    unsigned: Buckets<Source>,
    /// By whose role was asked for with tokens that proved nothing.
    unproven: Buckets<AccountId>,
}

/// Calls of one source that nobody signed: a token has to be proven for each, and perhaps an issuer asked. AWS publishes no
/// such rate; many machines behind one address still get their credentials by this one.
const UNSIGNED: Rate = Rate::new(100, 10);
/// Records of such calls that failed, for the account that was asked for: strangers write them.
const UNPROVEN: Rate = Rate::one_in_ms(100, 10_000);
/// Sources that are kept.
const MOST_SOURCES: usize = 1 << 14;
/// Buckets that are kept. An account that uses all operations in a region has a few hundred.
const MOST: usize = 1 << 17;

impl Throttle {
    /// Nothing used yet.
    pub(crate) fn new(settings: Throttling) -> Self {
        Self {
            settings,
            used: Buckets::of(MOST),
            unsigned: Buckets::of(MOST_SOURCES),
            unproven: Buckets::of(MOST_SOURCES),
        }
    }

    /// Lets a call pass that nobody signed, if its source hasn't made too many.
    pub(crate) fn admit_unsigned(&self, source: Source, now_ms: i64, protocol: Protocol) -> Result<(), ApiError> {
        let percent = self.settings.percent;
        let now_us = now_ms.saturating_mul(1_000);
        if percent == 0 || self.unsigned.take(&source, UNSIGNED.percent(percent), 1, now_us) {
            return Ok(());
        }
        Err(ApiError::throttled(protocol))
    }

    /// Whether a call that asked for a role of that account's, and proved nothing, is to be recorded. This holds whatever the
    /// settings say.
    pub(crate) fn admit_unproven(&self, account: AccountId, now_ms: i64) -> bool {
        self.unproven.take(&account, UNPROVEN, 1, now_ms.saturating_mul(1_000))
    }

    /// Lets a call pass, if its account's buckets have what it costs.
    pub(crate) fn admit(
        &self,
        scope: Scope,
        action: Action,
        input: &Tree,
        family: FamilyOf<'_>,
        now_ms: i64,
        protocol: Protocol,
    ) -> Result<(), ApiError> {
        let settings = &self.settings;
        let percent = settings.accounts.get(&scope.account).copied().unwrap_or(settings.percent);
        if percent == 0 {
            return Ok(());
        }
        let now_us = now_ms.saturating_mul(1_000);
        for cost in costs(action, scope.region, input, family).into_iter().flatten() {
            let key = (scope.account, scope.region, cost.bucket);
            if !self.used.take(&key, cost.rate.percent(percent), cost.tokens, now_us) {
                return Err(ApiError::throttled(protocol));
            }
        }
        Ok(())
    }
}
