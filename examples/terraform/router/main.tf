# An instance that routes, with an interface in each of two subnets: what the inner one's machines send out, it passes on.
# Interfaces of their own, with secondary and elastic addresses.
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
  default     = "10.90.0.0/16"
}

data "aws_availability_zones" "up" {
  state = "available"
}

data "aws_ami" "debian" {
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

resource "aws_vpc" "main" {
  cidr_block           = var.block
  enable_dns_hostnames = true
  tags                 = { Name = "routed" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "side" {
  for_each          = { outer = 0, inner = 1 }
  vpc_id            = aws_vpc.main.id
  availability_zone = data.aws_availability_zones.up.names[0]
  cidr_block        = cidrsubnet(var.block, 8, each.value)
  tags              = { Name = each.key }
}

resource "aws_security_group" "router" {
  name        = "router"
  description = "Everything from within, and out"
  vpc_id      = aws_vpc.main.id
}

resource "aws_security_group_rule" "router" {
  for_each          = { ingress = var.block, egress = "0.0.0.0/0" }
  security_group_id = aws_security_group.router.id
  type              = each.key
  protocol          = "-1"
  from_port         = 0
  to_port           = 0
  cidr_blocks       = [each.value]
}

resource "aws_network_interface" "outer" {
  subnet_id         = aws_subnet.side["outer"].id
  description       = "towards the internet"
  private_ips       = [for host in [10, 11] : cidrhost(aws_subnet.side["outer"].cidr_block, host)]
  security_groups   = [aws_security_group.router.id]
  source_dest_check = false
  tags              = { Name = "outer" }
}

resource "aws_network_interface" "inner" {
  subnet_id         = aws_subnet.side["inner"].id
  description       = "towards the machines"
  security_groups   = [aws_security_group.router.id]
  source_dest_check = false
  tags              = { Name = "inner" }
}

resource "aws_eip" "outer" {
  for_each                  = aws_network_interface.outer.private_ips
  domain                    = "vpc"
  network_interface         = aws_network_interface.outer.id
  associate_with_private_ip = each.value
  depends_on                = [aws_internet_gateway.main]
}

resource "aws_instance" "router" {
  ami           = data.aws_ami.debian.id
  instance_type = "t3.small"

  network_interface {
    device_index         = 0
    network_interface_id = aws_network_interface.outer.id
  }

  network_interface {
    device_index         = 1
    network_interface_id = aws_network_interface.inner.id
  }

  user_data = <<-SCRIPT
    #!/bin/sh
    sysctl -w net.ipv4.ip_forward=1
    nft -f - <<RULES
    table ip nat { chain out { type nat hook postrouting priority 100; oifname ens5 masquerade; }; }
    RULES
  SCRIPT

  tags = { Name = "router" }
}

resource "aws_route_table" "outer" {
  vpc_id = aws_vpc.main.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}

resource "aws_route_table" "inner" {
  vpc_id = aws_vpc.main.id

  route {
    cidr_block           = "0.0.0.0/0"
    network_interface_id = aws_network_interface.inner.id
  }
}

resource "aws_route_table_association" "outer" {
  subnet_id      = aws_subnet.side["outer"].id
  route_table_id = aws_route_table.outer.id
}

resource "aws_route_table_association" "inner" {
  subnet_id      = aws_subnet.side["inner"].id
  route_table_id = aws_route_table.inner.id
}

output "addresses" {
  value = [for address in aws_eip.outer : address.public_ip]
}
