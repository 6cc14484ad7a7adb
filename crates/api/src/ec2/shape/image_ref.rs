//! The image of a launch: its id, or a parameter that names it, as in `resolve:ssm:/aws/service/debian/…`.
//!
//! Source: the EC2 User Guide, "Reference AMIs using Systems Manager parameters".

use landfall_cloud::View;
use landfall_cloud::parameter::Reference;
use landfall_model::{ImageId, ParameterKind};
use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer};

use crate::ssm::shape::found::{Found, demand_read, look_up};
use crate::{Action, ApiError, Demands};

/// What says that a parameter names the image.
const PREFIX: &str = "resolve:ssm:";

/// An image, or where to look it up.
#[derive(Clone, Debug)]
pub enum ImageRef {
    /// Its id.
    Id(ImageId),
    /// The name or ARN of a parameter, with a version or a label behind it perhaps.
    Parameter(String),
}

impl<'de> Deserialize<'de> for ImageRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix(PREFIX) {
            Some(name) => Ok(Self::Parameter(name.to_owned())),
            None => ImageId::deserialize(text.into_deserializer()).map(Self::Id),
        }
    }
}

impl ImageRef {
    /// Demands to read the parameter, where there is one.
    pub fn demand(&self, view: &View<'_>, demands: &mut Demands) {
        if let Self::Parameter(name) = self {
            let count = demands.list().len();
            demand_read(view, demands, Action::ssm("GetParameters"), name, false);
            demands.since(count).iter_mut().for_each(|demand| _ = demand.via("ec2"));
        }
    }

    /// The image's id.
    pub fn resolve(&self, view: &View<'_>) -> Result<ImageId, ApiError> {
        let name = match self {
            Self::Id(id) => return Ok(*id),
            Self::Parameter(name) => name,
        };
        let invalid = |why: &str| ApiError::invalid("imageId", format_args!("{PREFIX}{name}"), why);
        let reference = Reference::parse(name).map_err(|fault| invalid(&fault.to_string()))?;
        match look_up(view, &reference).map_err(|fault| invalid(&fault.to_string()))? {
            Found::Public(found) => Ok(found.image),
            Found::Own(row, version) if row.kind == ParameterKind::String => {
                version.value.trim().parse().map_err(|_| invalid("The parameter's value is no image's id."))
            }
            Found::Own(..) => Err(invalid("The parameter is not of type String.")),
        }
    }
}
