#!/usr/bin/env bash
# TLS as people's tools speak it: `landfall env` is all that they need, nobody believes another authority, and nothing is
# said in plain over a wire. The wire is a pair of links into a namespace of this script's own.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v aws >/dev/null || skip "there is no aws command; scripts/install.sh test installs one"
python3 -c 'import boto3' 2>/dev/null || skip "python3 has no boto3; scripts/install.sh test installs it"

equals() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
contains() { [[ $2 = *"$3"* ]] || fail "$1: $2"; }
account() { aws sts get-caller-identity --query Account --output text 2>&1; }

port=$(free_port)
said=$("$LANDFALL_BIN" serve --simulate --listen "0.0.0.0:$port" 2>&1) && fail "it listened everywhere in plain"
contains "the refusal to listen everywhere in plain" "$said" "over TLS only: add --tls"

export XDG_RUNTIME_DIR=$WORK
simulator "$port" --tls --state "$WORK/state"
eval "$("$LANDFALL_BIN" env --listen "127.0.0.1:$port")"
equals "the endpoint" "$AWS_ENDPOINT_URL" "https://127.0.0.1:$port"
equals "the mode of the authority's key" "$(stat -c %a "$WORK/state/keys/authority.key")" 600
equals "the authority's certificate" "$(cat "$AWS_CA_BUNDLE")" "$(curl -s "http://127.0.0.1:$port/_landfall/ca.pem")"
equals "aws over TLS" "$(account)" 000000000000
python3 - <<'END' || fail "boto3 over TLS"
import boto3
image = boto3.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
run = boto3.client("ec2").run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")
assert run["Instances"][0]["State"]["Name"] == "pending", run
END
sleep 1.1
contains "the record of it" "$(aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=RunInstances \
  --query 'Events[0].CloudTrailEvent' --output text)" '"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_'
equals "by a policy that wants TLS" "$(python3 - <<'END'
import json, boto3
iam, sts = boto3.client("iam"), boto3.client("sts")
iam.create_user(UserName="u")
allow = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allow}))
key = iam.create_access_key(UserName="u")["AccessKey"]
who = dict(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
import os
boto3.client("ec2", **who).describe_vpcs()
try:
    boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"].replace("https", "http"), **who).describe_vpcs()
except Exception as error:
    print(error.response["Error"]["Code"])
END
)" UnauthorizedOperation
contains "doctor" "$("$LANDFALL_BIN" doctor --simulate)" "certificate: https://127.0.0.1:$port shows one of its own authority"

other=$(free_port)
simulator "$other" --tls
stranger=$("$LANDFALL_BIN" env --listen "127.0.0.1:$other" | sed -n "s/^export AWS_CA_BUNDLE='\(.*\)'/\1/p")
[ -s "$stranger" ] || fail "a cloud without a state has no certificate: $stranger"
contains "another cloud's authority" "$(AWS_CA_BUNDLE=$stranger account || true)" "SSL validation failed"
contains "no authority" "$(env -u AWS_CA_BUNDLE aws sts get-caller-identity 2>&1 || true)" "SSL validation failed"
first=$AWS_CA_BUNDLE
kill "${SERVERS[0]}" && wait "${SERVERS[0]}" || true
simulator "$port" --tls --state "$WORK/state"
equals "after a new start" "$(AWS_CA_BUNDLE=$first account)" 000000000000

[ "$(id -u)" = 0 ] && command -v ip >/dev/null && ip netns add "lf-tls-$$" 2>/dev/null || skip "no namespaces can be made here"
trap 'ip netns del "lf-tls-$$" 2>/dev/null || true; ip link del "lft$$" 2>/dev/null || true; end' EXIT
ip link add "lft$$" type veth peer name eth0 netns "lf-tls-$$"
ip addr add 10.231.77.1/30 dev "lft$$"
ip link set "lft$$" up
ip -n "lf-tls-$$" addr add 10.231.77.2/30 dev eth0
ip -n "lf-tls-$$" link set eth0 up
away() { ip netns exec "lf-tls-$$" "$@"; }
wide=$(free_port)
"$LANDFALL_BIN" serve --simulate --tls --listen "0.0.0.0:$wide" --state "$WORK/wide" >"$WORK/wide.log" 2>&1 &
SERVERS+=($!)
for _ in $(seq 600); do curl -sf -H 'X-Landfall: 1' "http://127.0.0.1:$wide/_landfall/health" && break; sleep 0.05; done
contains "plain from elsewhere" "$(away curl -s "http://10.231.77.1:$wide/_landfall/ca.pem")" "over TLS only"
away curl -sk "https://10.231.77.1:$wide/_landfall/ca.pem" >"$WORK/fetched.pem"
equals "the certificate that is fetched" "$(cat "$WORK/fetched.pem")" "$(cat "$WORK/wide/ca.pem")"
contains "the server's own paths from elsewhere" \
  "$(away curl -s --cacert "$WORK/fetched.pem" -H 'X-Landfall: 1' "https://10.231.77.1:$wide/_landfall/health")" "for this machine"
export AWS_CA_BUNDLE=$WORK/fetched.pem AWS_ENDPOINT_URL=https://10.231.77.1:$wide AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
equals "aws from elsewhere" "$(away aws sts get-caller-identity --query Account --output text 2>&1)" 000000000000
echo "tls.sh: aws and boto3 over TLS by landfall env alone; other authorities, and plain from elsewhere, refused"
