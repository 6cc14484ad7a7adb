# An image of one's own: of a machine that was set up once, of a snapshot, a copy of one, and machines made from them.
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

data "aws_ami" "debian" {
  owners      = ["amazon"]
  most_recent = true

  filter {
    name   = "name"
    values = ["debian-12-amd64-*"]
  }
}

# The machine that is set up.
resource "aws_instance" "model" {
  ami           = data.aws_ami.debian.id
  instance_type = "t3.micro"

  tags = {
    Name = "image-model"
  }
}

# It is shut down for the image, and started again.
resource "aws_ami_from_instance" "golden" {
  name               = "golden"
  description        = "A machine as it was set up"
  source_instance_id = aws_instance.model.id
  deprecation_time   = timeadd(plantimestamp(), "8760h")

  tags = {
    Name = "golden"
  }

  lifecycle {
    # The year begins anew with each plan.
    ignore_changes = [deprecation_time]
  }
}

resource "aws_ami_copy" "golden" {
  name              = "golden-copy"
  description       = "A copy, which stays when the image goes"
  source_ami_id     = aws_ami_from_instance.golden.id
  source_ami_region = data.aws_availability_zones.all.id

  tags = {
    Name = "golden-copy"
  }
}

# An image of a disk that was made for it.
resource "aws_ebs_volume" "disk" {
  availability_zone = data.aws_availability_zones.all.names[0]
  size              = 2
  type              = "gp3"
}

resource "aws_ebs_snapshot" "disk" {
  volume_id = aws_ebs_volume.disk.id
}

resource "aws_ami" "registered" {
  name                = "registered"
  description         = "A disk that was made for it"
  architecture        = "x86_64"
  virtualization_type = "hvm"
  root_device_name    = "/dev/xvda"
  ena_support         = true
  imds_support        = "v2.0"

  ebs_block_device {
    device_name           = "/dev/xvda"
    snapshot_id           = aws_ebs_snapshot.disk.id
    volume_size           = 4
    volume_type           = "gp3"
    delete_on_termination = true
  }
}

# Another account may make machines from it.
resource "aws_ami_launch_permission" "friend" {
  image_id   = aws_ami_from_instance.golden.id
  account_id = "111122223333"
}

resource "aws_ec2_image_block_public_access" "on" {
  state = "block-new-sharing"
}

resource "aws_instance" "copies" {
  count         = 2
  ami           = aws_ami_copy.golden.id
  instance_type = "t3.micro"

  tags = {
    Name = "image-copy-${count.index}"
  }
}

resource "aws_instance" "registered" {
  ami           = aws_ami.registered.id
  instance_type = "t3.micro"

  tags = {
    Name = "image-registered"
  }
}

# What is known of the image by its name alone.
data "aws_ami" "golden" {
  owners = ["self"]

  filter {
    name   = "name"
    values = [aws_ami_from_instance.golden.name]
  }
}

output "images" {
  description = "The images, and what was made from them"

  value = {
    golden   = data.aws_ami.golden.id
    copy     = aws_ami_copy.golden.id
    machines = aws_instance.copies[*].id
  }
}
