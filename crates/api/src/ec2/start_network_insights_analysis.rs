//! ec2:StartNetworkInsightsAnalysis. Analyses whether a path's destination is reached, as the resources are now.

use landfall_cloud::value::InsightsAnalyses;
use landfall_cloud::{Tx, View, insights, tag};
use landfall_model::{InsightsAnalysisKind, InsightsPathId};
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::insights::{AnalysisShape, analysis};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "network-insights-analysis";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StartNetworkInsightsAnalysis {
    network_insights_path_id: InsightsPathId,
    #[serde(default)]
    filter_in_arn: Vec<String>,
    #[serde(default)]
    filter_out_arn: Vec<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    additional_account: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartNetworkInsightsAnalysisResult<'t> {
    network_insights_analysis: AnalysisShape<'t>,
}

impl Write for StartNetworkInsightsAnalysis {
    const ACTION: Action = Action::ec2("StartNetworkInsightsAnalysis");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = StartNetworkInsightsAnalysisResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.ec2(view, Self::ACTION, self.network_insights_path_id);
        demands.new_ec2::<InsightsAnalysisKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<StartNetworkInsightsAnalysisResult<'t>, ApiError> {
        refuse_parameters!(self; additional_account);
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        for (name, arns) in [("FilterInArn", &self.filter_in_arn), ("FilterOutArn", &self.filter_out_arn)] {
            if let Some(arn) = arns.iter().find(|arn| !arn.starts_with("arn:") || !arn.contains('/')) {
                return Err(ApiError::invalid(name, arn, "It is the ARN of a resource."));
            }
        }
        let id = insights::start(tx, self.network_insights_path_id, self.filter_in_arn, self.filter_out_arn)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let row = view.need::<InsightsAnalyses, _>(id)?;
        Ok(StartNetworkInsightsAnalysisResult { network_insights_analysis: analysis(&view, row) })
    }
}
