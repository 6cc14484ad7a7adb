# Signs a call of the API with the instance's own credentials and makes it: in busybox's shell, whose image has neither a
# client of AWS's nor openssl. For the tests; prints the answer.
#
#   sh signed.sh HOST SERVICE BODY        with credentials by version 2 of the metadata service
#   PLAINLY=1 sh signed.sh …              by version 1
. /etc/landfall/imds.sh
host=$1 service=$2 body=$3
region=us-east-1
folder=/latest/meta-data/iam/security-credentials/

if [ -n "$PLAINLY" ]; then
    role=$(wget -q -O - "http://169.254.169.254$folder") || exit 1
    wget -q -O /tmp/credentials "http://169.254.169.254$folder$role" || exit 1
else
    imds_token && imds_get "$folder" /tmp/role && imds_get "$folder$(cat /tmp/role)" /tmp/credentials || exit 1
fi
member() { sed -n "s/^ *\"$1\" : \"\(.*\)\",*$/\1/p" /tmp/credentials; }
key=$(member AccessKeyId) secret=$(member SecretAccessKey) token=$(member Token)

hex() { od -An -v -tx1 | tr -d ' \n'; }
sha256() { sha256sum | cut -c1-64; }
# octal HEX PAD: escapes for printf of the bytes, each combined with PAD; filled up to 64 bytes where there is one.
octal() {
    awk -v hex="$1" -v pad="$2" 'BEGIN {
        digits = "0123456789abcdef"
        for (i = 0; i < (pad > 0 ? 64 : length(hex) / 2); i++) {
            byte = 2 * i < length(hex) ? (index(digits, substr(hex, 2 * i + 1, 1)) - 1) * 16 + index(digits, substr(hex, 2 * i + 2, 1)) - 1 : 0
            printf "\\%03o", xor(byte, pad)
        }
    }'
}
# hmac KEY TEXT: HMAC-SHA256 (RFC 2104) of a text by a key of at most 64 bytes; key and result in hexadecimal.
hmac() {
    inner=$({ printf "$(octal "$1" 54)"; printf %s "$2"; } | sha256)
    { printf "$(octal "$1" 92)"; printf "$(octal "$inner" 0)"; } | sha256
}

now=$(date -u +%Y%m%dT%H%M%SZ)
day=${now%T*}
type='application/x-www-form-urlencoded; charset=utf-8'
names='content-type;host;x-amz-date;x-amz-security-token'
canonical="POST
/

content-type:$type
host:$host
x-amz-date:$now
x-amz-security-token:$token

$names
$(printf %s "$body" | sha256)"
scope="$day/$region/$service/aws4_request"
text="AWS4-HMAC-SHA256
$now
$scope
$(printf %s "$canonical" | sha256)"
signing=$(hmac "$(hmac "$(hmac "$(hmac "$(printf %s "AWS4$secret" | hex)" "$day")" "$region")" "$service")" aws4_request)
signature=$(hmac "$signing" "$text")

# The server takes a client that says no more for one that is gone.
{
    printf 'POST / HTTP/1.0\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %s\r\n' "$host" "$type" "${#body}"
    printf 'X-Amz-Date: %s\r\nX-Amz-Security-Token: %s\r\n' "$now" "$token"
    printf 'Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s\r\n\r\n' "$key" "$scope" "$names" "$signature"
    printf %s "$body"
    sleep 2
} | nc -w 5 "$host" 80
