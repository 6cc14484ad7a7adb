//! kms:CreateGrant. Lets somebody use a key, besides its policy, until the grant is taken back. The key may be another
//! account's, which lets the caller by its policy or by a grant.

use landfall_cloud::kms::{KmsFault, grant};
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_model::kms::{GrantOperation, KmsGrantId};
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::grant::Constraints;
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::grantable;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateGrant {
    key_id: String,
    grantee_principal: String,
    retiring_principal: Option<String>,
    operations: Vec<GrantOperation>,
    #[serde(default)]
    constraints: Constraints,
    #[serde(default)]
    grant_tokens: GrantTokens,
    name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGrantResponse {
    grant_token: String,
    grant_id: KmsGrantId,
}

impl Write for CreateGrant {
    const ACTION: Action = Action::kms("CreateGrant");
    type Output<'t> = CreateGrantResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.with("kms:GrantIsForAWSResource", false).with("kms:GranteePrincipal", &self.grantee_principal);
        if let Some(retirer) = &self.retiring_principal {
            demand.with("kms:RetiringPrincipal", retirer);
        }
        if let Some(kind) = self.constraints.kind() {
            demand.with("kms:GrantConstraintType", kind);
        }
        if let Some(asked) = &mut demand.grantable {
            let constraints = self.constraints.clone().read().ok().flatten();
            asked.grants = Some(grant::Wanted { operations: self.operations.clone(), constraints });
        }
        demand.context.set_many("kms:GrantOperations", self.operations.iter().map(ToString::to_string));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<CreateGrantResponse, ApiError> {
        check_tokens(&tx.view(), &self.grant_tokens)?;
        let key = grantable(&tx.view(), &self.key_id)?.clone();
        let new = grant::NewGrant {
            name: self.name,
            grantee: principal(&self.grantee_principal)?,
            retirer: self.retiring_principal.as_deref().map(principal).transpose()?,
            operations: self.operations,
            constraints: self.constraints.read()?,
        };
        let row = grant::create(tx, &key, new)?;
        Ok(CreateGrantResponse { grant_token: grant::token(&row), grant_id: row.id })
    }
}

fn principal(text: &str) -> Result<Arn, KmsFault> {
    text.parse().map_err(|_| KmsFault::Arn(format!("ARN does not refer to a valid principal: {text}")))
}
