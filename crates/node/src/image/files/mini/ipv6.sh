# Addresses of IPv6, to be sourced after imds.sh. Busybox has no client of DHCPv6, so the metadata service is asked, which
# says the same; routers are heard by the kernel.

# add_ipv6 NAME: gives an interface the addresses that it has now. It needs a session of the metadata service.
add_ipv6() {
    read -r ipv6_mac <"/sys/class/net/$1/address" || return 0
    imds_get "/latest/meta-data/network/interfaces/macs/$ipv6_mac/ipv6s" "$IMDS_FOLDER/ipv6s.$1" || return 0
    while IFS= read -r ipv6_address || [ -n "$ipv6_address" ]; do
        [ -z "$ipv6_address" ] || ip -6 addr add "$ipv6_address/128" dev "$1" 2>/dev/null
    done <"$IMDS_FOLDER/ipv6s.$1"
}
