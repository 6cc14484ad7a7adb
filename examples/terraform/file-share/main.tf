# A file share in two zones, with a way in for one application: who comes by the access point is taken for one user and
# sees one folder.
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

data "aws_availability_zones" "all" {
  state = "available"
}

resource "aws_vpc" "office" {
  cidr_block           = "10.60.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = "office" }
}

resource "aws_subnet" "zone" {
  count             = 2
  vpc_id            = aws_vpc.office.id
  cidr_block        = cidrsubnet(aws_vpc.office.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
}

resource "aws_security_group" "clients" {
  name   = "clients"
  vpc_id = aws_vpc.office.id
}

# Whoever is in the group of clients may mount, and nobody else.
resource "aws_security_group" "share" {
  name   = "share"
  vpc_id = aws_vpc.office.id
}

resource "aws_vpc_security_group_ingress_rule" "nfs" {
  security_group_id            = aws_security_group.share.id
  referenced_security_group_id = aws_security_group.clients.id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
}

resource "aws_efs_file_system" "home" {
  creation_token   = "home"
  throughput_mode  = "elastic"
  performance_mode = "generalPurpose"

  lifecycle_policy {
    transition_to_ia = "AFTER_30_DAYS"
  }

  lifecycle_policy {
    transition_to_primary_storage_class = "AFTER_1_ACCESS"
  }

  tags = { Name = "home" }
}

resource "aws_efs_mount_target" "zone" {
  count           = 2
  file_system_id  = aws_efs_file_system.home.id
  subnet_id       = aws_subnet.zone[count.index].id
  security_groups = [aws_security_group.share.id]
}

resource "aws_efs_access_point" "application" {
  file_system_id = aws_efs_file_system.home.id

  posix_user {
    uid = 1000
    gid = 1000
  }

  root_directory {
    path = "/application"

    creation_info {
      owner_uid   = 1000
      owner_gid   = 1000
      permissions = "0750"
    }
  }

  tags = { Name = "application" }
}

resource "aws_efs_file_system_policy" "home" {
  file_system_id = aws_efs_file_system.home.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      Resource  = aws_efs_file_system.home.arn
      Condition = { Bool = { "elasticfilesystem:AccessedViaMountTarget" = "true" } }
    }]
  })
}

resource "aws_efs_backup_policy" "home" {
  file_system_id = aws_efs_file_system.home.id

  backup_policy {
    status = "ENABLED"
  }
}

output "name" {
  value = aws_efs_file_system.home.dns_name
}
