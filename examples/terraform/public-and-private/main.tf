# A network over two zones as most people draw it: public subnets; private ones that get out by a NAT gateway in their own
# zone, and over IPv6 by a gateway that lets nobody in; isolated ones for databases; and a second network, peered both
# ways.
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

variable "block" {
  description = "The network's addresses"
  type        = string
  default     = "10.30.0.0/16"
}

variable "shared_block" {
  description = "The addresses of the network that it is peered with"
  type        = string
  default     = "10.31.0.0/16"
}

data "aws_availability_zones" "up" {
  state = "available"
}

locals {
  zones = { for index, zone in slice(data.aws_availability_zones.up.names, 0, 2) : zone => index }
}

resource "aws_vpc" "main" {
  cidr_block                       = var.block
  enable_dns_hostnames             = true
  assign_generated_ipv6_cidr_block = true
  tags                             = { Name = "main" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_egress_only_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "public" {
  for_each                = local.zones
  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(aws_vpc.main.cidr_block, 8, each.value)
  ipv6_cidr_block         = cidrsubnet(aws_vpc.main.ipv6_cidr_block, 8, each.value)
  map_public_ip_on_launch = true
  tags                    = { Name = "public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each          = local.zones
  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 8, each.value + 10)
  ipv6_cidr_block   = cidrsubnet(aws_vpc.main.ipv6_cidr_block, 8, each.value + 10)
  tags              = { Name = "private-${each.key}" }
}

resource "aws_subnet" "database" {
  for_each          = local.zones
  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 8, each.value + 20)
  tags              = { Name = "database-${each.key}" }
}

resource "aws_eip" "nat" {
  for_each   = local.zones
  domain     = "vpc"
  depends_on = [aws_internet_gateway.main]
}

resource "aws_nat_gateway" "zone" {
  for_each      = local.zones
  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id
  tags          = { Name = each.key }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }

  route {
    ipv6_cidr_block = "::/0"
    gateway_id      = aws_internet_gateway.main.id
  }
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table" "private" {
  for_each = local.zones
  vpc_id   = aws_vpc.main.id

  route {
    cidr_block     = "0.0.0.0/0"
    nat_gateway_id = aws_nat_gateway.zone[each.key].id
  }

  route {
    ipv6_cidr_block        = "::/0"
    egress_only_gateway_id = aws_egress_only_internet_gateway.main.id
  }

  route {
    cidr_block                = aws_vpc.shared.cidr_block
    vpc_peering_connection_id = aws_vpc_peering_connection.shared.id
  }
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

# No way out: databases use the VPC's main table, and this one is it.
resource "aws_route_table" "isolated" {
  vpc_id = aws_vpc.main.id
}

resource "aws_main_route_table_association" "isolated" {
  vpc_id         = aws_vpc.main.id
  route_table_id = aws_route_table.isolated.id
}

resource "aws_vpc" "shared" {
  cidr_block           = var.shared_block
  enable_dns_hostnames = true
  tags                 = { Name = "shared" }
}

resource "aws_vpc_peering_connection" "shared" {
  vpc_id      = aws_vpc.main.id
  peer_vpc_id = aws_vpc.shared.id
  auto_accept = true

  accepter {
    allow_remote_vpc_dns_resolution = true
  }

  requester {
    allow_remote_vpc_dns_resolution = true
  }
}

resource "aws_route" "back" {
  route_table_id            = aws_vpc.shared.main_route_table_id
  destination_cidr_block    = aws_vpc.main.cidr_block
  vpc_peering_connection_id = aws_vpc_peering_connection.shared.id
}

output "out" {
  description = "The addresses that the private subnets speak as, by zone"
  value       = { for zone, gateway in aws_nat_gateway.zone : zone => gateway.public_ip }
}
