//! What is known of a request beside who asks for what: condition keys and their values.

use crate::principal::PrincipalRef;

/// Condition keys (`aws:SourceIp`, `ec2:InstanceType`, `aws:ResourceTag/team`) with one or many values.
///
/// Keys are case-insensitive, tag keys included, as AWS documents. A key with no values is there but null: the
/// operator `Null` sees it as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Sorted by key, which is in lower case.
    entries: Vec<(Box<str>, Values)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Context {
    /// A context that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with room for so many keys.
    pub fn with_capacity(keys: usize) -> Self {
        Self { entries: Vec::with_capacity(keys) }
    }

    /// The same with `key` having one value; what it had before is replaced.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, value);
        self
    }

    /// The same with `key` having these values; what it had before is replaced.
    #[must_use]
    pub fn with_many<V: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.set_many(key, values);
        self
    }

    /// The same with the keys that follow from who asks: `aws:PrincipalArn`, `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `aws:userid`, `aws:username`, `aws:PrincipalIsAWSService`, each present only where AWS's
    /// table of principal key values has it.
    #[must_use]
    pub fn with_principal(mut self, principal: &PrincipalRef<'_>) -> Self {
        principal.describe(&mut self);
        self
    }

    /// Gives `key` one value, in place.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.put(key, Values::One(value.into()));
    }

    /// Gives `key` these values, in place.
    pub fn set_many<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        self.put(key, Values::Many(values.into_iter().map(Into::into).collect()));
    }

    /// Takes what another one knows of those keys that this one hasn't.
    pub fn complete(&mut self, other: Context) {
        if self.entries.is_empty() {
            *self = other;
            return;
        }
        self.entries.reserve(other.entries.len());
        for (key, values) in other.entries {
            if let Err(at) = self.entries.binary_search_by(|(have, _)| have.cmp(&key)) {
                self.entries.insert(at, (key, values));
            }
        }
    }

    /// The values of `key`; `None` when it is absent.
    pub fn values(&self, key: &str) -> Option<&[String]> {
        self.values_of_lower(&key.to_ascii_lowercase())
    }

    /// All keys, in lower case and in order, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(key, values)| (&**key, values.as_slice()))
    }

    /// The values of a key that is in lower case already, as compiled policies have them.
    pub(crate) fn values_of_lower(&self, key: &str) -> Option<&[String]> {
        let at = self.entries.binary_search_by(|(have, _)| (**have).cmp(key)).ok()?;
        Some(self.entries[at].1.as_slice())
    }

    /// The value of a key that has exactly one; others can't stand in for a policy variable.
    pub(crate) fn single(&self, lower_key: &str) -> Option<&str> {
        match self.values_of_lower(lower_key)? {
            [value] => Some(value),
            _ => None,
        }
    }

    fn put(&mut self, key: &str, values: Values) {
        let key = key.to_ascii_lowercase().into_boxed_str();
        match self.entries.binary_search_by(|(have, _)| have.cmp(&key)) {
            Ok(at) => self.entries[at].1 = values,
            Err(at) => self.entries.insert(at, (key, values)),
        }
    }
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_case_insensitive_and_the_last_value_stays() {
        let context = Context::new().with("aws:SourceIp", "10.0.0.1").with("AWS:sourceIP", "10.0.0.2");
        assert_eq!(context.values("aws:sourceip"), Some(&["10.0.0.2".to_owned()][..]));
        assert_eq!(context.values("aws:SourceVpc"), None);
        let context = context.with_many("aws:TagKeys", ["a", "b"]);
        assert_eq!(context.single("aws:tagkeys"), None);
        assert_eq!(context.single("aws:sourceip"), Some("10.0.0.2"));
        assert_eq!(context.with_many("k", Vec::<String>::new()).values("K"), Some(&[][..]));
    }

    #[test]
    fn what_is_known_already_stays() {
        let other = Context::new().with("b", "2").with("A", "1").with("d", "4");
        let mut context = Context::new().with("B", "own").with("c", "3");
        context.complete(other.clone());
        let wanted = Context::new().with("a", "1").with("b", "own").with("c", "3").with("d", "4");
        assert_eq!(context, wanted);
        let mut none = Context::new();
        none.complete(other.clone());
        assert_eq!(none, other);
    }
}
