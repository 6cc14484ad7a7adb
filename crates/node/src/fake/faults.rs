//! What can be made to go wrong on a fake machine.

use std::collections::BTreeMap;

use landfall_model::{InstanceId, VolumeId};

use crate::driver::{DriverError, DriverResult};

/// What goes wrong, and how often.
pub struct Faults {
    per_mille: u32,
    state: u64,
    starts: BTreeMap<InstanceId, (u32, bool, String)>,
    next_starts: Vec<(bool, String)>,
    volumes: BTreeMap<VolumeId, (bool, String)>,
    network: Option<String>,
    keeps_ports: bool,
}

impl Faults {
    pub(super) fn new(seed: u64, per_mille: u32) -> Self {
        Self {
            per_mille,
            state: seed,
            starts: BTreeMap::new(),
            next_starts: Vec::new(),
            volumes: BTreeMap::new(),
            network: None,
            keeps_ports: false,
        }
    }

    /// Of a thousand calls that do something, how many fail for no reason from now on.
    pub fn set_per_mille(&mut self, per_mille: u32) {
        self.per_mille = per_mille;
    }

    /// The next so many starts of that instance fail.
    pub fn fail_starts(&mut self, id: InstanceId, times: u32, is_final: bool, why: &str) {
        self.starts.insert(id, (times, is_final, why.to_owned()));
    }

    /// The next start of any instance fails.
    pub fn fail_next_start(&mut self, is_final: bool, why: &str) {
        self.next_starts.push((is_final, why.to_owned()));
    }

    /// That volume can't be made; `None` mends it.
    pub fn fail_volume(&mut self, id: VolumeId, why: Option<(bool, &str)>) {
        match why {
            Some((is_final, why)) => self.volumes.insert(id, (is_final, why.to_owned())),
            None => self.volumes.remove(&id),
        };
    }

    /// The network can't be applied; `None` mends it.
    pub fn fail_network(&mut self, why: Option<&str>) {
        self.network = why.map(str::to_owned);
    }

    /// Whether guests let no interface go from now on, unless it is pulled.
    pub fn keep_ports(&mut self, keep: bool) {
        self.keeps_ports = keep;
    }

    pub(super) fn keeps_ports(&self) -> bool {
        self.keeps_ports
    }

    pub(super) fn start(&mut self, id: InstanceId) -> DriverResult<()> {
        if let Some((is_final, why)) = self.next_starts.pop() {
            return Err(error(is_final, &why));
        }
        match self.starts.get_mut(&id) {
            Some((times, is_final, why)) if *times > 0 => {
                *times -= 1;
                Err(error(*is_final, why))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn volume(&self, id: VolumeId) -> DriverResult<()> {
        self.volumes.get(&id).map_or(Ok(()), |(is_final, why)| Err(error(*is_final, why)))
    }

    pub(super) fn network(&self) -> DriverResult<()> {
        self.network.as_deref().map_or(Ok(()), |why| Err(error(false, why)))
    }

    /// Whether a call fails for no reason: before it does anything (an error), or after (an error to return then).
    pub(super) fn roll(&mut self) -> DriverResult<Option<DriverError>> {
        if self.per_mille == 0 {
            return Ok(None);
        }
        let number = self.random();
        if number % 1000 >= u64::from(self.per_mille) {
            return Ok(None);
        }
        let error = DriverError::Retry("The simulated machine was told to fail now and then".to_owned());
        if number & (1 << 32) == 0 { Err(error) } else { Ok(Some(error)) }
    }

    /// `SplitMix64`: Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn error(is_final: bool, why: &str) -> DriverError {
    if is_final { DriverError::Final(why.to_owned()) } else { DriverError::Retry(why.to_owned()) }
}
