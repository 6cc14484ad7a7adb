//! Images.

use crate::harness::{ACCOUNT, Case, IMAGE, IMAGE_ALIAS, World, at, column, find, nothing};

/// The cases of images.
pub const CASES: &[Case] = &[Case::ec2(
    "DescribeImages",
    nothing,
    &[
        (&[("ImageId.1", "ami-1")], "InvalidAMIID.Malformed"),
        (&[("ImageId.1", "ami-00000000000000000")], "InvalidAMIID.NotFound"),
        (&[("Owner.1", "nobody")], "InvalidUserID.Malformed"),
        (&[("Filter.1.Name", "image-allowed"), ("Filter.1.Value.1", "true")], "UnsupportedOperation"),
    ],
)];

fn images(parameters: &[(&str, &str)]) -> Vec<String> {
    let world = World::new();
    let shown = world.root().ok("DescribeImages", parameters);
    column(&shown, "imagesSet", "imageId").into_iter().map(str::to_owned).collect()
}

#[test]
fn owners_and_names_find_images() {
    let both = [IMAGE, IMAGE_ALIAS];
    assert_eq!(images(&[]), both);
    assert_eq!(images(&[("Owner.1", "amazon")]), both);
    assert_eq!(images(&[("Owner.1", "136693071363")]), [IMAGE]);
    assert_eq!(images(&[("Owner.1", "self")]), [""; 0]);
    assert_eq!(images(&[("Owner.1", ACCOUNT), ("Owner.2", "137112412989")]), [IMAGE_ALIAS]);
    assert_eq!(images(&[("Owner.1", "aws-marketplace")]), [""; 0]);
    assert_eq!(images(&[("ImageId.1", IMAGE_ALIAS)]), [IMAGE_ALIAS]);
    assert_eq!(images(&[("ExecutableBy.1", "all")]), both);
    assert_eq!(images(&[("ExecutableBy.1", "self")]), [""; 0]);
    assert_eq!(images(&[("IncludeDeprecated", "true"), ("IncludeDisabled", "true")]), both);
}

#[test]
fn filters_select_images() {
    for (name, value, expected) in [
        ("name", "debian-12-amd64-*", &[IMAGE][..]),
        ("name", "al2023-ami-2023.*-x86_64", &[IMAGE_ALIAS]),
        ("architecture", "x86_64", &[IMAGE, IMAGE_ALIAS]),
        ("architecture", "arm64", &[]),
        ("owner-alias", "amazon", &[IMAGE, IMAGE_ALIAS]),
        ("owner-id", "137112412989", &[IMAGE_ALIAS]),
        ("virtualization-type", "hvm", &[IMAGE, IMAGE_ALIAS]),
        ("root-device-type", "ebs", &[IMAGE, IMAGE_ALIAS]),
        ("root-device-name", "/dev/xvda", &[IMAGE, IMAGE_ALIAS]),
        ("state", "available", &[IMAGE, IMAGE_ALIAS]),
        ("is-public", "true", &[IMAGE, IMAGE_ALIAS]),
        ("is-public", "false", &[]),
        ("image-type", "machine", &[IMAGE, IMAGE_ALIAS]),
        ("image-id", IMAGE, &[IMAGE]),
        ("ena-support", "true", &[IMAGE, IMAGE_ALIAS]),
        ("creation-date", "2026-11-*", &[IMAGE, IMAGE_ALIAS]),
        ("block-device-mapping.volume-type", "gp3", &[IMAGE, IMAGE_ALIAS]),
        ("block-device-mapping.volume-size", "8", &[IMAGE, IMAGE_ALIAS]),
        ("platform", "windows", &[]),
        ("kernel-id", "*", &[]),
        ("description", "Debian*", &[IMAGE, IMAGE_ALIAS]),
    ] {
        let found = images(&[("Filter.1.Name", name), ("Filter.1.Value.1", value)]);
        assert_eq!(found, expected, "{name}={value}");
    }
}

#[test]
fn an_image_says_what_a_launch_needs() {
    let world = World::new();
    let shown = world.root().ok("DescribeImages", &[("ImageId.1", IMAGE)]);
    assert_eq!(at(&shown, "imagesSet.0.blockDeviceMapping.0.deviceName"), at(&shown, "imagesSet.0.rootDeviceName"));
    assert_eq!(at(&shown, "imagesSet.0.creationDate"), "2026-11-21T10:00:00.000Z");
    assert!(find(&shown, "imagesSet.0.imdsSupport").is_none());
}
