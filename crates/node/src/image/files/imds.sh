# Instance metadata over IMDSv2, to be sourced. Runs in busybox ash (through nc) and in bash (through
# /dev/tcp), since neither image should need an HTTP client for its own start.
#
#   imds_token             gets a session token; false when the service does not answer or refuses
#   imds_get PATH FILE     writes the body of a 200 answer to FILE; false otherwise
#   imds_status            the last answer's status code, or nothing when there was none
IMDS_ADDRESS=169.254.169.254
IMDS_FOLDER=/run/landfall
IMDS_CR=$(printf '\r')
imds_token_value=
imds_status=

# imds_exchange METHOD PATH HEADER FILE: sends one request, keeps the raw answer in FILE. The sending side
# stays open until the answer is complete: a server may take an early end for a lost client.
imds_exchange() {
    imds_request="$1 $2 HTTP/1.1${IMDS_CR}
Host: $IMDS_ADDRESS${IMDS_CR}
Accept: */*${IMDS_CR}
User-Agent: landfall-guest${IMDS_CR}
Content-Length: 0${IMDS_CR}
$3${IMDS_CR}
Connection: close${IMDS_CR}
${IMDS_CR}
"
    if [ -n "$BASH_VERSION" ]; then
        timeout 30 bash -c 'exec 3<>/dev/tcp/$0/80 || exit 1; printf %s "$1" >&3; cat <&3' \
            "$IMDS_ADDRESS" "$imds_request" >"$4" 2>/dev/null
        return
    fi
    imds_pipe="$4.request"
    rm -f "$imds_pipe"
    mkfifo "$imds_pipe" || return 1
    exec 3<>"$imds_pipe"
    printf %s "$imds_request" >&3
    timeout 30 nc -w 10 "$IMDS_ADDRESS" 80 <&3 >"$4" 2>/dev/null
    imds_result=$?
    exec 3>&-
    rm -f "$imds_pipe"
    return $imds_result
}

# imds_body: answer on standard input, body on standard output. The shell reads headers byte by byte, so
# the rest of the file is the body exactly, whatever bytes it holds.
imds_body() {
    imds_chunked= imds_length=
    IFS= read -r imds_line || return 1
    case "$imds_line" in
        "HTTP/1."[01]" "*) imds_status=${imds_line#* } imds_status=${imds_status%%[!0-9]*} ;;
        *) return 1 ;;
    esac
    while IFS= read -r imds_line; do
        imds_line=${imds_line%"$IMDS_CR"}
        [ -n "$imds_line" ] || break
        case "$imds_line" in
            [Tt][Rr][Aa][Nn][Ss][Ff][Ee][Rr]-[Ee][Nn][Cc][Oo][Dd][Ii][Nn][Gg]:*[Cc]hunked*) imds_chunked=1 ;;
            [Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh]:*) imds_length=${imds_line#*:} imds_length=${imds_length##* } ;;
        esac
    done
    if [ -z "$imds_chunked" ]; then
        cat
        return
    fi
    while IFS= read -r imds_line; do
        imds_line=${imds_line%"$IMDS_CR"} imds_line=${imds_line%%[; ]*}
        case "$imds_line" in '' | *[!0-9a-fA-F]*) return 1 ;; esac
        imds_size=$((0x$imds_line))
        [ "$imds_size" -gt 0 ] || return 0
        dd bs="$imds_size" count=1 2>/dev/null
        IFS= read -r imds_line
    done
    return 1
}

imds_call() {
    imds_status=
    mkdir -p "$IMDS_FOLDER"
    imds_exchange "$1" "$2" "$3" "$4.answer"
    imds_body <"$4.answer" >"$4"
    imds_result=$?
    rm -f "$4.answer"
    [ $imds_result -eq 0 ] && [ "$imds_status" = 200 ] || return 1
    # A body shorter than announced is no body: half a script must never run.
    [ -z "$imds_length" ] || [ -n "$imds_chunked" ] || [ "$(wc -c <"$4")" -eq "$imds_length" ]
}

imds_token() {
    imds_token_file="$IMDS_FOLDER/token.$$"
    imds_token_value=
    imds_call PUT /latest/api/token 'X-aws-ec2-metadata-token-ttl-seconds: 21600' "$imds_token_file"
    imds_result=$?
    [ $imds_result -ne 0 ] || imds_token_value=$(cat "$imds_token_file")
    rm -f "$imds_token_file"
    return $imds_result
}

imds_get() {
    imds_call GET "$1" "X-aws-ec2-metadata-token: $imds_token_value" "$2"
}
