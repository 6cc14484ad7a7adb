# A machine in what is there already: nothing is named by id, everything is looked up. What an account begins with (its
# default network, the keys of its services, its canonical id) is found as what you made yourself is.
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

data "aws_caller_identity" "me" {}
data "aws_canonical_user_id" "me" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

data "aws_availability_zones" "here" {
  state = "available"
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnet" "first" {
  vpc_id            = data.aws_vpc.default.id
  availability_zone = data.aws_availability_zones.here.names[0]
  default_for_az    = true
}

data "aws_route_table" "main" {
  vpc_id = data.aws_vpc.default.id

  filter {
    name   = "association.main"
    values = ["true"]
  }
}

data "aws_internet_gateway" "default" {
  filter {
    name   = "attachment.vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

data "aws_ami" "debian" {
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

data "aws_ec2_instance_types" "small" {
  filter {
    name   = "instance-type"
    values = ["t3.micro", "t3.nano"]
  }
}

# Under which key volumes are encrypted where none is named. The key is made when it is first looked at.
data "aws_ebs_encryption_by_default" "here" {}
data "aws_ebs_default_kms_key" "here" {}

data "aws_kms_alias" "volumes" {
  name = "alias/aws/ebs"
}

data "aws_iam_policy" "looking" {
  name = "ReadOnlyAccess"
}

# Who may look at everything, from this account alone, and end no machine.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.me.account_id}:root"]
    }
  }
}

data "aws_iam_policy_document" "ends_nothing" {
  statement {
    effect    = "Deny"
    actions   = ["ec2:TerminateInstances"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "looker" {
  name_prefix        = "looked-up-"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "looker" {
  role       = aws_iam_role.looker.name
  policy_arn = data.aws_iam_policy.looking.arn
}

resource "aws_iam_role_policy" "looker" {
  name   = "ends-nothing"
  role   = aws_iam_role.looker.id
  policy = data.aws_iam_policy_document.ends_nothing.json
}

resource "aws_security_group" "inside" {
  name_prefix = "looked-up-"
  description = "Lets in whoever is in the same network"
  vpc_id      = data.aws_vpc.default.id

  ingress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = [data.aws_vpc.default.cidr_block]
  }
}

resource "aws_instance" "machine" {
  ami                    = data.aws_ami.debian.id
  instance_type          = sort(data.aws_ec2_instance_types.small.instance_types)[0]
  subnet_id              = data.aws_subnet.first.id
  vpc_security_group_ids = [aws_security_group.inside.id]

  tags = {
    Name  = "looked-up"
    Owner = data.aws_canonical_user_id.me.id
  }
}

# What was just made is found by its tags, too.
data "aws_instances" "ours" {
  instance_tags = {
    Name = "looked-up"
  }

  depends_on = [aws_instance.machine]
}

output "found" {
  description = "What was looked up"

  value = {
    account  = data.aws_caller_identity.me.account_id
    owner    = data.aws_canonical_user_id.me.id
    region   = data.aws_region.here.name
    gateway  = data.aws_internet_gateway.default.id
    routes   = data.aws_route_table.main.id
    volumes  = data.aws_kms_alias.volumes.target_key_arn
    default  = data.aws_ebs_default_kms_key.here.key_arn
    by_rule  = data.aws_ebs_encryption_by_default.here.enabled
    machines = data.aws_instances.ours.ids
  }
}
