#!/bin/sh
# The first process of a guest: loads the modules, lays a file system in memory over the host's files, and goes on there.
busybox mount -t devtmpfs devtmpfs /dev
exec >/dev/ttyS0 2>&1
set -e
trap 'busybox poweroff -f' EXIT
busybox mount -t proc proc /proc
for module in /modules/*.ko; do
    busybox insmod "$module"
done
busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose files /lower
busybox mount -t tmpfs -o size=60% tmpfs /upper
busybox mkdir /upper/written /upper/work
busybox mount -t overlay -o lowerdir=/lower,upperdir=/upper/written,workdir=/upper/work overlay /new
busybox umount /proc
busybox mount -t proc proc /new/proc
busybox mount -t sysfs sysfs /new/sys
busybox mount --move /dev /new/dev
busybox mount -t tmpfs tmpfs /new/run
busybox mkdir /new/run/guest
busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none exchange /new/run/guest
trap - EXIT
exec busybox switch_root /new /bin/sh /run/guest/guest-enter.sh
