#!/usr/bin/env bash
# terraform.sh [EXAMPLE...]: Terraform with the real AWS provider against a simulator: each example applied, an empty second
# plan, destroyed. Each has a region of its own, as one account may have five networks in each; as many go at once as there
# are processors.
# The provider comes from where this machine has it: a plug-in mirror, or the registry that Terraform asks by itself.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v terraform >/dev/null || skip "terraform is not on the PATH"

mirror() {
  [ -z "${TF_PLUGIN_MIRROR:-}" ] || { echo "$TF_PLUGIN_MIRROR"; return; }
  local provider=registry.terraform.io/hashicorp/aws found
  for found in "$HOME/.terraform.d/plugins" /usr/local/share/terraform/plugins /usr/share/terraform/plugins; do
    [ -d "$found/$provider" ] && { echo "$found"; return; }
  done
  # What a stack has unpacked for itself may be gone in a moment.
  found=$(find / -xdev -name .terraform -prune -o -type d -path "*/$provider" -print -quit 2>/dev/null || true)
  [ -z "$found" ] || echo "${found%/"$provider"}"
}

if [ ! -f "${TF_CLI_CONFIG_FILE:-/nonexistent}" ]; then
  unset TF_CLI_CONFIG_FILE
  from=$(mirror)
  if [ -n "$from" ]; then
    export TF_CLI_CONFIG_FILE=$WORK/terraformrc
    printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$from" >"$TF_CLI_CONFIG_FILE"
  fi
fi
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1

# The folder that stands for the bucket of the example with trails.
mkdir "$WORK/audit-events"
printf '[buckets]\naudit-events = "%s"\n' "$WORK/audit-events" >"$WORK/landfall.toml"
export LANDFALL_CONFIG=$WORK/landfall.toml

port=$(free_port)
simulator "$port"
export AWS_ENDPOINT_URL=http://127.0.0.1:$port

# A key that nobody keeps: the first example asks for the path of a public one.
ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
export TF_VAR_public_key_file=$WORK/key.pub

# phase NAME COMMAND...: does it in the stack's folder, and notes how long it took.
phase() {
  local name=$1 from status=0
  shift
  from=$(date +%s.%N)
  "$@" >"$name.log" 2>&1 || status=$?
  printf '  %s %s s' "$name" "$(awk -v a="$from" -v b="$(date +%s.%N)" 'BEGIN { printf "%.0f", b - a }')"
  return "$status"
}

# stack NAME REGION: the life of one, in its own folder, which has what `terraform init` leaves there.
stack() {
  export AWS_REGION=$2 AWS_DEFAULT_REGION=$2
  cd "$WORK/$1"
  printf '%-20s' "$1"
  phase apply terraform apply -no-color -input=false -auto-approve || { echo; tail -30 apply.log; return 1; }
  # What is there already must look the same to whoever comes next.
  phase plan terraform plan -no-color -input=false -detailed-exitcode || { echo; cat plan.log; return 1; }
  phase destroy terraform destroy -no-color -input=false -auto-approve || { echo; tail -30 destroy.log; return 1; }
  echo
}

stacks=()
regions=(us-east-1 us-east-2 us-west-2 eu-west-1 eu-central-1 eu-north-1 ap-southeast-2 sa-east-1 ca-central-1
  eu-west-2 eu-west-3 eu-south-1 ap-south-1 ap-northeast-1)
[ "$#" -gt 0 ] || set -- examples/terraform/*/
for example in "$@"; do
  name=$(basename "$example")
  cp -r "$example" "$WORK/$name"
  if [ "${#stacks[@]}" = 0 ]; then
    (cd "$WORK/$name" && terraform init -no-color -input=false >"$WORK/init.log" 2>&1) ||
      { tail -5 "$WORK/init.log"; skip "terraform finds no provider hashicorp/aws"; }
  else
    # They all name the same provider, so one look at it serves them all.
    cp -a "$WORK/${stacks[0]}/.terraform" "$WORK/${stacks[0]}/.terraform.lock.hcl" "$WORK/$name/"
  fi
  stacks+=("$name")
done
[ "${#stacks[@]}" -le "${#regions[@]}" ] || fail "there are more examples than regions here"

at_once=$(nproc)
[ "$at_once" -gt 1 ] || at_once=2
for number in "${!stacks[@]}"; do
  while [ "$(jobs -pr | wc -l)" -gt "$at_once" ]; do wait -n || true; done
  name=${stacks[$number]}
  (set +e; stack "$name" "${regions[$number]}" >"$WORK/$name.said" 2>&1; echo $? >"$WORK/$name.status"; cat "$WORK/$name.said") &
  running+=($!)
done
wait "${running[@]}" || true
for name in "${stacks[@]}"; do
  [ "$(cat "$WORK/$name.status" 2>/dev/null)" = 0 ] || fail "the example $name"
done
echo "terraform.sh: ${#stacks[@]} examples applied, each with an empty second plan, destroyed"
