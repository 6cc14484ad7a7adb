#!/usr/bin/env bash
# Terraform with the real AWS provider against a simulator: apply, an empty second plan, destroy, and nothing left.
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
  found=$(find / -xdev -type d -path "*/$provider" -print -quit 2>/dev/null || true)
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

port=$(free_port)
simulator "$port"
export AWS_ENDPOINT_URL=http://127.0.0.1:$port

# A key that nobody keeps: the first example asks for the path of a public one.
ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
export TF_VAR_public_key_file=$WORK/key.pub

phase() {
  local name=$1 from status=0
  shift
  from=$(date +%s.%N)
  "$@" >"$WORK/$name.log" 2>&1 || status=$?
  printf '  %s: %s s\n' "$name" "$(awk -v a="$from" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')"
  return "$status"
}

stack() {
  echo "$1"
  cp -r "examples/terraform/$1" "$WORK/$1"
  pushd "$WORK/$1" >/dev/null
  phase init terraform init -no-color -input=false || { tail -5 "$WORK/init.log"; skip "terraform finds no provider hashicorp/aws"; }
  phase apply terraform apply -no-color -input=false -auto-approve || { tail -30 "$WORK/apply.log"; fail "apply of $1"; }
  terraform output -no-color
  phase plan terraform plan -no-color -input=false -detailed-exitcode || { cat "$WORK/plan.log"; fail "the second plan of $1 isn't empty"; }
  phase destroy terraform destroy -no-color -input=false -auto-approve || { tail -30 "$WORK/destroy.log"; fail "destroy of $1"; }
  popd >/dev/null
}

for example in examples/terraform/*/; do
  stack "$(basename "$example")"
done
echo "terraform.sh: each example applied, an empty second plan, destroyed"
