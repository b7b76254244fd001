#!/bin/sh
# Runs a command in a file system of its own, where the programs of another processor are this machine's, as far as there are any, and
# the emulator runs them. Called in new user and mount namespaces: nothing outside sees the mounts, nor the kernel's new format.
# usage: enter.sh FOLDER FOLDERS-OF-USR MAGIC MASK EMULATOR COMMAND...
set -e
new=$1 usr=$2 magic=$3 mask=$4 emulator=$5
shift 5
mount -t tmpfs tmpfs "$new"
for entry in /*; do
    if [ -L "$entry" ]; then
        cp -P "$entry" "$new$entry"
    elif [ "$entry" = /usr ]; then
        mkdir "$new/usr"
    elif [ -d "$entry" ]; then
        mkdir "$new$entry"
        mount --rbind "$entry" "$new$entry"
    fi
done
mount -t overlay overlay -o "lowerdir=$usr:/usr" "$new/usr"
mount -t binfmt_misc binfmt_misc "$new/proc/sys/fs/binfmt_misc"
# F: the emulator is opened now, and found whatever a program's root is. P: programs see the name that they were called by.
printf '%s' ":emulated:M::$magic:$mask:$emulator:FP" > "$new/proc/sys/fs/binfmt_misc/register"
exec unshare --root="$new" --wd="$PWD" "$@"
