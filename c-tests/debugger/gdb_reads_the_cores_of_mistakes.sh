# What a core dump says of the block agrees with the message that the process ended with.
. "$C_TESTS/debugger/gdb.bash"
# Not those of generate-core-file: it gives up where a mapping has guard pages.
case $(cat /proc/sys/kernel/core_pattern) in
    */* | "|"*) echo "skipped: the kernel writes no core dumps to the working directory here"; exit 77 ;;
esac
# The catalogue wants no core dumps.
echo 'int __wrap_setrlimit(void) { return 0; }' > limits.c
$CC -g -O0 -w -fno-builtin -pthread -I"$C_TESTS" -I"$C_TESTS/../include" "$C_TESTS/mistakes/catalogue.c" limits.c -o program \
    -Wl,--wrap=setrlimit -L. -ltinyalloc -Wl,-rpath,"$PWD" -ldl || exit 1
cat > mistakes.py <<'PYTHON'
# Rows of the catalogue, their options, and what is said of the address.
DEFAULT, HARDENED, GUARDED = "", "hardened=on,check_sizes=on", "guard=1,check_sizes=on"
MISTAKES = [
    ("double_free_of_a_small_slot", DEFAULT, "free slot of 112 bytes"),
    ("double_free_by_a_remote_thread", DEFAULT, "free slot of 112 bytes"),
    ("realloc_of_a_freed_slot", DEFAULT, "free slot of 112 bytes"),
    ("double_free_of_a_large_block", DEFAULT, "freed large block|free memory of the heap; the span or block here was freed"),
    ("double_free_of_a_huge_block", DEFAULT, "not on this heap"),
    ("double_free_in_a_heap", DEFAULT, r'free slot of 112 bytes[^"]*\n  heap '),
    ("free_inside_a_heaps_block", DEFAULT, r"live block of 112 bytes at .*, 16 bytes inside[^\"]*\n  heap "),
    ("free_of_a_destroyed_heaps_block", DEFAULT, "no block|free slot"),
    ("free_inside_a_large_block", DEFAULT, "live large block: 262144 bytes at .*, 16 bytes inside"),
    ("free_at_every_offset_inside_a_small_slot", DEFAULT, "live block of 112 bytes at .*, 1 byte inside"),
    ("free_of_a_stack_address", DEFAULT, "not on this heap"),
    ("free_of_a_never_allocated_slot", DEFAULT, "never allocated|never held a block"),
    ("write_1_byte_beyond_a_small_block", HARDENED, "live block of 112 bytes"),
    ("free_sized_with_a_size_too_small", HARDENED, "live block of 112 bytes"),
    ("double_free_of_a_small_slot", HARDENED, "freed slot of 112 bytes.*quarantine"),
    ("read_of_a_freed_slot", GUARDED, "freed guarded block: 100 bytes"),
    ("write_a_page_beyond_a_small_block", GUARDED, "a guard of a guarded block"),
]
PYTHON
cat > check.py <<'PYTHON'
import gdb, glob, re
exec(open("mistakes.py").read())
gdb.execute("set python print-stack full")
def said(command): return gdb.execute("tinyalloc " + command, to_string=True)
for number, (row, options, wanted) in enumerate(MISTAKES):
    gdb.execute("core-file " + glob.glob(f"{number}/core*")[0], to_string=True)
    message = open(f"{number}/message").read()
    address = re.search(r"^tinyalloc: .*?(0x[0-9a-f]+)", message, re.MULTILINE)[1]
    answer, heap, blocks = said("info " + address), said("heap"), said("blocks --limit 0").splitlines()
    if not re.search(wanted, answer): raise gdb.GdbError(f"{row}, {options}: {wanted}\n{message}{answer}")
    live = sum(int(count.replace(",", "")) for count in re.findall(r"(?:slots|blocks): ([\d,]+) live", heap))
    if len(blocks) != live or "thread heaps: " not in heap: raise gdb.GdbError(f"{row}, {options}: {len(blocks)} blocks\n{heap}")
print("right")
PYTHON
python3 -c 'exec(open("mistakes.py").read()); print(*(f"{row} {options}" for row, options, _ in MISTAKES), sep="\n")' > rows
number=0
while read -r row options; do
    mkdir "$number"
    (cd "$number" && ulimit -c unlimited && TINYALLOC_OPTIONS=$options ../program make "$row" 0) > /dev/null 2> "$number/message"
    compgen -G "$number/core*" > /dev/null || { cat "$number/message"; echo "skipped: no core dump was written"; exit 77; }
    number=$((number + 1))
done < rows
gdb_of program -x "$SCRIPT" -x check.py > check.log
grep -q '^right$' check.log || fail check.log
