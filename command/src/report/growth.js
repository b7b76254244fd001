// Growth: what each call site holds in two dumps, and whether it ever shrank.

const GROWTH_ROWS = 12;

class Growth {
  constructor(sites) {
    this.sites = sites;
    byId("growth").hidden = dumps.length < 2;
    if (dumps.length < 2) return;
    this.from = 0;
    this.to = isOver(dumps[dumps.length - 1]) ? fullestDump() : dumps.length - 1;
    this.only = "all";
    this.limit = GROWTH_ROWS;
    this.series = seriesOfGroups();
    this.controls();
    view.onChange((changes) => {
      if (changes.grouping !== undefined) this.series = seriesOfGroups();
      if (changes.grouping !== undefined || changes.unit !== undefined) this.draw();
    });
    this.draw();
  }

  controls() {
    const pick = (name) => (index) => {
      this[name] = index;
      this.draw();
    };
    byId("growth-controls").replaceChildren(
      element(
        "label",
        {},
        element("span", { class: "muted" }, "From "),
        dumpSelect("From", this.from, pick("from")),
      ),
      element("label", {}, element("span", { class: "muted" }, "to "), dumpSelect("To", this.to, pick("to"))),
      choice(
        "growth",
        "Which sites",
        [
          ["all", "All changes"],
          ["grown", "Grown"],
          ["shrunk", "Shrunk"],
          [
            "only",
            "Only ever grow",
            "what never shrank from a dump to the next between the two, and grew several times",
          ],
        ],
        this.only,
        (only) => {
          this.only = only;
          this.limit = GROWTH_ROWS;
          this.draw();
        },
      ),
      element("output", { class: "found", id: "growth-found" }),
    );
  }

  /** What changed, by how much. */
  rows() {
    const rows = this.series.map(({ node, values }) => {
      const amounts = values.map((value) => value[view.unit]);
      return {
        node,
        amounts,
        before: amounts[this.from],
        after: amounts[this.to],
        change: amounts[this.to] - amounts[this.from],
        onlyGrows: onlyGrows(amounts.slice(Math.min(this.from, this.to), Math.max(this.from, this.to) + 1)),
      };
    });
    const wanted = {
      all: (row) => row.change !== 0,
      grown: (row) => row.change > 0,
      shrunk: (row) => row.change < 0,
      only: (row) => row.onlyGrows && row.change > 0,
    }[this.only];
    return rows.filter(wanted).sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  }

  draw() {
    const rows = this.rows();
    const most = Math.max(1, ...rows.map((row) => Math.abs(row.change)));
    const sum = rows.reduce((all, row) => all + row.change, 0);
    byId("growth-found").replaceChildren(
      `${countOf(rows.length, GROUPINGS[view.grouping].noun)}, `,
      element("strong", { title: exactText(sum, view.unit) }, changeText(sum, view.unit)),
      " together",
    );
    const headings = ["Function", "From", "To", "Change", "", "In all dumps"].map((text, index) =>
      element("th", { scope: "col", class: index === 4 ? "is-less" : null }, text),
    );
    byId("growth-table").replaceChildren(
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, headings)),
        element(
          "tbody",
          {},
          rows.slice(0, this.limit).map((row) =>
            this.row(
              row,
              most,
              rows.every(({ change }) => change > 0),
            ),
          ),
        ),
      ),
      rows.length === 0 ? element("p", { class: "empty" }, "No call site is like that.") : "",
      rows.length > this.limit
        ? element(
            "p",
            { class: "more" },
            `${countText(this.limit)} of ${countText(rows.length)} rows`,
            element(
              "button",
              {
                type: "button",
                class: "small",
                onclick: () => {
                  this.limit += 100;
                  this.draw();
                },
              },
              "Show 100 more",
            ),
          )
        : "",
    );
  }

  row(row, most, isOneSided) {
    const frame = ownFrame(row.node);
    const kind = row.change > 0 ? "grown" : "shrunk";
    return element(
      "tr",
      {},
      element(
        "td",
        { class: "name" },
        element(
          "button",
          {
            type: "button",
            class: "link function",
            title: "Show its stacks",
            onclick: () => this.sites.find(frame.name),
          },
          frame.name,
        ),
        row.onlyGrows && this.only !== "only"
          ? element(
              "span",
              { class: "badge", title: "It never shrank from a dump to the next" },
              "only grows",
            )
          : null,
        element("span", { class: "second", title: stackText(row.node) }, frame.place),
      ),
      element("td", {}, amountText(row.before, view.unit)),
      element("td", {}, amountText(row.after, view.unit)),
      element(
        "td",
        { class: kind, title: exactText(row.change, view.unit) },
        element("strong", {}, changeText(row.change, view.unit)),
      ),
      element("td", { class: "is-less" }, changeBar(row.change, most, isOneSided)),
      element("td", {}, this.spark(row.amounts)),
    );
  }

  /** A line over all dumps; the two that are compared have dots. */
  spark(amounts) {
    const [width, height] = [110, 24];
    const most = Math.max(1, ...amounts);
    const x = (index) =>
      3 + ((width - 6) * timeOf(dumps[index])) / Math.max(1, timeOf(dumps[dumps.length - 1]));
    const y = (amount) => height - 3 - ((height - 6) * amount) / most;
    return drawn(
      "svg",
      { class: "spark", width, height, "aria-hidden": true },
      drawn("polyline", {
        points: amounts.map((amount, index) => `${x(index).toFixed(1)},${y(amount).toFixed(1)}`).join(" "),
      }),
      [this.from, this.to].map((index) => drawn("circle", { cx: x(index), cy: y(amounts[index]), r: 2.5 })),
    );
  }
}

function changeBar(change, most, isOneSided) {
  const middle = isOneSided ? 0 : 50;
  const percent = ((100 - middle) * Math.abs(change)) / most;
  return element(
    "span",
    { class: `change${isOneSided ? " is-one-sided" : ""}` },
    element("i", {
      class: change > 0 ? "grown" : "shrunk",
      style: `width: ${percent}%; left: ${change > 0 ? middle : middle - percent}%`,
    }),
  );
}

/** What the sites of each group hold in each dump. */
function seriesOfGroups() {
  const series = new Map();
  dumps.forEach((dump, index) => {
    for (const { key, node, tallies } of groupsOf(dump.sites)) {
      if (!series.has(key)) series.set(key, { node, values: dumps.map(() => ({ bytes: 0, blocks: 0 })) });
      series.get(key).values[index] = tallies.live;
    }
  });
  return [...series.values()];
}

/** Whether it never falls from a dump to the next, and rises several times: a leak looks so. */
function onlyGrows(amounts) {
  const steps = amounts.slice(1).map((amount, index) => amount - amounts[index]);
  return (
    steps.length >= 2 &&
    steps.every((step) => step >= 0) &&
    steps.filter((step) => step > 0).length >= Math.min(3, steps.length)
  );
}
