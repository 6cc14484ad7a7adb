# Two networks that are asked and answered for one by one, as if they belonged to two people: a request, its acceptance,
# names that lead to private addresses on both sides, routes both ways, and a group that names one of the other network.
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

variable "blocks" {
  description = "The addresses of both networks, which must not overlap"
  type        = map(string)
  default     = { left = "10.50.0.0/16", right = "10.51.0.0/16" }
}

data "aws_availability_zones" "up" {
  state = "available"
}

locals {
  other   = { left = "right", right = "left" }
  subnets = merge([for side, block in var.blocks : { for index in [0, 1] : "${side}-${index}" => { side = side, index = index } }]...)
}

resource "aws_vpc" "side" {
  for_each             = var.blocks
  cidr_block           = each.value
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = each.key }
}

# A second block that came later is peered too.
resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.side["right"].id
  cidr_block = "100.64.0.0/16"
}

resource "aws_subnet" "side" {
  for_each          = local.subnets
  vpc_id            = aws_vpc.side[each.value.side].id
  availability_zone = data.aws_availability_zones.up.names[each.value.index]
  cidr_block        = cidrsubnet(var.blocks[each.value.side], 8, each.value.index)
  tags              = { Name = each.key }
}

resource "aws_vpc_peering_connection" "pair" {
  vpc_id      = aws_vpc.side["left"].id
  peer_vpc_id = aws_vpc.side["right"].id
  auto_accept = false
  tags        = { Name = "pair", Side = "requester" }
}

resource "aws_vpc_peering_connection_accepter" "pair" {
  vpc_peering_connection_id = aws_vpc_peering_connection.pair.id
  auto_accept               = true
  tags                      = { Name = "pair", Side = "requester" }
}

resource "aws_vpc_peering_connection_options" "pair" {
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.pair.id

  requester {
    allow_remote_vpc_dns_resolution = true
  }

  accepter {
    allow_remote_vpc_dns_resolution = true
  }
}

resource "aws_route_table" "side" {
  for_each = var.blocks
  vpc_id   = aws_vpc.side[each.key].id
  tags     = { Name = each.key }
}

resource "aws_route_table_association" "side" {
  for_each       = local.subnets
  subnet_id      = aws_subnet.side[each.key].id
  route_table_id = aws_route_table.side[each.value.side].id
}

resource "aws_route" "across" {
  for_each                  = var.blocks
  route_table_id            = aws_route_table.side[each.key].id
  destination_cidr_block    = var.blocks[local.other[each.key]]
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.pair.id
}

# The later block by a list, which any number of routes and rules can name.
resource "aws_ec2_managed_prefix_list" "more" {
  name           = "more-of-right"
  address_family = "IPv4"
  max_entries    = 5

  entry {
    cidr        = aws_vpc_ipv4_cidr_block_association.more.cidr_block
    description = "came later"
  }
}

resource "aws_route" "more" {
  route_table_id             = aws_route_table.side["left"].id
  destination_prefix_list_id = aws_ec2_managed_prefix_list.more.id
  vpc_peering_connection_id  = aws_vpc_peering_connection_accepter.pair.id
}

resource "aws_security_group" "callers" {
  name        = "callers"
  description = "Those who ask"
  vpc_id      = aws_vpc.side["left"].id

  egress {
    description     = "to the later block"
    protocol        = "tcp"
    from_port       = 8000
    to_port         = 8100
    prefix_list_ids = [aws_ec2_managed_prefix_list.more.id]
  }

  egress {
    description = "to the first one"
    protocol    = "tcp"
    from_port   = 5432
    to_port     = 5432
    cidr_blocks = [var.blocks["right"]]
  }
}

resource "aws_security_group" "answerers" {
  name        = "answerers"
  description = "Those who answer"
  vpc_id      = aws_vpc.side["right"].id
}

resource "aws_vpc_security_group_ingress_rule" "from_the_other_network" {
  security_group_id            = aws_security_group.answerers.id
  referenced_security_group_id = aws_security_group.callers.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432

  depends_on = [aws_vpc_peering_connection_accepter.pair]
}

output "pair" {
  value = aws_vpc_peering_connection_accepter.pair.accept_status
}
