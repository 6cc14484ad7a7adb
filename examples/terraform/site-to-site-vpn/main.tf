# An office's own network, joined to a network here by a tunnel over the internet: the office's gateway, a VPN gateway, two
# tunnels with chosen addresses and keys, a route that is said by hand and taken over by the subnets' table.
#
#   eval "$(landfall env)"
#   terraform init && terraform apply

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

# Endpoint, region and keys come from the environment: the same file works on AWS.
provider "aws" {}

variable "office_address" {
  description = "The public address of the office's gateway"
  type        = string
  default     = "203.0.113.10"
}

variable "office_block" {
  description = "The office's own addresses"
  type        = string
  default     = "192.168.50.0/24"
}

variable "block" {
  description = "The network's addresses"
  type        = string
  default     = "10.80.0.0/16"
}

variable "keys" {
  description = "The tunnels' pre-shared keys"
  type        = list(string)
  sensitive   = true
  default     = ["example.key.one.1", "example.key.two.2"]
}

data "aws_availability_zones" "up" {
  state = "available"
}

resource "aws_vpc" "main" {
  cidr_block           = var.block
  enable_dns_hostnames = true
  tags                 = { Name = "joined" }
}

resource "aws_subnet" "main" {
  count             = 2
  vpc_id            = aws_vpc.main.id
  availability_zone = data.aws_availability_zones.up.names[count.index]
  cidr_block        = cidrsubnet(var.block, 8, count.index)
  tags              = { Name = "joined-${count.index}" }
}

resource "aws_customer_gateway" "office" {
  bgp_asn     = 65010
  ip_address  = var.office_address
  type        = "ipsec.1"
  device_name = "office-router"
  tags        = { Name = "office" }
}

resource "aws_vpn_gateway" "main" {
  amazon_side_asn = 64520
  tags            = { Name = "joined" }
}

resource "aws_vpn_gateway_attachment" "main" {
  vpc_id         = aws_vpc.main.id
  vpn_gateway_id = aws_vpn_gateway.main.id
}

resource "aws_vpn_connection" "office" {
  customer_gateway_id = aws_customer_gateway.office.id
  vpn_gateway_id      = aws_vpn_gateway.main.id
  type                = "ipsec.1"
  static_routes_only  = true

  local_ipv4_network_cidr  = var.office_block
  remote_ipv4_network_cidr = var.block

  tunnel1_inside_cidr   = "169.254.21.0/30"
  tunnel1_preshared_key = var.keys[0]
  tunnel2_inside_cidr   = "169.254.22.0/30"
  tunnel2_preshared_key = var.keys[1]

  tunnel1_ike_versions                 = ["ikev2"]
  tunnel1_phase1_dh_group_numbers      = [14, 19]
  tunnel1_phase1_encryption_algorithms = ["AES256", "AES256-GCM-16"]
  tunnel1_phase1_integrity_algorithms  = ["SHA2-256"]
  tunnel1_phase2_dh_group_numbers      = [14]
  tunnel1_phase2_encryption_algorithms = ["AES256"]
  tunnel1_phase2_integrity_algorithms  = ["SHA2-256"]
  tunnel1_dpd_timeout_action           = "restart"
  tunnel1_startup_action               = "add"

  tags = { Name = "office" }
}

resource "aws_vpn_connection_route" "office" {
  vpn_connection_id      = aws_vpn_connection.office.id
  destination_cidr_block = var.office_block
}

resource "aws_route_table" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "joined" }
}

resource "aws_route_table_association" "main" {
  count          = 2
  subnet_id      = aws_subnet.main[count.index].id
  route_table_id = aws_route_table.main.id
}

resource "aws_vpn_gateway_route_propagation" "main" {
  vpn_gateway_id = aws_vpn_gateway_attachment.main.vpn_gateway_id
  route_table_id = aws_route_table.main.id
}

resource "aws_security_group" "office" {
  name        = "office"
  description = "Everything from the office"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "office" {
  security_group_id = aws_security_group.office.id
  ip_protocol       = "-1"
  cidr_ipv4         = var.office_block
}

output "tunnels" {
  description = "The addresses that the office's gateway calls"
  value       = [aws_vpn_connection.office.tunnel1_address, aws_vpn_connection.office.tunnel2_address]
}

output "configuration" {
  description = "What the office's gateway is to be set to"
  value       = aws_vpn_connection.office.customer_gateway_configuration
  sensitive   = true
}
