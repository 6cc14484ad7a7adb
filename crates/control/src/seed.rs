//! What every cloud starts with: its settings, its account with a root key, its hosts, its images. Idempotent: a start
//! runs it over what is there, and changes only what the configuration changed.

use aws_lc_rs::digest::{SHA256, digest};
use landfall_cloud::value::{AccessKeys, Hosts, Images, SettingsTable};
use landfall_cloud::{Tx, identity, vpn};
use landfall_model::image::ImageName;
use landfall_model::{
    AccessKey, AccountId, Host, HostFacts, HostId, Id, Image, ImageId, ImageSource, Settings, SnapshotId, Timestamp,
    UniqueId,
};

/// What a cloud starts with.
pub struct Seed {
    /// What the provider has decided.
    pub settings: Settings,
    /// The account.
    pub account: AccountId,
    /// The root access key: its id and its secret, sealed. Left as it is where the row has this id already and no new
    /// secret is given.
    pub access_key: (String, String),
    /// Hosts, with the hash of each one's token.
    pub hosts: Vec<(HostId, String, HostFacts)>,
    /// Images.
    pub images: Vec<Image>,
}

impl Seed {
    /// Brings the value to what is said here.
    pub fn plant(&self, tx: &mut Tx<'_, '_>) {
        if tx.settings.get(&0) != Some(&self.settings) {
            tx.put::<SettingsTable>(self.settings.clone());
        }
        identity::ensure_account(tx, self.account);
        self.plant_key(tx);
        for (id, token_sha256, facts) in &self.hosts {
            plant_host(tx, *id, token_sha256, facts);
        }
        vpn::place_all(tx);
        for image in &self.images {
            // One that was there may have got further names.
            if tx.images.get(&image.id) != Some(image) {
                tx.put::<Images>(image.clone());
            }
        }
    }
}

impl Seed {
    /// The configured root key. Another one that was configured before is no longer valid; those that root made itself
    /// are.
    fn plant_key(&self, tx: &mut Tx<'_, '_>) {
        let (id, secret) = &self.access_key;
        let is_this = |row: &AccessKey| row.account == self.account && row.secret == *secret && row.configured;
        if tx.access_keys.get(id).is_some_and(is_this) {
            return;
        }
        let root = UniqueId::root(self.account);
        let keys: Vec<_> = tx.access_keys.by_principal(&root).map(|row| (row.id.clone(), row.configured)).collect();
        // A store from before doesn't say which was configured: then none of them is trusted.
        let is_said = keys.iter().any(|(_, configured)| *configured);
        for (key, _) in keys.iter().filter(|(_, configured)| *configured || !is_said) {
            tx.delete::<AccessKeys>(key);
        }
        if let Some(root) = tx.principals.get(&root).cloned() {
            identity::put_access_key(tx, &root, id, secret.clone());
            tx.update::<AccessKeys, _>(id, |row| row.configured = true);
        }
    }
}

fn plant_host(tx: &mut Tx<'_, '_>, id: HostId, token_sha256: &str, facts: &HostFacts) {
    if tx.hosts.get(&id).is_some_and(|row| row.token_sha256 == token_sha256 && row.facts == *facts) {
        return;
    }
    let joined_at = tx.now();
    let new = || Host {
        id,
        facts: facts.clone(),
        region: None,
        zone: None,
        schedulable: true,
        token_sha256: token_sha256.to_owned(),
        join: None,
        lost: None,
        joined_at,
        used_memory_mib: 0,
        used_vcpus: 0,
    };
    // Free disk differs at every start; what the provider decided about the host, and what is placed on it, stays.
    let mut host = tx.hosts.get(&id).cloned().unwrap_or_else(new);
    facts.clone_into(&mut host.facts);
    token_sha256.clone_into(&mut host.token_sha256);
    tx.put::<Hosts>(host);
}

/// Records of the images that people look up, for a simulated cloud: Debian 12, Ubuntu LTS, Amazon Linux 2 and 2023,
/// by their usual owners, aliases and name patterns. Their ids are made from their names and never change.
pub fn simulated_images() -> Vec<Image> {
    SIMULATED.iter().map(simulated_image).collect()
}

struct Known {
    names: &'static [&'static str],
    owner: &'static str,
    description: &'static str,
    root_device: &'static str,
    size_gib: u32,
    imds_v2: bool,
}

const DEBIAN: &str = "136693071363";
const CANONICAL: &str = "099720109477";
const AMAZON: &str = "137112412989";

static SIMULATED: &[Known] = &[
    Known {
        names: &["debian-12-amd64-20261101-2284", "debian-12-amd64-20260911-2233"],
        owner: DEBIAN,
        description: "Debian 12",
        root_device: "/dev/xvda",
        size_gib: 8,
        imds_v2: false,
    },
    Known {
        names: &[
            "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261015",
            "ubuntu/images/hvm-ssd/ubuntu-noble-24.04-amd64-server-20261015",
        ],
        owner: CANONICAL,
        description: "Canonical, Ubuntu, 24.04, amd64 noble image",
        root_device: "/dev/sda1",
        size_gib: 8,
        imds_v2: true,
    },
    Known {
        names: &["ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20261013"],
        owner: CANONICAL,
        description: "Canonical, Ubuntu, 22.04 LTS, amd64 jammy image",
        root_device: "/dev/sda1",
        size_gib: 8,
        imds_v2: false,
    },
    Known {
        names: &["ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20261008"],
        owner: CANONICAL,
        description: "Canonical, Ubuntu, 20.04 LTS, amd64 focal image",
        root_device: "/dev/sda1",
        size_gib: 8,
        imds_v2: false,
    },
    Known {
        names: &["amzn2-ami-hvm-2.0.20261020.0-x86_64-gp2", "amzn2-ami-kernel-5.10-hvm-2.0.20261020.0-x86_64-gp2"],
        owner: AMAZON,
        description: "Amazon Linux 2 AMI 2.0.20261020.0 x86_64 HVM gp2",
        root_device: "/dev/xvda",
        size_gib: 8,
        imds_v2: false,
    },
    Known {
        names: &[
            "al2023-ami-2023.9.20261027.0-kernel-6.1-x86_64",
            "al2023-ami-2023.9.20261027.0-kernel-6.12-x86_64",
            "al2023-ami-minimal-2023.9.20261027.0-kernel-6.1-x86_64",
        ],
        owner: AMAZON,
        description: "Amazon Linux 2023 AMI 2023.9.20261027.0 x86_64 HVM",
        root_device: "/dev/xvda",
        size_gib: 8,
        imds_v2: true,
    },
];

fn simulated_image(known: &Known) -> Image {
    let names: Vec<_> = known
        .names
        .iter()
        .map(|name| ImageName {
            name: (*name).to_owned(),
            owner: known.owner.to_owned(),
            alias: Some("amazon".to_owned()),
            id: id_from(name),
        })
        .collect();
    let id = names.first().map_or(ImageId::MIN, |name| name.id);
    Image {
        id,
        names,
        description: known.description.to_owned(),
        size_gib: known.size_gib,
        snapshot: id.cast::<landfall_model::SnapshotKind>(),
        root_device: known.root_device.to_owned(),
        architecture: "x86_64".to_owned(),
        min_memory_mib: 0,
        platform_details: "Linux/UNIX".to_owned(),
        imds_v2: known.imds_v2,
        source: ImageSource::Simulated,
        created_at: Timestamp(1_793_750_400_000),
    }
}

/// A further id that a simulated cloud pretends to have an image under: configurations name images by id.
pub fn pretended_image(id: ImageId) -> Image {
    let mut image = simulated_image(&SIMULATED[0]);
    image.names = vec![ImageName {
        name: format!("pretended-{id}"),
        owner: DEBIAN.to_owned(),
        alias: Some("amazon".to_owned()),
        id,
    }];
    image.snapshot = SnapshotId::from_random(id.bits());
    image.id = id;
    image
}

/// An id that is always the same for the same text.
pub fn id_from<K: landfall_model::id::Kind>(text: &str) -> Id<K> {
    let hash = digest(&SHA256, text.as_bytes());
    let mut bits = [0; 16];
    bits.copy_from_slice(&hash.as_ref()[..16]);
    Id::from_random(u128::from_be_bytes(bits))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use landfall_cloud::{Cloud, Entropy};
    use landfall_model::{Region, Scope};
    use landfall_state::{Engine, MemoryLog, Options};

    use super::*;

    fn change(engine: &Engine<Cloud>, run: impl FnOnce(&mut Tx<'_, '_>)) {
        let scope = Scope { account: AccountId::PROVIDER, region: Region::DEFAULT };
        let pending = engine.commit(|head| {
            let mut entropy = Entropy::seeded(1);
            let done: Result<(), Infallible> = head.transact(1, None, |tx| {
                run(&mut Tx::new(tx, scope, &mut entropy));
                Ok(())
            });
            let Ok(()) = done;
        });
        pending.wait().unwrap();
    }

    #[test]
    fn a_later_start_brings_what_is_new_and_keeps_what_was_decided() {
        let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::new()), Options::default()).unwrap();
        let id = id_from("host");
        let facts = HostFacts {
            name: "one".into(),
            address: std::net::Ipv4Addr::LOCALHOST,
            cpus: 2,
            memory_mib: 4096,
            disk_gib: 10,
            hypervisor: "simulated".into(),
            machine: String::new(),
            format: landfall_model::plan::FORMAT,
            uefi: true,
            shares: Default::default(),
        };
        let mut seed = Seed {
            settings: landfall_cloud::value::default_settings(),
            account: "111122223333".parse().unwrap(),
            access_key: ("AKIAFIRST".into(), "sealed".into()),
            hosts: vec![(id, "hash".into(), facts)],
            images: simulated_images(),
        };
        change(&engine, |tx| seed.plant(tx));
        change(&engine, |tx| {
            tx.update::<Hosts, _>(&id, |row| (row.schedulable, row.used_vcpus) = (false, 1)).unwrap();
        });
        let planted = engine.read().revision;
        change(&engine, |tx| seed.plant(tx));
        assert_eq!(engine.read().revision, planted, "a start like the one before changes nothing");

        change(&engine, |tx| {
            let root = tx.principals.get(&UniqueId::root(seed.account)).unwrap().clone();
            identity::put_access_key(tx, &root, "AKIAOWN", "sealed too".into());
        });

        seed.hosts[0].2.disk_gib = 9;
        seed.access_key.0 = "AKIASECOND".into();
        let further = ImageName { name: "mine".into(), ..seed.images[0].names[0].clone() };
        seed.images[0].names.push(further.clone());
        change(&engine, |tx| seed.plant(tx));
        let cloud = engine.read();
        let host = cloud.hosts.get(&id).unwrap();
        assert_eq!((host.facts.disk_gib, host.schedulable, host.used_vcpus), (9, false, 1));
        assert!(cloud.images.get(&seed.images[0].id).unwrap().names.contains(&further));
        assert_eq!(cloud.access_keys.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["AKIAOWN", "AKIASECOND"]);
    }
}
