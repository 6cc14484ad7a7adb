//! iam:CreateVirtualMFADevice. Makes a virtual device that shows one-time codes. Its seed is shown this once, as text and
//! as a picture for a telephone to read.

use landfall_cloud::identity::mfa;
use landfall_cloud::{Tx, View};
use landfall_model::{Arn, MfaDevice};
use serde::{Deserialize, Serialize};

use super::shape::demand::mfa_demand;
use super::shape::qr_code;
use super::shape::{root, tag};
use crate::second_factor::seed_context;
use crate::{Action, ApiError, Call, Demands, Outside, totp};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateVirtualMFADevice {
    #[serde(default = "root")]
    path: String,
    #[serde(rename = "VirtualMFADeviceName")]
    name: String,
    #[serde(default)]
    tags: Vec<tag::Tag>,
}

/// A seed under way: the row gets the sealed one, the caller the plain one.
pub struct Made {
    seed: String,
    sealed: String,
    picture: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateVirtualMFADeviceResult<'t> {
    #[serde(rename = "VirtualMFADevice")]
    device: DeviceShape<'t>,
}

/// Both are octets, which are sent in base 64.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeviceShape<'t> {
    serial_number: Arn,
    base32_string_seed: String,
    #[serde(rename = "QRCodePNG")]
    qr_code_png: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<tag::TagShape<'t>>,
}

impl Call for CreateVirtualMFADevice {
    const ACTION: Action = Action::iam("CreateVirtualMFADevice");
    type Made = Made;
    type Output<'t> = CreateVirtualMFADeviceResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let serial = MfaDevice::serial(demands.account(), &self.path, &self.name);
        mfa_demand(view, demands, Self::ACTION, serial.as_str()).request_tags(&tag::by_key(&self.tags));
        tag::demand_on_new(demands, "TagMFADevice", &self.tags);
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Made, ApiError> {
        let mut bytes = [0; totp::SEED_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ApiError::internal())?;
        let seed = totp::to_base32(&bytes);
        let account = view.scope().account;
        let sealed = outside.vault.seal(&seed_context(&MfaDevice::serial(account, &self.path, &self.name)), &seed);
        let picture = qr_code::png(&format!("otpauth://totp/{}@{account}?secret={seed}", self.name))?;
        Ok(Made { seed, sealed, picture })
    }

    fn run<'t>(self, made: Made, tx: &'t mut Tx<'_, '_>) -> Result<CreateVirtualMFADeviceResult<'t>, ApiError> {
        let serial = mfa::create(tx, &self.name, &self.path, made.sealed)?;
        tag::put(tx, tag::Tagged::Mfa, serial.as_str(), &self.tags)?;
        let device = DeviceShape {
            base32_string_seed: qr_code::base64(made.seed.as_bytes()),
            qr_code_png: qr_code::base64(&made.picture),
            tags: tag::tags(&tx.view(), serial.as_str()),
            serial_number: serial,
        };
        Ok(CreateVirtualMFADeviceResult { device })
    }
}
