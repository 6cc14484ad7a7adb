# A network that speaks IPv4 and IPv6: machines that the world reaches over both, and machines that get out over IPv6
# without being reached. Groups and network ACLs say everything twice, once for each.
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
  description = "The network's IPv4 addresses; those of IPv6 are provided"
  type        = string
  default     = "10.70.0.0/16"
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
  cidr_block                       = var.block
  assign_generated_ipv6_cidr_block = true
  enable_dns_hostnames             = true
  tags                             = { Name = "dual-stack" }
}

resource "aws_subnet" "zone" {
  for_each = { public = 0, private = 1 }

  vpc_id                          = aws_vpc.main.id
  availability_zone               = data.aws_availability_zones.up.names[each.value]
  cidr_block                      = cidrsubnet(var.block, 8, each.value)
  ipv6_cidr_block                 = cidrsubnet(aws_vpc.main.ipv6_cidr_block, 8, each.value)
  assign_ipv6_address_on_creation = true
  map_public_ip_on_launch         = each.key == "public"
  tags                            = { Name = each.key }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_egress_only_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "out only" }
}

resource "aws_route_table" "zone" {
  for_each = aws_subnet.zone
  vpc_id   = aws_vpc.main.id
  tags     = { Name = each.key }
}

resource "aws_route_table_association" "zone" {
  for_each       = aws_subnet.zone
  subnet_id      = each.value.id
  route_table_id = aws_route_table.zone[each.key].id
}

resource "aws_route" "public" {
  route_table_id         = aws_route_table.zone["public"].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route" "public_ipv6" {
  route_table_id              = aws_route_table.zone["public"].id
  destination_ipv6_cidr_block = "::/0"
  gateway_id                  = aws_internet_gateway.main.id
}

resource "aws_route" "private_ipv6" {
  route_table_id              = aws_route_table.zone["private"].id
  destination_ipv6_cidr_block = "::/0"
  egress_only_gateway_id      = aws_egress_only_internet_gateway.main.id
}

resource "aws_ec2_managed_prefix_list" "offices" {
  name           = "offices"
  address_family = "IPv6"
  max_entries    = 10

  entry {
    cidr        = "2001:db8:10::/48"
    description = "the old office"
  }

  entry {
    cidr        = "2001:db8:20::/48"
    description = "the new one"
  }
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "Web over both, ssh from offices"
  vpc_id      = aws_vpc.main.id

  ingress {
    description      = "web"
    protocol         = "tcp"
    from_port        = 443
    to_port          = 443
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }

  ingress {
    description     = "ssh"
    protocol        = "tcp"
    from_port       = 22
    to_port         = 22
    prefix_list_ids = [aws_ec2_managed_prefix_list.offices.id]
  }

  ingress {
    description      = "echo and the like"
    protocol         = "icmpv6"
    from_port        = -1
    to_port          = -1
    ipv6_cidr_blocks = ["::/0"]
  }

  egress {
    protocol         = "-1"
    from_port        = 0
    to_port          = 0
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
}

resource "aws_default_network_acl" "main" {
  default_network_acl_id = aws_vpc.main.default_network_acl_id

  # All subnets that no other ACL names are this one's by themselves.
  lifecycle {
    ignore_changes = [subnet_ids]
  }

  ingress {
    rule_no         = 90
    action          = "deny"
    protocol        = "tcp"
    ipv6_cidr_block = "2001:db8:bad::/48"
    from_port       = 0
    to_port         = 65535
  }

  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }

  ingress {
    rule_no         = 101
    action          = "allow"
    protocol        = "-1"
    ipv6_cidr_block = "::/0"
    from_port       = 0
    to_port         = 0
  }

  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }

  egress {
    rule_no         = 101
    action          = "allow"
    protocol        = "-1"
    ipv6_cidr_block = "::/0"
    from_port       = 0
    to_port         = 0
  }
}

resource "aws_instance" "web" {
  ami                    = data.aws_ami.debian.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.zone["public"].id
  vpc_security_group_ids = [aws_security_group.web.id]
  ipv6_addresses         = [cidrhost(aws_subnet.zone["public"].ipv6_cidr_block, 80)]
  tags                   = { Name = "web" }
}

resource "aws_network_interface" "inner" {
  subnet_id          = aws_subnet.zone["private"].id
  description        = "an address of each kind, and more"
  private_ips        = [cidrhost(aws_subnet.zone["private"].cidr_block, 20), cidrhost(aws_subnet.zone["private"].cidr_block, 21)]
  ipv6_address_count = 2
  security_groups    = [aws_security_group.web.id]
}

output "web" {
  description = "How the world reaches the web machine"
  value       = [aws_instance.web.public_ip, aws_instance.web.ipv6_addresses[0]]
}
