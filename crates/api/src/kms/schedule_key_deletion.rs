//! kms:ScheduleKeyDeletion. Has a key be deleted after a waiting period. Nothing can be done with it meanwhile; nothing
//! that it wrapped can be opened after it.

use landfall_cloud::kms::life::{self, WAITING_DAYS};
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_model::kms::KeyState;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::key::own;
use super::shape::time;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScheduleKeyDeletion {
    key_id: String,
    pending_window_in_days: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduleKeyDeletionResponse {
    key_id: Arn,
    deletion_date: Time,
    key_state: KeyState,
    pending_window_in_days: u32,
}

impl Write for ScheduleKeyDeletion {
    const ACTION: Action = Action::kms("ScheduleKeyDeletion");
    const FREES: bool = true;
    type Output<'t> = ScheduleKeyDeletionResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.with("kms:ScheduleKeyDeletionPendingWindowInDays", self.days());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ScheduleKeyDeletionResponse, ApiError> {
        let key = own(&tx.view(), &self.key_id)?.clone();
        let days = self.days();
        let at = life::schedule_deletion(tx, &key, days)?;
        Ok(ScheduleKeyDeletionResponse {
            key_id: key.arn(),
            deletion_date: time(at),
            key_state: KeyState::PendingDeletion,
            pending_window_in_days: days,
        })
    }
}

impl ScheduleKeyDeletion {
    fn days(&self) -> u32 {
        self.pending_window_in_days.unwrap_or(*WAITING_DAYS.end())
    }
}
