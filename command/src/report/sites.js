// The table of call sites.

const ROWS_AT_FIRST = 25;

/** The columns: a name, what is sorted by, which way first, and what a row shows. */
const SITE_COLUMNS = [
  { key: "name", title: "Function", of: (site) => ownFrame(site.node).name.toLowerCase(), isText: true },
  ...Object.keys(METRICS).map((metric) => ({
    key: metric,
    title: METRICS[metric],
    of: (site) => site.amount(metric, view.unit),
    cell: (site, most) => amountCell(site, metric, most),
    meaning: METRIC_MEANINGS[metric],
  })),
  {
    key: "mean",
    title: "Mean size",
    of: (site) => site.meanSize,
    cell: (site) =>
      element("td", { class: "is-less", title: "bytes of a block, on average" }, bytesText(site.meanSize)),
    isLess: true,
  },
  {
    key: "elsewhere",
    title: "Freed by others",
    of: (site) => site.shareElsewhere,
    cell: elsewhereCell,
    meaning: "the share of the freed blocks that another thread freed than allocated them",
  },
  {
    key: "lifetime",
    title: "Lifetimes",
    of: (site) => meanLifetime(site),
    cell: lifetimeCell,
    meaning:
      "how long freed blocks lived, from under a millisecond on the left to hours on the right, by powers of two",
  },
];

function amountCell(site, metric, most) {
  const other = view.unit === "bytes" ? "blocks" : "bytes";
  const { bytes, blocks } = site.tallies[metric];
  const isChosen = metric === view.metric;
  return element(
    "td",
    {
      class: `number${isChosen ? " is-chosen-metric" : ""}`,
      title: `${exactText(bytes, "bytes")}, ${exactText(blocks, "blocks")}`,
    },
    element("span", { class: "first" }, amountText(site.amount(metric, view.unit), view.unit)),
    element("span", { class: "second" }, amountText(site.amount(metric, other), other)),
    isChosen && bytes > 0
      ? element(
          "span",
          { class: "meter" },
          element("i", { style: `width: ${(100 * site.amount(metric, view.unit)) / most}%` }),
        )
      : null,
  );
}

function elsewhereCell(site) {
  const title =
    site.freed > 0
      ? `${countText(site.freedElsewhere)} of ${countText(site.freed)} sampled blocks that were freed`
      : "no sampled block was freed";
  return element("td", { title }, site.freed > 0 ? shareText(site.freedElsewhere, site.freed) : "–");
}

function lifetimeCell(site) {
  const cell = element("td", {}, lifetimeBars(site.lifetimes, 84, 24, false));
  cell.addEventListener("pointermove", (event) =>
    tooltip.show(event.clientX, event.clientY, ...lifetimeDescription(site)),
  );
  cell.addEventListener("pointerleave", () => tooltip.hide());
  return cell;
}

function lifetimeDescription(site) {
  if (site.freed === 0) return [element("div", {}, "None of the sampled blocks was freed.")];
  const rows = site.lifetimes
    .map((count, n) => [lifetimeText(n), shareText(count, site.freed), count])
    .filter((row) => row[2] > 0);
  const most = rows.toSorted((a, b) => b[2] - a[2]).slice(0, 8);
  return [
    element("div", { class: "title" }, "Lifetimes of freed blocks"),
    pairs(rows.filter((row) => most.includes(row))),
  ];
}

/** On a scale of powers of two. Sites of which nothing was freed are the first. */
function meanLifetime(site) {
  if (site.freed === 0) return -1;
  return site.lifetimes.reduce((sum, count, n) => sum + count * n, 0) / site.freed;
}

class Sites {
  constructor(flame) {
    this.flame = flame;
    this.sort = { key: view.metric, isRising: false };
    this.limit = ROWS_AT_FIRST;
    /** The keys of the rows that are open, and which of their stacks is shown. */
    this.open = new Map();
    this.filter = byId("sites-filter");
    this.filter.addEventListener("input", () => {
      this.limit = ROWS_AT_FIRST;
      this.draw();
    });
    byId("sites-grouping").replaceChildren(
      choice(
        "grouping",
        "A row for each",
        Object.entries(GROUPINGS).map(([key, { title, meaning }]) => [key, title, meaning]),
        view.grouping,
        (grouping) => view.set({ grouping }),
      ),
    );
    view.onChange((changes) => {
      if (changes.metric !== undefined) this.sort = { key: view.metric, isRising: false };
      if (changes.grouping !== undefined) this.open.clear();
      this.draw();
    });
    this.draw();
  }

  /** Shows the sites of a function, and the stacks of the first. */
  find(name) {
    this.filter.value = name;
    this.open.clear();
    this.draw();
    byId("sites").scrollIntoView();
    byId("sites-table").querySelector(".opener")?.click();
  }

  /** The groups that match, sorted. */
  groups() {
    const words = wordsOf(this.filter);
    const sites = chosenDump().sites.filter((site) => words.length === 0 || matches(site.node, words));
    const column = SITE_COLUMNS.find(({ key }) => key === this.sort.key);
    const sign = this.sort.isRising ? 1 : -1;
    const keyed = groupsOf(sites).map((group) => [column.of(group), group]);
    keyed.sort(
      ([a, first], [b, second]) =>
        sign * (a < b ? -1 : a > b ? 1 : 0) || second.tallies.total.bytes - first.tallies.total.bytes,
    );
    const groups = keyed.map(([, group]) => group);
    this.showFound(groups, words);
    return groups;
  }

  showFound(groups, words) {
    const sum = groups.reduce((all, group) => all + group.amount(view.metric, view.unit), 0);
    const all = sumOf(chosenDump(), view.metric, view.unit);
    byId("sites-found").replaceChildren(
      `${countOf(groups.length, GROUPINGS[view.grouping].noun)}, `,
      element("strong", { title: exactText(sum, view.unit) }, amountText(sum, view.unit)),
      ` ${METRICS[view.metric].toLowerCase()}`,
      words.length > 0 ? `, ${shareText(sum, all)} of all` : "",
    );
  }

  draw() {
    tooltip.hide();
    const groups = this.groups();
    const most = Math.max(1, ...groups.map((group) => group.amount(view.metric, view.unit)));
    const body = element(
      "tbody",
      {},
      groups.slice(0, this.limit).map((group) => this.row(group, most)),
    );
    const focused = document.activeElement?.dataset?.column;
    byId("sites-table").replaceChildren(
      element(
        "table",
        {},
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            SITE_COLUMNS.map((column) => this.heading(column)),
          ),
        ),
        body,
      ),
      groups.length === 0
        ? element("p", { class: "empty" }, "No call site matches.")
        : (this.more(groups.length) ?? ""),
    );
    if (focused) byId("sites-table").querySelector(`[data-column="${focused}"]`)?.focus();
  }

  heading(column) {
    const isSorted = column.key === this.sort.key;
    return element(
      "th",
      {
        scope: "col",
        class: column.isLess ? "is-less" : null,
        title: column.meaning,
        "aria-sort": isSorted ? (this.sort.isRising ? "ascending" : "descending") : null,
      },
      element(
        "button",
        { type: "button", "data-column": column.key, onclick: () => this.sortBy(column) },
        column.title,
        isSorted
          ? element("span", { class: "arrow", "aria-hidden": true }, this.sort.isRising ? "▲" : "▼")
          : null,
      ),
    );
  }

  sortBy(column) {
    const isRising = column.key === this.sort.key ? !this.sort.isRising : column.isText === true;
    this.sort = { key: column.key, isRising };
    this.draw();
  }

  /** The row of a group, and below it its details, if it is open. */
  row(group, most) {
    const { name, where } = ownFrame(group.node);
    const isOpen = this.open.has(group.key);
    const opener = element("button", {
      type: "button",
      class: "opener",
      "aria-expanded": isOpen,
      "aria-label": `Stacks of ${name}`,
    });
    const row = element(
      "tr",
      { class: `site${isOpen ? " is-open" : ""}` },
      element(
        "td",
        { class: "name" },
        element(
          "div",
          { class: "name-line" },
          opener,
          element(
            "div",
            { class: "name-text" },
            element("span", { class: "function" }, name),
            element("span", { class: "second", title: where }, secondLine(group)),
          ),
        ),
      ),
      SITE_COLUMNS.filter(({ cell }) => cell).map(({ cell }) => cell(group, most)),
    );
    row.addEventListener("click", () => {
      if (isSelecting()) return;
      this.toggle(group, row, opener);
    });
    return isOpen ? [row, this.details(group)] : [row];
  }

  toggle(group, row, opener) {
    const isOpen = !this.open.has(group.key);
    if (isOpen) {
      this.open.set(group.key, 0);
      row.after(this.details(group));
    } else {
      this.open.delete(group.key);
      row.nextElementSibling.remove();
    }
    row.classList.toggle("is-open", isOpen);
    opener.setAttribute("aria-expanded", isOpen);
  }

  /** The stacks of a group, one at a time, and all that is known of it. */
  details(group) {
    const stack = element("div", {});
    const show = (index) => {
      this.open.set(group.key, index);
      stack.replaceChildren(...this.stack(group, index, show));
    };
    show(Math.min(this.open.get(group.key) ?? 0, group.sites.length - 1));
    return element(
      "tr",
      { class: "details" },
      element(
        "td",
        { colspan: SITE_COLUMNS.length },
        element(
          "div",
          { class: "details-body" },
          stack,
          element(
            "div",
            { class: "details-side" },
            factsOf(group),
            histogram("Lifetimes of freed blocks", group.lifetimes, lifetimesText(group.lifetimes)),
            group.ages.length > 0 ? histogram("Ages of live blocks", group.ages, agesText(group.ages)) : null,
          ),
        ),
      ),
    );
  }

  stack(group, index, show) {
    const site = group.sites[index];
    const count = group.sites.length;
    const copy = element(
      "button",
      { type: "button", class: "small copy", onclick: () => copyStack(site.node, copy) },
      "Copy stack",
    );
    const reveal = element(
      "button",
      { type: "button", class: "small reveal", onclick: () => this.flame.reveal(site.node) },
      "Show in the flame graph",
    );
    const turn = (text, label, to) =>
      element(
        "button",
        {
          type: "button",
          class: "small",
          "aria-label": label,
          disabled: to < 0 || to >= count,
          onclick: () => show(to),
        },
        text,
      );
    const share = shareText(site.amount(view.metric, view.unit), group.amount(view.metric, view.unit));
    const pager = element(
      "span",
      { class: "pager" },
      turn("‹", "The stack before", index - 1),
      turn("›", "The next stack", index + 1),
      `Stack ${countText(index + 1)} of ${countText(count)}: ${amountText(site.amount(view.metric, view.unit), view.unit)}, ${share}`,
    );
    const list = element(
      "ol",
      { class: "stack" },
      stackOf(site.node)
        .toReversed()
        .map((frame) =>
          element(
            "li",
            { class: frame.isPlumbing ? "is-plumbing" : null },
            element("span", { class: "code" }, frame.name),
            element("span", { class: "where", title: `${frame.where}\n${frame.module}` }, frame.shortWhere),
          ),
        ),
    );
    return [element("div", { class: "actions" }, count > 1 ? pager : null, copy, reveal), list];
  }

  more(count) {
    if (count <= this.limit) return null;
    const show = (limit) => () => {
      this.limit = limit;
      this.draw();
    };
    return element(
      "p",
      { class: "more" },
      `${countText(this.limit)} of ${countText(count)} rows`,
      element("button", { type: "button", class: "small", onclick: show(this.limit + 200) }, "Show 200 more"),
      element("button", { type: "button", class: "small", onclick: show(Infinity) }, "Show all"),
    );
  }
}

/** Where the function is, and what tells the row from others of the same name. */
function secondLine(group) {
  const frame = ownFrame(group.node);
  if (view.grouping === "stack") {
    const stack = stackOf(group.node);
    const caller = stack[stack.indexOf(frame) - 1];
    return caller === undefined ? frame.place : `${frame.place} – called by ${shortName(caller.name)}`;
  }
  const place = view.grouping === "line" ? frame.place : baseName(frame.file || frame.module);
  return group.sites.length > 1 ? `${place} – ${countText(group.sites.length)} stacks` : place;
}

/** A click that ends the selection of text opens nothing. */
function isSelecting() {
  return String(getSelection()) !== "";
}

function histogram(title, counts, text) {
  return [
    element("h3", {}, title),
    counts.some((count) => count > 0) ? lifetimeBars(counts, 280, 48, true, text) : null,
    element("p", { class: "muted" }, sentence(text)),
  ];
}

function factsOf(site) {
  const rows = Object.keys(METRICS).map((metric) => [
    METRICS[metric],
    `${bytesText(site.tallies[metric].bytes)} in ${blocksText(site.tallies[metric].blocks)}`,
  ]);
  const { samples } = site.tallies[view.metric];
  rows.push(
    ["Mean size", bytesText(site.meanSize)],
    ["Freed by others", site.freed > 0 ? shareText(site.freedElsewhere, site.freed) : "–"],
    [
      `Samples (${METRICS[view.metric].toLowerCase()})`,
      samples > 0 && chosenDump().interval > 1
        ? `${countText(samples)}, so ±${Math.ceil(100 / Math.sqrt(samples))}%`
        : countText(samples),
    ],
  );
  if (site.threads.length > 0) rows.push(["Threads (live)", countText(site.threads.length)]);
  return element(
    "dl",
    {},
    rows.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/** Copies a stack as text, also where a page from a file may not use the clipboard directly. */
async function copyStack(node, button) {
  const text = stackText(node);
  const isCopied = await (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(
    () => true,
    () => copyByCommand(text),
  );
  button.textContent = isCopied ? "Copied" : "Cannot copy here";
  setTimeout(() => {
    button.textContent = "Copy stack";
  }, 1500);
}

function copyByCommand(text) {
  const area = element("textarea", { class: "visually-hidden" });
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}
