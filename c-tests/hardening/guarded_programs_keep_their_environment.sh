# Guarded blocks remember who called, for which nothing is loaded: an unwinder that came too early would start the C library before that
# knows the environment.
export MARK=4711 TINYALLOC_OPTIONS=guard=1
for options in guard=1 guard=2 guard=100 hardened=on,guard=1; do
    found=$(TINYALLOC_OPTIONS="$options" LD_PRELOAD="$LIB_SO" /usr/bin/env | grep -c '^MARK=4711$')
    [ "$found" = 1 ] || { echo "$options: the environment is gone"; exit 1; }
    TINYALLOC_OPTIONS="$options" LD_PRELOAD="$LIB_SO" cat /proc/self/maps > maps
    ! grep -E 'libgcc|unwind' maps || { echo "$options: an unwinder was loaded"; exit 1; }
done
