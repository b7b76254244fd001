command -v python3 > /dev/null || exit 77
cat > program.c << 'END'
#include <stdlib.h>
#include <tinyalloc.h>
int main(void)
{
    for (size_t bytes = 1; bytes < 100000; bytes += bytes / 10 + 1) if (malloc(bytes) == NULL) return 1;
    return ta_stats_print(TA_FORMAT_JSON, 3) | ta_stats_print(TA_FORMAT_PROMETHEUS, 4) | ta_stats_print(TA_FORMAT_XML, 5);
}
END
$CC -I"$C_TESTS/../include" program.c "$LIB_A" -lpthread -ldl -o program && ./program 3> json 4> prometheus 5> xml || exit 1
python3 - << 'END'
import json, re
from xml.etree import ElementTree

top = json.load(open("json"))["tinyalloc"]
stats = top["stats"]
for name in ("allocated", "active", "metadata", "resident", "mapped", "retained"):
    assert stats[name] > 0, name
assert top["name"] == "process"
assert sum(each["live"] for each in top["bins"]) == stats["live_slots"]
assert top["syscalls"]["mmap"] >= 1

types, samples = {}, {}
for line in open("prometheus"):
    if line.startswith("# TYPE "):
        _, _, name, kind = line.split()
        assert name not in types and kind in ("gauge", "counter"), line
        types[name] = kind
        last = name
    elif line.startswith("# HELP "):
        assert re.fullmatch(r"# HELP tinyalloc_[a-z_]+ .+\n", line), line
    else:
        name, labels, value = re.fullmatch(r'([a-z_]+)\{([a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*)\} (\d+)\n', line).groups()
        assert name == last, line
        assert (name, labels) not in samples, line
        assert name.endswith("_total") == (types[name] == "counter"), line
        samples[name, labels] = int(value)
assert samples['tinyalloc_allocated_bytes', 'heap="process"'] == stats["allocated"]
assert samples['tinyalloc_system_calls_total', 'heap="process",call="mmap"'] == top["syscalls"]["mmap"]

root = ElementTree.parse("xml").getroot()
assert root.tag == "malloc" and root.get("version") == "1"
assert int(root.find("allocated").text) == stats["allocated"]
END
