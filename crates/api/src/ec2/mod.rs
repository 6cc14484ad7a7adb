//! EC2: one file per action, the shapes that answers share in [`shape`], and the list.

mod describe_instance_attribute;
mod describe_instance_status;
mod describe_instances;
mod describe_key_pairs;
mod modify_instance_attribute;
mod modify_instance_metadata_options;
mod reboot_instances;
mod run_instances;
mod shape;
mod start_instances;
mod stop_instances;
mod terminate_instances;

use crate::operation::Operation;

/// The operations of this service, by name.
pub static OPERATIONS: &[Operation] = &[
    Operation::read::<describe_instance_attribute::DescribeInstanceAttribute>(),
    Operation::read::<describe_instance_status::DescribeInstanceStatus>(),
    Operation::read::<describe_instances::DescribeInstances>(),
    Operation::read::<describe_key_pairs::DescribeKeyPairs>(),
    Operation::write::<modify_instance_attribute::ModifyInstanceAttribute>(),
    Operation::write::<modify_instance_metadata_options::ModifyInstanceMetadataOptions>(),
    Operation::write::<reboot_instances::RebootInstances>(),
    Operation::write::<run_instances::RunInstances>(),
    Operation::write::<start_instances::StartInstances>(),
    Operation::write::<stop_instances::StopInstances>(),
    Operation::write::<terminate_instances::TerminateInstances>(),
];
