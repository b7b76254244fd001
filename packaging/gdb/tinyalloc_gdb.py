"""Commands of gdb for a heap of tinyalloc: `tinyalloc info ADDRESS`, `tinyalloc heap`, `tinyalloc blocks`.

They read a running process or a core dump, of a program that tinyalloc is preloaded into or linked with, and need no debug information: the
library has a table of where things are (ta_debug_layout). Nothing of the program is called or changed. tinyalloc-gdb.py loads this file.
"""

import argparse
import itertools
import shlex
import struct
import time

import gdb

VERSION = 1
# What the table has a number for, in its order.
NUMBERS = """
allocator.read_only allocator.guard_range allocator.zero_size
allocator.space allocator.space_holder allocator.guards allocator.profile
read_only.page_map read_only.secret read_only.canary
read_only.hardened
space.heaps space.isolated space.regions space.huge
huge.blocks huge.buckets
huge.lists list.bytes
regions.first regions.further
further.length further.slots
region.near_and_map region.far_bits region.far_records region.slices region.used_slices region.resident_slices
region.bytes region.page_map slice.bytes
part.start part.committed
span.owner span.start span.list span.countdown span.slots_carved span.slots span.class span.state span.remote span.links span.holes
span.bytes span.slices span.rest span.isolated
thread_heap.next_heap thread_heap.state thread_heap.thread thread_heap.quota
heap.id heap.quota heap.links heap.thread_heaps
heap.name page.isolated page.bytes links.next list.head
guards.places guards.used
place.state place.bytes place.start place.made_by place.freed_by
place.size
guard_range.start guard_range.bytes
zero_size.start zero_size.bytes zero_size.taken
tables.sample_count tables.sites
tables.sites_max site.size site.callers site.callers_max sample.size
sample.address sample.site sample.bytes sample.represents sample.requested sample.align sample.thread sample.made_at
"""

WORD = (1 << 64) - 1
WORD_BYTES = 8
RECORD_BYTES = 128
PAGE_BYTES = 4096
HOLE_BYTES = 4096
SLOT_ALIGN = 16
# No heap owns a span with one of these as its owner.
NO_OWNER, LARGE, EMERGENCY, KEPT = 1, 2, 3, 4
STATES = ("current", "partial", "full", "lending", "spare", "large")
CURRENT, PARTIAL, FULL, LENDING, SPARE = range(5)
LIVE_HEAP, POOLED_HEAP = 0, 1
PLACE_LIVE, PLACE_FREED = 1, 2
# Of a link: see slot.rs.
LINK_MARK = 1
# Of hardened slots: see canary.rs.
MIX = 0x9E3779B97F4A7C15
SLACK_SHIFT = 48
NAME_BYTES = 32
LIMIT = 100


class Unreadable(gdb.GdbError):
    """Memory that the process does not have, or that the core dump lacks."""


def number(expression):
    """An address or a number, whatever the program's language. An array is where it begins."""
    try:
        value = gdb.parse_and_eval(expression)
    except gdb.error as error:
        raise gdb.GdbError(str(error)) from error
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_ARRAY:
        value = value.address
    return int(value) & WORD


def number_in_c(expression):
    """As number(), of what only C's rules find: a symbol without a type."""
    language = gdb.parameter("language")
    gdb.execute("set language c", to_string=True)
    try:
        return number(expression)
    finally:
        gdb.execute(f"set language {language}", to_string=True)


class Memory:
    """The memory of the process or of the core dump."""

    def bytes(self, address, count):
        try:
            return bytes(gdb.selected_inferior().read_memory(address, count))
        except (gdb.MemoryError, OverflowError) as error:
            raise Unreadable(f"cannot read {count} bytes at {address:#x}") from error

    def pages(self, address, count):
        """As bytes; what cannot be read is zero, page by page."""
        try:
            return self.bytes(address, count)
        except Unreadable:
            parts, end = [], address + count
            while address < end:
                size = min(PAGE_BYTES - address % PAGE_BYTES, end - address)
                try:
                    parts.append(self.bytes(address, size))
                except Unreadable:
                    parts.append(bytes(size))
                address += size
            return b"".join(parts)

    def word(self, address):
        return struct.unpack("<Q", self.bytes(address, WORD_BYTES))[0]

    def byte(self, address):
        return self.bytes(address, 1)[0]


class Layout:
    """The table of the library, by name."""

    def __init__(self, memory):
        try:
            at = number_in_c("&ta_debug_layout")
        except gdb.GdbError as error:
            raise gdb.GdbError("no tinyalloc here: the program has no symbol ta_debug_layout (or does not run yet)") from error
        names = NUMBERS.split()
        table, self.allocator, self.never, self.freed = struct.unpack("<4Q", memory.bytes(at, 32))
        if not table:
            raise gdb.GdbError("the program does not run yet")
        version, count = struct.unpack("<HH", memory.bytes(table, 4))
        if (version, count) != (VERSION, len(names)):
            raise gdb.GdbError(f"this script reads heaps of version {VERSION}; the program's is of version {version}")
        self.numbers = dict(zip(names, struct.unpack(f"<{count}H", memory.bytes(table + 4, 2 * count))))

    def __getitem__(self, name):
        return self.numbers[name]


class Span:
    """The record of a span, or of a large block."""

    def __init__(self, process, record):
        self.process, self.record = process, record
        layout, raw = process.layout, process.memory.bytes(record, RECORD_BYTES)

        def field(name, form):
            return struct.unpack_from("<" + form, raw, layout["span." + name])[0]

        self.owner, self.start, self.bytes, self.holes = (field(name, "Q") for name in ("owner", "start", "bytes", "holes"))
        self.remote, self.links, self.list = field("remote", "Q"), field("links", "Q"), field("list", "Q")
        self.countdown, self.carved, self.slots, self.slices, self.rest = (
            field(name, "I") for name in ("countdown", "slots_carved", "slots", "slices", "rest"))
        self.number, self.state, self.isolated = field("class", "B"), field("state", "B"), field("isolated", "B")
        if self.owner == EMERGENCY:
            self.carved = self.slots

    def has_slots(self):
        return self.owner > KEPT or self.owner == EMERGENCY

    def is_block(self):
        return self.owner == LARGE

    def span_bytes(self):
        return self.slices * self.process.layout["slice.bytes"] or self.bytes

    def state_name(self):
        return STATES[self.state] if self.state < len(STATES) else f"unknown ({self.state})"

    def in_hole(self, slot):
        """Whether the slot reaches into a page that has no memory."""
        if not self.holes:
            return False
        first, last = slot * self.bytes // HOLE_BYTES, ((slot + 1) * self.bytes - 1) // HOLE_BYTES
        return self.holes >> first & ((2 << (last - first)) - 1) != 0

    def states(self):
        """What each carved slot is: live, free, waiting or a hole."""
        if self.owner == EMERGENCY:
            return ["live" if self.rest >> slot & 1 else "free" for slot in range(self.slots)]
        raw = memoryview(self.process.memory.pages(self.start, self.carved * self.bytes)).cast("Q")
        return [self.state_of(slot, raw) for slot in range(self.carved)]

    def state_of(self, slot, raw):
        if self.holes and self.in_hole(slot):
            return "hole"
        at, address = slot * self.bytes // WORD_BYTES, self.start + slot * self.bytes
        if raw[at] + raw[at + 1] + address & WORD == self.process.secret:
            return "free"
        if self.process.hardened and raw[at + self.bytes // WORD_BYTES - 1] == self.waiting(address):
            return "waiting"
        return "live"

    def waiting(self, address):
        """The last word of a hardened slot that was freed and waits."""
        mixed = (self.process.canary ^ address) * MIX & WORD
        whole = int.from_bytes(mixed.to_bytes(WORD_BYTES, "little"), "big") | 1
        return (whole << 1 | 1 << SLACK_SHIFT) & WORD

    def present(self):
        return self.carved - sum(self.in_hole(slot) for slot in range(self.carved)) if self.holes else self.carved

    def counts(self):
        """Live and free slots. Only where slots are free that the record does not count are they looked at."""
        if self.process.hardened or self.state in (CURRENT, LENDING) or self.remote or self.owner == EMERGENCY:
            states = self.states()
            return states.count("live"), states.count("free") + states.count("waiting")
        present = self.present()
        full_countdown, countdown = max(self.slots // 8, 1), self.countdown + self.rest
        live = {FULL: self.slots - (full_countdown - countdown), PARTIAL: countdown}.get(self.state, 0)
        return live, present - live


class Process:
    """The allocator of the process, read anew for every command."""

    def __init__(self):
        self.memory = Memory()
        self.layout = Layout(self.memory)
        allocator, layout = self.layout.allocator, self.layout
        read_only = allocator + layout["allocator.read_only"]
        self.space = allocator + layout["allocator.space"]
        self.secret = self.memory.word(read_only + layout["read_only.secret"])
        self.canary = self.memory.word(read_only + layout["read_only.canary"])
        self.hardened = self.memory.byte(read_only + layout["read_only.hardened"]) != 0
        self.is_begun = self.memory.word(read_only + layout["read_only.page_map"]) != 0
        self.is_changing = self.memory.word(allocator + layout["allocator.space_holder"]) != 0
        self.spans = {}
        self.names = {}

    def span(self, record):
        if record not in self.spans:
            self.spans[record] = Span(self, record)
        return self.spans[record]

    def regions(self):
        if not self.is_begun:
            return
        layout, regions = self.layout, self.space + self.layout["space.regions"]
        yield Region(self, regions + layout["regions.first"])
        further = self.memory.word(regions + layout["regions.further"])
        for index in range(self.memory.word(further + layout["further.length"]) if further else 0):
            yield Region(self, further + layout["further.slots"] + index * layout["region.bytes"])

    def huge_blocks(self):
        layout, huge = self.layout, self.space + self.layout["space.huge"]
        if self.memory.word(huge + layout["huge.blocks"]) == 0:
            return
        for index in range(layout["huge.lists"]):
            bucket = huge + layout["huge.buckets"] + index * layout["list.bytes"]
            yield from map(self.span, self.chain(bucket, layout["span.links"]))

    def chain(self, head, links):
        """The nodes of a list: the last one names itself as the next."""
        node = self.memory.word(head + self.layout["list.head"])
        while node:
            yield node
            after = self.memory.word(node + links + self.layout["links.next"])
            node = after if after != node else 0

    def all_spans(self):
        """Every span and large block, huge ones last."""
        for region in self.regions():
            yield from region.spans()
        yield from self.huge_blocks()

    def thread_heaps(self):
        heap = self.memory.word(self.space + self.layout["space.heaps"])
        while heap:
            yield heap
            heap = self.memory.word(heap + self.layout["thread_heap.next_heap"])

    def isolated_heaps(self):
        yield from self.chain(self.space + self.layout["space.isolated"], self.layout["heap.links"])

    def isolated_heap_of(self, span):
        """The heap that a span belongs to if it is not the global one."""
        if not span.isolated:
            return 0
        page = span.record & ~(self.layout["page.bytes"] - 1)
        return self.memory.word(page + self.layout["page.isolated"])

    def heap_name(self, span):
        heap = self.isolated_heap_of(span)
        if heap not in self.names:
            self.names[heap] = self.name_of(heap) if heap else "the global heap"
        return self.names[heap]

    def name_of(self, heap):
        text = self.memory.bytes(heap + self.layout["heap.name"], NAME_BYTES).split(b"\0")[0].decode(errors="replace")
        return f'heap "{text}"' if text else f"heap {heap:#x}"

    def thread_heap_name(self, span):
        if span.owner <= KEPT:
            return None
        state = self.memory.byte(span.owner + self.layout["thread_heap.state"])
        thread = self.memory.word(span.owner + self.layout["thread_heap.thread"])
        if state == POOLED_HEAP:
            whose = "of a thread that has ended, or of none yet"
        elif state != LIVE_HEAP:
            whose = "of a thread that a fork left behind"
        else:
            whose = "of " + thread_name(thread) if thread else "of the blocks that the heap profile samples"
        return f"thread heap {span.owner:#x}, {whose}"


class Region:
    """Slices in a row, and the map from each to its span."""

    def __init__(self, process, at):
        self.process = process
        memory, layout = process.memory, process.layout

        def part(name, field):
            return memory.word(at + layout["region." + name] + layout["part." + field])

        self.start = part("slices", "start")
        self.slices = part("slices", "committed") // layout["slice.bytes"]
        self.page_map = part("near_and_map", "start") + layout["region.page_map"]
        self.used, self.resident = (memory.word(at + layout["region." + name]) for name in ("used_slices", "resident_slices"))
        self.metadata_bytes = sum(part(name, "committed") for name in ("near_and_map", "far_bits", "far_records"))

    def contains(self, address):
        return 0 <= address - self.start < self.slices * self.process.layout["slice.bytes"]

    def records(self, first, end):
        raw = self.process.memory.bytes(self.page_map + first * WORD_BYTES, (end - first) * WORD_BYTES)
        return struct.unpack(f"<{end - first}Q", raw)

    def is_named(self, record):
        return record not in (self.process.layout.never, self.process.layout.freed)

    def spans(self):
        number = 0
        records = self.records(0, self.slices)
        while number < self.slices:
            span = self.process.span(records[number]) if self.is_named(records[number]) else None
            is_there = span is not None and span.owner != NO_OWNER
            if is_there:
                yield span
            number += max(span.slices, 1) if is_there else 1

    def span_at(self, address):
        """The span or large block that the address lies in, which only the first slice of a block names; and the slice's record."""
        number = (address - self.start) // self.process.layout["slice.bytes"]
        record = self.records(number, number + 1)[0]
        for below in itertools.chain([record], reversed(self.records(0, number))):
            if self.is_named(below):
                span = self.process.span(below)
                if span.owner != NO_OWNER:
                    return (span if address < span.start + span.span_bytes() else None), record
        return None, record


def thread_name(address):
    """Which of gdb's threads has its thread pointer there."""
    selected, found = gdb.selected_thread(), None
    for thread in gdb.selected_inferior().threads():
        try:
            thread.switch()
            if number_in_c("$fs_base") == address:
                found = f"thread {thread.num} (LWP {thread.ptid[1]})"
                break
        except (gdb.error, gdb.GdbError, ValueError):
            continue
    if selected is not None and selected.is_valid():
        selected.switch()
    return found or f"thread {address:#x}"


def plural(count, noun):
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def where_free(process, span, slot):
    """On which list a free slot is."""
    address = span.start + slot * span.bytes
    bin_of, regions = span.owner + span.number * WORD_BYTES, list(process.regions())
    lists = ((span.remote, "freed by another thread, and not collected by its own yet"), (span.list, "on the list of its span"),
             (process.memory.word(bin_of), "in the bin of its thread heap, for one of the next requests"))
    for head, said in lists:
        # The profile marks links by their lowest bit.
        node, seen = head & ~LINK_MARK, 0
        # What ends a list is no slot.
        while any(region.contains(node) for region in regions) and seen <= 1 << 16:
            if node == address:
                return said
            following, signature = struct.unpack("<QQ", process.memory.bytes(node, 2 * WORD_BYTES))
            if following + signature + node & WORD != process.secret:
                return f"behind {node:#x}, which was written to after it was freed"
            node, seen = following & ~LINK_MARK, seen + 1
    return "in the hands of a thread"


def describe_slot(process, span, address):
    slot = (address - span.start) // span.bytes
    inside = (address - span.start) % span.bytes
    begin = span.start + slot * span.bytes
    if slot >= span.slots:
        yield f"{address:#x}: no block: behind the last slot of its span"
    else:
        if slot >= span.carved:
            state, more = "free slot", "never allocated"
        else:
            state = {"live": "live block", "free": "free slot", "waiting": "freed slot", "hole": "free slot"}[span.states()[slot]]
            more = {"free slot": "", "live block": "", "freed slot": "in the quarantine of hardened=on"}[state]
            if state == "free slot":
                more = "its page has no memory" if span.in_hole(slot) else where_free(process, span, slot)
        place = f", {plural(inside, 'byte')} inside" if inside else ""
        yield f"{address:#x}: {state} of {span.bytes} bytes at {begin:#x}{place}" + (f": {more}" if more else "")
        if state == "live block":
            yield from describe_sample(process, begin)
        yield f"  slot {slot} of {span.slots} of its span, of which {span.carved} are carved"
    kind = "for signal handlers that interrupt the allocator" if span.owner == EMERGENCY else f"class {span.number}, {span.state_name()}"
    yield f"  span {span.start:#x}-{span.start + span.span_bytes():#x}, {kind}"


def describe_block(process, span, address):
    inside = address - span.start
    kind = "huge block (a mapping of its own)" if span.slices == 0 else "large block"
    if span.owner == KEPT:
        state, kind = "freed", f"{kind}, kept by a thread for its next request"
    else:
        state = "live"
    place = f", {plural(inside, 'byte')} inside" if inside else ""
    if inside >= span.bytes:
        place += ", behind its end"
    yield f"{address:#x}: {state} {kind}: {span.bytes} bytes at {span.start:#x}{place}"
    if state == "live":
        yield from describe_sample(process, span.start)


class Samples:
    """The blocks that the heap profile has sampled and that live."""

    def __init__(self, process):
        memory, layout = process.memory, process.layout
        self.memory, self.layout = memory, layout
        tables = memory.word(layout.allocator + layout["allocator.profile"])
        self.sites = tables + layout["tables.sites"]
        count = struct.unpack("<I", memory.bytes(tables + layout["tables.sample_count"], 4))[0] if tables else 0
        self.size = layout["sample.size"]
        first = self.sites + layout["tables.sites_max"] * layout["site.size"]
        self.raw = memory.bytes(first, count * self.size) if count else b""

    def field(self, sample, name):
        return struct.unpack_from("<Q", self.raw, sample + self.layout["sample." + name])[0]

    def live(self):
        return [sample for sample in range(0, len(self.raw), self.size) if self.field(sample, "bytes")]

    def at(self, address):
        """Where the sample of the block at an address is, if it has one."""
        wanted, at = struct.pack("<Q", address), self.layout["sample.address"]
        found = self.raw.find(wanted)
        while found >= 0:
            if found % self.size == at and self.field(found - at, "bytes"):
                return found - at
            found = self.raw.find(wanted, found + 1)
        return None

    def callers(self, sample):
        site = self.sites + self.field(sample, "site") * self.layout["site.size"]
        most = self.layout["site.callers_max"]
        callers = struct.unpack(f"<{most}Q", self.memory.bytes(site + self.layout["site.callers"], most * WORD_BYTES))
        return itertools.takewhile(bool, callers)


def describe_sample(process, begin):
    samples = Samples(process)
    sample = samples.at(begin)
    if sample is None:
        return
    requested, align, represents = (samples.field(sample, name) for name in ("requested", "align", "represents"))
    aligned = f", aligned to {align:,}" if align > 1 else ""
    yield f"  sampled: {requested:,} bytes were asked for{aligned}; it represents {represents:,} bytes of such blocks"
    made_at = samples.field(sample, "made_at")
    yield f"  allocated {when(made_at)} by {thread_name(samples.field(sample, 'thread'))}, called by"
    for caller in samples.callers(sample):
        yield f"    {call_at(caller - 1)}"


def when(milliseconds):
    """A time of the allocator's clock: in a core dump nothing tells how long ago that was."""
    connection = getattr(gdb.selected_inferior(), "connection", None)
    if connection is not None and connection.type == "native":
        age = time.clock_gettime(time.CLOCK_MONOTONIC) - milliseconds / 1000
        return f"{max(age, 0):,.1f} seconds ago"
    return f"{milliseconds / 1000:,.1f} seconds after the system's start"


def call_at(address):
    """The function at an address, those that it is inlined in, and its line; the nearest symbol without debug information."""
    names, block = [], gdb.block_for_pc(address)
    while block is not None:
        if block.function is not None:
            names.append(block.function.print_name)
        block = block.superblock
    line = gdb.find_pc_line(address)
    if names:
        place = f" at {line.symtab.filename}:{line.line}" if line.symtab is not None and line.line else ""
        return ", inlined in ".join(names) + place
    try:
        symbol = gdb.execute(f"info symbol {address:#x}", to_string=True).split(" in section ")[0].strip()
    except gdb.error:
        symbol = ""
    library = gdb.solib_name(address)
    name = symbol if symbol and not symbol.startswith("No symbol") else f"{address:#x}"
    return name + (f" in {library}" if library else "")


def describe_span(process, span, address):
    yield from (describe_slot if span.has_slots() else describe_block)(process, span, address)
    thread_heap = process.thread_heap_name(span)
    yield f"  {process.heap_name(span)}" + (f", {thread_heap}" if thread_heap else "")


class Guarded:
    """A block of the option guard, or what is remembered of one: a page of its own between guards."""

    def __init__(self, process, place):
        memory, layout = process.memory, process.layout
        self.start, self.bytes, self.made_by, self.freed_by = (
            memory.word(place + layout["place." + name]) for name in ("start", "bytes", "made_by", "freed_by"))
        self.is_live = memory.byte(place + layout["place.state"]) == PLACE_LIVE
        self.is_block = self.is_live or memory.byte(place + layout["place.state"]) == PLACE_FREED


def guarded_blocks(process):
    guards = process.layout.allocator + process.layout["allocator.guards"]
    places, used = (process.memory.word(guards + process.layout["guards." + name]) for name in ("places", "used"))
    blocks = (Guarded(process, places + index * process.layout["place.size"]) for index in range(used if places else 0))
    return (block for block in blocks if block.is_block)


def describe_guarded(process, address):
    guard_range = process.layout.allocator + process.layout["allocator.guard_range"]
    start, count = (process.memory.word(guard_range + process.layout["guard_range." + name]) for name in ("start", "bytes"))
    if not 0 <= address - start < count:
        return None
    for block in guarded_blocks(process):
        if block.start // PAGE_BYTES == address // PAGE_BYTES:
            freed = "" if block.is_live else f", freed by {thread_name(block.freed_by)}"
            return [f"{address:#x}: {'live' if block.is_live else 'freed'} guarded block: {block.bytes} bytes at {block.start:#x}",
                    f"  made by {thread_name(block.made_by)}{freed}"]
    return [f"{address:#x}: no block: a guard of a guarded block"]


class ZeroSize:
    """The addresses of zero-size allocations."""

    def __init__(self, process):
        layout, memory = process.layout, process.memory
        at = layout.allocator + layout["allocator.zero_size"]
        self.start, self.bytes, taken = (memory.word(at + layout["zero_size." + name]) for name in ("start", "bytes", "taken"))
        self.taken = memory.bytes(taken, self.bytes // SLOT_ALIGN // 8) if self.bytes else b""

    def contains(self, address):
        return 0 <= address - self.start < self.bytes

    def is_live(self, address):
        number, rest = divmod(address - self.start, SLOT_ALIGN)
        return rest == 0 and self.taken[number // 8] >> number % 8 & 1 != 0

    def live(self):
        bits = ((at * 8 + bit, byte >> bit & 1) for at, byte in enumerate(self.taken) if byte for bit in range(8))
        return (self.start + number * SLOT_ALIGN for number, is_taken in bits if is_taken)


def describe_empty(process, address):
    blocks = ZeroSize(process)
    return [f"{address:#x}: {'live' if blocks.is_live(address) else 'no'} zero-size block"] if blocks.contains(address) else None


def describe(process, address):
    found = describe_guarded(process, address) or describe_empty(process, address)
    if found:
        return found
    for region in process.regions():
        if region.contains(address):
            span, record = region.span_at(address)
            if span is not None:
                return list(describe_span(process, span, address))
            gone = "the span or block here was freed" if record == process.layout.freed else "never held a block"
            return [f"{address:#x}: no block: free memory of the heap; {gone}"]
    for span in process.huge_blocks():
        if 0 <= address - span.start < span.bytes:
            return list(describe_span(process, span, address))
    return [f"{address:#x}: not on this heap"]


def warn(process):
    if process.is_changing:
        print("(a thread is inside the allocator, changing it: what it was about to do is half done)")


def begun():
    process = Process()
    if not process.is_begun:
        raise gdb.GdbError("the program has allocated nothing yet")
    return process


class Group(gdb.Command):
    """The heap of tinyalloc, in a running process or a core dump: what lies at an address, totals, live blocks."""

    def __init__(self):
        super().__init__("tinyalloc", gdb.COMMAND_DATA, prefix=True)


class Info(gdb.Command):
    """tinyalloc info ADDRESS: which block an address lies in, whether it is live, of which size, span, heap and thread.

    Of a block that the heap profile has sampled also what allocated it, and when."""

    def __init__(self):
        super().__init__("tinyalloc info", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("usage: tinyalloc info ADDRESS")
        address, process = number(argument), begun()
        warn(process)
        print("\n".join(describe(process, address)))


class Totals(gdb.Command):
    """tinyalloc heap: spans, live and free slots by class, large blocks, free memory, isolated heaps."""

    def __init__(self):
        super().__init__("tinyalloc heap", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        process = begun()
        warn(process)
        print("\n".join(totals(process)))


def totals(process):
    classes, blocks, kept, huge = {}, [], [], []
    for span in process.all_spans():
        if span.owner == LARGE:
            (huge if span.slices == 0 else blocks).append(span.bytes)
        elif span.owner == KEPT:
            kept.append(span.span_bytes())
        elif span.owner > KEPT:
            live, free = span.counts()
            row = classes.setdefault(span.number, [span.bytes, 0, 0, 0, 0])
            row[1:] = [row[1] + 1, row[2] + live, row[3] + free, row[4] + span.slots - live - free]
    yield f"{'class':>5} {'bytes':>6} {'spans':>8} {'live':>12} {'free':>12} {'untouched':>12}"
    for number, row in sorted(classes.items()):
        yield f"{number:5} {row[0]:6,} {row[1]:8,} {row[2]:12,} {row[3]:12,} {row[4]:12,}"
    live_bytes = sum(row[0] * row[2] for row in classes.values())
    live, free, spans = (sum(row[at] for row in classes.values()) for at in (2, 3, 1))
    yield f"slots: {live:,} live ({live_bytes:,} bytes), {free:,} free, in {plural(spans, 'span')}"
    yield f"large blocks: {len(blocks):,} live ({sum(blocks):,} bytes), {len(kept):,} freed and kept by threads ({sum(kept):,} bytes)"
    yield f"huge blocks: {len(huge):,} live ({sum(huge):,} bytes)"
    guarded, empty = (sum(1 for _ in live) for live in ((block for block in guarded_blocks(process) if block.is_live), ZeroSize(process).live()))
    yield f"guarded blocks: {guarded:,} live; zero-size blocks: {empty:,} live"
    regions, slice_bytes = list(process.regions()), process.layout["slice.bytes"]
    used, resident, committed = (sum(getattr(region, name) for region in regions) * slice_bytes for name in ("used", "resident", "slices"))
    yield f"free memory: {resident:,} bytes resident, {committed - used - resident:,} bytes returned to the system or never touched"
    metadata = sum(region.metadata_bytes for region in regions)
    yield f"in use: {used:,} bytes of spans and blocks in {plural(len(regions), 'region')}, {metadata:,} bytes for records, bits and maps"
    yield f"thread heaps: {sum(1 for _ in process.thread_heaps()):,}"
    samples = len(Samples(process).live())
    if samples:
        yield f"heap profile: {samples:,} of the live blocks are sampled"
    isolated = [process.name_of(heap) for heap in process.isolated_heaps()]
    yield f"isolated heaps: {len(isolated):,}" + (f" ({', '.join(isolated)})" if isolated else "")


class Blocks(gdb.Command):
    """tinyalloc blocks [--class N|large|huge|guarded|zero-size] [--limit N]: the live blocks, one a line: address, bytes, class, heap.

    100 at most unless --limit says otherwise; 0 for all."""

    def __init__(self):
        super().__init__("tinyalloc blocks", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        wanted, limit = blocks_arguments(argument)
        process = begun()
        warn(process)
        blocks = live_blocks(process, wanted)
        for address, size, kind, heap in itertools.islice(blocks, limit or None):
            print(f"{address:#x} {size} {kind} {heap}")
        if limit and next(blocks, None):
            print("... and more: --limit 0 shows all")


class Arguments(argparse.ArgumentParser):
    """Of a command: a mistake is gdb's to report."""

    def error(self, message):
        raise gdb.GdbError(f"{message}; see help {self.prog}")


def blocks_arguments(text):
    parser = Arguments(prog="tinyalloc blocks", add_help=False)
    parser.add_argument("--class", dest="kind")
    parser.add_argument("--limit", type=int, default=LIMIT)
    given = parser.parse_args(shlex.split(text))
    return given.kind, max(given.limit, 0)


def live_blocks(process, wanted):
    for span in process.all_spans():
        kind = ("huge" if span.slices == 0 else "large") if span.is_block() else str(span.number)
        if wanted not in (None, kind) or span.owner == KEPT:
            continue
        if span.is_block():
            yield span.start, span.bytes, kind, process.heap_name(span)
        elif span.state != SPARE or span.owner == EMERGENCY:
            for slot, state in enumerate(span.states()):
                if state == "live":
                    yield span.start + slot * span.bytes, span.bytes, kind, process.heap_name(span)
    others = itertools.chain(((block.start, block.bytes, "guarded") for block in guarded_blocks(process) if block.is_live),
                             ((address, 0, "zero-size") for address in ZeroSize(process).live()))
    for address, size, kind in others:
        if wanted in (None, kind):
            yield address, size, kind, "the global heap"


Group()
Info()
Totals()
Blocks()
