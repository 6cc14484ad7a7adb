//! ec2:CreateSecurityGroup. Makes a group that lets everything out and nothing in.

use landfall_cloud::value::SecurityGroups;
use landfall_cloud::{Fault, Tx, View, security_group};
use landfall_model::{Arn, SecurityGroupId, SecurityGroupKind, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::permission::is_plain;
use super::shape::{Tag, TagSpecifications, tag_set};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateSecurityGroup {
    group_name: String,
    group_description: String,
    vpc_id: Option<VpcId>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateSecurityGroupResult<'t> {
    group_id: SecurityGroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'t>>>,
    security_group_arn: Arn,
}

const KIND: &str = "security-group";

impl Write for CreateSecurityGroup {
    const ACTION: Action = Action::ec2("CreateSecurityGroup");
    type Output<'t> = CreateSecurityGroupResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<SecurityGroupKind>(Self::ACTION).request_tags(&tags);
        if let Some(vpc) = self.vpc_id.or_else(|| view.default_vpc().map(|vpc| vpc.id)) {
            demands.ec2(view, Self::ACTION, vpc).with("ec2:VpcID", vpc);
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateSecurityGroupResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let name = check_name(&self.group_name)?;
        if self.group_description.is_empty() {
            return Err(ApiError::missing("GroupDescription"));
        }
        if !is_plain(&self.group_description) {
            return Err(ApiError::invalid("GroupDescription", &self.group_description, RULE));
        }
        let vpc = match self.vpc_id {
            Some(vpc) => vpc,
            None => tx.view().default_vpc().ok_or(Fault::NoDefaultVpc)?.id,
        };
        let id = security_group::create(tx, name, &self.group_description, vpc)?;
        landfall_cloud::tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let group = view.need::<SecurityGroups, _>(id)?;
        Ok(CreateSecurityGroupResult {
            group_id: id,
            tag_set: tag_set(&view, &id.to_string()),
            security_group_arn: Arn::ec2(group.scope, id),
        })
    }
}

const RULE: &str = "Character sets beyond a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$* are not supported, nor more than 255 characters.";

/// A group's name as EC2 takes it: trailing blanks don't count.
fn check_name(name: &str) -> Result<&str, ApiError> {
    let name = name.trim_end();
    if name.is_empty() {
        return Err(ApiError::missing("GroupName"));
    }
    if name == "default" {
        let message = "Cannot use reserved security group name: default";
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    if name.starts_with("sg-") {
        let message = format!("Invalid value '{name}' for groupName. Group names may not be in the format sg-*.");
        return Err(ApiError::new("InvalidParameterValue", message));
    }
    if is_plain(name) { Ok(name) } else { Err(ApiError::invalid("GroupName", name, RULE)) }
}
