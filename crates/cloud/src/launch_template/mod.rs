//! Launch templates: their versions and numbers, which one a launch takes, and what a launch from one comes to.

mod merge;

use landfall_model::launch_template::{LaunchParameters, LaunchTemplate, LaunchTemplateVersion};
use landfall_model::{DepartedTemplate, LaunchTemplateId, Scoped};

pub use merge::{inherit, overlay};

use crate::fault::{Fault, QuotaKind};
use crate::tag;
use crate::tx::Tx;
use crate::value::{DepartedTemplates, LaunchTemplateVersions, LaunchTemplates};
use crate::view::View;

const NAME_CHARS: std::ops::RangeInclusive<usize> = 3..=128;
const DESCRIPTION_CHARS: usize = 255;
/// How many versions go with their template at once; as many as a call may name. Source: the EC2 API Reference,
/// DeleteLaunchTemplateVersions.
const AT_ONCE: usize = 200;

/// A template as it is called: EC2 takes either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateName {
    /// By its id.
    Id(LaunchTemplateId),
    /// By its name.
    Name(String),
}

/// A version as it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionName {
    /// The one that launches take unless they say another.
    Default,
    /// The newest.
    Latest,
    /// The one of that number.
    Number(u64),
}

/// A version that is to be made.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// What it is for.
    pub description: Option<String>,
    /// What it says of a launch.
    pub data: LaunchParameters,
    /// Who makes it, by ARN.
    pub created_by: String,
}

/// Why a version can't be deleted, for calls that go on with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeleted {
    /// There is none.
    Absent,
    /// Launches take it.
    Default,
}

/// Makes a template with its first version.
pub fn create(tx: &mut Tx<'_, '_>, name: String, first: NewVersion) -> Result<LaunchTemplateId, Fault> {
    check_name(&name)?;
    let (scope, limit) = (tx.scope(), tx.quotas().launch_templates);
    if tx.view().launch_template_of(&name).is_some() {
        return Err(Fault::Taken {
            code: "InvalidLaunchTemplateName.AlreadyExistsException",
            message: "Launch template name already in use.".into(),
        });
    }
    if tx.launch_templates.by_scope.count(&scope) >= limit as usize {
        return Err(Fault::Quota(QuotaKind::Of("LaunchTemplateLimitExceeded", "launch templates"), u64::from(limit)));
    }
    let (id, now) = (tx.new_id(), tx.now());
    let row = LaunchTemplate {
        scope,
        id,
        name,
        created_at: now,
        created_by: first.created_by.clone(),
        default_version: 1,
        latest_version: 0,
        last_number: 0,
        versions: 0,
    };
    push(tx, row, first)?;
    Ok(id)
}

/// Makes a further version, from another one perhaps. Its number.
pub fn create_version(
    tx: &mut Tx<'_, '_>,
    template: &TemplateName,
    source: Option<VersionName>,
    mut new: NewVersion,
) -> Result<(LaunchTemplateId, u64), Fault> {
    let view = tx.view();
    let row = view.need_launch_template(template)?.clone();
    let limit = tx.quotas().versions_per_launch_template;
    if row.versions >= limit {
        let what = QuotaKind::Of("VersionLimitExceeded", "versions of a launch template");
        return Err(Fault::Quota(what, u64::from(limit)));
    }
    if let Some(source) = source {
        new.data = inherit(view.launch_template_version(&row, source)?.data.clone(), new.data);
    }
    let id = row.id;
    Ok((id, push(tx, row, new)?))
}

/// Makes a version the one that launches take unless they say another.
pub fn set_default(
    tx: &mut Tx<'_, '_>,
    template: &TemplateName,
    version: VersionName,
) -> Result<LaunchTemplateId, Fault> {
    let view = tx.view();
    let mut row = view.need_launch_template(template)?.clone();
    row.default_version = view.launch_template_version(&row, version)?.number;
    let id = row.id;
    tx.put::<LaunchTemplates>(row);
    Ok(id)
}

/// Deletes a template with all its versions, of which those beyond a batch go afterwards. The template as it was.
pub fn delete(tx: &mut Tx<'_, '_>, template: &TemplateName) -> Result<LaunchTemplate, Fault> {
    let row = tx.view().need_launch_template(template)?.clone();
    tx.delete::<LaunchTemplates>(&row.key());
    tag::forget(tx, &row.id.to_string());
    if end_versions(tx, row.id, AT_ONCE) {
        tx.put::<DepartedTemplates>(DepartedTemplate { scope: row.scope, id: row.id });
    }
    Ok(row)
}

/// Deletes versions of a template that is gone, so that one transaction has no more of them than that. Returns whether
/// there may be more.
fn end_versions(tx: &mut Tx<'_, '_>, id: LaunchTemplateId, most: usize) -> bool {
    let keys: Vec<_> = tx.view().launch_template_versions(id).take(most).map(LaunchTemplateVersion::key).collect();
    keys.iter().for_each(|key| _ = tx.delete::<LaunchTemplateVersions>(key));
    keys.len() == most
}

/// Deletes a batch of the versions of a template that is gone. Returns whether there may be more to do.
pub(crate) fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let Some(row) = tx.departed_templates.due_until(until).next().cloned() else { return false };
    let mut tx = tx.scoped(row.scope);
    if !end_versions(&mut tx, row.id, most) {
        tx.delete::<DepartedTemplates>(&row.key());
    }
    true
}

/// Deletes versions, each by itself: why it couldn't be, where it couldn't.
pub fn delete_versions(tx: &mut Tx<'_, '_>, mut row: LaunchTemplate, numbers: &[u64]) -> Vec<(u64, Option<Undeleted>)> {
    let mut results = Vec::with_capacity(numbers.len());
    for &number in numbers {
        let key = version_key(&row, number);
        let refused = if !tx.launch_template_versions.contains(&key) {
            Some(Undeleted::Absent)
        } else if number == row.default_version {
            Some(Undeleted::Default)
        } else {
            tx.delete::<LaunchTemplateVersions>(&key);
            row.versions -= 1;
            None
        };
        results.push((number, refused));
    }
    if results.iter().any(|(_, refused)| refused.is_none()) {
        let newest = tx.view().launch_template_versions(row.id).next().map(|version| version.number);
        row.latest_version = newest.unwrap_or(row.default_version);
        tx.put::<LaunchTemplates>(row);
    }
    results
}

/// The most bytes of a version's parameters: user data in base64 is a third of it.
const DATA_BYTES: usize = 64 * 1024;

fn push(tx: &mut Tx<'_, '_>, mut row: LaunchTemplate, new: NewVersion) -> Result<u64, Fault> {
    if new.description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS) {
        let why = format!("A description has up to {DESCRIPTION_CHARS} characters.");
        let value = new.description.unwrap_or_default().chars().take(DESCRIPTION_CHARS).collect();
        return Err(Fault::Invalid { name: "versionDescription", value, why });
    }
    let bytes = serde_json::to_string(&new.data).map_or(usize::MAX, |text| text.len());
    if bytes > DATA_BYTES {
        let why = format!("Launch template data has up to {DATA_BYTES} bytes.");
        return Err(Fault::Invalid { name: "launchTemplateData", value: format!("{bytes} bytes"), why });
    }
    row.last_number += 1;
    row.latest_version = row.last_number;
    row.versions += 1;
    let now = tx.now();
    tx.put::<LaunchTemplateVersions>(LaunchTemplateVersion {
        scope: row.scope,
        template: row.id,
        number: row.last_number,
        description: new.description.filter(|text| !text.is_empty()),
        created_at: now,
        created_by: new.created_by,
        data: new.data,
    });
    let number = row.last_number;
    tx.put::<LaunchTemplates>(row);
    Ok(number)
}

fn version_key(row: &LaunchTemplate, number: u64) -> Scoped<String> {
    row.scope.key(LaunchTemplateVersion::place(row.id, number))
}

/// Source: the EC2 API Reference, CreateLaunchTemplate, the pattern and lengths of LaunchTemplateName.
fn check_name(name: &str) -> Result<(), Fault> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"().-/_".contains(&byte));
    if is_plain && NAME_CHARS.contains(&name.len()) {
        return Ok(());
    }
    Err(Fault::Taken {
        code: "InvalidLaunchTemplateName.MalformedException",
        message: "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: ( ) . - / _.".into(),
    })
}

impl<'a> View<'a> {
    /// The template of that name.
    pub fn launch_template_of(&self, name: &str) -> Option<&'a LaunchTemplate> {
        self.tables().launch_templates.by_name(&self.scope().key(name.to_owned())).next()
    }

    /// The template that is called so, if this scope has it.
    pub fn launch_template(&self, template: &TemplateName) -> Option<&'a LaunchTemplate> {
        match template {
            TemplateName::Id(id) => self.find::<LaunchTemplates, _>(*id),
            TemplateName::Name(name) => self.launch_template_of(name),
        }
    }

    /// The template that is called so, or that there is none.
    pub fn need_launch_template(&self, template: &TemplateName) -> Result<&'a LaunchTemplate, Fault> {
        self.launch_template(template).ok_or_else(|| match template {
            TemplateName::Id(id) => Fault::no_such(*id),
            TemplateName::Name(name) => Fault::NoSuch {
                code: "InvalidLaunchTemplateName.NotFoundException",
                noun: "launch template",
                id: name.clone(),
            },
        })
    }

    /// The versions of a template, from the newest.
    pub fn launch_template_versions(
        &self,
        template: LaunchTemplateId,
    ) -> impl Iterator<Item = &'a LaunchTemplateVersion> + use<'a> {
        let newest = LaunchTemplateVersion::place(template, u64::MAX);
        let rows = self.from::<LaunchTemplateVersions, String>(std::ops::Bound::Included(newest));
        rows.take_while(move |row| row.template == template)
    }

    /// The version of a template that is called so.
    pub fn launch_template_version(
        &self,
        template: &LaunchTemplate,
        version: VersionName,
    ) -> Result<&'a LaunchTemplateVersion, Fault> {
        let number = match version {
            VersionName::Default => template.default_version,
            VersionName::Latest => template.latest_version,
            VersionName::Number(number) => number,
        };
        let found = self.find::<LaunchTemplateVersions, _>(LaunchTemplateVersion::place(template.id, number));
        found.ok_or_else(|| Fault::NoSuch {
            code: "InvalidLaunchTemplateId.VersionNotFound",
            noun: "specified version",
            id: format!("{number} for the launch template with ID {}", template.id),
        })
    }
}
