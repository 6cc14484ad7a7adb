//! `iam/` of the metadata service: the instance's profile, and its role's credentials, which the agent lends this process
//! in memory. Forms and codes are those of AWS's user guides, "IAM roles for Amazon EC2" and "Troubleshoot IAM and Amazon
//! EC2".

use landfall_model::Timestamp;
use landfall_model::delivery::{ProfilePlan, RoleCredentials, RolePlan, SessionKey};

use super::directory::Caller;
use super::tree::{Entry, Folder, document, text};

/// How a guest asks: with a session's token or without. Each has credentials of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// By version 1, without a token.
    Plainly,
    /// By version 2, with one.
    WithToken,
}

/// The folder `iam`. There is none without a profile, and none until credentials that can be had are there: clients ask
/// again.
pub fn iam(caller: &Caller<'_>, asking: Asking) -> Option<Folder> {
    let profile = caller.instance.metadata.profile.as_ref()?;
    let mut credentials = Folder::default();
    let info = match &profile.role {
        RolePlan::NoProfile => {
            let message = format!("Instance Profile with arn {} not found.", profile.arn);
            info(profile, "InstanceProfileNotFound", Some(&message), profile.since)
        }
        RolePlan::NoRole => info(profile, "Success", Some("Instance Profile does not contain a role."), profile.since),
        RolePlan::Closed { name } => {
            credentials.put(name, Entry::Text(refusal(name, profile.since)));
            info(profile, "Success", None, profile.since)
        }
        RolePlan::Open { name, id } => {
            let lent = caller.credentials.filter(|lent| lent.role == *id)?;
            credentials.put(name, Entry::Text(key(lent, asking)));
            info(profile, "Success", None, lent.issued_at)
        }
    };
    let mut folder = Folder::default();
    folder.put("info", Entry::Text(info));
    if !credentials.is_empty() {
        folder.put("security-credentials", Entry::Folder(credentials));
    }
    Some(folder)
}

fn info(profile: &ProfilePlan, code: &str, message: Option<&str>, updated: Timestamp) -> String {
    let mut members = vec![("Code", text(code))];
    members.extend(message.map(|message| ("Message", text(message))));
    members.push(("LastUpdated", text(seconds(updated))));
    if code == "Success" {
        members.push(("InstanceProfileArn", text(profile.arn.as_str())));
        members.push(("InstanceProfileId", text(profile.id.as_str())));
    }
    document(&members)
}

fn refusal(name: &str, updated: Timestamp) -> String {
    document(&[
        ("Code", text("AssumeRoleUnauthorizedAccess")),
        ("Message", text(format!("EC2 cannot assume the role {name}."))),
        ("LastUpdated", text(seconds(updated))),
    ])
}

fn key(lent: &RoleCredentials, asking: Asking) -> String {
    let SessionKey { access_key, secret, token } = match asking {
        Asking::Plainly => &lent.v1,
        Asking::WithToken => &lent.v2,
    };
    document(&[
        ("Code", text("Success")),
        ("LastUpdated", text(seconds(lent.issued_at))),
        ("Type", text("AWS-HMAC")),
        ("AccessKeyId", text(access_key)),
        ("SecretAccessKey", text(&secret.0)),
        ("Token", text(&token.0)),
        ("Expiration", text(seconds(lent.expires_at))),
    ])
}

/// A time without its fraction.
fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default().trim_end_matches('Z'))
}
