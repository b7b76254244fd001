// Memory over time: a line for each of three figures, and a point for each dump.

const DOT_PIXELS = 9;
const TIMELINE = { height: 250, left: 70, right: 20, top: 14, bottom: 30 };

/** What is drawn: a name, a colour, and the figure of a dump, or undefined. */
const CURVES = [
  { name: "Resident", meaning: "counted", fill: "var(--resident)", of: (dump) => residentOf(dump) },
  { name: "Allocated", meaning: "counted", fill: "var(--allocated)", of: (dump) => dump.stats.allocated },
  { name: "Live", meaning: "estimated", fill: "var(--live)", of: (dump) => dump.live_bytes },
  {
    name: "Peak so far",
    meaning: "estimated",
    fill: "var(--live)",
    kind: "dashed",
    of: (dump) => dump.peak_bytes,
  },
];

class Timeline {
  constructor() {
    this.plot = byId("timeline-plot");
    this.curves = CURVES.filter((curve) => dumps.every((dump) => curve.of(dump) !== undefined));
    byId("timeline").hidden = dumps.length < 2;
    view.onChange(() => this.draw());
    onWidth(this.plot, () => this.draw());
  }

  draw() {
    if (dumps.length < 2 || this.plot.clientWidth === 0) return;
    this.showLegend();
    const width = this.plot.clientWidth;
    const hadFocus = this.plot.contains(document.activeElement);
    const most = Math.max(1, ...this.curves.flatMap((curve) => dumps.map(curve.of)));
    const ticks = byteTicks(most, 5);
    this.scale = {
      x: (index) =>
        TIMELINE.left +
        ((width - TIMELINE.left - TIMELINE.right) * timeOf(dumps[index])) /
          Math.max(1, timeOf(dumps[dumps.length - 1])),
      y: (bytes) =>
        TIMELINE.height -
        TIMELINE.bottom -
        ((TIMELINE.height - TIMELINE.top - TIMELINE.bottom) * bytes) / ticks[ticks.length - 1],
    };
    const image = drawn(
      "svg",
      { viewBox: `0 0 ${width} ${TIMELINE.height}`, height: TIMELINE.height, ...this.slider() },
      this.grid(width, ticks),
      this.times(width),
      this.chosen(),
      this.curves.map((curve) => this.curve(curve)),
      this.hit(width),
    );
    image.addEventListener("keydown", (event) => this.onKey(event));
    this.plot.replaceChildren(image);
    if (hadFocus) image.focus();
  }

  /** To the keyboard and to screen readers, the plot is a slider over the dumps. */
  slider() {
    return {
      tabindex: 0,
      role: "slider",
      "aria-label": "Dump",
      "aria-valuemin": 1,
      "aria-valuemax": dumps.length,
      "aria-valuenow": view.dump + 1,
      "aria-valuetext": `${dumpName(view.dump)}, ${this.texts(view.dump).join(", ")}`,
    };
  }

  texts(index) {
    return this.curves.map((curve) => `${curve.name.toLowerCase()} ${bytesText(curve.of(dumps[index]))}`);
  }

  showLegend() {
    const dump = chosenDump();
    byId("timeline-legend").replaceChildren(
      ...this.curves.map((curve) =>
        element(
          "span",
          { class: "item" },
          swatch(curve.fill, curve.kind ?? "line"),
          `${curve.name}, ${curve.meaning}`,
          element("span", { class: "value" }, bytesText(curve.of(dump))),
        ),
      ),
    );
  }

  grid(width, ticks) {
    return ticks
      .map((bytes) => [
        drawn("line", {
          class: bytes === 0 ? "axis" : "grid",
          x1: TIMELINE.left,
          x2: width - TIMELINE.right,
          y1: this.scale.y(bytes),
          y2: this.scale.y(bytes),
        }),
        drawn(
          "text",
          { x: TIMELINE.left - 10, y: this.scale.y(bytes) + 4, "text-anchor": "end" },
          bytes === 0 ? "0" : tickText(bytes),
        ),
      ])
      .flat();
  }

  times(width) {
    const span = timeOf(dumps[dumps.length - 1]);
    if (span === 0) return [];
    const count = Math.max(2, Math.floor(width / 130));
    const step = timeStep(span, count);
    const room = width - TIMELINE.left - TIMELINE.right;
    return ticksOf(step, span)
      .filter((time) => time <= span)
      .map((time) =>
        drawn(
          "text",
          { x: TIMELINE.left + (room * time) / span, y: TIMELINE.height - 10, "text-anchor": "middle" },
          time === 0 ? "0" : timeText(time),
        ),
      );
  }

  chosen() {
    const x = this.scale.x(view.dump);
    return drawn("line", {
      class: "chosen",
      x1: x,
      x2: x,
      y1: TIMELINE.top,
      y2: TIMELINE.height - TIMELINE.bottom,
    });
  }

  curve(curve) {
    const points = dumps.map(
      (dump, index) => `${this.scale.x(index).toFixed(1)},${this.scale.y(curve.of(dump)).toFixed(1)}`,
    );
    const line = drawn("polyline", {
      class: "curve",
      points: points.join(" "),
      stroke: curve.fill,
      "stroke-dasharray": curve.kind === "dashed" ? "2 5" : null,
      "stroke-width": curve.kind === "dashed" ? 1.5 : null,
    });
    if (curve.kind === "dashed") return [line];
    return [
      line,
      ...this.dotted().map((index) =>
        drawn("circle", {
          cx: this.scale.x(index),
          cy: this.scale.y(curve.of(dumps[index])),
          r: index === view.dump ? 5 : 3,
          fill: curve.fill,
          stroke: "var(--card)",
          "stroke-width": index === view.dump ? 2 : 1.5,
        }),
      ),
    ];
  }

  /** The dumps that have a dot: the chosen one, and those that are far enough from the one before. */
  dotted() {
    let last = -DOT_PIXELS;
    return dumps
      .map((_, index) => index)
      .filter((index) => {
        const isFar = this.scale.x(index) - last >= DOT_PIXELS;
        if (isFar) last = this.scale.x(index);
        return isFar || index === view.dump;
      });
  }

  /** What the pointer meets: all of the plot. The nearest dump is meant. */
  hit(width) {
    const cross = drawn("line", {
      class: "cross",
      y1: TIMELINE.top,
      y2: TIMELINE.height - TIMELINE.bottom,
      visibility: "hidden",
    });
    const area = drawn("rect", { class: "hit", x: 0, y: 0, width, height: TIMELINE.height });
    area.addEventListener("pointermove", (event) => {
      const index = this.nearest(event);
      cross.setAttribute("x1", this.scale.x(index));
      cross.setAttribute("x2", this.scale.x(index));
      cross.setAttribute("visibility", index === view.dump ? "hidden" : "visible");
      this.showTooltip(event.clientX, event.clientY, index);
    });
    area.addEventListener("pointerleave", () => {
      cross.setAttribute("visibility", "hidden");
      tooltip.hide();
    });
    area.addEventListener("click", (event) => view.set({ dump: this.nearest(event) }));
    return [cross, area];
  }

  nearest(event) {
    const x = event.clientX - this.plot.getBoundingClientRect().left;
    return dumps.reduce(
      (best, _, index) =>
        Math.abs(this.scale.x(index) - x) < Math.abs(this.scale.x(best) - x) ? index : best,
      0,
    );
  }

  showTooltip(x, y, index) {
    const dump = dumps[index];
    tooltip.show(
      x,
      y,
      element(
        "div",
        { class: "title" },
        `${dumpName(index)}, ${index === 0 ? "the start" : `after ${timeText(timeOf(dump))}`}`,
      ),
      element("div", { class: "where" }, dump.label),
      pairs(
        this.curves.map((curve) => [
          curve.name,
          bytesText(curve.of(dump)),
          curve.kind === "dashed" ? null : curve.fill,
        ]),
      ),
    );
  }

  onKey(event) {
    const moves = {
      ArrowLeft: view.dump - 1,
      ArrowDown: view.dump - 1,
      ArrowRight: view.dump + 1,
      ArrowUp: view.dump + 1,
      Home: 0,
      End: dumps.length - 1,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    view.set({ dump: Math.max(0, Math.min(dumps.length - 1, moves[event.key])) });
  }
}

/** Round numbers need no digits behind the point. */
function tickText(bytes) {
  const unit = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** unit).toFixed(2))}\u00a0${BYTE_UNITS[unit]}`;
}

function timeStep(span, count) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const longer = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
  ].map((seconds) => seconds * SECOND);
  return [...steps, ...longer].find((step) => step * count >= span) ?? span / count;
}
