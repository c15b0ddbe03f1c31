#!/bin/sh
# A cable from the bridge to a node: connect.sh BRIDGE LINK PROCESS ADDRESS PODS
# PROCESS is one of the node's, and sees its end of the cable as eth0.
set -eu
bridge=$1 link=$2 process=$3 address=$4 pods=$5

ip link add "$link" type veth peer name eth0 netns "$process"
ip link set "$link" master "$bridge" up
ip route replace "$pods" via "$address"
