# Every call, of whoever and in whatever region, in a folder of yours: delivered in AWS's form, with digests that show
# what was removed or altered since. The bucket's name is one that landfall.toml maps to a folder:
#
#   [buckets]
#   audit-events = "/srv/audit-events"
#
#   eval "$(landfall env)"
#   terraform init && terraform apply
#   landfall audit validate /srv/audit-events

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

variable "bucket" {
  description = "Where the events go"
  type        = string
  default     = "audit-events"
}

resource "aws_cloudtrail" "everything" {
  name                          = "everything"
  s3_bucket_name                = var.bucket
  s3_key_prefix                 = "trail"
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true

  tags = {
    Purpose = "audit"
  }
}

# What changes something, apart: of this region alone, and without the noise of keys.
resource "aws_cloudtrail" "changes" {
  name                          = "changes"
  s3_bucket_name                = var.bucket
  s3_key_prefix                 = "changes"
  include_global_service_events = false

  event_selector {
    read_write_type                  = "WriteOnly"
    include_management_events        = true
    exclude_management_event_sources = ["kms.amazonaws.com"]
  }
}

output "trail" {
  value = aws_cloudtrail.everything.arn
}
