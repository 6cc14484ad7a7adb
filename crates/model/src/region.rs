//! Regions and their zones. The names are AWS's own, because its tools refuse others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A region: an index into the table of those that AWS's tools know. One byte, ordered by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(u8);

/// Name, short form in zone ids, partition. Sorted by name. Source: AWS's "Regions and Availability Zones" pages and the
/// endpoint data of its SDKs.
const TABLE: &[(&str, &str, &str)] = &[
    ("af-south-1", "afs1", "aws"),
    ("ap-east-1", "ape1", "aws"),
    ("ap-east-2", "ape2", "aws"),
    ("ap-northeast-1", "apne1", "aws"),
    ("ap-northeast-2", "apne2", "aws"),
    ("ap-northeast-3", "apne3", "aws"),
    ("ap-south-1", "aps1", "aws"),
    ("ap-south-2", "aps2", "aws"),
    ("ap-southeast-1", "apse1", "aws"),
    ("ap-southeast-2", "apse2", "aws"),
    ("ap-southeast-3", "apse3", "aws"),
    ("ap-southeast-4", "apse4", "aws"),
    ("ap-southeast-5", "apse5", "aws"),
    ("ap-southeast-6", "apse6", "aws"),
    ("ap-southeast-7", "apse7", "aws"),
    ("ca-central-1", "cac1", "aws"),
    ("ca-west-1", "caw1", "aws"),
    ("cn-north-1", "cnn1", "aws-cn"),
    ("cn-northwest-1", "cnnw1", "aws-cn"),
    ("eu-central-1", "euc1", "aws"),
    ("eu-central-2", "euc2", "aws"),
    ("eu-north-1", "eun1", "aws"),
    ("eu-south-1", "eus1", "aws"),
    ("eu-south-2", "eus2", "aws"),
    ("eu-west-1", "euw1", "aws"),
    ("eu-west-2", "euw2", "aws"),
    ("eu-west-3", "euw3", "aws"),
    ("il-central-1", "ilc1", "aws"),
    ("me-central-1", "mec1", "aws"),
    ("me-south-1", "mes1", "aws"),
    ("mx-central-1", "mxc1", "aws"),
    ("sa-east-1", "sae1", "aws"),
    ("us-east-1", "use1", "aws"),
    ("us-east-2", "use2", "aws"),
    ("us-gov-east-1", "usge1", "aws-us-gov"),
    ("us-gov-west-1", "usgw1", "aws-us-gov"),
    ("us-west-1", "usw1", "aws"),
    ("us-west-2", "usw2", "aws"),
];

/// How many zones a region has: as many as people's stacks spread over.
pub const ZONES: u8 = 3;

/// A region that AWS's tools would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no region that AWS's tools accept")]
pub struct UnknownRegion(String);

impl Region {
    /// The region that a cloud has unless another is asked for.
    pub const DEFAULT: Region = Region(32);

    /// All regions, by name.
    pub fn all() -> impl Iterator<Item = Region> {
        (0..TABLE.len() as u8).map(Region)
    }

    fn row(self) -> &'static (&'static str, &'static str, &'static str) {
        &TABLE[usize::from(self.0)]
    }

    /// The name, such as `us-east-1`.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The ARN partition, such as `aws`.
    pub fn partition(self) -> &'static str {
        self.row().2
    }

    /// Its zones, `a` first.
    pub fn zones(self) -> impl Iterator<Item = ZoneName> {
        (0..ZONES).map(move |index| ZoneName { region: self, index })
    }

    /// The domain of private names: `ec2.internal` in us-east-1, `<region>.compute.internal` elsewhere.
    pub fn internal_domain(self) -> String {
        if self.name() == "us-east-1" { "ec2.internal".into() } else { format!("{}.compute.internal", self.name()) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;
    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        match TABLE.binary_search_by(|row| row.0.cmp(text)) {
            Ok(index) => Ok(Region(index as u8)),
            Err(_) => Err(UnknownRegion(text.chars().take(64).collect())),
        }
    }
}

/// A zone of a region, such as `us-east-1a`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneName {
    /// The region.
    pub region: Region,
    /// 0 for `a`, 1 for `b` …
    pub index: u8,
}

impl ZoneName {
    /// The id that is the same for all accounts, such as `use1-az1`.
    pub fn zone_id(self) -> String {
        format!("{}-az{}", self.region.row().1, self.index + 1)
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.region, char::from(b'a' + self.index))
    }
}

impl fmt::Debug for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ZoneName {
    type Err = UnknownRegion;
    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        let unknown = || UnknownRegion(text.chars().take(64).collect());
        let letter = text.chars().next_back().filter(char::is_ascii_lowercase).ok_or_else(unknown)?;
        let region = text[..text.len() - 1].parse()?;
        let index = letter as u8 - b'a';
        if index < ZONES { Ok(ZoneName { region, index }) } else { Err(unknown()) }
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for ZoneName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.region.name().as_bytes();
        let mut text = [0; 32];
        text[..name.len()].copy_from_slice(name);
        text[name.len()] = b'a' + self.index;
        serializer.serialize_str(std::str::from_utf8(&text[..=name.len()]).unwrap_or_default())
    }
}

macro_rules! from_text {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
from_text!(Region, ZoneName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_reads_back() {
        assert!(TABLE.is_sorted());
        for region in Region::all() {
            assert_eq!(region.name().parse(), Ok(region));
            for zone in region.zones() {
                assert_eq!(zone.to_string().parse(), Ok(zone));
            }
        }
        assert_eq!(Region::DEFAULT.name(), "us-east-1");
    }

    #[test]
    fn zones_have_ids() {
        assert_eq!("us-east-1a".parse::<ZoneName>().unwrap().zone_id(), "use1-az1");
        for bad in ["us-east-1", "us-east-1z", "é", "", "a"] {
            assert!(bad.parse::<ZoneName>().is_err(), "{bad}");
        }
    }
}
