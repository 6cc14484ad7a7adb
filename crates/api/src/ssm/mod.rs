//! Parameter Store: the part of Systems Manager that keeps named values.

mod add_tags_to_resource;
mod delete_parameter;
mod delete_parameters;
mod describe_parameters;
mod get_parameter;
mod get_parameter_history;
mod get_parameters;
mod get_parameters_by_path;
mod label_parameter_version;
mod list_tags_for_resource;
mod put_parameter;
mod remove_tags_from_resource;
pub mod shape;
mod unlabel_parameter_version;

use crate::operation::Operation;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<add_tags_to_resource::AddTagsToResource>(),
    Operation::write::<delete_parameter::DeleteParameter>(),
    Operation::write::<delete_parameters::DeleteParameters>(),
    Operation::read::<describe_parameters::DescribeParameters>(),
    Operation::read::<get_parameter::GetParameter>(),
    Operation::read::<get_parameter_history::GetParameterHistory>(),
    Operation::read::<get_parameters::GetParameters>(),
    Operation::read::<get_parameters_by_path::GetParametersByPath>(),
    Operation::write::<label_parameter_version::LabelParameterVersion>(),
    Operation::read::<list_tags_for_resource::ListTagsForResource>(),
    Operation::call::<put_parameter::PutParameter>(),
    Operation::write::<remove_tags_from_resource::RemoveTagsFromResource>(),
    Operation::write::<unlabel_parameter_version::UnlabelParameterVersion>(),
];
