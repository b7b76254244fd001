// The data of the report, as data.rs writes them: tables of numbers that refer to each other.

const METRICS = { live: "Live", peak: "Peak", total: "Total" };
const METRIC_MEANINGS = {
  live: "what was allocated and not yet freed",
  peak: "what was live when most was, give or take 2%",
  total: "all that was ever allocated, freed or not",
  pinned: "free memory that only goes back to the system once live blocks from there are freed",
};

const report = JSON.parse(byId("report-data").textContent);
if (report.dumps.some((dump) => dump.has_pins)) METRICS.pinned = "Pinned";

/** One call: a function, and where in it. */
class Frame {
  constructor([name, file, line, module, isPlumbing]) {
    this.name = report.strings[name];
    this.file = file === null ? "" : report.strings[file];
    this.line = line;
    this.module = report.strings[module];
    this.isPlumbing = isPlumbing === 1;
    this.key = `${name} ${module}`;
    /** Between 0 and 1, the same for the same function: its colour is that strong. */
    this.shade = ((name * 2654435761) % 4096) / 4096;
    this.text = `${this.name}\n${this.file}\n${this.module}`.toLowerCase();
  }

  /** The file and the line, or the library, where that is all there is. */
  get where() {
    return this.file === "" ? this.module : this.line === null ? this.file : `${this.file}:${this.line}`;
  }

  /** The last parts of the file, and the line: enough to know it by. */
  get shortWhere() {
    const parts = this.where.split("/");
    return parts.length > 4 ? `…/${parts.slice(-3).join("/")}` : this.where;
  }

  /** The last part of the file, and the line. */
  get place() {
    if (this.file === "") return baseName(this.module);
    return this.line === null ? baseName(this.file) : `${baseName(this.file)}:${this.line}`;
  }
}

/** What is known of the blocks of one stack, or of several. */
class Tallies {
  constructor(tallies, { freedElsewhere, lifetimes, ages, threads }) {
    this.tallies = tallies;
    this.freedElsewhere = freedElsewhere;
    this.lifetimes = lifetimes;
    this.ages = ages;
    this.threads = threads;
    this.freed = lifetimes.reduce((sum, count) => sum + count, 0);
  }

  amount(metric, unit) {
    return this.tallies[metric][unit];
  }

  get meanSize() {
    return this.tallies.total.blocks > 0 ? this.tallies.total.bytes / this.tallies.total.blocks : 0;
  }

  /** Of the sampled blocks that were freed. */
  get shareElsewhere() {
    return this.freed > 0 ? this.freedElsewhere / this.freed : 0;
  }
}

/** What one stack is known to have allocated up to one dump. */
class Site extends Tallies {
  constructor([node, live, peak, total, freedElsewhere, lifetimes, ages, threads, pinned]) {
    super(
      { live: tally(live), peak: tally(peak), total: tally(total), pinned: tally(pinned) },
      { freedElsewhere, lifetimes, ages, threads },
    );
    this.node = node;
  }
}

/** How stacks are put together in tables: by what their own frames have in common. */
const GROUPINGS = {
  function: {
    title: "Function",
    noun: "function",
    keyOf: (node) => ownFrame(node).key,
    meaning: "one row for each function",
  },
  line: {
    title: "Line",
    noun: "call site",
    keyOf: (node) => `${ownFrame(node).key} ${ownFrame(node).where}`,
    meaning: "one row for each line of code",
  },
  stack: {
    title: "Stack",
    noun: "stack",
    keyOf: (node) => String(node),
    meaning: "one row for each chain of calls",
  },
};

/** Sites that are one row of a table. The first has the most of what is shown. */
class Group extends Tallies {
  constructor(key, sites) {
    const sum = (metric, name) => sites.reduce((all, site) => all + site.tallies[metric][name], 0);
    const tallies = Object.fromEntries(
      Object.keys(METRICS).map((metric) => [
        metric,
        { samples: sum(metric, "samples"), blocks: sum(metric, "blocks"), bytes: sum(metric, "bytes") },
      ]),
    );
    const counts = (name) =>
      Array.from({ length: Math.max(0, ...sites.map((site) => site[name].length)) }, (_, n) =>
        sites.reduce((all, site) => all + (site[name][n] ?? 0), 0),
      );
    super(tallies, {
      freedElsewhere: sites.reduce((all, site) => all + site.freedElsewhere, 0),
      lifetimes: counts("lifetimes"),
      ages: counts("ages"),
      threads: [...new Set(sites.flatMap((site) => site.threads))],
    });
    this.key = key;
    this.sites = sites;
  }

  get node() {
    return this.sites[0].node;
  }
}

function groupsOf(sites) {
  const byKey = new Map();
  for (const site of sites) {
    const key = GROUPINGS[view.grouping].keyOf(site.node);
    if (byKey.has(key)) byKey.get(key).push(site);
    else byKey.set(key, [site]);
  }
  const amount = (site) => site.amount(view.metric, view.unit);
  return [...byKey].map(
    ([key, sites]) =>
      new Group(
        key,
        sites.sort((a, b) => amount(b) - amount(a)),
      ),
  );
}

function tally([samples, blocks, bytes]) {
  return { samples, blocks, bytes };
}

function baseName(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

const frames = report.frames.map((row) => new Frame(row));
const dumps = report.dumps.map((dump) => ({ ...dump, sites: dump.sites.map((row) => new Site(row)) }));
/** As many as the longest lifetime of any site needs, and enough for a minute. */
const LIFETIME_BARS = dumps
  .flatMap((dump) => dump.sites)
  .reduce((most, site) => Math.max(most, site.lifetimes.length, site.ages.length), 18);
const stacks = new Map();

/** The frames of a site, the outermost first. */
function stackOf(node) {
  let stack = stacks.get(node);
  if (stack === undefined) {
    stack = [];
    for (let at = node; at >= 0; at = report.nodes[at][0]) stack.push(frames[report.nodes[at][1]]);
    stack.reverse();
    stacks.set(node, stack);
  }
  return stack;
}

/** The innermost frame that is no part of an allocator or of a container: what people look for. */
function ownFrame(node) {
  const stack = stackOf(node);
  return stack.findLast((frame) => !frame.isPlumbing) ?? stack[stack.length - 1];
}

function stackText(node) {
  return stackOf(node)
    .toReversed()
    .map((frame) => `${frame.name} (${frame.where})`)
    .join("\n");
}

/** What is looked for: all of the words. */
function wordsOf(input) {
  const words = input.value.toLowerCase().split(/\s+/);
  return words.filter((word) => word !== "");
}

function matches(node, words) {
  return words.every((word) => stackOf(node).some((frame) => frame.text.includes(word)));
}

function chosenDump() {
  return dumps[view.dump];
}

/** What is in memory; undefined if the dump does not say. */
function residentOf(dump) {
  return dump.residence?.bytes;
}

/** Since the first dump. */
function timeOf(dump) {
  return dump.time;
}

function dumpName(index) {
  return dumps.length === 1 ? "The only dump" : `Dump ${index + 1} of ${dumps.length}`;
}

/** Whether the program had freed nearly all when it wrote the dump, as programs do at their end. */
function isOver(dump) {
  return dump.live_bytes * 10 < dump.peak_bytes;
}

/** The dump with the most live bytes. */
function fullestDump() {
  return dumps.reduce((best, dump, index) => (dump.live_bytes > dumps[best].live_bytes ? index : best), 0);
}

function sumOf(dump, metric, unit) {
  return dump.sites.reduce((sum, site) => sum + site.amount(metric, unit), 0);
}

/** The name without arguments of templates, and without all but its last two parts. */
function shortName(name) {
  let depth = 0;
  let plain = "";
  for (const letter of name) {
    if (letter === "<") depth += 1;
    else if (letter === ">" && depth > 0) depth -= 1;
    else if (depth === 0) plain += letter;
  }
  // A method of Rust, `<Type as Trait>::method`: the type is what counts.
  if (name.startsWith("<") && plain.startsWith("::")) {
    const type = insideOf(name).split(" as ")[0];
    return `${shortName(type).split("::").pop()}${plain}`;
  }
  const bare = plain.split("(")[0] || name;
  return (
    bare
      .split("::")
      .filter((part) => part !== "")
      .slice(-2)
      .join("::") || name
  );
}

/** What is in the brackets that the name begins with. */
function insideOf(name) {
  let depth = 0;
  for (let at = 0; at < name.length; at += 1) {
    if (name[at] === "<") depth += 1;
    if (name[at] === ">") depth -= 1;
    if (depth === 0) return name.slice(1, at);
  }
  return name.slice(1);
}

const LIFETIME_NAMES = [
  [0, "1 ms"],
  [10, "1 s"],
  [16, "1 min"],
  [22, "1 h"],
];

/** The lifetimes that entry n counts. */
function lifetimeText(n) {
  return n === 0 ? "under 1 ms" : `${timeText(2 ** (n - 1))} to ${timeText(2 ** n)}`;
}

/** A bar for each power of two of milliseconds; those of all sites have one scale of time. */
function lifetimeBars(lifetimes, width, height, hasLabels, text = lifetimesText(lifetimes)) {
  const bar = width / LIFETIME_BARS;
  const most = Math.max(1, ...lifetimes);
  const image = drawn(
    "svg",
    {
      class: "lifetimes",
      width,
      height: height + (hasLabels ? 16 : 0),
      role: "img",
      "aria-label": text,
      viewBox: `0 0 ${width} ${height + (hasLabels ? 16 : 0)}`,
      preserveAspectRatio: "none",
    },
    drawn("rect", { class: "base", x: 0, y: height - 1, width, height: 1 }),
  );
  lifetimes.forEach((amount, n) => {
    if (amount === 0) return;
    const tall = Math.max(2, (amount / most) * (height - 1));
    image.append(drawn("rect", { x: n * bar, y: height - tall, width: Math.max(1, bar - 1), height: tall }));
  });
  if (hasLabels) {
    for (const [n, text] of LIFETIME_NAMES.filter(([n]) => n < LIFETIME_BARS - 1)) {
      const x = (n + 1) * bar;
      image.append(
        drawn("rect", { class: "base", x: x - 1, y: height, width: 1, height: 4 }),
        drawn(
          "text",
          { x, y: height + 14, "text-anchor": n === 0 ? "start" : "middle", dx: n === 0 ? -bar : 0 },
          text,
        ),
      );
    }
  }
  return image;
}

/** The lifetime that half of the blocks did not reach. */
function lifetimesText(lifetimes) {
  const half = middleOf(lifetimes);
  return half < 0
    ? "none of the sampled blocks was freed"
    : `half of these blocks lived for less than ${timeText(2 ** half)}`;
}

/** The age that half of the blocks have. */
function agesText(ages) {
  const half = middleOf(ages.toReversed());
  const n = ages.length - 1 - half;
  return half < 0
    ? "no sampled block lives"
    : n === 0
      ? "they were just allocated"
      : `half of these blocks are older than ${timeText(2 ** (n - 1))}`;
}

/** Where half of the counts are reached; -1 if there are none. */
function middleOf(counts) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  return all === 0 ? -1 : counts.findIndex((count) => (below += count) * 2 >= all);
}
