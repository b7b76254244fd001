# qemu-user keeps a record of each page of a mapping, before its version 8.0: what is reserved costs time and memory there.
emulator=qemu-$(uname -m)
command -v $emulator > /dev/null || exit 77
$emulator /bin/true || exit 77
timeout 8 $emulator -E LD_PRELOAD="$LIB_SO" /bin/ls / > out || { echo "status $?"; exit 1; }
[ -s out ]
