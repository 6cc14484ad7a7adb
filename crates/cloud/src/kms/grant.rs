//! Grants: a key's owner lets somebody use it, besides the key's policy and until the grant is taken back.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_model::kms::{
    GrantConstraints, GrantOperation, Grantee, KmsGrant, KmsGrantId, KmsKey, KmsKeyId, SpecFamily,
};
use landfall_model::{AccountId, Arn, Principal, Scope, Scoped, UniqueId};

use super::fault::KmsFault;
use super::key::{check_stays, check_usable};
use crate::identity::role;
use crate::tx::Tx;
use crate::value::{Cloud, KmsGrants};
use crate::view::View;

/// Grants of a key. Source: the KMS Developer Guide, "Resource quotas".
const LIMIT: usize = 50_000;

/// What a grant is made of.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Its name.
    pub name: Option<String>,
    /// Who may use the key.
    pub grantee: Arn,
    /// Who else may retire the grant.
    pub retirer: Option<Arn>,
    /// For what.
    pub operations: Vec<GrantOperation>,
    /// Under which encryption contexts.
    pub constraints: Option<GrantConstraints>,
}

/// Makes a grant. The same request under the same name gives the grant that it gave before.
pub fn create(tx: &mut Tx<'_, '_>, key: &KmsKey, new: NewGrant) -> Result<KmsGrant, KmsFault> {
    check_usable(key)?;
    check_operations(key, &new)?;
    let grantee = somebody(tx, new.grantee)?;
    let retirer = new.retirer.map(|arn| somebody(tx, arn)).transpose()?;
    let mut operations = new.operations;
    operations.sort_unstable();
    operations.dedup();
    let created_at = tx.now();
    // The grant is its key's, and whoever makes it may be of another account.
    let issued_by = Arn::iam(tx.scope().account, "root");
    let entropy = tx.entropy();
    let id = KmsGrantId::from_random(entropy.next_u128(), entropy.next_u128());
    let constraints = new.constraints;
    let row = KmsGrant {
        scope: key.scope,
        key: key.id,
        id,
        name: new.name,
        grantee,
        retirer,
        operations,
        constraints,
        issued_by,
        created_at,
    };
    let same = |there: &&KmsGrant| {
        KmsGrant { id: row.id.clone(), created_at, ..(*there).clone() } == row && there.name.is_some()
    };
    let view = tx.view();
    if let Some(there) = of_grantee(view.tables(), key.key(), &row.grantee.word()).find(same) {
        return Ok(there.clone());
    }
    if tx.kms_grants.by_key.count(&key.id) >= LIMIT {
        return Err(KmsFault::Limit(format!("{} has {LIMIT} grants, which is the limit.", key.arn())));
    }
    tx.put::<KmsGrants>(row.clone());
    Ok(row)
}

/// The grants of a key, by id.
pub fn of_key<'a>(view: &View<'a>, key: &KmsKey) -> impl Iterator<Item = &'a KmsGrant> + use<'a> {
    let scope = key.scope;
    view.tables().kms_grants.by_key(&key.id).filter(move |row| row.scope == scope)
}

/// The grants of this region's keys, whosever they are, that somebody of this account may retire.
pub fn of_retirer<'a>(
    view: &View<'a>,
    retirer: &Arn,
) -> Result<impl Iterator<Item = &'a KmsGrant> + use<'a>, KmsFault> {
    let Scope { account, region } = view.scope();
    if retirer.account() != Some(account) {
        return Err(KmsFault::Arn(format!("{retirer} is no principal of account {account}.")));
    }
    // Whoever is called so today: not who had that name when a grant was made, and is gone.
    let word = somebody(view.tables(), retirer.clone()).map_or_else(|_| retirer.to_string(), |who| who.word());
    Ok(view.tables().kms_grants.by_retirer(&word).filter(move |row| row.scope.region == region))
}

/// Somebody whom a grant names, as he is shown today: by the name that he has now, and by the unique id once he is gone.
pub fn shown<'a>(view: &View<'_>, named: &'a Grantee) -> Cow<'a, str> {
    let Some(id) = &named.id else { return Cow::Borrowed(named.arn.as_str()) };
    match view.tables().principals.get(id).map(Principal::arn) {
        Some(arn) if arn == named.arn => Cow::Borrowed(named.arn.as_str()),
        Some(arn) => Cow::Owned(arn.to_string()),
        None => Cow::Borrowed(id.as_str()),
    }
}

/// The grants of a key to somebody of that word.
fn of_grantee<'a>(cloud: &'a Cloud, key: Scoped<KmsKeyId>, word: &str) -> impl Iterator<Item = &'a KmsGrant> + use<'a> {
    let of_key = cloud.kms_grants.by_grantee(&(key.id, word.to_owned()));
    of_key.filter(move |row| row.scope == key.scope)
}

/// Somebody who calls, by all words under which a grant may name them: a unique id, a session's ARN, the account.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The account.
    pub account: AccountId,
    /// The user's, role's or root's id.
    pub id: UniqueId,
    /// The caller's ARN.
    pub arn: String,
    /// The id of the account's root.
    pub root: UniqueId,
}

impl Holder {
    fn words(&self) -> [String; 3] {
        [self.id.to_string(), self.arn.clone(), self.root.to_string()]
    }
}

/// What is asked of a key's grants.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The key.
    pub key: Scoped<KmsKeyId>,
    /// The action, such as `Decrypt`.
    pub operation: &'static str,
    /// The encryption context, for actions that have one.
    pub context: Option<BTreeMap<String, String>>,
    /// The grant that is to be retired, where it is that.
    pub retires: Option<KmsGrantId>,
    /// What a grant that is to be made lets somebody do, where it is that.
    pub grants: Option<Wanted>,
}

/// What a grant that is to be made lets somebody do.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// For what.
    pub operations: Vec<GrantOperation>,
    /// Under which encryption contexts.
    pub constraints: Option<GrantConstraints>,
}

impl Wanted {
    /// Whether it lets nobody do more than another grant does: whoever was granted to grant passes on what he has at most.
    /// Source: the KMS Developer Guide, "Granting CreateGrant permission".
    fn is_within(&self, row: &KmsGrant) -> bool {
        use GrantConstraints::{Equals, Subset};
        let is_as_strict = match (&row.constraints, &self.constraints) {
            (None, _) => true,
            (Some(Equals(own)), Some(Equals(asked))) => own == asked,
            (Some(Subset(own)), Some(Equals(asked) | Subset(asked))) => {
                own.iter().all(|(key, value)| asked.get(key) == Some(value))
            }
            (Some(_), None) | (Some(Equals(_)), Some(Subset(_))) => false,
        };
        is_as_strict && self.operations.iter().all(|operation| row.operations.contains(operation))
    }
}

/// How a grant allows what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The word by which it names the caller.
    pub word: String,
    /// Whether it speaks for the caller's account, too, so that no policy there need allow the call: the key is that
    /// account's, the grant was made from there, or it is to be given back by somebody whom it names. A grant that another
    /// account made on its own key is worth what that key's policy is. Sources: the KMS Developer Guide, "Troubleshooting
    /// key access" (key trust: "a grant or IAM policy in your account") and "Retiring and revoking grants".
    pub is_trusted: bool,
}

/// The grant that allows a caller what is asked, if there is one: one that its account trusts before all others.
pub fn allowing(cloud: &Cloud, asked: &Asked, holder: &Holder) -> Option<Allowance> {
    let words = holder.words();
    if let Some(id) = &asked.retires {
        let row = cloud.kms_grants.get(&asked.key.scope.key(id.clone())).filter(|row| row.key == asked.key.id)?;
        let retirer = row.retirer.as_ref().map(Grantee::word);
        let grantee = Some(row.grantee.word()).filter(|_| row.operations.contains(&GrantOperation::RetireGrant));
        let word = words.into_iter().find(|word| [&retirer, &grantee].into_iter().flatten().any(|named| named == word));
        return word.map(|word| Allowance { word, is_trusted: true });
    }
    let allows = |row: &&KmsGrant| {
        let constraints = row.constraints.as_ref().zip(asked.context.as_ref());
        row.operations.iter().any(|operation| operation.to_string() == asked.operation)
            && constraints.is_none_or(|(constraints, context)| constraints.hold(context))
            && asked.grants.as_ref().is_none_or(|wanted| wanted.is_within(row))
    };
    let is_own = asked.key.scope.account == holder.account;
    let mut found = None;
    for word in words {
        for row in of_grantee(cloud, asked.key, &word).filter(allows) {
            if is_own || row.issued_by.account() == Some(holder.account) {
                return Some(Allowance { word, is_trusted: true });
            }
            found.get_or_insert_with(|| Allowance { word: word.clone(), is_trusted: false });
        }
    }
    found
}

/// A grant of a key, by its id.
pub fn need<'a>(view: &View<'a>, key: &KmsKey, id: &str) -> Result<&'a KmsGrant, KmsFault> {
    let missing = || KmsFault::NotFound(format!("Grant {id} was not found for {}.", key.arn()));
    let parsed: KmsGrantId = id.parse().map_err(|_| KmsFault::GrantId(format!("Invalid grant id {id}.")))?;
    let row = view.tables().kms_grants.get(&key.scope.key(parsed));
    row.filter(|row| row.key == key.id).ok_or_else(missing)
}

/// Takes a grant back.
pub fn delete(tx: &mut Tx<'_, '_>, key: &KmsKey, id: &KmsGrantId) -> Result<(), KmsFault> {
    check_stays(key)?;
    tx.delete::<KmsGrants>(&key.scope.key(id.clone()));
    Ok(())
}

/// The token of a grant: its row's key, spelt so that nobody takes it for something to read.
pub fn token(row: &KmsGrant) -> String {
    URL_SAFE_NO_PAD.encode(row.row_key().to_string())
}

/// The grant of a token.
pub fn of_token<'a>(view: &View<'a>, token: &str) -> Result<&'a KmsGrant, KmsFault> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let row = view.tables().kms_grants.get(&text.parse().ok()?)?;
        // Elsewhere its key isn't known, so nobody could ask its policy.
        (row.scope.region == view.scope().region).then_some(row)
    };
    read().ok_or_else(|| KmsFault::GrantToken("The grant token is not valid.".into()))
}

/// Somebody who is there.
fn somebody(cloud: &Cloud, arn: Arn) -> Result<Grantee, KmsFault> {
    if arn.as_str().starts_with("arn:aws:sts:") && arn.account().is_some_and(|id| cloud.accounts.contains(&id)) {
        return Ok(Grantee { arn, id: None });
    }
    let root = arn.account().filter(|_| arn.resource() == "root").map(UniqueId::root);
    let root = root.filter(|id| cloud.principals.contains(id));
    let id = root.or_else(|| role::by_arn(cloud, &arn).map(|row| row.id.clone()));
    match id {
        Some(id) => Ok(Grantee { arn, id: Some(id) }),
        None => Err(KmsFault::Arn(format!("ARN does not refer to a valid principal: {arn}"))),
    }
}

fn check_operations(key: &KmsKey, new: &NewGrant) -> Result<(), KmsFault> {
    use GrantOperation as G;
    let of_all = [G::CreateGrant, G::RetireGrant, G::DescribeKey];
    let of_kind: &[G] = match key.spec.family() {
        SpecFamily::Symmetric => &[
            G::Decrypt,
            G::Encrypt,
            G::GenerateDataKey,
            G::GenerateDataKeyWithoutPlaintext,
            G::ReEncryptFrom,
            G::ReEncryptTo,
            G::GenerateDataKeyPair,
            G::GenerateDataKeyPairWithoutPlaintext,
        ],
        SpecFamily::Hmac => &[G::GenerateMac, G::VerifyMac],
        SpecFamily::Rsa | SpecFamily::Ecc => &[
            G::Decrypt,
            G::Encrypt,
            G::ReEncryptFrom,
            G::ReEncryptTo,
            G::Sign,
            G::Verify,
            G::GetPublicKey,
            G::DeriveSharedSecret,
        ],
    };
    if new.operations.is_empty() {
        return Err(KmsFault::Validation("1 validation error detected: Value '[]' at 'operations' failed to satisfy constraint: Member must have length greater than or equal to 1".into()));
    }
    if let Some(odd) = new.operations.iter().find(|each| !of_all.contains(each) && !of_kind.contains(each)) {
        let message = format!("The operation {odd} is not supported by a key of {}.", key.spec);
        return Err(KmsFault::Validation(message));
    }
    if new.constraints.is_some() && key.spec.family() != SpecFamily::Symmetric {
        return Err(KmsFault::Validation("Encryption context constraints go with symmetric keys only.".into()));
    }
    Ok(())
}
