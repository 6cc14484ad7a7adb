#!/usr/bin/env bash
# TLS within a network: what calls a service by its ordinary name reaches the endpoint there, whose certificate the region's
# own authority vouches for; the authority's is had at the link-local address. On a machine of this script's own (namespaces
# that end with it), with guests that are only pretended: curl calls from where their network is.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
if [ -z "${LANDFALL_OWN_MACHINE:-}" ]; then
  command -v aws >/dev/null || skip "there is no aws command; scripts/install.sh test installs one"
  { [ "$(id -u)" = 0 ] && unshare -n -m nft --version; } >/dev/null 2>&1 || skip "namespaces and nft are needed here"
  status=0
  LANDFALL_OWN_MACHINE=1 unshare -n -m -p -f --mount-proc bash "$0" || status=$?
  exit "$status"
fi

equals() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
contains() { [[ $2 = *"$3"* ]] || fail "$1: $2"; }
mount -t tmpfs none /run
ip link set lo up
ip link add up0 type veth peer name up1
ip addr add 10.99.0.1/24 dev up0
ip link set up0 up
ip link set up1 up
ip route add default via 10.99.0.2

mkdir -p "$WORK/state/images"
cat >"$WORK/state/images/pretended.image.json" <<'END'
{"id": "ami-0123456789abcdef0", "description": "", "size_gib": 8, "snapshot": "snap-0123456789abcdef0",
 "names": [{"name": "pretended", "owner": "136693071363", "alias": "amazon", "id": "ami-0123456789abcdef0"}],
 "root_device": "/dev/xvda", "architecture": "x86_64", "min_memory_mib": 64, "platform_details": "Linux/UNIX",
 "imds_v2": false, "source": "Simulated", "created_at": 1795341600000}
END
"$LANDFALL_BIN" serve --pretend-guests --state "$WORK/state" --listen 127.0.0.1:4566 >"$WORK/log" 2>&1 &
SERVERS+=($!)
for _ in $(seq 600); do curl -sf -H 'X-Landfall: 1' http://127.0.0.1:4566/_landfall/health && break; sleep 0.05; done
eval "$("$LANDFALL_BIN" env --listen 127.0.0.1:4566)"

vpc=$(aws ec2 describe-vpcs --query 'Vpcs[0].VpcId' --output text)
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
aws ec2 create-vpc-endpoint --vpc-id "$vpc" --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.sts \
  --subnet-ids "$subnet" >"$WORK/out"
aws ec2 run-instances --image-id ami-0123456789abcdef0 --instance-type t3.nano --subnet-id "$subnet" >"$WORK/out"
address=$(aws ec2 describe-network-interfaces --filters Name=interface-type,Values=vpc_endpoint \
  --query 'NetworkInterfaces[0].PrivateIpAddress' --output text)
inside() { ip netns exec "$(ip netns list | head -1 | cut -d' ' -f1)" "$@"; }
for _ in $(seq 600); do inside ss -ltn 2>/dev/null | grep -q "$address:443" && break; sleep 0.05; done

inside curl -s --max-time 10 http://169.254.169.252/_landfall/ca.pem >"$WORK/ca.pem"
equals "the authority's certificate in a network" "$(cat "$WORK/ca.pem")" "$(cat "$WORK/state/ca.pem")"
call() {
  inside curl -s --max-time 10 --aws-sigv4 aws:amz:us-east-1:sts --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    --resolve "sts.us-east-1.amazonaws.com:443:$address" --resolve "sts.us-east-1.amazonaws.com:80:$address" "$@" 2>&1
}
identity='Action=GetCallerIdentity&Version=2011-06-15'
contains "by its ordinary name" \
  "$(call --cacert "$WORK/ca.pem" https://sts.us-east-1.amazonaws.com/ -d "$identity")" "<Arn>arn:aws:iam::000000000000:root</Arn>"
contains "in plain beside it" "$(call http://sts.us-east-1.amazonaws.com/ -d "$identity")" ":root</Arn>"
call https://sts.us-east-1.amazonaws.com/ -d "$identity" >"$WORK/out" && fail "a client believed it without the authority"
contains "plain at the port of TLS" "$(call http://sts.us-east-1.amazonaws.com:443/ -d "$identity")" "over TLS only"
echo "tls-inside.sh: an endpoint answers by its service's own name with the region's authority, and by no other"
