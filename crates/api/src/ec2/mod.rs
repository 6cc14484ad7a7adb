//! EC2: one file per action, the shapes that answers share in [`shape`], and the list.

mod authorize_security_group_egress;
mod authorize_security_group_ingress;
mod create_security_group;
mod delete_security_group;
mod describe_instance_attribute;
mod describe_instance_status;
mod describe_instances;
mod describe_key_pairs;
mod describe_security_group_rules;
mod describe_security_groups;
mod modify_instance_attribute;
mod modify_instance_metadata_options;
mod modify_security_group_rules;
mod reboot_instances;
mod revoke_security_group_egress;
mod revoke_security_group_ingress;
mod run_instances;
mod shape;
mod start_instances;
mod stop_instances;
mod terminate_instances;
mod update_security_group_rule_descriptions_egress;
mod update_security_group_rule_descriptions_ingress;

use crate::operation::Operation;

/// The operations of this service, by name.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<authorize_security_group_egress::AuthorizeSecurityGroupEgress>(),
    Operation::write::<authorize_security_group_ingress::AuthorizeSecurityGroupIngress>(),
    Operation::write::<create_security_group::CreateSecurityGroup>(),
    Operation::write::<delete_security_group::DeleteSecurityGroup>(),
    Operation::read::<describe_instance_attribute::DescribeInstanceAttribute>(),
    Operation::read::<describe_instance_status::DescribeInstanceStatus>(),
    Operation::read::<describe_instances::DescribeInstances>(),
    Operation::read::<describe_key_pairs::DescribeKeyPairs>(),
    Operation::read::<describe_security_group_rules::DescribeSecurityGroupRules>(),
    Operation::read::<describe_security_groups::DescribeSecurityGroups>(),
    Operation::write::<modify_instance_attribute::ModifyInstanceAttribute>(),
    Operation::write::<modify_instance_metadata_options::ModifyInstanceMetadataOptions>(),
    Operation::write::<modify_security_group_rules::ModifySecurityGroupRules>(),
    Operation::write::<reboot_instances::RebootInstances>(),
    Operation::write::<revoke_security_group_egress::RevokeSecurityGroupEgress>(),
    Operation::write::<revoke_security_group_ingress::RevokeSecurityGroupIngress>(),
    Operation::write::<run_instances::RunInstances>(),
    Operation::write::<start_instances::StartInstances>(),
    Operation::write::<stop_instances::StopInstances>(),
    Operation::write::<terminate_instances::TerminateInstances>(),
    Operation::write::<update_security_group_rule_descriptions_egress::UpdateSecurityGroupRuleDescriptionsEgress>(),
    Operation::write::<update_security_group_rule_descriptions_ingress::UpdateSecurityGroupRuleDescriptionsIngress>(),
];
