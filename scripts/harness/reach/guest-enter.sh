#!/bin/sh
# The first process of a guest, once it has the host's files: runs the command, notes down how it ended, and turns the machine off.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
touch /run/guest/started
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for name in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
    ln -sfn "/proc/self/${name#*:}" "/dev/${name%%:*}"
done
hostname guest
ip link set lo up 2>/dev/null || ifconfig lo up
stty -F /dev/ttyS1 raw
setsid sh /run/guest/command </dev/null >/dev/ttyS1 2>&1
echo $? >/run/guest/status
sync
busybox poweroff -f
