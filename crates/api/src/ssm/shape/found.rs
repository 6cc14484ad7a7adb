//! A parameter that is to be shown with its value, whoever's it is: the account's own, or a public one.

use landfall_cloud::View;
use landfall_cloud::parameter::public::{self, PublicParameter};
use landfall_cloud::parameter::{self, ParameterFault, Reference};
use landfall_model::{Parameter, ParameterVersion};
use landfall_wire::Time;
use serde::Serialize;

use super::{demand, demand_open, time, value};
use crate::{Action, ApiError, Demands, Outside};

/// A parameter with its value.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ParameterShape {
    name: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    value: String,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<String>,
    last_modified_date: Time,
    #[serde(rename = "ARN")]
    arn: String,
    data_type: String,
}

impl ParameterShape {
    /// Its name: what lists are sorted by.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What a reference leads to.
pub enum Found<'v> {
    /// The account's own.
    Own(&'v Parameter, &'v ParameterVersion),
    /// One that everybody has.
    Public(PublicParameter),
}

/// What that reference leads to, in this view.
pub fn look_up<'v>(view: &View<'v>, reference: &Reference) -> Result<Found<'v>, ParameterFault> {
    let missing = || ParameterFault::NoSuch(reference.name.clone());
    if reference.name.starts_with(public::PREFIX) {
        let found = public::find(view, &reference.name).ok_or_else(missing)?;
        return match &reference.selector {
            Some(selector) if *selector != found.version.to_string() => {
                Err(ParameterFault::NoSuchVersion { name: found.name, selector: selector.clone() })
            }
            _ => Ok(Found::Public(found)),
        };
    }
    if !is_here(view, reference) {
        return Err(missing());
    }
    let (row, version) = parameter::look_up(view, reference)?;
    Ok(Found::Own(row, version))
}

/// Whether a reference by ARN names this account and region.
fn is_here(view: &View<'_>, reference: &Reference) -> bool {
    let scope = view.scope();
    reference.owner.is_none_or(|owner| owner == (Some(scope.account), Some(scope.region)))
}

/// The demand to read what a text refers to, and to decrypt it if that is asked for. Of what isn't a reference, the text
/// itself is demanded.
pub fn demand_read(view: &View<'_>, demands: &mut Demands, action: Action, text: &str, decrypts: bool) {
    let Ok(reference) = Reference::parse(text) else {
        demand(view, demands, action, text);
        return;
    };
    if reference.name.starts_with(public::PREFIX) {
        demands.resource(action, public::arn(view.scope(), &reference.name));
        return;
    }
    if !is_here(view, &reference) {
        // Another account's: whether anybody has it is not to be found out without being allowed to ask.
        demands.resource(action, text.trim());
        return;
    }
    demand(view, demands, action, &reference.name);
    if let Ok((row, version)) = parameter::look_up(view, &reference)
        && decrypts
    {
        demand_open(view, demands, row, version);
    }
}

/// Shows what was found by a reference. A name of one level is shown as it was asked for, with its slash or without.
pub fn shown(
    outside: &Outside,
    view: &View<'_>,
    found: &Found<'_>,
    reference: &Reference,
    decrypts: bool,
) -> Result<ParameterShape, ApiError> {
    let selector = reference.selector.as_ref().map(|selector| format!(":{selector}"));
    match found {
        Found::Own(row, version) => {
            let name = if reference.owner.is_some() { &row.name } else { &reference.name };
            Ok(ParameterShape { selector, ..own(outside, view, row, version, name, decrypts)? })
        }
        Found::Public(found) => Ok(ParameterShape { selector, ..of_image(view, found) }),
    }
}

/// Shows a version of an own parameter under that name.
pub fn own(
    outside: &Outside,
    view: &View<'_>,
    row: &Parameter,
    version: &ParameterVersion,
    name: &str,
    decrypts: bool,
) -> Result<ParameterShape, ApiError> {
    Ok(ParameterShape {
        name: name.to_owned(),
        kind: row.kind.name(),
        value: value(outside, view, row, version, decrypts)?,
        version: version.number,
        selector: None,
        last_modified_date: time(version.modified_at),
        arn: parameter::arn(row.scope, &row.name).to_string(),
        data_type: version.data_type.clone(),
    })
}

/// Shows a public parameter.
pub fn of_image(view: &View<'_>, found: &PublicParameter) -> ParameterShape {
    ParameterShape {
        name: found.name.clone(),
        kind: "String",
        value: found.image.to_string(),
        version: found.version,
        selector: None,
        last_modified_date: time(found.modified_at),
        arn: found.arn(view.scope()),
        data_type: found.data_type.to_owned(),
    }
}
