# Both orders of preloading: in one of them the other library's DT_INIT runs first.
$CC -shared -fPIC "$C_TESTS/loading/plugins/early.c" -Wl,-init=early_init -Wl,-fini=early_fini -o early.so || exit 1
LD_PRELOAD="$LIB_SO $PWD/early.so" /bin/true || exit 1
LD_PRELOAD="$PWD/early.so $LIB_SO" /bin/true || exit 1
LD_PRELOAD="$LIB_SO $PWD/early.so" LD_BIND_NOW=1 /bin/true || exit 1
