#!/usr/bin/env bash
# trail.sh [KILLS]: a trail as people use it: what is delivered, in AWS's form and without secrets; looked up by each
# attribute; validated by us, by AWS's own command, and by what is written from AWS's documentation alone, before and after
# each kind of damage; folders that are gone, full or read-only; a server that is killed while it delivers.
set -euo pipefail
# File systems of this script's own, where it may make some.
if [ "$(id -u)" = 0 ] && [ -z "${TRAIL_INSIDE:-}" ] && unshare -m true 2>/dev/null; then
  TRAIL_INSIDE=1 exec unshare -m --propagation private "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
command -v aws >/dev/null || skip "there is no aws command; scripts/install.sh test installs one"
python3 -c 'import boto3' 2>/dev/null || skip "python3 has no boto3; scripts/install.sh test installs it"

contains() { [[ $2 = *"$3"* ]] || fail "$1: $2"; }
equals() { [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"; }
part() { python3 "tests/e2e/trail/$1.py" "${@:2}"; }
# within WHAT COMMAND...: waits until it ends well.
within() {
  local n
  for n in $(seq 200); do "${@:2}" && return; sleep 0.2; done
  fail "$1: not within 40 s"
}
status() { aws cloudtrail get-trail-status --name "$1" --query "$2" --output text; }
is_told() { [ "$(status "$1" LatestDeliveryError)" = "$2" ]; }

mkdir "$WORK/events" "$WORK/killed" "$WORK/small"
printf 'trail_delivery_s = 1\ntrail_digest_s = 2\n[buckets]\nevents = "%s/events"\nkilled = "%s/killed"\nsmall = "%s/small"\n' \
  "$WORK" "$WORK" "$WORK" >"$WORK/landfall.toml"
export LANDFALL_CONFIG=$WORK/landfall.toml XDG_RUNTIME_DIR=$WORK
port=$(free_port)
simulator "$port" --state "$WORK/state"
export AWS_ENDPOINT_URL=http://127.0.0.1:$port

contains "a bucket that nobody maps" "$(aws cloudtrail create-trail --name x-x --s3-bucket-name nowhere 2>&1 || true)" S3BucketDoesNotExist
arn=$(aws cloudtrail create-trail --name all --s3-bucket-name events --s3-key-prefix trail --is-multi-region-trail \
  --enable-log-file-validation --tags-list Key=for,Value=tests --query TrailARN --output text)
aws cloudtrail start-logging --name all
part calls make "$WORK/secrets"
# Looks are recorded within a second, and delivered within another.
is_delivered() { part calls check "$WORK/events" "$WORK/secrets" >"$WORK/said" 2>"$WORK/wrong"; }
for _ in 1 2 3 4 5 6; do is_delivered && break; sleep 1; done
is_delivered || { cat "$WORK/wrong" >&2; fail "the records"; }
cat "$WORK/said"
contains "insights" "$(aws cloudtrail get-insight-selectors --trail-name all 2>&1 || true)" InsightNotEnabledException

found() { aws cloudtrail lookup-events --query 'Events[].EventName' --output text "$@"; }
by() { found --lookup-attributes "AttributeKey=$1,AttributeValue=$2"; }
equals "by name" "$(by EventName CreateLoginProfile)" CreateLoginProfile
contains "by user" "$(by Username ann)" DescribeVpcs
equals "by the session's name" "$(by Username monday | tr '\t' ' ')" "CreateVpc DescribeSubnets"
equals "by resource" "$(by ResourceName builder | tr '\t' ' ')" "PutRolePolicy CreateRole"
equals "by a role that was taken" "$(by ResourceName arn:aws:iam::000000000000:role/builder)" AssumeRole
contains "by type" "$(by ResourceType AWS::IAM::User)" CreateUser
contains "by source" "$(by EventSource kms.amazonaws.com)" GenerateDataKey
[[ $(by ReadOnly true) != *CreateUser* ]] || fail "what changes something was found among looks"
key=$(aws iam list-access-keys --user-name ann --query 'AccessKeyMetadata[0].AccessKeyId' --output text)
contains "by access key" "$(by AccessKeyId "$key")" PutParameter
id=$(aws cloudtrail lookup-events --no-paginate --max-results 1 --query 'Events[0].EventId' --output text)
[ "$(by EventId "$id" | wc -w)" = 1 ] || fail "an event isn't found by its id"
all=$(found | wc -w)
[ "$all" -gt 40 ] || fail "only $all events are found"
paged=$(aws cloudtrail lookup-events --page-size 7 --end-time "$(date -u +%FT%TZ)" --query 'Events[].EventId' --output text | tr '\t' '\n' | sort | uniq -d)
equals "events on two pages" "$paged" ""
equals "before it all" "$(found --end-time 2026-01-01T00:00:00Z)" ""
equals "in the other region" "$(AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1 found)" CreateVpc

# trouble BUCKET TRAIL CODE BREAK MEND: breaks the folder, sees it told, mends it, and sees what came meanwhile delivered.
trouble() {
  "$4"
  aws iam create-group --group-name "during-$3" >"$WORK/out"
  within "$3 in the trail's status" is_told "$2" "$3"
  "$5"
  within "the end of $3" is_told "$2" None
  zcat $(find "$WORK/$1" -path '*/CloudTrail/*' -name '*.json.gz') | grep -q "\"groupName\":\"during-$3\"" ||
    fail "what came during $3 isn't delivered"
}
away() { mv "$WORK/events" "$WORK/away"; }
back() { mv "$WORK/away" "$WORK/events"; }
trouble events all NoSuchBucket away back
troubles="gone"
if [ -n "${TRAIL_INSIDE:-}" ]; then
  trap 'umount "$WORK/small" || true; end' EXIT
  mount -t tmpfs -o size=80m tmpfs "$WORK/small"
  aws cloudtrail create-trail --name small --s3-bucket-name small >"$WORK/out"
  aws cloudtrail start-logging --name small
  fill() { head -c 20M /dev/zero >"$WORK/small/fill"; }
  free() { rm "$WORK/small/fill"; }
  trouble small small ServiceUnavailable fill free
  read_only() { mount -o remount,ro "$WORK/small"; }
  writable() { mount -o remount,rw "$WORK/small"; }
  trouble small small AccessDenied read_only writable
  troubles="gone, full, read-only"
fi
echo "folders that were $troubles: told in the trail's status, and nothing lost"

aws cloudtrail stop-logging --name all
is_ended() { "$LANDFALL_BIN" --json audit validate "$WORK/events" --listen "127.0.0.1:$port" >"$WORK/said" && grep -q '"pending":\[\]' "$WORK/said"; }
sleep 6
(within "the last digest" is_ended) || { cat "$WORK/said" >&2; exit 1; }
for region in us-east-1 eu-central-1; do aws --region "$region" cloudtrail list-public-keys --start-time 0 >"$WORK/keys-$region"; done
part damage "$LANDFALL_BIN" "$WORK/events" "$WORK"/keys-*
theirs() { aws cloudtrail validate-logs --trail-arn "$arn" --start-time "$(date -u -d '-1 day' +%FT%TZ)" 2>&1; }
said=$(theirs) || fail "aws cloudtrail validate-logs: $said"
contains "aws cloudtrail validate-logs" "$said" "digest files valid"
[[ $said != *INVALID* ]] || fail "aws cloudtrail validate-logs: $said"
echo "aws cloudtrail validate-logs: $(grep -o '[0-9]*/[0-9]* .* files valid.*' <<<"$said" | tr '\n' ' ')"
log=$(find "$WORK/events" -path '*/CloudTrail/us-east-1/*' -name '*.json.gz' | head -1)
mv "$log" "$WORK/log"
said=$(theirs) && fail "aws cloudtrail validate-logs doesn't miss a file"
contains "aws cloudtrail validate-logs without a file" "$said" "INVALID: not found"
mv "$WORK/log" "$log"
cp "$log" "$WORK/log"
zcat "$WORK/log" | sed 's/"eventName":"[A-Za-z]*"/"eventName":"Another"/' | gzip >"$log"
said=$(theirs) && fail "aws cloudtrail validate-logs doesn't see that a record was changed"
contains "aws cloudtrail validate-logs with a changed record" "$said" "$(basename "$log")	INVALID: hash value doesn't match"
mv "$WORK/log" "$log"
part bucket "$WORK/events" events

kill "${SERVERS[0]}" && wait "${SERVERS[0]}" || true
export AWS_ENDPOINT_URL=http://127.0.0.1:$(free_port)
mkdir "$WORK/second"
part kills "$LANDFALL_BIN" "$WORK/second" "${AWS_ENDPOINT_URL##*:}" "${1:-4}" "$WORK/killed"
echo "trail.sh: delivered, looked up, validated in three ways, damaged, in trouble, killed: as on AWS"
