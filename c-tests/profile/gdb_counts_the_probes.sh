# A debugger stops at the probes, whose semaphores it counts up, as often as blocks are sampled and freed, with their numbers.
command -v gdb > /dev/null || { echo "skipped: gdb is not installed; scripts/install-test-tools installs it"; exit 77; }
gdb -batch -nx -ex "python import sys" > /dev/null 2>&1 || { echo "skipped: this gdb has no Python"; exit 77; }
. "$C_TESTS/profile/probes.bash"
cat > count.py <<'PYTHON'
import gdb

def arguments(count):
    return [int(gdb.parse_and_eval(f"$_probe_arg{number}")) for number in range(count)]

class Allocated(gdb.Breakpoint):
    sums, live, wrong = [0, 0, 0], {}, 0
    def stop(self):
        address, size, weight = arguments(3)
        Allocated.wrong += address in Allocated.live or address % 16 or size not in (1024, 5120) or weight < 16384
        Allocated.live[address] = size
        Allocated.sums = [Allocated.sums[0] + 1, Allocated.sums[1] + size, Allocated.sums[2] + weight]
        return False

class Freed(gdb.Breakpoint):
    count, wrong = 0, 0
    def stop(self):
        Freed.count += 1
        Freed.wrong += Allocated.live.pop(arguments(1)[0], None) is None
        return False

Allocated("-probe-stap otel_memory:alloc")
Freed("-probe-stap otel_memory:free")
gdb.execute("continue")
print("counted", *Allocated.sums, Freed.count, "wrong", Allocated.wrong, Freed.wrong)
PYTHON
timeout 50 gdb -batch -nx -iex "set debuginfod enabled off" -ex "set startup-with-shell off" -ex "set disable-randomization off" \
    -ex "set environment LD_PRELOAD $PWD/libtraced.so" -ex "break main" -ex run -x count.py ./program > log 2>&1
grep -q 'ptrace' log && grep -q 'not permitted' log && { echo "skipped: no process may be traced here"; exit 77; }
read -r _ allocs bytes weight frees rest < <(grep '^counted' log) || { cat log; exit 1; }
[ "$rest" = "wrong 0 0" ] && compare "$allocs" "$bytes" "$weight" "$frees" || { cat log; exit 1; }
