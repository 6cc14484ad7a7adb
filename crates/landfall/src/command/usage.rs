//! `landfall usage`: what accounts consumed, as GetUsage of the provider's own service tells it.

use anyhow::Result;
use landfall_wire::Tree;

use crate::cli::UsageArgs;
use crate::client::{self, text};
use crate::record;

pub fn run(args: &UsageArgs, json: bool) -> Result<()> {
    let record = record::find(args.which.listen)?;
    let mut parameters = vec![("StartTime", args.from.as_str())];
    parameters.extend(args.to.as_deref().map(|to| ("EndTime", to)));
    parameters.extend(args.account.as_deref().map(|account| ("AccountId", account)));
    parameters.extend(args.by_resource.then_some(("ByResource", "true")));
    client::own_rows(&record, "GetUsage", &parameters, "UsageRecords", |row| print(row, json))
}

fn print(row: &Tree, json: bool) {
    let get = |name: &str| text(row, name).unwrap_or_default();
    let (account, region, resource) = (get("AccountId"), get("Region"), get("ResourceId"));
    let (usage, unit, quantity) = (get("UsageType"), get("Unit"), get("Quantity"));
    if json {
        let line = serde_json::json!({
            "account": account, "region": region, "resource": resource, "usage": usage, "unit": unit, "quantity": quantity,
        });
        println!("{line}");
    } else {
        println!("{account} {region:<16} {resource:<24} {usage:<28} {quantity:>20} {unit}");
    }
}
