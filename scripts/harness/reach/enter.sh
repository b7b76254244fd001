#!/bin/sh
# Runs a command in a file system of its own, where the files of the folders of usr are this machine's, as far as there are any. With
# a MAGIC number they are another processor's, and the emulator runs them. Called in a new mount namespace, and then in one of users as
# well: nothing outside sees the mounts, nor the kernel's new format.
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
if [ -n "$magic" ]; then
    mount -t binfmt_misc binfmt_misc "$new/proc/sys/fs/binfmt_misc"
    # F: the emulator is opened now, and found whatever a program's root is. P: programs see the name that they were called by.
    printf '%s' ":emulated:M::$magic:$mask:$emulator:FP" > "$new/proc/sys/fs/binfmt_misc/register"
fi
exec unshare --root="$new" --wd="$PWD" "$@"
