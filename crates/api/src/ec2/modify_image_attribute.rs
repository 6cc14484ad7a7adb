//! ec2:ModifyImageAttribute. Changes one attribute of an image of the caller's: who may launch from it, its description, or
//! that metadata options start as `required`.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use landfall_model::ImageId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::attribute::ValueIn;
use super::shape::image::{check_description, demand};
use super::shape::sharing::{BadItem, Modifications, Permission};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyImageAttribute {
    image_id: ImageId,
    /// With the fields below it, the older way of naming one.
    attribute: Option<String>,
    operation_type: Option<String>,
    #[serde(default)]
    user_id: Vec<String>,
    #[serde(default)]
    user_group: Vec<String>,
    value: Option<String>,
    #[serde(default)]
    launch_permission: LaunchPermission,
    description: Option<ValueIn<String>>,
    imds_support: Option<ValueIn<String>>,
    product_code: Option<Unsupported>,
    organization_arn: Option<Unsupported>,
    organizational_unit_arn: Option<Unsupported>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LaunchPermission {
    #[serde(default)]
    add: Vec<PermissionIn>,
    #[serde(default)]
    remove: Vec<PermissionIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PermissionIn {
    user_id: Option<String>,
    group: Option<String>,
    organization_arn: Option<Unsupported>,
    organizational_unit_arn: Option<Unsupported>,
}

impl LaunchPermission {
    fn lists(&self) -> Result<Modifications, ApiError> {
        let plain = |list: &[PermissionIn]| list.iter().map(PermissionIn::plain).collect::<Result<Vec<_>, _>>();
        Ok(Modifications { add: plain(&self.add)?, remove: plain(&self.remove)? })
    }
}

impl PermissionIn {
    fn plain(&self) -> Result<Permission, ApiError> {
        refuse_parameters!(self; organization_arn, organizational_unit_arn);
        Ok(Permission { user_id: self.user_id.clone(), group: self.group.clone() })
    }
}

/// What a request changes.
enum Asked {
    Permissions(Modifications),
    Description(String),
    ImdsSupport(String),
}

impl Write for ModifyImageAttribute {
    const ACTION: Action = Action::ec2("ModifyImageAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = demand(view, demands, Self::ACTION, self.image_id);
        match self.asked() {
            Ok(Asked::Permissions(lists)) => {
                demand.with("ec2:Attribute", "LaunchPermission");
                lists.show(demand);
            }
            Ok(Asked::Description(text)) => {
                demand.with("ec2:Attribute", "Description").with("ec2:Attribute/Description", text);
            }
            Ok(Asked::ImdsSupport(text)) => {
                demand.with("ec2:Attribute", "ImdsSupport").with("ec2:Attribute/ImdsSupport", text);
            }
            Err(_) => {}
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        refuse_parameters!(self; product_code, organization_arn, organizational_unit_arn);
        match self.asked()? {
            Asked::Permissions(lists) => {
                change::share(tx, self.image_id, &lists.read(bad_item)?)?;
            }
            Asked::Description(text) => {
                check_description(&text)?;
                change::describe(tx, self.image_id, &text)?;
            }
            Asked::ImdsSupport(text) if text == "v2.0" => change::require_imds_v2(tx, self.image_id)?,
            Asked::ImdsSupport(other) => return Err(ApiError::invalid("ImdsSupport", other, "It is 'v2.0'.")),
        }
        Ok(Done::OK)
    }
}

/// Source: the EC2 API Reference, "Error codes".
fn bad_item(item: BadItem<'_>) -> ApiError {
    let (value, kind) = match item {
        BadItem::Account(id) => (id, "userId"),
        BadItem::Group(name) => (name, "UserGroup"),
    };
    let message = format!("Invalid attribute item value \"{value}\" for {kind} item type.");
    ApiError::new("InvalidAMIAttributeItemValue", message)
}

impl ModifyImageAttribute {
    /// The one thing that is to change, whichever way it was said.
    fn asked(&self) -> Result<Asked, ApiError> {
        let lists = self.launch_permission.lists()?;
        let lists = lists.with(self.operation_type.as_deref(), &self.user_id, &self.user_group)?;
        let named = match (self.attribute.as_deref(), &self.value) {
            (Some("description"), Some(text)) => Some(Asked::Description(text.clone())),
            (Some("imdsSupport"), Some(text)) => Some(Asked::ImdsSupport(text.clone())),
            (Some("description" | "imdsSupport"), None)
                if self.description.is_none() && self.imds_support.is_none() =>
            {
                return Err(ApiError::missing("Value"));
            }
            (Some("productCodes"), _) => {
                return Err(ApiError::unsupported("the value 'productCodes' of the parameter Attribute"));
            }
            (None | Some("launchPermission" | "description" | "imdsSupport"), _) => None,
            (Some(other), _) => {
                let why = "It is 'description', 'imdsSupport' or 'launchPermission'.";
                return Err(ApiError::invalid("Attribute", other, why));
            }
        };
        let mut all: Vec<Asked> = named.into_iter().collect();
        all.extend((!lists.is_empty()).then_some(Asked::Permissions(lists)));
        all.extend(self.description.as_ref().map(|given| Asked::Description(given.value.clone())));
        all.extend(self.imds_support.as_ref().map(|given| Asked::ImdsSupport(given.value.clone())));
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(ApiError::combination("Fields for multiple attribute types specified")),
            (None, _) => Err(ApiError::new("MissingParameter", "The request must contain an attribute to modify.")),
        }
    }
}
