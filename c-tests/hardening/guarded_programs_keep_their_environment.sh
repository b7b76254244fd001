# The unwinder that guarded blocks need is loaded late: loaded too early, it would start the C library before that knows the environment.
export MARK=4711 TINYALLOC_OPTIONS=guard=1
for options in guard=1 guard=2 guard=100 hardened=on,guard=1; do
    found=$(TINYALLOC_OPTIONS="$options" LD_PRELOAD="$LIB_SO" /usr/bin/env | grep -c '^MARK=4711$')
    [ "$found" = 1 ] || { echo "$options: the environment is gone"; exit 1; }
done
