// What the allocator counts: where resident memory goes, and the slots of each size class.

/**
 * The parts of resident memory, in the order of the bar. Each takes what it claims of what the ones
 * before left, so that they add up; what is left in the end is "other". Other threads run while the
 * allocator counts, so claims may be too high by a little.
 */
const RESIDENT_PARTS = [
  {
    name: "Live blocks",
    fill: "var(--part-live)",
    meaning:
      "requests rounded up to their slots, and what other threads freed and its owner has not yet collected",
    of: (stats) => stats.allocated,
  },
  {
    name: "Free slots",
    fill: "var(--part-slots)",
    meaning: "in spans that hold live slots, too; the next requests of these sizes take them",
    of: (stats, bins) => bins.reduce((sum, bin) => sum + bin.free * bin.size, 0),
  },
  {
    name: "Rest of spans",
    fill: "var(--part-spans)",
    meaning: "ends of pages behind the last slot, and freed large blocks that threads keep",
    of: (stats, bins, free) => stats.active - stats.allocated - free,
  },
  {
    name: "Free spans",
    fill: "var(--part-free)",
    meaning: "free and not yet returned to the system; purging returns it",
    of: (stats) => stats.resident_free,
  },
  {
    name: "Metadata",
    fill: "var(--part-metadata)",
    meaning: "records of spans, bits and maps",
    of: (stats) => stats.metadata,
  },
  {
    name: "Other",
    fill: "var(--part-other)",
    meaning: "not explained by the above: mostly parts of huge pages that no slot has touched",
    of: () => Infinity,
  },
];

function residentParts({ stats, bins }) {
  let left = stats.resident;
  const free = RESIDENT_PARTS[1].of(stats, bins);
  return RESIDENT_PARTS.map((part) => {
    const bytes = Math.max(0, Math.min(left, part.of(stats, bins, free) || 0));
    left -= bytes;
    return { ...part, bytes };
  });
}

class Resident {
  constructor() {
    view.onChange((changes) => {
      if (changes.dump !== undefined) this.draw();
    });
    this.draw();
  }

  draw() {
    const dump = chosenDump();
    byId("resident").hidden = dump.stats.resident === undefined;
    if (byId("resident").hidden) return;
    const parts = residentParts(dump);
    const all = dump.stats.resident;
    byId("resident-body").replaceChildren(this.bar(parts, all), this.table(parts, all));
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
      const scale = this.unit === "bytes" ? bin.size : 1;
      return {
        ...bin,
        live: bin.live * scale,
        free: bin.free * scale,
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
    const most = Math.max(1, ...bars.map((bar) => bar.live + bar.free));
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
        return [
          drawn("rect", {
            x,
            width: wide,
            y: y(bar.live),
            height: y(0) - y(bar.live),
            fill: "var(--part-live)",
          }),
          drawn("rect", {
            x,
            width: wide,
            y: y(bar.live + bar.free),
            height: y(bar.live) - y(bar.live + bar.free),
            fill: "var(--part-slots)",
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
        ["Free", `${countText(free)} (${bytesText(free * bar.size)})`, "var(--part-slots)"],
        ["In use, of these", shareText(live, live + free)],
        ["Spans", countText(bar.spans)],
      ]),
    ];
  }

  showLegend(bars) {
    const sum = (name) => bars.reduce((all, bar) => all + bar[name], 0);
    byId("classes-legend").replaceChildren(
      ...[
        ["In use", "live"],
        ["Free", "free"],
      ].map(([text, name], index) =>
        element(
          "span",
          { class: "item" },
          swatch(index === 0 ? "var(--part-live)" : "var(--part-slots)"),
          text,
          element("span", { class: "value" }, this.text(sum(name))),
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
          bars.map(({ size, spans, slots: { live, free } }) =>
            element(
              "tr",
              {},
              [
                countText(size),
                countText(spans),
                countText(live),
                countText(free),
                bytesText(live * size),
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

/** Sizes from 1 KiB on in KiB, as the class names are often written. */
function sizeText(size) {
  return size >= 1024 ? `${Number((size / 1024).toFixed(2))}K` : String(size);
}
