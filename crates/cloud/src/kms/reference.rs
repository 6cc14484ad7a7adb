//! The ways in which a key is called: its id, its ARN, an alias, an alias's ARN.

use landfall_model::kms::KmsKeyId;
use landfall_model::{AccountId, Arn, KmsKey, Region, Scope};

use super::fault::KmsFault;
use crate::value::Cloud;

/// A key as a request calls it. An ARN may name another account's: whether the caller may use it is for that key's policy
/// to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// By its id.
    Id(Scope, KmsKeyId),
    /// By an alias, whose name begins with `alias/`.
    Alias(Scope, String),
}

impl KeyRef {
    /// Reads one. Ids and names without an ARN are those of `scope`.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, KmsFault> {
        let invalid = || KmsFault::NotFound(format!("Invalid keyId '{text}'"));
        let (scope, resource) = match text.strip_prefix("arn:") {
            None => (scope, text),
            Some(rest) => {
                let mut fields = rest.splitn(5, ':');
                let mut next = || fields.next().unwrap_or_default();
                let (_, service, region, account, resource) = (next(), next(), next(), next(), next());
                let region: Region = region.parse().map_err(|_| KmsFault::Arn(format!("Invalid arn {text}")))?;
                let account: AccountId = account.parse().map_err(|_| KmsFault::Arn(format!("Invalid arn {text}")))?;
                if service != "kms" {
                    return Err(KmsFault::Arn(format!("Invalid arn {text}")));
                }
                if region != scope.region {
                    return Err(KmsFault::NotFound(format!("Invalid arn {region}")));
                }
                let resource = match resource.strip_prefix("key/") {
                    Some(id) => id,
                    None if resource.starts_with("alias/") => resource,
                    None => return Err(KmsFault::Arn(format!("Invalid arn {text}"))),
                };
                (Scope { account, region }, resource)
            }
        };
        if resource.starts_with("alias/") {
            return Ok(Self::Alias(scope, resource.to_owned()));
        }
        resource.parse().map(|id| Self::Id(scope, id)).map_err(|_| invalid())
    }

    /// The key, if there is one.
    pub fn find<'a>(&self, cloud: &'a Cloud) -> Option<&'a KmsKey> {
        match self {
            Self::Id(scope, id) => cloud.kms_keys.get(&scope.key(*id)),
            Self::Alias(scope, name) => {
                let alias = cloud.kms_aliases.get(&scope.key(name.clone()))?;
                cloud.kms_keys.get(&scope.key(alias.target))
            }
        }
    }

    /// The key, or that there is none.
    pub fn need<'a>(&self, cloud: &'a Cloud) -> Result<&'a KmsKey, KmsFault> {
        self.find(cloud).ok_or_else(|| self.missing())
    }

    /// That there is none.
    pub fn missing(&self) -> KmsFault {
        KmsFault::NotFound(match self {
            Self::Id(..) => format!("Key '{}' does not exist", self.arn()),
            Self::Alias(..) => format!("Alias {} is not found.", self.arn()),
        })
    }

    /// What it calls the key, as an ARN.
    pub fn arn(&self) -> Arn {
        match self {
            Self::Id(scope, id) => Arn::new("kms", *scope, format_args!("key/{id}")),
            Self::Alias(scope, name) => Arn::new("kms", *scope, name),
        }
    }

    /// Whose key it calls.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Id(scope, _) | Self::Alias(scope, _) => *scope,
        }
    }

    /// The alias by which it calls the key, if by one.
    pub fn alias(&self) -> Option<&str> {
        match self {
            Self::Id(..) => None,
            Self::Alias(_, name) => Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_called_in_four_ways() {
        let scope = Scope { account: AccountId::new(111_122_223_333).unwrap(), region: Region::DEFAULT };
        let other = Scope { account: AccountId::new(444_455_556_666).unwrap(), ..scope };
        let id = KmsKeyId::from_random(5);
        let parse = |text: &str| KeyRef::parse(text, scope);
        assert_eq!(parse(&id.to_string()), Ok(KeyRef::Id(scope, id)));
        assert_eq!(parse("alias/a/b"), Ok(KeyRef::Alias(scope, "alias/a/b".into())));
        for reference in [KeyRef::Id(other, id), KeyRef::Alias(other, "alias/x".into())] {
            assert_eq!(parse(reference.arn().as_str()), Ok(reference));
        }
        for bad in [
            "",
            "x",
            "arn:aws:kms",
            "arn:aws:ec2:us-east-1:111122223333:key/x",
            "arn:aws:kms:eu-west-1:111122223333:alias/x",
            "arn:aws:kms:us-east-1:111122223333:thing/x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
