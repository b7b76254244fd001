// The flame graph, upside down: callers above, what they call below, as wide as what was allocated
// there. It is painted on a canvas; what is narrower than a pixel is not painted, so its cost
// depends on the width of the page, not on the number of frames.

const ROW_PIXELS = 20;
const NARROWEST_PIXELS = 0.7;
const TEXT_PIXELS = 26;
const MODULE_COLOURS = 6;
/** So many callers that all have in common are one row, until it is clicked. */
const FOLDED_LEAST = 4;
const CALLERS_SHOWN = 2;

/** A call as the graph has it: all sites that came through the same functions. */
class FlameNode {
  constructor(frame, parent) {
    this.frame = frame;
    this.parent = parent;
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.value = 0;
    this.own = 0;
    this.sites = 0;
    this.start = 0;
    this.byKey = new Map();
    this.places = new Map();
    this.children = [];
  }

  child(frame) {
    let child = this.byKey.get(frame.key);
    if (child === undefined) {
      child = new FlameNode(frame, this);
      this.byKey.set(frame.key, child);
    }
    return child;
  }

  add(value, frame) {
    this.value += value;
    this.sites += 1;
    if (frame !== null) this.places.set(frame.where, (this.places.get(frame.where) ?? 0) + value);
  }

  /** From the root to this node. */
  get path() {
    const path = [];
    for (let node = this; node !== null; node = node.parent) path.push(node);
    return path.reverse();
  }

  /** Names the same call in another tree. */
  get keys() {
    return this.path.slice(1).map((node) => node.frame.key);
  }

  get name() {
    return this.frame === null ? "All" : this.frame.name;
  }
}

/** The tree of a dump, or of the sites that are wanted: the widest child is the first. */
function flameTree(dump, metric, unit, isBottomUp) {
  const root = new FlameNode(null, null);
  for (const site of dump.sites) {
    const value = site.amount(metric, unit);
    if (value <= 0) continue;
    root.add(value, null);
    let node = root;
    for (const frame of isBottomUp ? bottomUp(site.node) : stackOf(site.node)) {
      node = node.child(frame);
      node.add(value, frame);
    }
    node.own += value;
  }
  arrange(root);
  return root;
}

/** From the function that asked for memory to the outermost. What it asked is left out. */
function bottomUp(node) {
  const stack = stackOf(node);
  const own = stack.findLastIndex((frame) => !frame.isPlumbing);
  return stack.slice(0, own < 0 ? stack.length : own + 1).reverse();
}

function arrange(root) {
  const waiting = [root];
  while (waiting.length > 0) {
    const node = waiting.pop();
    node.children = [...node.byKey.values()].sort((a, b) => b.value - a.value);
    let start = node.start;
    for (const child of node.children) {
      child.start = start;
      start += child.value;
      waiting.push(child);
    }
  }
}

class Flame {
  constructor() {
    this.canvas = byId("flame-canvas");
    this.frame = byId("flame-frame");
    this.search = byId("flame-search");
    this.isBottomUp = false;
    this.isUnfolded = false;
    this.hovered = null;
    this.focused = null;
    this.words = [];
    this.colours = moduleColours();
    byId("flame-direction").replaceChildren(
      choice(
        "direction",
        "Direction",
        [
          ["top", "Top down", "Callers above, the functions that they call below"],
          ["bottom", "Bottom up", "The functions that allocate above, their callers below"],
        ],
        "top",
        (direction) => this.setDirection(direction === "bottom"),
      ),
    );
    byId("flame-reset").addEventListener("click", () => this.zoom(this.root));
    this.listen();
    view.onChange((changes) => {
      if (changes.grouping === undefined) this.rebuild();
    });
    this.rebuild();
    onWidth(this.frame, () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  listen() {
    this.search.addEventListener("input", () => {
      this.words = wordsOf(this.search);
      this.find();
      this.draw();
    });
    this.canvas.addEventListener("pointermove", (event) => this.onMove(event));
    this.canvas.addEventListener("pointerleave", () => this.hover(null));
    this.canvas.addEventListener("click", (event) => {
      const node = this.nodeAt(event);
      if (node !== null) this.zoom(node);
      else if (this.isFoldAt(event)) this.unfold();
    });
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.canvas.addEventListener("blur", () => {
      this.focused = null;
      this.draw();
    });
  }

  setDirection(isBottomUp) {
    this.isBottomUp = isBottomUp;
    this.isUnfolded = false;
    this.zoomed = undefined;
    this.rebuild();
  }

  /** Another dump or figure: the zoom stays, if that call still exists. */
  rebuild() {
    const keys = this.zoomed?.keys ?? [];
    this.root = flameTree(chosenDump(), view.metric, view.unit, this.isBottomUp);
    this.hovered = null;
    this.focused = null;
    byId("flame-note").textContent =
      `${METRICS[view.metric]} ${view.unit}: ${METRIC_MEANINGS[view.metric]}. ` +
      `${this.isBottomUp ? "Below each function are its callers" : "Below each function is what it calls"}, as wide as ${view.metric === "pinned" ? "what blocks from there keep" : "what was allocated there"}.`;
    this.find();
    this.zoom(follow(this.root, keys));
  }

  zoom(node) {
    if (node !== this.zoomed) this.isUnfolded = false;
    this.zoomed = node;
    this.hovered = null;
    tooltip.hide();
    byId("flame-reset").disabled = node === this.root;
    this.showBreadcrumbs();
    this.draw();
  }

  /** Zooms into the stack of a site, as far as it is wide enough to be seen. */
  reveal(node) {
    this.setDirection(false);
    const keys = stackOf(node).map((frame) => frame.key);
    const depth = stackOf(node).indexOf(ownFrame(node));
    this.zoom(follow(this.root, keys.slice(0, Math.max(1, depth + 1))));
    byId("flame").querySelector("input[value=top]").checked = true;
    byId("flame").scrollIntoView();
    this.frame.scrollTop = 0;
  }

  showBreadcrumbs() {
    const path = this.zoomed.path;
    const shown = path.length > 7 ? [...path.slice(0, 2), null, ...path.slice(-4)] : path;
    const crumbs = shown.flatMap((node, index) => [
      index > 0 ? element("span", { class: "separator", "aria-hidden": true }, "›") : null,
      node === null
        ? element("span", { class: "skipped", title: `${path.length - 6} more` }, "…")
        : node === this.zoomed
          ? element("span", { "aria-current": true, title: node.name }, shortName(node.name))
          : element(
              "button",
              { type: "button", title: node.name, onclick: () => this.zoom(node) },
              shortName(node.name),
            ),
    ]);
    byId("flame-breadcrumbs").replaceChildren(
      ...crumbs.filter((crumb) => crumb !== null),
      element("span", { class: "muted" }, this.amount(this.zoomed)),
    );
  }

  amount(node) {
    const text = amountText(node.value, view.unit);
    return node === this.root ? text : `${text}, ${shareText(node.value, this.root.value)} of all`;
  }

  // The search.

  /** Notes which nodes match. Only the outermost of them count: the others are within. */
  find() {
    this.matching = new Set();
    let sum = 0;
    const walk = [[this.root, false]];
    while (this.words.length > 0 && walk.length > 0) {
      const [node, isWithin] = walk.pop();
      const isMatch = node.frame !== null && this.words.every((word) => node.frame.text.includes(word));
      if (isMatch) this.matching.add(node);
      if (isMatch && !isWithin) sum += node.value;
      for (const child of node.children) walk.push([child, isWithin || isMatch]);
    }
    byId("flame-found").replaceChildren(
      ...(this.words.length === 0
        ? []
        : this.matching.size === 0
          ? ["Nothing matches"]
          : [
              element("strong", { title: exactText(sum, view.unit) }, amountText(sum, view.unit)),
              `, ${shareText(sum, this.root.value)} of all, in ${countOf(this.matching.size, "frame")}`,
            ]),
    );
  }

  // Painting.

  draw() {
    const width = this.frame.clientWidth;
    if (width === 0 || this.zoomed === undefined) return;
    this.width = width;
    this.rows = [];
    this.scale = width / Math.max(1, this.zoomed.value);
    this.folded = this.foldedCallers();
    this.place(width);
    this.paint();
  }

  /** Callers that tell nothing, since all that is shown came through them: one row has them all. */
  foldedCallers() {
    let last = this.zoomed;
    while (this.zoomed === this.root && last.children.length === 1) last = last.children[0];
    const callers = last.path.slice(1, Math.max(1, last.depth - CALLERS_SHOWN));
    return this.isUnfolded || callers.length < FOLDED_LEAST ? [] : callers;
  }

  /** The row of a node. */
  rowOf(node) {
    const count = this.folded.length;
    return count === 0 || node.depth === 0 ? node.depth : Math.max(1, node.depth - count + 1);
  }

  unfold() {
    this.isUnfolded = true;
    this.draw();
  }

  /** Finds where each visible node is: the zoomed one and those around it fill the width. */
  place(width) {
    const callers = new Set(this.folded);
    for (const node of this.zoomed.path) if (!callers.has(node)) this.put(node, 0, width);
    if (this.folded.length > 0) this.rows[1] = [{ node: null, x: 0, width }];
    const waiting = [this.zoomed];
    while (waiting.length > 0) {
      const node = waiting.pop();
      for (const child of node.children) {
        if (callers.has(child)) {
          waiting.push(child);
          continue;
        }
        const wide = child.value * this.scale;
        // Children are sorted: those behind are narrower still.
        if (wide < NARROWEST_PIXELS) break;
        this.put(child, (child.start - this.zoomed.start) * this.scale, wide);
        waiting.push(child);
      }
    }
  }

  put(node, x, width) {
    (this.rows[this.rowOf(node)] ??= []).push({ node, x, width });
  }

  paint() {
    const height = this.rows.length * ROW_PIXELS;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    this.canvas.setAttribute(
      "aria-label",
      `Flame graph of ${METRICS[view.metric].toLowerCase()} ${view.unit}: ${this.amount(this.zoomed)}`,
    );
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    const theme = this.theme();
    this.rows.forEach((row, index) => {
      for (const box of row) {
        if (box.node === null) this.paintFold(pen, theme);
        else this.paintBox(pen, box, index * ROW_PIXELS, theme);
      }
    });
  }

  theme() {
    const names = [
      "ink",
      "all",
      "dim",
      "dim-ink",
      "other",
      ...Array.from({ length: MODULE_COLOURS }, (_, index) => index),
    ];
    const theme = Object.fromEntries(names.map((name) => [name, colour(`--flame-${name}`)]));
    return { ...theme, accent: colour("--accent"), page: colour("--card") };
  }

  paintFold(pen, theme) {
    pen.fillStyle = theme.dim;
    pen.fillRect(0, ROW_PIXELS, this.width - 1, ROW_PIXELS - 1);
    pen.fillStyle = theme["dim-ink"];
    pen.fillText(`⋯ ${this.folded.length} callers in common`, 5, 1.5 * ROW_PIXELS);
  }

  paintBox(pen, { node, x, width }, y, theme) {
    const isDim = this.words.length > 0 ? !this.matching.has(node) : node.depth < this.zoomed.depth;
    const wide = width > 3 ? width - 1 : width;
    // Neighbours differ a little, so that they can be told apart.
    pen.globalAlpha =
      isDim || node.frame === null ? 1 : (node.frame.isPlumbing ? 0.58 : 0.72) + 0.28 * node.frame.shade;
    pen.fillStyle = isDim
      ? theme.dim
      : node.frame === null
        ? theme.all
        : theme[this.colours.get(node.frame.module) ?? "other"];
    pen.fillRect(x, y, wide, ROW_PIXELS - 1);
    pen.globalAlpha = 1;
    if (node === this.hovered || node === this.focused) {
      pen.strokeStyle = node === this.focused ? theme.accent : theme.ink;
      pen.lineWidth = node === this.focused ? 2 : 1;
      pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, wide - 1), ROW_PIXELS - 2);
    }
    if (width < TEXT_PIXELS) return;
    pen.fillStyle = isDim ? theme["dim-ink"] : theme.ink;
    pen.fillText(fitted(pen, this.label(node), wide - 10), x + 5, y + ROW_PIXELS / 2);
  }

  label(node) {
    return node === this.root ? `All: ${this.amount(node)}` : node.name;
  }

  // The pointer and the keyboard.

  isFoldAt(event) {
    return (
      this.folded.length > 0 &&
      Math.floor((event.clientY - this.canvas.getBoundingClientRect().top) / ROW_PIXELS) === 1
    );
  }

  nodeAt(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const row = this.rows[Math.floor((event.clientY - bounds.top) / ROW_PIXELS)] ?? [];
    return row.find((box) => x >= box.x && x < box.x + Math.max(1, box.width))?.node ?? null;
  }

  onMove(event) {
    const node = this.nodeAt(event);
    this.hover(node);
    if (node !== null) tooltip.show(event.clientX, event.clientY, ...this.description(node));
    else if (this.isFoldAt(event))
      tooltip.show(
        event.clientX,
        event.clientY,
        element("div", { class: "title" }, "Callers of all that is below; click to show them"),
        ...this.folded.map((caller) => element("div", {}, cut(caller.name, 70))),
      );
  }

  hover(node) {
    if (node === null) tooltip.hide();
    if (node === this.hovered) return;
    this.hovered = node;
    this.paint();
  }

  description(node) {
    const places = [...node.places].sort((a, b) => b[1] - a[1]);
    const where = places
      .slice(0, 3)
      .map(([place, value]) =>
        element(
          "div",
          { class: "where" },
          places.length > 1 ? `${place} – ${amountText(value, view.unit)}` : place,
        ),
      );
    if (places.length > 3)
      where.push(element("div", { class: "where" }, `and ${places.length - 3} more lines`));
    const from =
      node.frame !== null && node.frame.file !== ""
        ? [element("div", { class: "where" }, node.frame.module)]
        : [];
    const rows = [
      [METRICS[view.metric], `${amountText(node.value, view.unit)}`],
      ["Of all", shareText(node.value, this.root.value)],
    ];
    if (this.zoomed !== this.root && node.depth > this.zoomed.depth)
      rows.push([`Of ${cut(shortName(this.zoomed.name), 28)}`, shareText(node.value, this.zoomed.value)]);
    if (node.own > 0 && node.own < node.value)
      rows.push([this.isBottomUp ? "Outermost here" : "Innermost here", amountText(node.own, view.unit)]);
    rows.push(["Stacks", countText(node.sites)]);
    return [element("div", { class: "title" }, node.name), ...where, ...from, pairs(rows)];
  }

  onKey(event) {
    const start = this.focused ?? this.zoomed;
    const siblings = start.parent?.children ?? [start];
    const at = siblings.indexOf(start);
    const moves = {
      ArrowDown: () => this.focus(this.focused === null ? start : (start.children[0] ?? start)),
      ArrowUp: () => this.focus(start.parent ?? start),
      ArrowRight: () => this.focus(siblings[at + 1] ?? start),
      ArrowLeft: () => this.focus(siblings[at - 1] ?? start),
      Enter: () => {
        this.zoom(start);
        this.focus(start);
      },
      " ": () => {
        this.zoom(start);
        this.focus(start);
      },
      Escape: () => {
        this.zoom(this.root);
        this.focus(this.root);
      },
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  }

  focus(node) {
    this.focused = node;
    if (node.depth < this.zoomed.depth) this.zoom(node);
    if (this.folded.includes(node)) this.isUnfolded = true;
    this.draw();
    byId("flame-spoken").textContent = `${node.name}, ${this.amount(node)}`;
    const row = this.rowOf(node);
    const box = this.rows[row]?.find((each) => each.node === node);
    const bounds = this.canvas.getBoundingClientRect();
    if (box === undefined) return;
    this.frame.scrollTop = Math.min(this.frame.scrollTop, row * ROW_PIXELS);
    this.frame.scrollTop = Math.max(this.frame.scrollTop, (row + 2) * ROW_PIXELS - this.frame.clientHeight);
    tooltip.show(
      bounds.left + Math.max(0, box.x),
      bounds.top + (row + 1) * ROW_PIXELS - 8,
      ...this.description(node),
    );
  }
}

/** The node with these keys, or the last on the way to it that there is. */
function follow(root, keys) {
  let node = root;
  for (const key of keys) {
    const child = node.byKey.get(key);
    if (child === undefined) break;
    node = child;
  }
  return node;
}

function cut(text, letters) {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

/** The whole name, its end, or the beginning of that, whatever fits. */
function fitted(pen, name, width) {
  if (name.length * 3 < width * 2 && pen.measureText(name).width <= width) return name;
  const short = shortName(name);
  const whole = pen.measureText(short).width;
  if (whole <= width) return short;
  const letters = Math.floor((short.length * (width - 8)) / whole);
  return letters < 2 ? "" : `${short.slice(0, letters)}…`;
}

/** The modules with the most frames get a colour each, the others share one. */
function moduleColours() {
  const counts = new Map();
  for (const [, frame] of report.nodes)
    counts.set(frames[frame].module, (counts.get(frames[frame].module) ?? 0) + 1);
  const modules = [...counts].sort((a, b) => b[1] - a[1]).map(([module]) => module);
  const colours = new Map(modules.slice(0, MODULE_COLOURS).map((module, index) => [module, index]));
  const items = [...colours].map(([module, index]) =>
    element(
      "span",
      { class: "item", title: module },
      swatch(`var(--flame-${index})`),
      baseName(module) || "unknown",
    ),
  );
  if (modules.length > MODULE_COLOURS)
    items.push(
      element(
        "span",
        { class: "item" },
        swatch("var(--flame-other)"),
        `${modules.length - MODULE_COLOURS} more`,
      ),
    );
  byId("flame-legend").replaceChildren(...items);
  return colours;
}
