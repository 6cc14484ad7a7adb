# Backups by themselves: volumes that say so by a tag are snapshotted each night and each month, and an instance has an image
# each week. What is too old goes.
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

data "aws_availability_zones" "here" {
  state = "available"
}

data "aws_region" "here" {}

# Names of roles are the account's, whatever the region.
resource "aws_iam_role" "lifecycle" {
  name_prefix = "lifecycle-${data.aws_region.here.name}-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "dlm.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# What is done by a policy, is done with these rights and no others.
resource "aws_iam_role_policy" "lifecycle" {
  name = "backups"
  role = aws_iam_role.lifecycle.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "ec2:CreateSnapshot",
          "ec2:CreateSnapshots",
          "ec2:DeleteSnapshot",
          "ec2:CreateImage",
          "ec2:DeregisterImage",
          "ec2:EnableImageDeprecation",
        ]
        Resource = "*"
      },
      {
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = ["arn:aws:ec2:*::snapshot/*", "arn:aws:ec2:*::image/*"]
      },
    ]
  })
}

resource "aws_ebs_volume" "data" {
  availability_zone = data.aws_availability_zones.here.names[0]
  size              = 1
  type              = "gp3"

  tags = {
    Name   = "lifecycle"
    Backup = "yes"
  }
}

resource "aws_dlm_lifecycle_policy" "volumes" {
  description        = "Volumes each night and each month"
  execution_role_arn = aws_iam_role.lifecycle.arn
  state              = "ENABLED"

  policy_details {
    resource_types = ["VOLUME"]

    target_tags = {
      Backup = "yes"
    }

    schedule {
      name      = "nightly"
      copy_tags = true

      create_rule {
        interval      = 24
        interval_unit = "HOURS"
        times         = ["02:30"]
      }

      retain_rule {
        count = 7
      }

      tags_to_add = {
        Made = "nightly"
      }
    }

    schedule {
      name      = "monthly"
      copy_tags = true

      create_rule {
        cron_expression = "cron(0 4 1 * ? *)"
      }

      retain_rule {
        interval      = 1
        interval_unit = "YEARS"
      }
    }
  }

  tags = {
    Name = "lifecycle"
  }
}

resource "aws_dlm_lifecycle_policy" "machines" {
  description        = "An image of each machine every week"
  execution_role_arn = aws_iam_role.lifecycle.arn
  state              = "ENABLED"

  policy_details {
    policy_type    = "IMAGE_MANAGEMENT"
    resource_types = ["INSTANCE"]

    target_tags = {
      Image = "weekly"
    }

    parameters {
      no_reboot = true
    }

    schedule {
      name = "weekly"

      create_rule {
        cron_expression = "cron(0 3 ? * SUN *)"
      }

      retain_rule {
        count = 4
      }

      deprecate_rule {
        count = 2
      }
    }
  }
}

output "policies" {
  description = "What is backed up by itself"
  value       = [aws_dlm_lifecycle_policy.volumes.id, aws_dlm_lifecycle_policy.machines.id]
}
