# Three tiers over three zones, each zone able to live without the others: public subnets with a NAT gateway in each zone,
# private ones for the application that go out by the gateway of their own zone, and databases that nothing leads out of.
# Groups let each tier speak to the next one; network ACLs say the same of the databases' subnets once more.
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
  default     = "10.40.0.0/16"
}

variable "flow_log_bucket" {
  description = "The ARN of a bucket for records of refused traffic; none are written if it is empty"
  type        = string
  default     = ""
}

data "aws_region" "here" {}

data "aws_availability_zones" "up" {
  state = "available"
}

locals {
  zones = { for index, zone in slice(data.aws_availability_zones.up.names, 0, 3) : zone => index }
}

resource "aws_vpc" "main" {
  cidr_block           = var.block
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = "three-tiers" }
}

resource "aws_vpc_dhcp_options" "main" {
  domain_name         = "tiers.internal"
  domain_name_servers = ["AmazonProvidedDNS"]
  ntp_servers         = ["169.254.169.123"]
  tags                = { Name = "three-tiers" }
}

resource "aws_vpc_dhcp_options_association" "main" {
  vpc_id          = aws_vpc.main.id
  dhcp_options_id = aws_vpc_dhcp_options.main.id
}

# Nobody gets anything by belonging to the group that every network has.
resource "aws_default_security_group" "nothing" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "unused" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "three-tiers" }
}

resource "aws_subnet" "public" {
  for_each                = local.zones
  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.block, 8, each.value)
  map_public_ip_on_launch = true
  tags                    = { Name = "public-${each.key}", Tier = "public" }
}

resource "aws_subnet" "application" {
  for_each          = local.zones
  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.block, 4, each.value + 1)
  tags              = { Name = "application-${each.key}", Tier = "application" }
}

resource "aws_subnet" "database" {
  for_each          = local.zones
  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.block, 8, each.value + 100)
  tags              = { Name = "database-${each.key}", Tier = "database" }
}

resource "aws_eip" "nat" {
  for_each   = local.zones
  domain     = "vpc"
  tags       = { Name = "nat-${each.key}" }
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
  tags   = { Name = "public" }
}

resource "aws_route" "public_out" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table" "application" {
  for_each = local.zones
  vpc_id   = aws_vpc.main.id
  tags     = { Name = "application-${each.key}" }
}

resource "aws_route" "application_out" {
  for_each               = local.zones
  route_table_id         = aws_route_table.application[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.zone[each.key].id
}

resource "aws_route_table_association" "application" {
  for_each       = aws_subnet.application
  subnet_id      = each.value.id
  route_table_id = aws_route_table.application[each.key].id
}

# No way out at all, but to the bucket service, which needs none.
resource "aws_route_table" "database" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "database" }
}

resource "aws_route_table_association" "database" {
  for_each       = aws_subnet.database
  subnet_id      = each.value.id
  route_table_id = aws_route_table.database.id
}

resource "aws_vpc_endpoint" "buckets" {
  vpc_id            = aws_vpc.main.id
  service_name      = "com.amazonaws.${data.aws_region.here.name}.s3"
  vpc_endpoint_type = "Gateway"
  tags              = { Name = "buckets" }
  route_table_ids = concat(
    [for table in aws_route_table.application : table.id],
    [aws_route_table.database.id],
  )
}

resource "aws_network_acl" "database" {
  vpc_id     = aws_vpc.main.id
  subnet_ids = [for subnet in aws_subnet.database : subnet.id]
  tags       = { Name = "database" }

  dynamic "ingress" {
    for_each = local.zones
    content {
      rule_no    = 100 + ingress.value
      action     = "allow"
      protocol   = "tcp"
      cidr_block = aws_subnet.application[ingress.key].cidr_block
      from_port  = 5432
      to_port    = 5432
    }
  }

  # Databases copy to each other, and hear answers of the bucket service.
  dynamic "ingress" {
    for_each = local.zones
    content {
      rule_no    = 200 + ingress.value
      action     = "allow"
      protocol   = "-1"
      cidr_block = aws_subnet.database[ingress.key].cidr_block
      from_port  = 0
      to_port    = 0
    }
  }

  dynamic "egress" {
    for_each = local.zones
    content {
      rule_no    = 100 + egress.value
      action     = "allow"
      protocol   = "tcp"
      cidr_block = aws_subnet.application[egress.key].cidr_block
      from_port  = 1024
      to_port    = 65535
    }
  }

  dynamic "egress" {
    for_each = local.zones
    content {
      rule_no    = 200 + egress.value
      action     = "allow"
      protocol   = "-1"
      cidr_block = aws_subnet.database[egress.key].cidr_block
      from_port  = 0
      to_port    = 0
    }
  }
}

resource "aws_security_group" "tier" {
  for_each    = toset(["balancer", "application", "database"])
  name_prefix = "${each.key}-"
  description = "The ${each.key} tier"
  vpc_id      = aws_vpc.main.id
  tags        = { Name = each.key }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  for_each          = toset(["80", "443"])
  security_group_id = aws_security_group.tier["balancer"].id
  description       = "everybody, port ${each.key}"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "to_application" {
  security_group_id            = aws_security_group.tier["balancer"].id
  referenced_security_group_id = aws_security_group.tier["application"].id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_ingress_rule" "application" {
  security_group_id            = aws_security_group.tier["application"].id
  referenced_security_group_id = aws_security_group.tier["balancer"].id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_egress_rule" "application" {
  security_group_id = aws_security_group.tier["application"].id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.tier["database"].id
  referenced_security_group_id = aws_security_group.tier["application"].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "copies" {
  security_group_id            = aws_security_group.tier["database"].id
  referenced_security_group_id = aws_security_group.tier["database"].id
  ip_protocol                  = "-1"
}

resource "aws_flow_log" "refused" {
  count                    = var.flow_log_bucket == "" ? 0 : 1
  vpc_id                   = aws_vpc.main.id
  traffic_type             = "REJECT"
  log_destination_type     = "s3"
  log_destination          = var.flow_log_bucket
  max_aggregation_interval = 60
}

# What this is all about, reasoned from what stands above: the application reaches a database, and no database the world.
data "aws_ami" "debian" {
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

resource "aws_instance" "tier" {
  for_each = {
    application = values(aws_subnet.application)[0].id
    database    = values(aws_subnet.database)[1].id
  }
  ami                    = data.aws_ami.debian.id
  instance_type          = "t3.micro"
  subnet_id              = each.value
  vpc_security_group_ids = [aws_security_group.tier[each.key].id]
  tags                   = { Name = each.key }
}

resource "aws_ec2_network_insights_path" "question" {
  for_each = {
    query = [aws_instance.tier["application"].id, aws_instance.tier["database"].id, 5432]
    back  = [aws_instance.tier["database"].id, aws_instance.tier["application"].id, 8080]
    leak  = [aws_instance.tier["database"].id, aws_internet_gateway.main.id, 443]
  }
  source           = each.value[0]
  destination      = each.value[1]
  destination_port = each.value[2]
  protocol         = "tcp"
  tags             = { Name = each.key }
}

resource "aws_ec2_network_insights_analysis" "answer" {
  for_each                 = aws_ec2_network_insights_path.question
  network_insights_path_id = each.value.id

  depends_on = [
    aws_network_acl.database,
    aws_route.application_out,
    aws_route_table_association.application,
    aws_route_table_association.database,
    aws_vpc_security_group_egress_rule.application,
    aws_vpc_security_group_ingress_rule.copies,
    aws_vpc_security_group_ingress_rule.database,
  ]

  lifecycle {
    postcondition {
      condition     = self.path_found == (each.key == "query")
      error_message = "The analysis of '${each.key}' says: ${jsonencode(self.explanations)}"
    }
  }
}

output "out" {
  description = "The addresses that applications are seen as, by zone"
  value       = { for zone, gateway in aws_nat_gateway.zone : zone => gateway.public_ip }
}
