//! ec2:DescribeAccountAttributes. Tells the account's default VPC and its limits in the region.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAccountAttributes {
    #[serde(default)]
    attribute_name: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeAccountAttributesResult {
    account_attribute_set: Vec<AccountAttribute>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountAttribute {
    attribute_name: &'static str,
    attribute_value_set: [AttributeValue; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttributeValue {
    attribute_value: String,
}

const NAMES: [&str; 6] = [
    "supported-platforms",
    "vpc-max-security-groups-per-interface",
    "max-elastic-ips",
    "max-instances",
    "vpc-max-elastic-ips",
    "default-vpc",
];

impl Read for DescribeAccountAttributes {
    const ACTION: Action = Action::ec2("DescribeAccountAttributes");
    type Output<'v> = DescribeAccountAttributesResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeAccountAttributesResult, ApiError> {
        if let Some(unknown) = self.attribute_name.iter().find(|name| !NAMES.contains(&name.as_str())) {
            let why = format!("Valid values are: {}", NAMES.join(", "));
            return Err(ApiError::invalid("attributeName", unknown, why));
        }
        let asked = |name: &&str| self.attribute_name.is_empty() || self.attribute_name.iter().any(|n| n == name);
        let attributes = NAMES.into_iter().filter(asked).map(|name| AccountAttribute {
            attribute_name: name,
            attribute_value_set: [AttributeValue { attribute_value: value(&look.view, name) }],
        });
        Ok(DescribeAccountAttributesResult { account_attribute_set: attributes.collect() })
    }
}

fn value(view: &View<'_>, name: &str) -> String {
    let quotas = &view.quotas();
    match name {
        "vpc-max-security-groups-per-interface" => quotas.groups_per_interface.to_string(),
        "max-elastic-ips" | "vpc-max-elastic-ips" => quotas.addresses.to_string(),
        // AWS gives this number to everybody since it limits processors instead.
        "max-instances" => "20".to_owned(),
        "default-vpc" => view.default_vpc().map_or_else(|| "none".to_owned(), |vpc| vpc.id.to_string()),
        _ => "VPC".to_owned(),
    }
}
