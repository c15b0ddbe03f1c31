#!/bin/bash
# One node: containerd, kubelet and kube-proxy inside network, mount, host name and process
# namespaces of its own. Started by nodes.py, which has written the configuration into $FOLDER and
# waits for eth0; ends when the first of the three ends. From outside: KILL the process that started
# this one, and everything here ends with it.
#
# Arguments: archives of images. From the environment:
# NAME ADDRESS GATEWAY CGROUP FOLDER PROGRAMS KUBECONFIG ZONE ROUTES ("subnet=address ...")
set -euo pipefail

hostname "$NAME"

# Each node has its own of what the three keep at fixed places; the folders below are in $FOLDER.
mount --bind "$FOLDER" "$FOLDER"
mount --make-rshared /
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/containerd /run/lock
for place in /var/lib/kubelet /var/log/pods /var/log/containers; do
    mkdir -p "$place" "$FOLDER$place"
    mount --bind "$FOLDER$place" "$place"
done
# Images and containers are in memory: ten thousands of small files, and gone at once at the end.
for place in /var/lib/containerd /var/lib/cni; do
    mkdir -p "$place"
    mount -t tmpfs tmpfs "$place"
done
mount --make-rshared /var/lib/kubelet

while ! ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip link set lo up
ip addr add "$ADDRESS/24" dev eth0
ip link set eth0 up
ip route add default via "$GATEWAY"
for route in $ROUTES; do ip route add "${route%=*}" via "${route#*=}"; done
sysctl -qw net.ipv4.ip_forward=1

for controller in memory cpu cpuacct cpuset pids devices freezer blkio systemd; do
    [ ! -d "/sys/fs/cgroup/$controller" ] || mkdir -p "/sys/fs/cgroup/$controller/$CGROUP"
done
# A cpuset without processors and memory takes no process.
for what in cpus mems; do
    [ ! -d /sys/fs/cgroup/cpuset ] ||
        cat "/sys/fs/cgroup/cpuset/cpuset.$what" >"/sys/fs/cgroup/cpuset/$CGROUP/cpuset.$what"
done

containerd --config "$FOLDER/containerd.conf" >"$FOLDER/containerd.log" 2>&1 &
while ! ctr version >/dev/null 2>&1; do sleep 0.05; done
for archive in "$@"; do
    ctr --namespace k8s.io images import "$archive"
done

"$PROGRAMS/kubelet" --config="$FOLDER/kubelet.json" --kubeconfig="$KUBECONFIG" --node-ip="$ADDRESS" \
    --hostname-override="$NAME" --node-labels="topology.kubernetes.io/zone=$ZONE" \
    --root-dir=/var/lib/kubelet >"$FOLDER/kubelet.log" 2>&1 &
"$PROGRAMS/kube-proxy" --config="$FOLDER/proxy.json" >"$FOLDER/proxy.log" 2>&1 &
wait -n
