//! EC2: one file per action, the shapes that answers share in [`shape`], and the list.

mod accept_transit_gateway_vpc_attachment;
mod accept_vpc_peering_connection;
mod allocate_address;
mod assign_ipv6_addresses;
mod assign_private_ip_addresses;
mod assign_private_nat_gateway_address;
mod associate_address;
mod associate_dhcp_options;
mod associate_iam_instance_profile;
mod associate_nat_gateway_address;
mod associate_route_table;
mod associate_subnet_cidr_block;
mod associate_transit_gateway_route_table;
mod associate_vpc_cidr_block;
mod attach_internet_gateway;
mod attach_network_interface;
mod attach_volume;
mod attach_vpn_gateway;
mod authorize_security_group_egress;
mod authorize_security_group_ingress;
mod cancel_image_launch_permission;
mod cancel_import_task;
mod copy_image;
mod copy_snapshot;
mod create_customer_gateway;
mod create_default_subnet;
mod create_default_vpc;
mod create_dhcp_options;
mod create_egress_only_internet_gateway;
mod create_flow_logs;
mod create_image;
mod create_internet_gateway;
mod create_key_pair;
mod create_launch_template;
mod create_launch_template_version;
mod create_managed_prefix_list;
mod create_nat_gateway;
mod create_network_acl;
mod create_network_acl_entry;
mod create_network_insights_path;
mod create_network_interface;
mod create_route;
mod create_route_table;
mod create_security_group;
mod create_snapshot;
mod create_snapshots;
mod create_subnet;
mod create_tags;
mod create_transit_gateway;
mod create_transit_gateway_route;
mod create_transit_gateway_route_table;
mod create_transit_gateway_vpc_attachment;
mod create_volume;
mod create_vpc;
mod create_vpc_endpoint;
mod create_vpc_peering_connection;
mod create_vpn_connection;
mod create_vpn_connection_route;
mod create_vpn_gateway;
mod delete_customer_gateway;
mod delete_dhcp_options;
mod delete_egress_only_internet_gateway;
mod delete_flow_logs;
mod delete_internet_gateway;
mod delete_key_pair;
mod delete_launch_template;
mod delete_launch_template_versions;
mod delete_managed_prefix_list;
mod delete_nat_gateway;
mod delete_network_acl;
mod delete_network_acl_entry;
mod delete_network_insights_analysis;
mod delete_network_insights_path;
mod delete_network_interface;
mod delete_route;
mod delete_route_table;
mod delete_security_group;
mod delete_snapshot;
mod delete_subnet;
mod delete_tags;
mod delete_transit_gateway;
mod delete_transit_gateway_route;
mod delete_transit_gateway_route_table;
mod delete_transit_gateway_vpc_attachment;
mod delete_volume;
mod delete_vpc;
mod delete_vpc_endpoints;
mod delete_vpc_peering_connection;
mod delete_vpn_connection;
mod delete_vpn_connection_route;
mod delete_vpn_gateway;
mod deregister_image;
mod describe_account_attributes;
mod describe_addresses;
mod describe_addresses_attribute;
mod describe_availability_zones;
mod describe_customer_gateways;
mod describe_dhcp_options;
mod describe_egress_only_internet_gateways;
mod describe_flow_logs;
mod describe_iam_instance_profile_associations;
mod describe_image_attribute;
mod describe_images;
mod describe_import_image_tasks;
mod describe_import_snapshot_tasks;
mod describe_instance_attribute;
mod describe_instance_credit_specifications;
mod describe_instance_status;
mod describe_instance_type_offerings;
mod describe_instance_types;
mod describe_instances;
mod describe_internet_gateways;
mod describe_key_pairs;
mod describe_launch_template_versions;
mod describe_launch_templates;
mod describe_managed_prefix_lists;
mod describe_nat_gateways;
mod describe_network_acls;
mod describe_network_insights_analyses;
mod describe_network_insights_paths;
mod describe_network_interface_attribute;
mod describe_network_interfaces;
mod describe_prefix_lists;
mod describe_regions;
mod describe_route_tables;
mod describe_security_group_references;
mod describe_security_group_rules;
mod describe_security_groups;
mod describe_snapshot_attribute;
mod describe_snapshots;
mod describe_stale_security_groups;
mod describe_subnets;
mod describe_tags;
mod describe_transit_gateway_attachments;
mod describe_transit_gateway_route_tables;
mod describe_transit_gateway_vpc_attachments;
mod describe_transit_gateways;
mod describe_volume_attribute;
mod describe_volume_status;
mod describe_volumes;
mod describe_volumes_modifications;
mod describe_vpc_attribute;
mod describe_vpc_endpoint_services;
mod describe_vpc_endpoints;
mod describe_vpc_peering_connections;
mod describe_vpcs;
mod describe_vpn_connections;
mod describe_vpn_gateways;
mod detach_internet_gateway;
mod detach_network_interface;
mod detach_volume;
mod detach_vpn_gateway;
mod disable_ebs_encryption_by_default;
mod disable_image;
mod disable_image_block_public_access;
mod disable_image_deprecation;
mod disable_image_deregistration_protection;
mod disable_transit_gateway_route_table_propagation;
mod disable_vgw_route_propagation;
mod disassociate_address;
mod disassociate_iam_instance_profile;
mod disassociate_nat_gateway_address;
mod disassociate_route_table;
mod disassociate_subnet_cidr_block;
mod disassociate_transit_gateway_route_table;
mod disassociate_vpc_cidr_block;
mod enable_ebs_encryption_by_default;
mod enable_image;
mod enable_image_block_public_access;
mod enable_image_deprecation;
mod enable_image_deregistration_protection;
mod enable_transit_gateway_route_table_propagation;
mod enable_vgw_route_propagation;
mod enable_volume_io;
mod get_console_output;
mod get_ebs_default_kms_key_id;
mod get_ebs_encryption_by_default;
mod get_image_block_public_access_state;
mod get_instance_uefi_data;
mod get_launch_template_data;
mod get_managed_prefix_list_associations;
mod get_managed_prefix_list_entries;
mod get_password_data;
mod get_transit_gateway_attachment_propagations;
mod get_transit_gateway_route_table_associations;
mod get_transit_gateway_route_table_propagations;
mod get_vpn_connection_device_sample_configuration;
mod get_vpn_connection_device_types;
mod import_image;
mod import_key_pair;
mod import_snapshot;
pub(crate) mod key_material;
mod modify_ebs_default_kms_key_id;
mod modify_image_attribute;
mod modify_instance_attribute;
mod modify_instance_metadata_options;
mod modify_launch_template;
mod modify_managed_prefix_list;
mod modify_network_interface_attribute;
mod modify_security_group_rules;
mod modify_snapshot_attribute;
mod modify_subnet_attribute;
mod modify_transit_gateway;
mod modify_transit_gateway_vpc_attachment;
mod modify_volume;
mod modify_volume_attribute;
mod modify_vpc_attribute;
mod modify_vpc_endpoint;
mod modify_vpc_peering_connection_options;
mod modify_vpc_tenancy;
mod modify_vpn_connection;
mod modify_vpn_connection_options;
mod modify_vpn_tunnel_options;
mod reboot_instances;
mod register_image;
mod reject_transit_gateway_vpc_attachment;
mod reject_vpc_peering_connection;
mod release_address;
mod replace_iam_instance_profile_association;
mod replace_network_acl_association;
mod replace_network_acl_entry;
mod replace_route;
mod replace_route_table_association;
mod replace_transit_gateway_route;
mod reset_ebs_default_kms_key_id;
mod reset_image_attribute;
mod reset_network_interface_attribute;
mod reset_snapshot_attribute;
mod restore_managed_prefix_list_version;
mod revoke_security_group_egress;
mod revoke_security_group_ingress;
mod run_instances;
mod search_transit_gateway_routes;
pub(crate) mod shape;
mod start_instances;
mod start_network_insights_analysis;
mod stop_instances;
mod terminate_instances;
mod unassign_ipv6_addresses;
mod unassign_private_ip_addresses;
mod unassign_private_nat_gateway_address;
mod update_security_group_rule_descriptions_egress;
mod update_security_group_rule_descriptions_ingress;

use crate::operation::Operation;

/// The operations of this service, by name.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<accept_transit_gateway_vpc_attachment::AcceptTransitGatewayVpcAttachment>(),
    Operation::write::<accept_vpc_peering_connection::AcceptVpcPeeringConnection>(),
    Operation::write::<allocate_address::AllocateAddress>(),
    Operation::write::<assign_ipv6_addresses::AssignIpv6Addresses>(),
    Operation::write::<assign_private_ip_addresses::AssignPrivateIpAddresses>(),
    Operation::write::<assign_private_nat_gateway_address::AssignPrivateNatGatewayAddress>(),
    Operation::write::<associate_address::AssociateAddress>(),
    Operation::write::<associate_dhcp_options::AssociateDhcpOptions>(),
    Operation::write::<associate_iam_instance_profile::AssociateIamInstanceProfile>(),
    Operation::write::<associate_nat_gateway_address::AssociateNatGatewayAddress>(),
    Operation::write::<associate_route_table::AssociateRouteTable>(),
    Operation::write::<associate_subnet_cidr_block::AssociateSubnetCidrBlock>(),
    Operation::write::<associate_transit_gateway_route_table::AssociateTransitGatewayRouteTable>(),
    Operation::write::<associate_vpc_cidr_block::AssociateVpcCidrBlock>(),
    Operation::write::<attach_internet_gateway::AttachInternetGateway>(),
    Operation::write::<attach_network_interface::AttachNetworkInterface>(),
    Operation::write::<attach_volume::AttachVolume>(),
    Operation::write::<attach_vpn_gateway::AttachVpnGateway>(),
    Operation::write::<authorize_security_group_egress::AuthorizeSecurityGroupEgress>(),
    Operation::write::<authorize_security_group_ingress::AuthorizeSecurityGroupIngress>(),
    Operation::write::<cancel_image_launch_permission::CancelImageLaunchPermission>(),
    Operation::write::<cancel_import_task::CancelImportTask>(),
    Operation::write::<copy_image::CopyImage>(),
    Operation::write::<copy_snapshot::CopySnapshot>(),
    Operation::write::<create_customer_gateway::CreateCustomerGateway>(),
    Operation::write::<create_default_subnet::CreateDefaultSubnet>(),
    Operation::write::<create_default_vpc::CreateDefaultVpc>(),
    Operation::write::<create_dhcp_options::CreateDhcpOptions>(),
    Operation::write::<create_egress_only_internet_gateway::CreateEgressOnlyInternetGateway>(),
    Operation::write::<create_flow_logs::CreateFlowLogs>(),
    Operation::write::<create_image::CreateImage>(),
    Operation::write::<create_internet_gateway::CreateInternetGateway>(),
    Operation::call::<create_key_pair::CreateKeyPair>(),
    Operation::write::<create_launch_template::CreateLaunchTemplate>(),
    Operation::write::<create_launch_template_version::CreateLaunchTemplateVersion>(),
    Operation::write::<create_managed_prefix_list::CreateManagedPrefixList>(),
    Operation::write::<create_nat_gateway::CreateNatGateway>(),
    Operation::write::<create_network_acl::CreateNetworkAcl>(),
    Operation::write::<create_network_acl_entry::CreateNetworkAclEntry>(),
    Operation::write::<create_network_insights_path::CreateNetworkInsightsPath>(),
    Operation::write::<create_network_interface::CreateNetworkInterface>(),
    Operation::write::<create_route::CreateRoute>(),
    Operation::write::<create_route_table::CreateRouteTable>(),
    Operation::write::<create_security_group::CreateSecurityGroup>(),
    Operation::write::<create_snapshot::CreateSnapshot>(),
    Operation::write::<create_snapshots::CreateSnapshots>(),
    Operation::write::<create_subnet::CreateSubnet>(),
    Operation::write::<create_tags::CreateTags>(),
    Operation::write::<create_transit_gateway::CreateTransitGateway>(),
    Operation::write::<create_transit_gateway_route::CreateTransitGatewayRoute>(),
    Operation::write::<create_transit_gateway_route_table::CreateTransitGatewayRouteTable>(),
    Operation::write::<create_transit_gateway_vpc_attachment::CreateTransitGatewayVpcAttachment>(),
    Operation::write::<create_volume::CreateVolume>(),
    Operation::write::<create_vpc::CreateVpc>(),
    Operation::write::<create_vpc_endpoint::CreateVpcEndpoint>(),
    Operation::write::<create_vpc_peering_connection::CreateVpcPeeringConnection>(),
    Operation::call::<create_vpn_connection::CreateVpnConnection>(),
    Operation::write::<create_vpn_connection_route::CreateVpnConnectionRoute>(),
    Operation::write::<create_vpn_gateway::CreateVpnGateway>(),
    Operation::write::<delete_customer_gateway::DeleteCustomerGateway>(),
    Operation::write::<delete_dhcp_options::DeleteDhcpOptions>(),
    Operation::write::<delete_egress_only_internet_gateway::DeleteEgressOnlyInternetGateway>(),
    Operation::write::<delete_flow_logs::DeleteFlowLogs>(),
    Operation::write::<delete_internet_gateway::DeleteInternetGateway>(),
    Operation::write::<delete_key_pair::DeleteKeyPair>(),
    Operation::write::<delete_launch_template::DeleteLaunchTemplate>(),
    Operation::write::<delete_launch_template_versions::DeleteLaunchTemplateVersions>(),
    Operation::write::<delete_managed_prefix_list::DeleteManagedPrefixList>(),
    Operation::write::<delete_nat_gateway::DeleteNatGateway>(),
    Operation::write::<delete_network_acl::DeleteNetworkAcl>(),
    Operation::write::<delete_network_acl_entry::DeleteNetworkAclEntry>(),
    Operation::write::<delete_network_insights_analysis::DeleteNetworkInsightsAnalysis>(),
    Operation::write::<delete_network_insights_path::DeleteNetworkInsightsPath>(),
    Operation::write::<delete_network_interface::DeleteNetworkInterface>(),
    Operation::write::<delete_route::DeleteRoute>(),
    Operation::write::<delete_route_table::DeleteRouteTable>(),
    Operation::write::<delete_security_group::DeleteSecurityGroup>(),
    Operation::write::<delete_snapshot::DeleteSnapshot>(),
    Operation::write::<delete_subnet::DeleteSubnet>(),
    Operation::write::<delete_tags::DeleteTags>(),
    Operation::write::<delete_transit_gateway::DeleteTransitGateway>(),
    Operation::write::<delete_transit_gateway_route::DeleteTransitGatewayRoute>(),
    Operation::write::<delete_transit_gateway_route_table::DeleteTransitGatewayRouteTable>(),
    Operation::write::<delete_transit_gateway_vpc_attachment::DeleteTransitGatewayVpcAttachment>(),
    Operation::write::<delete_volume::DeleteVolume>(),
    Operation::write::<delete_vpc::DeleteVpc>(),
    Operation::write::<delete_vpc_endpoints::DeleteVpcEndpoints>(),
    Operation::write::<delete_vpc_peering_connection::DeleteVpcPeeringConnection>(),
    Operation::write::<delete_vpn_connection::DeleteVpnConnection>(),
    Operation::write::<delete_vpn_connection_route::DeleteVpnConnectionRoute>(),
    Operation::write::<delete_vpn_gateway::DeleteVpnGateway>(),
    Operation::write::<deregister_image::DeregisterImage>(),
    Operation::read::<describe_account_attributes::DescribeAccountAttributes>(),
    Operation::read::<describe_addresses::DescribeAddresses>(),
    Operation::read::<describe_addresses_attribute::DescribeAddressesAttribute>(),
    Operation::read::<describe_availability_zones::DescribeAvailabilityZones>(),
    Operation::read::<describe_customer_gateways::DescribeCustomerGateways>(),
    Operation::read::<describe_dhcp_options::DescribeDhcpOptions>(),
    Operation::read::<describe_egress_only_internet_gateways::DescribeEgressOnlyInternetGateways>(),
    Operation::read::<describe_flow_logs::DescribeFlowLogs>(),
    Operation::read::<describe_iam_instance_profile_associations::DescribeIamInstanceProfileAssociations>(),
    Operation::read::<describe_image_attribute::DescribeImageAttribute>(),
    Operation::read::<describe_images::DescribeImages>(),
    Operation::read::<describe_import_image_tasks::DescribeImportImageTasks>(),
    Operation::read::<describe_import_snapshot_tasks::DescribeImportSnapshotTasks>(),
    Operation::read::<describe_instance_attribute::DescribeInstanceAttribute>(),
    Operation::read::<describe_instance_credit_specifications::DescribeInstanceCreditSpecifications>(),
    Operation::read::<describe_instance_status::DescribeInstanceStatus>(),
    Operation::read::<describe_instance_type_offerings::DescribeInstanceTypeOfferings>(),
    Operation::read::<describe_instance_types::DescribeInstanceTypes>(),
    Operation::read::<describe_instances::DescribeInstances>(),
    Operation::read::<describe_internet_gateways::DescribeInternetGateways>(),
    Operation::read::<describe_key_pairs::DescribeKeyPairs>(),
    Operation::read::<describe_launch_template_versions::DescribeLaunchTemplateVersions>(),
    Operation::read::<describe_launch_templates::DescribeLaunchTemplates>(),
    Operation::read::<describe_managed_prefix_lists::DescribeManagedPrefixLists>(),
    Operation::read::<describe_nat_gateways::DescribeNatGateways>(),
    Operation::read::<describe_network_acls::DescribeNetworkAcls>(),
    Operation::read::<describe_network_insights_analyses::DescribeNetworkInsightsAnalyses>(),
    Operation::read::<describe_network_insights_paths::DescribeNetworkInsightsPaths>(),
    Operation::read::<describe_network_interface_attribute::DescribeNetworkInterfaceAttribute>(),
    Operation::read::<describe_network_interfaces::DescribeNetworkInterfaces>(),
    Operation::read::<describe_prefix_lists::DescribePrefixLists>(),
    Operation::read::<describe_regions::DescribeRegions>(),
    Operation::read::<describe_route_tables::DescribeRouteTables>(),
    Operation::read::<describe_security_group_references::DescribeSecurityGroupReferences>(),
    Operation::read::<describe_security_group_rules::DescribeSecurityGroupRules>(),
    Operation::read::<describe_security_groups::DescribeSecurityGroups>(),
    Operation::read::<describe_snapshot_attribute::DescribeSnapshotAttribute>(),
    Operation::read::<describe_snapshots::DescribeSnapshots>(),
    Operation::read::<describe_stale_security_groups::DescribeStaleSecurityGroups>(),
    Operation::read::<describe_subnets::DescribeSubnets>(),
    Operation::read::<describe_tags::DescribeTags>(),
    Operation::read::<describe_transit_gateway_attachments::DescribeTransitGatewayAttachments>(),
    Operation::read::<describe_transit_gateway_route_tables::DescribeTransitGatewayRouteTables>(),
    Operation::read::<describe_transit_gateway_vpc_attachments::DescribeTransitGatewayVpcAttachments>(),
    Operation::read::<describe_transit_gateways::DescribeTransitGateways>(),
    Operation::read::<describe_volume_attribute::DescribeVolumeAttribute>(),
    Operation::read::<describe_volume_status::DescribeVolumeStatus>(),
    Operation::read::<describe_volumes::DescribeVolumes>(),
    Operation::read::<describe_volumes_modifications::DescribeVolumesModifications>(),
    Operation::read::<describe_vpc_attribute::DescribeVpcAttribute>(),
    Operation::read::<describe_vpc_endpoint_services::DescribeVpcEndpointServices>(),
    Operation::read::<describe_vpc_endpoints::DescribeVpcEndpoints>(),
    Operation::read::<describe_vpc_peering_connections::DescribeVpcPeeringConnections>(),
    Operation::read::<describe_vpcs::DescribeVpcs>(),
    Operation::read::<describe_vpn_connections::DescribeVpnConnections>(),
    Operation::read::<describe_vpn_gateways::DescribeVpnGateways>(),
    Operation::write::<detach_internet_gateway::DetachInternetGateway>(),
    Operation::write::<detach_network_interface::DetachNetworkInterface>(),
    Operation::write::<detach_volume::DetachVolume>(),
    Operation::write::<detach_vpn_gateway::DetachVpnGateway>(),
    Operation::write::<disable_ebs_encryption_by_default::DisableEbsEncryptionByDefault>(),
    Operation::write::<disable_image::DisableImage>(),
    Operation::write::<disable_image_block_public_access::DisableImageBlockPublicAccess>(),
    Operation::write::<disable_image_deprecation::DisableImageDeprecation>(),
    Operation::write::<disable_image_deregistration_protection::DisableImageDeregistrationProtection>(),
    Operation::write::<disable_transit_gateway_route_table_propagation::DisableTransitGatewayRouteTablePropagation>(),
    Operation::write::<disable_vgw_route_propagation::DisableVgwRoutePropagation>(),
    Operation::write::<disassociate_address::DisassociateAddress>(),
    Operation::write::<disassociate_iam_instance_profile::DisassociateIamInstanceProfile>(),
    Operation::write::<disassociate_nat_gateway_address::DisassociateNatGatewayAddress>(),
    Operation::write::<disassociate_route_table::DisassociateRouteTable>(),
    Operation::write::<disassociate_subnet_cidr_block::DisassociateSubnetCidrBlock>(),
    Operation::write::<disassociate_transit_gateway_route_table::DisassociateTransitGatewayRouteTable>(),
    Operation::write::<disassociate_vpc_cidr_block::DisassociateVpcCidrBlock>(),
    Operation::write::<enable_ebs_encryption_by_default::EnableEbsEncryptionByDefault>(),
    Operation::write::<enable_image::EnableImage>(),
    Operation::write::<enable_image_block_public_access::EnableImageBlockPublicAccess>(),
    Operation::write::<enable_image_deprecation::EnableImageDeprecation>(),
    Operation::write::<enable_image_deregistration_protection::EnableImageDeregistrationProtection>(),
    Operation::write::<enable_transit_gateway_route_table_propagation::EnableTransitGatewayRouteTablePropagation>(),
    Operation::write::<enable_vgw_route_propagation::EnableVgwRoutePropagation>(),
    Operation::write::<enable_volume_io::EnableVolumeIO>(),
    Operation::inquire::<get_console_output::GetConsoleOutput>(),
    Operation::read::<get_ebs_default_kms_key_id::GetEbsDefaultKmsKeyId>(),
    Operation::read::<get_ebs_encryption_by_default::GetEbsEncryptionByDefault>(),
    Operation::read::<get_image_block_public_access_state::GetImageBlockPublicAccessState>(),
    Operation::read::<get_instance_uefi_data::GetInstanceUefiData>(),
    Operation::read::<get_launch_template_data::GetLaunchTemplateData>(),
    Operation::read::<get_managed_prefix_list_associations::GetManagedPrefixListAssociations>(),
    Operation::read::<get_managed_prefix_list_entries::GetManagedPrefixListEntries>(),
    Operation::read::<get_password_data::GetPasswordData>(),
    Operation::read::<get_transit_gateway_attachment_propagations::GetTransitGatewayAttachmentPropagations>(),
    Operation::read::<get_transit_gateway_route_table_associations::GetTransitGatewayRouteTableAssociations>(),
    Operation::read::<get_transit_gateway_route_table_propagations::GetTransitGatewayRouteTablePropagations>(),
    Operation::read::<get_vpn_connection_device_sample_configuration::GetVpnConnectionDeviceSampleConfiguration>(),
    Operation::read::<get_vpn_connection_device_types::GetVpnConnectionDeviceTypes>(),
    Operation::write::<import_image::ImportImage>(),
    Operation::write::<import_key_pair::ImportKeyPair>(),
    Operation::write::<import_snapshot::ImportSnapshot>(),
    Operation::write::<modify_ebs_default_kms_key_id::ModifyEbsDefaultKmsKeyId>(),
    Operation::write::<modify_image_attribute::ModifyImageAttribute>(),
    Operation::write::<modify_instance_attribute::ModifyInstanceAttribute>(),
    Operation::write::<modify_instance_metadata_options::ModifyInstanceMetadataOptions>(),
    Operation::write::<modify_launch_template::ModifyLaunchTemplate>(),
    Operation::write::<modify_managed_prefix_list::ModifyManagedPrefixList>(),
    Operation::write::<modify_network_interface_attribute::ModifyNetworkInterfaceAttribute>(),
    Operation::write::<modify_security_group_rules::ModifySecurityGroupRules>(),
    Operation::write::<modify_snapshot_attribute::ModifySnapshotAttribute>(),
    Operation::write::<modify_subnet_attribute::ModifySubnetAttribute>(),
    Operation::write::<modify_transit_gateway::ModifyTransitGateway>(),
    Operation::write::<modify_transit_gateway_vpc_attachment::ModifyTransitGatewayVpcAttachment>(),
    Operation::write::<modify_volume::ModifyVolume>(),
    Operation::write::<modify_volume_attribute::ModifyVolumeAttribute>(),
    Operation::write::<modify_vpc_attribute::ModifyVpcAttribute>(),
    Operation::write::<modify_vpc_endpoint::ModifyVpcEndpoint>(),
    Operation::write::<modify_vpc_peering_connection_options::ModifyVpcPeeringConnectionOptions>(),
    Operation::write::<modify_vpc_tenancy::ModifyVpcTenancy>(),
    Operation::call::<modify_vpn_connection::ModifyVpnConnection>(),
    Operation::call::<modify_vpn_connection_options::ModifyVpnConnectionOptions>(),
    Operation::call::<modify_vpn_tunnel_options::ModifyVpnTunnelOptions>(),
    Operation::write::<reboot_instances::RebootInstances>(),
    Operation::write::<register_image::RegisterImage>(),
    Operation::write::<reject_transit_gateway_vpc_attachment::RejectTransitGatewayVpcAttachment>(),
    Operation::write::<reject_vpc_peering_connection::RejectVpcPeeringConnection>(),
    Operation::write::<release_address::ReleaseAddress>(),
    Operation::write::<replace_iam_instance_profile_association::ReplaceIamInstanceProfileAssociation>(),
    Operation::write::<replace_network_acl_association::ReplaceNetworkAclAssociation>(),
    Operation::write::<replace_network_acl_entry::ReplaceNetworkAclEntry>(),
    Operation::write::<replace_route::ReplaceRoute>(),
    Operation::write::<replace_route_table_association::ReplaceRouteTableAssociation>(),
    Operation::write::<replace_transit_gateway_route::ReplaceTransitGatewayRoute>(),
    Operation::write::<reset_ebs_default_kms_key_id::ResetEbsDefaultKmsKeyId>(),
    Operation::write::<reset_image_attribute::ResetImageAttribute>(),
    Operation::write::<reset_network_interface_attribute::ResetNetworkInterfaceAttribute>(),
    Operation::write::<reset_snapshot_attribute::ResetSnapshotAttribute>(),
    Operation::write::<restore_managed_prefix_list_version::RestoreManagedPrefixListVersion>(),
    Operation::write::<revoke_security_group_egress::RevokeSecurityGroupEgress>(),
    Operation::write::<revoke_security_group_ingress::RevokeSecurityGroupIngress>(),
    Operation::write::<run_instances::RunInstances>(),
    Operation::read::<search_transit_gateway_routes::SearchTransitGatewayRoutes>(),
    Operation::write::<start_instances::StartInstances>(),
    Operation::write::<start_network_insights_analysis::StartNetworkInsightsAnalysis>(),
    Operation::write::<stop_instances::StopInstances>(),
    Operation::write::<terminate_instances::TerminateInstances>(),
    Operation::write::<unassign_ipv6_addresses::UnassignIpv6Addresses>(),
    Operation::write::<unassign_private_ip_addresses::UnassignPrivateIpAddresses>(),
    Operation::write::<unassign_private_nat_gateway_address::UnassignPrivateNatGatewayAddress>(),
    Operation::write::<update_security_group_rule_descriptions_egress::UpdateSecurityGroupRuleDescriptionsEgress>(),
    Operation::write::<update_security_group_rule_descriptions_ingress::UpdateSecurityGroupRuleDescriptionsIngress>(),
];
