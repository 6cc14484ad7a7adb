# A machine that you can log in to, in the default VPC, at an address that stays.
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

variable "public_key_file" {
  description = "The public half of the ssh key that may log in"
  type        = string
  default     = "~/.ssh/id_ed25519.pub"
}

variable "type" {
  description = "How large the machine is"
  type        = string
  default     = "t3.micro"
}

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

  filter {
    name   = "architecture"
    values = ["x86_64"]
  }
}

resource "aws_key_pair" "login" {
  key_name_prefix = "first-machine-"
  public_key      = file(pathexpand(var.public_key_file))
}

resource "aws_security_group" "ssh" {
  name_prefix = "first-machine-"
  description = "Lets ssh in and everything out"
  vpc_id      = data.aws_vpc.default.id

  ingress {
    description = "ssh"
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_instance" "machine" {
  ami                    = data.aws_ami.debian.id
  instance_type          = var.type
  key_name               = aws_key_pair.login.key_name
  vpc_security_group_ids = [aws_security_group.ssh.id]

  user_data = <<-SCRIPT
    #!/bin/sh
    echo "made by terraform" > /etc/motd
  SCRIPT

  metadata_options {
    http_tokens = "required"
  }

  tags = {
    Name = "first-machine"
  }
}

resource "aws_eip" "address" {
  domain   = "vpc"
  instance = aws_instance.machine.id

  tags = {
    Name = "first-machine"
  }
}

output "login" {
  description = "How to log in"
  value       = "ssh admin@${aws_eip.address.public_ip}"
}
