# As the kernel's tracers do: they count up the semaphores of the probes where the library is mapped, in every process.
command -v bpftrace > /dev/null || { echo "skipped: bpftrace is not installed; scripts/install-test-tools installs it"; exit 77; }
command -v readelf > /dev/null || { echo "skipped: there is no readelf"; exit 77; }
. "$C_TESTS/profile/probes.bash"

# Counts until it is stopped, and prints what it has counted then.
traced() {
    cat > "$1.bt"
    timeout -s INT 40 bpftrace "$1.bt" > "$1.log" 2>&1 &
    tracer=$!
}
stopped() {
    kill -s INT "$tracer" 2> /dev/null
    wait "$tracer"
}
traced counts <<BPF
usdt:$PWD/libtraced.so:otel_memory:alloc { @allocs = count(); @bytes = sum(arg1); @weight = sum(arg2); }
usdt:$PWD/libtraced.so:otel_memory:free { @frees = count(); }
BPF
export LD_PRELOAD=$PWD/libtraced.so
./program $(env -u LD_PRELOAD readelf -nW libtraced.so | sed -n 's/.*Semaphore: //p')
waited=$?
# A process that starts while the tracer is there.
./program || exit 1
unset LD_PRELOAD
stopped
if [ "$waited" != 0 ]; then
    # Whether a function of a program can be traced here.
    traced control <<< "uprobe:$PWD/program:main { @calls = count(); }"
    sleep 5
    ./program
    stopped
    grep -q '^@calls: [1-9]' control.log || { cat control.log; echo "skipped: bpftrace may not trace here"; exit 77; }
    cat counts.log
    echo "the semaphores were not counted up: $waited"
    exit 1
fi
count() { sed -n "s/^@$1: //p" counts.log; }
compare "$(count allocs)" "$(count bytes)" "$(count weight)" "$(count frees)" || { cat counts.log; exit 1; }
