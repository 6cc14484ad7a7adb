# Addresses of IPv6, to be sourced after imds.sh. Busybox has no client of DHCPv6, so the metadata service is asked, which
# says the same; routers are heard by the kernel.

# add_ipv6 NAME: gives an interface the addresses that it has now, and takes those from it that it was given before and
# has no more. It needs a session of the metadata service.
add_ipv6() {
    read -r ipv6_mac <"/sys/class/net/$1/address" || return 0
    ipv6_now=$IMDS_FOLDER/ipv6s.$1.$$ ipv6_before=$IMDS_FOLDER/ipv6s-before.$1.$$
    if ! imds_get "/latest/meta-data/network/interfaces/macs/$ipv6_mac/ipv6s" "$ipv6_now.new"; then
        # One that has none has no such list. Any other answer says nothing of it.
        [ "$imds_status" = 404 ] || return 0
        : >"$ipv6_now.new"
    fi
    [ ! -e "$ipv6_now" ] || mv "$ipv6_now" "$ipv6_before"
    mv "$ipv6_now.new" "$ipv6_now"
    while IFS= read -r ipv6_address || [ -n "$ipv6_address" ]; do
        [ -z "$ipv6_address" ] || ip -6 addr add "$ipv6_address/128" dev "$1" 2>/dev/null
    done <"$ipv6_now"
    [ -e "$ipv6_before" ] || return 0
    while IFS= read -r ipv6_address || [ -n "$ipv6_address" ]; do
        [ -z "$ipv6_address" ] || grep -qxF "$ipv6_address" "$ipv6_now" || ip -6 addr del "$ipv6_address/128" dev "$1"
    done <"$ipv6_before"
    rm -f "$ipv6_before"
}

# keep_ipv6: does that once a minute for all interfaces, as often as Amazon Linux looks.
keep_ipv6() {
    while sleep 60; do
        for ipv6_path in /sys/class/net/eth*; do
            add_ipv6 "${ipv6_path##*/}"
            # The session is over, or there was none yet.
            [ "$imds_status" != 401 ] || ! imds_token || add_ipv6 "${ipv6_path##*/}"
        done
    done
}
