// What the allocator counts: where resident memory goes, and the slots of each size class.

/** The parts of resident memory, as residence.rs has them, and their colours. */
const PART_FILLS = {
  live: "var(--part-live)",
  rounding: "var(--part-rounding)",
  slots: "var(--part-slots)",
  spans: "var(--part-spans)",
  free: "var(--part-free)",
  metadata: "var(--part-metadata)",
  huge: "var(--part-huge)",
  rest: "var(--part-rest)",
  files: "var(--part-files)",
  other: "var(--part-other)",
};

class Resident {
  constructor() {
    view.onChange((changes) => {
      if (changes.dump !== undefined) this.draw();
    });
    this.draw();
  }

  draw() {
    const { residence } = chosenDump();
    byId("resident").hidden = residence === null;
    if (residence === null) return;
    const parts = residence.parts.map((part) => ({ ...part, fill: PART_FILLS[part.key] }));
    byId("resident-note").textContent = this.note(residence);
    byId("resident-body").replaceChildren(
      this.bar(parts, residence.bytes),
      this.table(parts, residence.bytes),
    );
  }

  note({ own, bytes, untouched }) {
    const whole =
      own === bytes
        ? "What the allocator counts: it holds that in memory at most."
        : "All that the kernel has in memory for the process; the allocator counts its parts.";
    return untouched > own / 100
      ? `${whole} Live blocks have ${bytesText(untouched)} more, which is not in memory: most of it was never touched.`
      : whole;
  }

  bar(parts, all) {
    return element(
      "div",
      {
        class: "stacked",
        role: "img",
        "aria-label": parts.map((part) => `${part.name} ${shareText(part.bytes, all)}`).join(", "),
      },
      parts
        .filter((part) => part.bytes > 0)
        .map((part) => {
          const piece = element("span", { style: `flex: ${part.bytes} 0 0; background: ${part.fill}` });
          piece.addEventListener("pointermove", (event) =>
            tooltip.show(
              event.clientX,
              event.clientY,
              element("div", { class: "title" }, part.name),
              element("div", { class: "where" }, sentence(part.meaning)),
              pairs([
                ["Bytes", bytesText(part.bytes)],
                ["Of resident", shareText(part.bytes, all)],
              ]),
            ),
          );
          piece.addEventListener("pointerleave", () => tooltip.hide());
          return piece;
        }),
    );
  }

  table(parts, all) {
    const row = (name, bytes, what) =>
      element(
        "tr",
        {},
        element("td", {}, name, what ? element("span", { class: "what" }, what) : null),
        element("td", { title: exactText(bytes, "bytes"), "data-bytes": bytes }, bytesText(bytes)),
        element("td", {}, shareText(bytes, all)),
      );
    return element(
      "table",
      { class: "parts" },
      element(
        "thead",
        { class: "visually-hidden" },
        element(
          "tr",
          {},
          ["Part", "Bytes", "Share"].map((text) => element("th", { scope: "col" }, text)),
        ),
      ),
      element(
        "tbody",
        {},
        parts.map((part) =>
          row(element("span", {}, swatch(part.fill), part.name), part.bytes, ` – ${part.meaning}`),
        ),
      ),
      element("tfoot", {}, row("Resident", all)),
    );
  }
}

/** What a bar is made of, from below. */
const CLASS_PARTS = [
  { key: "live", name: "In use", fill: "var(--part-live)" },
  { key: "rounding", name: "Rounding", fill: "var(--part-rounding)" },
  { key: "free", name: "Free", fill: "var(--part-slots)" },
];

const CLASSES = { height: 220, left: 62, right: 6, top: 12, bottom: 44 };

class SizeClasses {
  constructor() {
    this.unit = "bytes";
    this.plot = byId("classes-plot");
    byId("classes-unit").replaceChildren(
      choice(
        "classes",
        "Unit of size classes",
        [
          ["bytes", "Bytes"],
          ["slots", "Slots"],
        ],
        this.unit,
        (unit) => {
          this.unit = unit;
          this.draw();
        },
      ),
    );
    byId("classes").hidden = dumps.every((dump) => dump.bins.length === 0);
    view.onChange((changes) => {
      if (changes.dump !== undefined) this.draw();
    });
    onWidth(this.plot, () => this.draw());
  }

  bars() {
    return chosenDump().bins.map((bin) => {
      const isBytes = this.unit === "bytes";
      const scale = isBytes ? bin.size : 1;
      const rounding = isBytes ? bin.rounding : 0;
      return {
        ...bin,
        parts: { live: bin.live * scale - rounding, rounding, free: bin.free * scale },
        slots: { live: bin.live, free: bin.free },
      };
    });
  }

  text(amount) {
    return this.unit === "bytes" ? bytesText(amount) : countText(amount);
  }

  draw() {
    const width = this.plot.clientWidth;
    if (width === 0) return;
    const bars = this.bars();
    const most = Math.max(1, ...bars.map(({ parts }) => parts.live + parts.rounding + parts.free));
    const ticks = (this.unit === "bytes" ? byteTicks : countTicks)(most, 4);
    const y = (amount) =>
      CLASSES.height -
      CLASSES.bottom -
      ((CLASSES.height - CLASSES.top - CLASSES.bottom) * amount) / ticks[ticks.length - 1];
    const image = drawn(
      "svg",
      {
        viewBox: `0 0 ${width} ${CLASSES.height}`,
        height: CLASSES.height,
        role: "img",
        "aria-label": "Slots in use and free, by size class; the table below has the figures",
      },
      ticks
        .map((tick) => [
          drawn("line", {
            class: tick === 0 ? "axis" : "grid",
            x1: CLASSES.left,
            x2: width - CLASSES.right,
            y1: y(tick),
            y2: y(tick),
          }),
          drawn(
            "text",
            { x: CLASSES.left - 10, y: y(tick) + 4, "text-anchor": "end" },
            tick === 0 ? "0" : this.unit === "bytes" ? tickText(tick) : countText(tick),
          ),
        ])
        .flat(),
      this.columns(bars, width, y),
    );
    this.plot.replaceChildren(image);
    this.showLegend(bars);
    this.showTable(bars);
  }

  columns(bars, width, y) {
    const step = (width - CLASSES.left - CLASSES.right) / Math.max(1, bars.length);
    const wide = Math.max(2, Math.min(40, step - Math.max(1, step * 0.22)));
    const every = Math.ceil(46 / step);
    return bars
      .flatMap((bar, index) => {
        const x = CLASSES.left + step * index + (step - wide) / 2;
        const area = drawn("rect", {
          class: "hit",
          x: CLASSES.left + step * index,
          y: 0,
          width: step,
          height: CLASSES.height,
        });
        area.addEventListener("pointermove", (event) =>
          tooltip.show(event.clientX, event.clientY, ...this.description(bar)),
        );
        area.addEventListener("pointerleave", () => tooltip.hide());
        let below = 0;
        return [
          CLASS_PARTS.map(({ key, fill }) => {
            const start = below;
            below += bar.parts[key];
            return drawn("rect", { x, width: wide, y: y(below), height: y(start) - y(below), fill });
          }),
          index % every === 0
            ? drawn(
                "text",
                { x: x + wide / 2, y: CLASSES.height - CLASSES.bottom + 18, "text-anchor": "middle" },
                sizeText(bar.size),
              )
            : null,
          area,
        ];
      })
      .concat(
        drawn(
          "text",
          { x: CLASSES.left + (width - CLASSES.left) / 2, y: CLASSES.height - 4, "text-anchor": "middle" },
          "Bytes of a slot",
        ),
      );
  }

  description(bar) {
    const { live, free } = bar.slots;
    return [
      element("div", { class: "title" }, `Slots of ${countText(bar.size)} bytes`),
      pairs([
        ["In use", `${countText(live)} (${bytesText(live * bar.size)})`, "var(--part-live)"],
        ["Rounding", roundingText(bar), "var(--part-rounding)"],
        ["Free", `${countText(free)} (${bytesText(free * bar.size)})`, "var(--part-slots)"],
        ["In use, of all", shareText(live, live + free)],
        ["Spans", countText(bar.spans)],
      ]),
    ];
  }

  showLegend(bars) {
    const parts = CLASS_PARTS.filter(({ key }) => key !== "rounding" || this.unit === "bytes");
    byId("classes-legend").replaceChildren(
      ...parts.map(({ key, name, fill }) =>
        element(
          "span",
          { class: "item" },
          swatch(fill),
          name,
          element("span", { class: "value" }, this.text(bars.reduce((all, bar) => all + bar.parts[key], 0))),
        ),
      ),
    );
  }

  showTable(bars) {
    const headings = [
      "Bytes of a slot",
      "Spans",
      "In use",
      "Free",
      "Bytes in use",
      "Rounding",
      "Bytes free",
      "In use, of all",
    ];
    byId("classes-table").replaceChildren(
      element(
        "table",
        {},
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            headings.map((text) => element("th", { scope: "col" }, text)),
          ),
        ),
        element(
          "tbody",
          {},
          bars.map(({ size, spans, rounding, slots: { live, free } }) =>
            element(
              "tr",
              {},
              [
                countText(size),
                countText(spans),
                countText(live),
                countText(free),
                bytesText(live * size),
                bytesText(rounding),
                bytesText(free * size),
                shareText(live, live + free),
              ].map((text) => element("td", {}, text)),
            ),
          ),
        ),
      ),
    );
  }
}

/** Of the slots in use. */
function roundingText({ rounding, size, slots }) {
  return `${bytesText(rounding)} (${shareText(rounding, slots.live * size)} of that)`;
}

/** Sizes from 1 KiB on in KiB, as the class names are often written. */
function sizeText(size) {
  return size >= 1024 ? `${Number((size / 1024).toFixed(2))}K` : String(size);
}
