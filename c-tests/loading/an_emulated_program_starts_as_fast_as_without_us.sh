# qemu-user keeps a record of each page of a mapping, before its version 8.0: what is reserved costs time and memory there.
emulator=qemu-$(uname -m)
command -v $emulator > /dev/null || exit 77
$emulator /bin/true || exit 77
cat > peak.py << 'END'
import resource, subprocess, sys
emulator, library = sys.argv[1:]
listing = subprocess.run([emulator, "-E", f"LD_PRELOAD={library}", "/bin/ls", "/"], stdout=subprocess.PIPE, check=True, timeout=8).stdout
assert b"bin" in listing
peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
assert peak_mib <= 256, f"{peak_mib} MiB"
END
python3 peak.py $emulator "$LIB_SO"
