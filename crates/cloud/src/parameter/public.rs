//! Public parameters: names by which people look up the newest image of a kind, as AWS, Debian and Canonical publish
//! them. None is kept: each follows from the names of the images that there are, so that none can be out of date, and none
//! names an image that isn't there.
//!
//! Sources: "Calling AMI public parameters" in the Systems Manager User Guide; the Debian wiki, "Cloud/AmazonEC2Image";
//! Canonical's "Find Ubuntu images on AWS".

use std::collections::BTreeMap;

use landfall_model::image::ImageName;
use landfall_model::{Arn, Image, ImageId, Scope, Timestamp};

use super::put::{IMAGE, TEXT};
use crate::view::View;

/// What all their names begin with.
pub const PREFIX: &str = "/aws/service/";

/// A public parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicParameter {
    /// Its name.
    pub name: String,
    /// The image.
    pub image: ImageId,
    /// The image's name, which ends in its day.
    image_name: String,
    /// What its value is.
    pub data_type: &'static str,
    /// How many images have gone by it.
    pub version: u64,
    /// When the image was made.
    pub modified_at: Timestamp,
}

impl PublicParameter {
    /// Its ARN, which has no account.
    pub fn arn(&self, scope: Scope) -> String {
        arn(scope, &self.name)
    }
}

/// The ARN of a public parameter of that name.
pub fn arn(scope: Scope, name: &str) -> String {
    let own = Arn::new("ssm", scope, format_args!("parameter{name}")).to_string();
    own.replacen(&format!(":{}:", scope.account), "::", 1)
}

/// All of them, by name.
pub fn all(view: &View<'_>) -> BTreeMap<String, PublicParameter> {
    let mut found: BTreeMap<String, PublicParameter> = BTreeMap::new();
    for image in view.tables().images.iter() {
        for own in &image.names {
            for (name, data_type) in names(&own.name, &image.architecture) {
                add(&mut found, name, data_type, image, own);
            }
        }
    }
    found
}

/// The one of that name.
pub fn find(view: &View<'_>, name: &str) -> Option<PublicParameter> {
    if name.starts_with(PREFIX) { all(view).remove(name) } else { None }
}

fn add(
    found: &mut BTreeMap<String, PublicParameter>,
    name: String,
    data_type: &'static str,
    image: &Image,
    own: &ImageName,
) {
    let modified_at = image.created_at;
    let image_name = own.name.clone();
    let new = PublicParameter { name: name.clone(), image: own.id, image_name, data_type, version: 1, modified_at };
    match found.get_mut(&name) {
        None => {
            found.insert(name, new);
        }
        // The newest image counts; of two of the same moment, the one of the later day.
        Some(old) => {
            let version = old.version + 1;
            if (old.modified_at, &old.image_name) < (new.modified_at, &new.image_name) {
                *old = new;
            }
            old.version = version;
        }
    }
}

/// The public parameters that an image of that name stands for, each with what its value is.
fn names(image: &str, architecture: &str) -> Vec<(String, &'static str)> {
    debian(image)
        .or_else(|| ubuntu(image))
        .or_else(|| amazon(image, architecture))
        .unwrap_or_default()
        .into_iter()
        .map(|(name, data_type)| (format!("{PREFIX}{name}"), data_type))
        .collect()
}

/// `debian-12-amd64-20261101-1`.
fn debian(image: &str) -> Option<Vec<(String, &'static str)>> {
    let mut parts = image.strip_prefix("debian-")?.splitn(3, '-');
    let (release, architecture, serial) = (parts.next()?, parts.next()?, parts.next()?);
    if !is_number(release) || !serial.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let of = |which: &str| (format!("debian/release/{release}/{which}/{architecture}"), IMAGE);
    Some(vec![of("latest"), of(serial)])
}

/// `ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20261008`, and the same under `hvm-ssd-gp3`.
fn ubuntu(image: &str) -> Option<Vec<(String, &'static str)>> {
    let (store, rest) = image.strip_prefix("ubuntu/images/")?.split_once('/')?;
    let store = match store {
        "hvm-ssd" => "ebs-gp2",
        "hvm-ssd-gp3" => "ebs-gp3",
        _ => return None,
    };
    let mut parts = rest.strip_prefix("ubuntu-")?.splitn(5, '-');
    let (codename, release, architecture) = (parts.next()?, parts.next()?, parts.next()?);
    let (product, serial) = (parts.next()?, parts.next()?);
    let of = |release: &str, which: &str| {
        (format!("canonical/ubuntu/{product}/{release}/stable/{which}/{architecture}/hvm/{store}/ami-id"), IMAGE)
    };
    Some(vec![of(release, "current"), of(release, serial), of(codename, "current"), of(codename, serial)])
}

/// `al2023-ami-2023.9.20261027.0-kernel-6.1-x86_64`, its `minimal` kin, and
/// `amzn2-ami-kernel-5.10-hvm-2.0.20261020.0-x86_64-gp2`.
fn amazon(image: &str, architecture: &str) -> Option<Vec<(String, &'static str)>> {
    let of = |name: String| (format!("ami-amazon-linux-latest/{name}"), TEXT);
    if let Some(rest) = image.strip_prefix("al2023-ami-") {
        let (minimal, rest) = match rest.strip_prefix("minimal-") {
            Some(rest) => ("minimal-", rest),
            None => ("", rest),
        };
        let (_, kernel) = rest.strip_suffix(architecture)?.strip_suffix('-')?.split_once("-kernel-")?;
        let mut found = vec![of(format!("al2023-ami-{minimal}kernel-{kernel}-{architecture}"))];
        // The default is the first kernel that the release came with.
        if kernel == "6.1" {
            found.push(of(format!("al2023-ami-{minimal}kernel-default-{architecture}")));
        }
        return Some(found);
    }
    // The version stands between `hvm` and the architecture, and is left out.
    let (start, rest) = image.strip_prefix("amzn2-ami-")?.split_once("hvm-")?;
    let (_, rest) = rest.split_once('-')?;
    Some(vec![of(format!("amzn2-ami-{start}hvm-{rest}"))])
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_go_by_the_names_that_their_makers_publish() {
        let of = |image: &str| names(image, "x86_64").into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(
            of("debian-12-amd64-20261101-1"),
            ["/aws/service/debian/release/12/latest/amd64", "/aws/service/debian/release/12/20261101-1/amd64"]
        );
        assert_eq!(
            of("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261008")[0],
            "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
        );
        assert_eq!(
            of("al2023-ami-2023.9.20261027.0-kernel-6.1-x86_64"),
            [
                "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64",
                "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
            ]
        );
        assert_eq!(
            of("al2023-ami-minimal-2023.9.20261027.0-kernel-6.12-x86_64"),
            ["/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-6.12-x86_64"]
        );
        assert_eq!(
            of("amzn2-ami-kernel-5.10-hvm-2.0.20261020.0-x86_64-gp2"),
            ["/aws/service/ami-amazon-linux-latest/amzn2-ami-kernel-5.10-hvm-x86_64-gp2"]
        );
        assert_eq!(
            of("amzn2-ami-hvm-2.0.20261020.0-x86_64-gp2"),
            ["/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"]
        );
        for other in ["tiny", "debian-sid-amd64-1", "ubuntu/images/x/y", "al2023-ami-x", "amzn2-ami-hvm-"] {
            assert!(of(other).is_empty(), "{other}");
        }
    }
}
