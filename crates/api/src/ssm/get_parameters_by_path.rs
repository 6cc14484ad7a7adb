//! ssm:GetParametersByPath. Shows the parameters below a path with their values: one's own, or public ones.
//!
//! Whoever may read a path may read all below it, as AWS has it; decrypting is demanded of each that the page
//! shows.

use std::ops::Bound;

use landfall_cloud::View;
use landfall_cloud::parameter::{self, name, public};
use landfall_cloud::value::Parameters;
use landfall_model::{Parameter, ParameterVersion, parameter_key};
use serde::{Deserialize, Serialize};

use super::shape::demand_open;
use super::shape::filter::{self, ParameterStringFilter, Use};
use super::shape::found::{ParameterShape, of_image, own};
use crate::{Action, ApiError, Demands, Look, Page, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetParametersByPath {
    path: String,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    parameter_filters: Vec<ParameterStringFilter>,
    #[serde(default)]
    with_decryption: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParametersByPathResult {
    parameters: Vec<ParameterShape>,
}

impl Read for GetParametersByPath {
    const ACTION: Action = Action::ssm("GetParametersByPath");
    const PAGE_LIMIT: usize = 10;
    type Output<'v> = GetParametersByPathResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let path = self.path.trim().trim_end_matches('/');
        let arn = match self.is_public() {
            true => public::arn(view.scope(), path),
            false => parameter::arn(view.scope(), path).to_string(),
        };
        demands.resource(Self::ACTION, arn).with("ssm:Recursive", self.recursive);
    }

    fn demands_of_page(&self, view: &View<'_>, page: &Page, demands: &mut Demands) {
        if !self.with_decryption || self.is_public() {
            return;
        }
        // What is wrong with them is told when they are allowed.
        let (Ok(filters), Ok(start)) = (filter::parse(self.parameter_filters.clone(), Use::ByPath), page.start())
        else {
            return;
        };
        let rows = newest(view, below(view, self.path.trim(), self.recursive, start));
        let rows = rows.filter(|(row, version)| filter::matches(view, &filters, row, version));
        for (row, version) in rows.take(page.limit().map_or(Self::PAGE_LIMIT, |limit| limit.min(Self::PAGE_LIMIT))) {
            demand_open(view, demands, row, version);
        }
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetParametersByPathResult, ApiError> {
        let (view, outside) = (look.view, look.outside);
        let path = self.path.trim();
        name::check_path(path)?;
        let filters = filter::parse(self.parameter_filters.clone(), Use::ByPath)?;
        look.page.bound(Self::PAGE_LIMIT);
        if self.is_public() {
            let parameters = self.public(look, path, &filters)?;
            return Ok(GetParametersByPathResult { parameters });
        }
        let rows = newest(&view, below(&view, path, self.recursive, look.page.start()?));
        let rows = rows.filter(|(row, version)| filter::matches(&view, &filters, row, version));
        let rows = look.page.take(rows, |(row, _)| parameter_key(&row.name).to_owned())?;
        let shape = |(row, version): (&Parameter, &ParameterVersion)| {
            own(outside, &view, row, version, &row.name, self.with_decryption)
        };
        Ok(GetParametersByPathResult { parameters: rows.into_iter().map(shape).collect::<Result<_, _>>()? })
    }
}

impl GetParametersByPath {
    /// Whether the path is of public parameters.
    fn is_public(&self) -> bool {
        format!("{}/", self.path.trim().trim_end_matches('/')).starts_with(public::PREFIX)
    }

    fn public(
        &self,
        look: &mut Look<'_, '_>,
        path: &str,
        filters: &[filter::Filter],
    ) -> Result<Vec<ParameterShape>, ApiError> {
        let view = look.view;
        let start = format!("{}/", path.trim_end_matches('/'));
        let is_meant = |name: &str| {
            let rest = name.strip_prefix(&start);
            // They have neither key nor label, and are all strings.
            rest.is_some_and(|rest| self.recursive || !rest.contains('/'))
                && filters.iter().all(filter::Filter::takes_strings)
        };
        let rows = public::all(&view).into_values().filter(|row| is_meant(&row.name));
        let rows = look.page.take(rows, |row| row.name.clone())?;
        Ok(rows.iter().map(|row| of_image(&view, row)).collect())
    }
}

fn newest<'v>(
    view: &View<'v>,
    rows: impl Iterator<Item = &'v Parameter>,
) -> impl Iterator<Item = (&'v Parameter, &'v ParameterVersion)> {
    let view = *view;
    rows.filter_map(move |row| Some((row, parameter::newest(&view, row)?)))
}

/// The parameters below a path, from a key on, in the order of their keys. Where only the first level is meant, the
/// deeper ones are stepped over and not walked.
fn below<'v>(
    view: &View<'v>,
    path: &str,
    recursive: bool,
    start: Bound<String>,
) -> impl Iterator<Item = &'v Parameter> {
    let view = *view;
    let levels = path.trim_end_matches('/').to_owned();
    // At the root, names of one level have no slash, and all others begin with one.
    let prefix = if levels.is_empty() { String::new() } else { format!("{levels}/") };
    let mut next = match start {
        Bound::Unbounded => Bound::Included(prefix.clone()),
        given => given,
    };
    std::iter::from_fn(move || {
        loop {
            let row = view.from::<Parameters, String>(next.clone()).next()?;
            let key = parameter_key(&row.name);
            let rest = key.strip_prefix(prefix.as_str())?;
            if recursive || !rest.contains('/') {
                next = Bound::Excluded(key.to_owned());
                return Some(row);
            }
            // `0` is what comes after `/`.
            let (level, _) = rest.split_once('/')?;
            next = Bound::Included(format!("{prefix}{level}0"));
        }
    })
}
