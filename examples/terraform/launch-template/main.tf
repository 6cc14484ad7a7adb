# Machines that are described once: a launch template says what a web server is, and machines are made from it, each with
# what is its own.
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

data "aws_vpc" "default" {
  default = true
}

data "aws_ami" "debian" {
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

resource "aws_security_group" "web" {
  name_prefix = "launch-template-"
  description = "Lets web requests in and everything out"
  vpc_id      = data.aws_vpc.default.id

  ingress {
    protocol    = "tcp"
    from_port   = 80
    to_port     = 80
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_launch_template" "web" {
  name_prefix            = "web-"
  description            = "A web server with a disk for its data"
  image_id               = data.aws_ami.debian.id
  instance_type          = "t3.micro"
  vpc_security_group_ids = [aws_security_group.web.id]
  update_default_version = true

  block_device_mappings {
    device_name = "/dev/sdf"

    ebs {
      volume_size           = 4
      volume_type           = "gp3"
      delete_on_termination = true
    }
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring {
    enabled = true
  }

  # Tags of an instance are each instance's own below: Terraform takes all that one has for its own.
  tag_specifications {
    resource_type = "volume"

    tags = {
      Role = "web"
    }
  }

  tags = {
    Name = "launch-template"
  }
}

# As the template says, by the version that it has by default.
resource "aws_instance" "plain" {
  launch_template {
    id = aws_launch_template.web.id
  }

  tags = {
    Name = "launch-template-plain"
  }
}

# A larger one, from the newest version.
resource "aws_instance" "large" {
  instance_type = "t3.small"

  launch_template {
    name    = aws_launch_template.web.name
    version = "$Latest"
  }

  tags = {
    Name = "launch-template-large"
  }
}

# What is known of the template by its name alone.
data "aws_launch_template" "web" {
  name = aws_launch_template.web.name
}

output "template" {
  description = "The template, its newest version, and what was made from it"

  value = {
    id       = data.aws_launch_template.web.id
    version  = data.aws_launch_template.web.latest_version
    machines = [aws_instance.plain.id, aws_instance.large.id]
  }
}
