//! ec2:DeleteKeyPair. Forgets a key pair; one that isn't there is no error.

use landfall_cloud::value::KeyPairs;
use landfall_cloud::{Tx, View, key_pair};
use landfall_model::{KeyPair, KeyPairId};
use serde::{Deserialize, Serialize};

use super::shape::key_pair::demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteKeyPair {
    key_name: Option<String>,
    key_pair_id: Option<KeyPairId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteKeyPairResult {
    r#return: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_pair_id: Option<KeyPairId>,
}

impl DeleteKeyPair {
    fn find<'v>(&self, view: &View<'v>) -> Option<&'v KeyPair> {
        match (&self.key_name, self.key_pair_id) {
            (Some(name), _) => view.key_pair(name),
            (None, id) => view.find::<KeyPairs, _>(id?),
        }
    }
}

impl Write for DeleteKeyPair {
    const ACTION: Action = Action::ec2("DeleteKeyPair");
    const FREES: bool = true;
    type Output<'t> = DeleteKeyPairResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let found = self.find(view);
        let name = match (found, &self.key_name, self.key_pair_id) {
            (Some(row), ..) => row.name.clone(),
            (None, Some(name), _) => name.clone(),
            (None, None, Some(id)) => id.to_string(),
            (None, None, None) => "*".to_owned(),
        };
        demand(view, demands, Self::ACTION, &name).with("ec2:KeyPairName", &name);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteKeyPairResult, ApiError> {
        match (&self.key_name, self.key_pair_id) {
            (None, None) => return Err(ApiError::missing("KeyName")),
            (Some(_), Some(_)) => {
                return Err(ApiError::combination("The parameter KeyName cannot be used with the parameter KeyPairId"));
            }
            _ => {}
        }
        let id = self.find(&tx.view()).map(|row| row.id);
        if let Some(id) = id {
            key_pair::delete(tx, id);
        }
        Ok(DeleteKeyPairResult { r#return: true, key_pair_id: id })
    }
}
