#!/bin/sh
# Installs the packages that a cluster of one's own needs, where apt and root are to be had.
# Elsewhere it says what is missing and ends well: the tests that need it are skipped.
set -eu
packages="containerd runc containernetworking-plugins iproute2 iptables nftables conntrack
    busybox-static debootstrap buildah openssl util-linux"

missing=
for package in $packages; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "A cluster needs these packages, which only root can install:$missing"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends $missing >/dev/null; }
# A machine's lists of packages may be older than the packages.
install 2>/dev/null || { apt-get update -qq >/dev/null && install; } ||
    echo "These packages could not be installed:$missing"
