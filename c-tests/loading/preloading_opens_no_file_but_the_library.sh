command -v strace > /dev/null || exit 77
strace -f -e trace=open,openat -o plain true || exit 77
strace -f -e trace=open,openat -o ours -E LD_PRELOAD="$LIB_SO" true || exit 77
opened=$(grep -c -v 'libtinyalloc\|libc.so\|ld.so\|exited' ours)
cat ours
[ "$opened" -le "$(grep -c -v 'libc.so\|ld.so\|exited' plain)" ]
