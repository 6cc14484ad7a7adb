# A hub of networks: spokes that reach what they share, and the internet through one network's gateway, but never each
# other. Who may go where is said by the transit gateway's route tables: one for the spokes, one for what they share.
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

variable "spokes" {
  description = "The networks around the hub, with their addresses"
  type        = map(string)
  default     = { production = "10.61.0.0/16", staging = "10.62.0.0/16" }
}

variable "shared_block" {
  description = "The addresses of what all spokes share"
  type        = string
  default     = "10.60.0.0/16"
}

variable "egress_block" {
  description = "The addresses of the network that leads out"
  type        = string
  default     = "10.63.0.0/24"
}

data "aws_availability_zones" "up" {
  state = "available"
}

locals {
  zones    = slice(data.aws_availability_zones.up.names, 0, 2)
  networks = merge(var.spokes, { shared = var.shared_block })
  places = merge([for name, block in local.networks : {
    for index, zone in local.zones : "${name}-${zone}" => { network = name, zone = zone, block = cidrsubnet(block, 8, index) }
  }]...)
}

resource "aws_vpc" "network" {
  for_each             = local.networks
  cidr_block           = each.value
  enable_dns_hostnames = true
  tags                 = { Name = each.key }
}

resource "aws_subnet" "network" {
  for_each          = local.places
  vpc_id            = aws_vpc.network[each.value.network].id
  availability_zone = each.value.zone
  cidr_block        = each.value.block
  tags              = { Name = each.key }
}

resource "aws_ec2_transit_gateway" "hub" {
  description                     = "hub"
  amazon_side_asn                 = 64600
  default_route_table_association = "disable"
  default_route_table_propagation = "disable"
  dns_support                     = "enable"
  tags                            = { Name = "hub" }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "network" {
  for_each           = local.networks
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  vpc_id             = aws_vpc.network[each.key].id
  subnet_ids         = [for name, place in local.places : aws_subnet.network[name].id if place.network == each.key]

  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false

  tags = { Name = each.key }
}

resource "aws_ec2_transit_gateway_route_table" "side" {
  for_each           = toset(["spokes", "shared"])
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  tags               = { Name = each.key }
}

resource "aws_ec2_transit_gateway_route_table_association" "spoke" {
  for_each                       = var.spokes
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.network[each.key].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.side["spokes"].id
}

resource "aws_ec2_transit_gateway_route_table_association" "shared" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.network["shared"].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.side["shared"].id
}

resource "aws_ec2_transit_gateway_route_table_association" "egress" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.egress.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.side["shared"].id
}

# Spokes know the way to what is shared; what is shared, and the way out, know the ways back to all.
resource "aws_ec2_transit_gateway_route_table_propagation" "shared" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.network["shared"].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.side["spokes"].id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "spoke" {
  for_each                       = var.spokes
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.network[each.key].id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.side["shared"].id
}

resource "aws_ec2_transit_gateway_route" "out" {
  destination_cidr_block         = "0.0.0.0/0"
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.egress.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.side["spokes"].id
}

# Without these the default route would lead from one spoke to another, by way of the network that leads out.
resource "aws_ec2_transit_gateway_route" "between_spokes" {
  for_each                       = var.spokes
  destination_cidr_block         = each.value
  blackhole                      = true
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.side["spokes"].id
}

resource "aws_route" "to_the_hub" {
  for_each               = local.networks
  route_table_id         = aws_vpc.network[each.key].main_route_table_id
  destination_cidr_block = each.key == "shared" ? "10.0.0.0/8" : "0.0.0.0/0"
  transit_gateway_id     = aws_ec2_transit_gateway.hub.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.network]
}

resource "aws_vpc" "egress" {
  cidr_block = var.egress_block
  tags       = { Name = "egress" }
}

resource "aws_internet_gateway" "egress" {
  vpc_id = aws_vpc.egress.id
}

resource "aws_subnet" "egress" {
  for_each          = { public = 0, attached = 1 }
  vpc_id            = aws_vpc.egress.id
  availability_zone = local.zones[0]
  cidr_block        = cidrsubnet(var.egress_block, 4, each.value)
  tags              = { Name = "egress-${each.key}" }
}

resource "aws_eip" "egress" {
  domain     = "vpc"
  depends_on = [aws_internet_gateway.egress]
}

resource "aws_nat_gateway" "egress" {
  allocation_id = aws_eip.egress.id
  subnet_id     = aws_subnet.egress["public"].id
}

resource "aws_ec2_transit_gateway_vpc_attachment" "egress" {
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  vpc_id             = aws_vpc.egress.id
  subnet_ids         = [aws_subnet.egress["attached"].id]

  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false

  tags = { Name = "egress" }
}

resource "aws_route_table" "egress" {
  for_each = aws_subnet.egress
  vpc_id   = aws_vpc.egress.id
  tags     = { Name = "egress-${each.key}" }
}

resource "aws_route_table_association" "egress" {
  for_each       = aws_subnet.egress
  subnet_id      = each.value.id
  route_table_id = aws_route_table.egress[each.key].id
}

resource "aws_route" "egress_out" {
  route_table_id         = aws_route_table.egress["public"].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.egress.id
}

resource "aws_route" "egress_through" {
  route_table_id         = aws_route_table.egress["attached"].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.egress.id
}

resource "aws_route" "egress_back" {
  for_each               = var.spokes
  route_table_id         = aws_route_table.egress["public"].id
  destination_cidr_block = each.value
  transit_gateway_id     = aws_ec2_transit_gateway.hub.id
  depends_on             = [aws_ec2_transit_gateway_vpc_attachment.egress]
}

output "out" {
  description = "The address that all spokes are seen as"
  value       = aws_nat_gateway.egress.public_ip
}
