#!/usr/bin/env bash
# Networks as people draw them, with real guests in them: tiers, NAT, network ACLs, peering, a transit gateway, IPv6,
# interfaces that come and go.
exec "$(dirname "$0")/guest.sh" tests/e2e/networks
