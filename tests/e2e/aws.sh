#!/usr/bin/env bash
# The `aws` command and boto3, unmodified, against simulators: the life of an instance, waiters, paginators, dry runs,
# the reset, several servers side by side.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v aws >/dev/null || skip "there is no aws command; scripts/install.sh test installs one"
python3 -c 'import boto3' 2>/dev/null || skip "python3 has no boto3; scripts/install.sh test installs it"

port=$(free_port)
simulator "$port"
export AWS_ENDPOINT_URL=http://127.0.0.1:$port

equals() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
state() { aws ec2 describe-instances --instance-ids "$1" --query 'Reservations[0].Instances[0].State.Name' --output text; }

equals "the account" "$(aws sts get-caller-identity --query Account --output text)" 000000000000
image=$(aws ec2 describe-images --owners amazon --filters 'Name=name,Values=debian-12-amd64-*' \
  --query 'sort_by(Images, &CreationDate)[-1].ImageId' --output text)
[[ $image = ami-* ]] || fail "no Debian image is found: $image"

id=$(aws ec2 run-instances --image-id "$image" --instance-type t3.micro --user-data 'echo hello' \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=web}]' \
  --query 'Instances[0].InstanceId' --output text)
aws ec2 wait instance-running --instance-ids "$id"
equals "after its start" "$(state "$id")" running
equals "by its tag" "$(aws ec2 describe-instances --filters 'Name=tag:Name,Values=w?b' \
  --query 'Reservations[].Instances[].InstanceId' --output text)" "$id"
equals "its user data" "$(aws ec2 describe-instance-attribute --instance-id "$id" --attribute userData \
  --query UserData.Value --output text | base64 -d)" 'echo hello'
aws ec2 stop-instances --instance-ids "$id" >"$WORK/out"
aws ec2 wait instance-stopped --instance-ids "$id"
aws ec2 modify-instance-attribute --instance-id "$id" --instance-type Value=t3.large
aws ec2 start-instances --instance-ids "$id" >"$WORK/out"
aws ec2 wait instance-running --instance-ids "$id"
equals "its new type" "$(aws ec2 describe-instances --instance-ids "$id" \
  --query 'Reservations[0].Instances[0].InstanceType' --output text)" t3.large
said=$(aws ec2 terminate-instances --dry-run --instance-ids "$id" 2>&1) && fail "a dry run ended well"
[[ $said = *DryRunOperation* ]] || fail "a dry run said: $said"
equals "after a dry run" "$(state "$id")" running
said=$(AWS_SECRET_ACCESS_KEY=wrong aws ec2 describe-vpcs 2>&1) && fail "a wrong secret was taken"
[[ $said = *AuthFailure* ]] || fail "a wrong secret gave: $said"
aws ec2 terminate-instances --instance-ids "$id" >"$WORK/out"
aws ec2 wait instance-terminated --instance-ids "$id"
equals "after its end" "$(state "$id")" terminated

# Blocks of snapshots are called by paths, and simulated machines write nothing.
volume=$(aws ec2 create-volume --availability-zone us-east-1a --size 1 --query VolumeId --output text)
snapshot=$(aws ec2 create-snapshot --volume-id "$volume" --query SnapshotId --output text)
equals "blocks of nothing" "$(aws ebs list-snapshot-blocks --snapshot-id "$snapshot" \
  --query '[BlockSize, VolumeSize, length(Blocks)]' --output text | tr '\t' ' ')" '524288 1 0'
said=$(aws ebs get-snapshot-block --snapshot-id "$snapshot" --block-index 0 --block-token AAAA "$WORK/block" 2>&1) \
  && fail "a forged token of a block was taken"
[[ $said = *ValidationException* ]] || fail "a forged token of a block gave: $said"

# Lifecycle policies are called by paths, with bodies and lists in queries.
role=$(aws iam create-role --role-name lifecycle --query Role.Arn --output text --assume-role-policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"dlm.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
policy=$(aws dlm create-lifecycle-policy --execution-role-arn "$role" --description daily --state ENABLED --tags team=blue \
  --policy-details '{"ResourceTypes":["VOLUME"],"TargetTags":[{"Key":"backup","Value":"yes"}],"Schedules":[{"Name":"daily",
    "CreateRule":{"CronExpression":"cron(0 3 * * ? *)"},"RetainRule":{"Count":7}}]}' --query PolicyId --output text)
equals "a policy" "$(aws dlm get-lifecycle-policy --policy-id "$policy" \
  --query 'Policy.[State, PolicyDetails.Schedules[0].RetainRule.Count, Tags.team]' --output text | tr '\t' ' ')" 'ENABLED 7 blue'
equals "policies" "$(aws dlm get-lifecycle-policies --policy-ids "$policy" --resource-types VOLUME \
  --query 'Policies[].PolicyId' --output text)" "$policy"
arn=$(aws dlm get-lifecycle-policy --policy-id "$policy" --query Policy.PolicyArn --output text)
aws dlm tag-resource --resource-arn "$arn" --tags a=b
aws dlm untag-resource --resource-arn "$arn" --tag-keys team none
equals "a policy's tags" "$(aws dlm list-tags-for-resource --resource-arn "$arn" --query Tags.a --output text)" b
aws dlm update-lifecycle-policy --policy-id "$policy" --state DISABLED
equals "a policy that is off" "$(aws dlm get-lifecycle-policies --state DISABLED --query 'Policies[].PolicyId' --output text)" "$policy"
aws dlm delete-lifecycle-policy --policy-id "$policy"
said=$(aws dlm get-lifecycle-policy --policy-id "$policy" 2>&1) && fail "a policy that was deleted is there"
[[ $said = *ResourceNotFoundException* ]] || fail "a policy that was deleted gave: $said"
# File shares are called by paths too, and some of their answers have no body.
share=$(aws efs create-file-system --creation-token home --tags Key=Name,Value=home --query FileSystemId --output text)
again=$(aws efs create-file-system --creation-token home 2>&1) && fail "a token made two file systems"
[[ $again = *FileSystemAlreadyExists* ]] || fail "a token that is taken gave: $again"
subnet=$(aws ec2 describe-subnets --filters Name=default-for-az,Values=true --query 'Subnets[0].SubnetId' --output text)
target=$(aws efs create-mount-target --file-system-id "$share" --subnet-id "$subnet" --query MountTargetId --output text)
equals "a share" "$(aws efs describe-file-systems --query 'FileSystems[0].[Name, LifeCycleState, SizeInBytes.Value,
  NumberOfMountTargets]' --output text | tr '\t' ' ')" 'home available 6144 1'
aws efs delete-file-system --file-system-id "$share" >"$WORK/out" 2>&1 && fail "a share in use was deleted"
aws efs delete-mount-target --mount-target-id "$target"
aws efs untag-resource --resource-id "$share" --tag-keys Name other
equals "its tags" "$(aws efs list-tags-for-resource --resource-id "$share" --query 'length(Tags)')" 0
aws efs delete-file-system --file-system-id "$share"
equals "shares" "$(aws efs describe-file-systems --query 'length(FileSystems)')" 0

other=$(free_port)
simulator "$other" --access-key other --secret-key others --account 123456789012
python3 "$(dirname "$0")/boto.py" "http://127.0.0.1:$port" "http://127.0.0.1:$other"
echo "aws.sh: the life of an instance, waiters, pages, dry runs, reset, two servers side by side: as on AWS"
