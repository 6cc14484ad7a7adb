//! A tunnel's options on the wire.

use std::net::Ipv4Addr;

use landfall_cloud::tunnel::{Asked, check_key};
use landfall_model::{Ipv4Cidr, TunnelOptions, VpnTunnel};
use serde::{Deserialize, Serialize};

use super::unsupported::{Unsupported, refuse_parameters};
use crate::demand::Demand;
use crate::error::ApiError;
use crate::vault::Vault;

/// A word of a list, wrapped in a `Value`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Word<T> {
    value: T,
}

/// What a request asks of a tunnel.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TunnelOptionsIn {
    tunnel_inside_cidr: Option<Ipv4Cidr>,
    tunnel_inside_ipv6_cidr: Option<Unsupported>,
    pre_shared_key: Option<String>,
    phase1_lifetime_seconds: Option<u32>,
    phase2_lifetime_seconds: Option<u32>,
    rekey_margin_time_seconds: Option<u32>,
    rekey_fuzz_percentage: Option<u32>,
    replay_window_size: Option<u32>,
    #[serde(rename = "DPDTimeoutSeconds")]
    dpd_timeout_seconds: Option<u32>,
    #[serde(rename = "DPDTimeoutAction")]
    dpd_timeout_action: Option<String>,
    #[serde(default)]
    phase1_encryption_algorithm: Vec<Word<String>>,
    #[serde(default)]
    phase2_encryption_algorithm: Vec<Word<String>>,
    #[serde(default)]
    phase1_integrity_algorithm: Vec<Word<String>>,
    #[serde(default)]
    phase2_integrity_algorithm: Vec<Word<String>>,
    #[serde(default, rename = "Phase1DHGroupNumber")]
    phase1_dh_group_number: Vec<Word<u32>>,
    #[serde(default, rename = "Phase2DHGroupNumber")]
    phase2_dh_group_number: Vec<Word<u32>>,
    #[serde(default, rename = "IKEVersion")]
    ike_version: Vec<Word<String>>,
    startup_action: Option<String>,
    log_options: Option<LogOptionsIn>,
    enable_tunnel_lifecycle_control: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LogOptionsIn {
    cloud_watch_log_options: Option<CloudWatchIn>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CloudWatchIn {
    log_enabled: Option<bool>,
    log_group_arn: Option<Unsupported>,
    log_output_format: Option<Unsupported>,
    bgp_log_enabled: Option<bool>,
    bgp_log_group_arn: Option<Unsupported>,
    bgp_log_output_format: Option<Unsupported>,
}

impl CloudWatchIn {
    fn check(&self) -> Result<(), ApiError> {
        refuse_parameters!(self; log_group_arn, log_output_format, bgp_log_group_arn, bgp_log_output_format);
        for (name, is_on) in [("LogEnabled", self.log_enabled), ("BgpLogEnabled", self.bgp_log_enabled)] {
            if is_on == Some(true) {
                return Err(ApiError::unsupported(format_args!("the value 'true' of the parameter {name}")));
            }
        }
        Ok(())
    }
}

impl TunnelOptionsIn {
    /// The key that is asked for, if it has the form that AWS takes.
    pub fn key(&self) -> Result<Option<&str>, ApiError> {
        self.pre_shared_key.as_deref().map(|key| check_key(key).map(|()| key)).transpose().map_err(ApiError::from)
    }

    /// The same, sealed.
    pub fn sealed_key(&self, vault: &Vault, context: &str) -> Result<Option<String>, ApiError> {
        Ok(self.key()?.map(|key| vault.seal(context, key)))
    }

    /// What is asked, as the rules take it, with the key that was sealed.
    pub fn asked(self, key: Option<String>) -> Result<Asked, ApiError> {
        refuse_parameters!(self; tunnel_inside_ipv6_cidr);
        if let Some(options) = self.log_options.as_ref().and_then(|options| options.cloud_watch_log_options.as_ref()) {
            options.check()?;
        }
        if self.enable_tunnel_lifecycle_control == Some(true) {
            return Err(ApiError::unsupported("the value 'true' of the parameter EnableTunnelLifecycleControl"));
        }
        Ok(Asked { inside: self.tunnel_inside_cidr, key, options: self.options() })
    }

    fn options(self) -> TunnelOptions {
        fn plain<T>(words: Vec<Word<T>>) -> Vec<T> {
            words.into_iter().map(|word| word.value).collect()
        }
        TunnelOptions {
            phase1_lifetime_s: self.phase1_lifetime_seconds,
            phase2_lifetime_s: self.phase2_lifetime_seconds,
            rekey_margin_s: self.rekey_margin_time_seconds,
            rekey_fuzz_percent: self.rekey_fuzz_percentage,
            replay_window: self.replay_window_size,
            dpd_timeout_s: self.dpd_timeout_seconds,
            dpd_action: self.dpd_timeout_action,
            startup_action: self.startup_action,
            phase1_encryption: plain(self.phase1_encryption_algorithm),
            phase2_encryption: plain(self.phase2_encryption_algorithm),
            phase1_integrity: plain(self.phase1_integrity_algorithm),
            phase2_integrity: plain(self.phase2_integrity_algorithm),
            phase1_groups: plain(self.phase1_dh_group_number),
            phase2_groups: plain(self.phase2_dh_group_number),
            ike_versions: plain(self.ike_version),
        }
    }

    /// Lets conditions look at what is asked.
    pub fn show(&self, demand: &mut Demand) {
        let numbers = [
            ("ec2:Phase1LifetimeSeconds", self.phase1_lifetime_seconds),
            ("ec2:Phase2LifetimeSeconds", self.phase2_lifetime_seconds),
            ("ec2:RekeyMarginTimeSeconds", self.rekey_margin_time_seconds),
            ("ec2:RekeyFuzzPercentage", self.rekey_fuzz_percentage),
            ("ec2:ReplayWindowSizePackets", self.replay_window_size),
            ("ec2:DPDTimeoutSeconds", self.dpd_timeout_seconds),
        ];
        for (key, value) in numbers {
            if let Some(value) = value {
                demand.with(key, value);
            }
        }
        if let Some(block) = self.tunnel_inside_cidr {
            demand.with("ec2:InsideTunnelCidr", block);
        }
        show_list(demand, "ec2:Phase1EncryptionAlgorithms", &self.phase1_encryption_algorithm);
        show_list(demand, "ec2:Phase2EncryptionAlgorithms", &self.phase2_encryption_algorithm);
        show_list(demand, "ec2:Phase1IntegrityAlgorithms", &self.phase1_integrity_algorithm);
        show_list(demand, "ec2:Phase2IntegrityAlgorithms", &self.phase2_integrity_algorithm);
        show_list(demand, "ec2:Phase1DHGroup", &self.phase1_dh_group_number);
        show_list(demand, "ec2:Phase2DHGroup", &self.phase2_dh_group_number);
        show_list(demand, "ec2:IKEVersions", &self.ike_version);
    }
}

fn show_list<T: ToString>(demand: &mut Demand, key: &str, words: &[Word<T>]) {
    if !words.is_empty() {
        let words: Vec<_> = words.iter().map(|word| word.value.to_string()).collect();
        demand.context.set_many(key, words.iter().map(String::as_str));
    }
}

/// A tunnel's options as answers show them: what was asked for, and what was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TunnelOptionsShape<'v> {
    outside_ip_address: Ipv4Addr,
    tunnel_inside_cidr: Ipv4Cidr,
    pre_shared_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase1_lifetime_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase2_lifetime_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rekey_margin_time_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rekey_fuzz_percentage: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_window_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpd_timeout_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpd_timeout_action: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase1_encryption_algorithm_set: Option<Vec<WordShape<'v, String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase2_encryption_algorithm_set: Option<Vec<WordShape<'v, String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase1_integrity_algorithm_set: Option<Vec<WordShape<'v, String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase2_integrity_algorithm_set: Option<Vec<WordShape<'v, String>>>,
    #[serde(rename = "phase1DHGroupNumberSet", skip_serializing_if = "Option::is_none")]
    phase1_dh_group_number_set: Option<Vec<WordShape<'v, u32>>>,
    #[serde(rename = "phase2DHGroupNumberSet", skip_serializing_if = "Option::is_none")]
    phase2_dh_group_number_set: Option<Vec<WordShape<'v, u32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ike_version_set: Option<Vec<WordShape<'v, String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    startup_action: Option<&'v str>,
}

#[derive(Serialize)]
struct WordShape<'v, T> {
    value: &'v T,
}

/// The options of a tunnel with that key.
pub fn tunnel_options(row: &VpnTunnel, pre_shared_key: String) -> TunnelOptionsShape<'_> {
    fn words<T>(list: &[T]) -> Option<Vec<WordShape<'_, T>>> {
        (!list.is_empty()).then(|| list.iter().map(|value| WordShape { value }).collect())
    }
    let options = &row.options;
    TunnelOptionsShape {
        outside_ip_address: row.outside,
        tunnel_inside_cidr: row.inside,
        pre_shared_key,
        phase1_lifetime_seconds: options.phase1_lifetime_s,
        phase2_lifetime_seconds: options.phase2_lifetime_s,
        rekey_margin_time_seconds: options.rekey_margin_s,
        rekey_fuzz_percentage: options.rekey_fuzz_percent,
        replay_window_size: options.replay_window,
        dpd_timeout_seconds: options.dpd_timeout_s,
        dpd_timeout_action: options.dpd_action.as_deref(),
        phase1_encryption_algorithm_set: words(&options.phase1_encryption),
        phase2_encryption_algorithm_set: words(&options.phase2_encryption),
        phase1_integrity_algorithm_set: words(&options.phase1_integrity),
        phase2_integrity_algorithm_set: words(&options.phase2_integrity),
        phase1_dh_group_number_set: words(&options.phase1_groups),
        phase2_dh_group_number_set: words(&options.phase2_groups),
        ike_version_set: words(&options.ike_versions),
        startup_action: options.startup_action.as_deref(),
    }
}
