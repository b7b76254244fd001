// The head of the page, and its toolbar.

/** What is lost matters from a hundredth on. */
const WARNING_PART = 100;

/** One fact: a name, a value, and a second line. */
function fact(name, value, second, title) {
  return element(
    "div",
    { title },
    element("dt", {}, name),
    element("dd", {}, value),
    second ? element("dd", { class: "sub" }, second) : null,
  );
}

function showFacts() {
  const last = dumps[dumps.length - 1];
  const resident = residentOf(last);
  byId("program").textContent = report.program === report.title ? "" : report.program;
  byId("facts").replaceChildren(
    dumps.length > 1
      ? fact("Time span", timeText(timeOf(last)), countOf(dumps.length, "dump"))
      : fact("Dumps", "1", last.label),
    fact("Peak", bytesText(last.peak_bytes), "of live bytes", exactText(last.peak_bytes, "bytes")),
    fact(
      "Live at end",
      bytesText(last.live_bytes),
      last.peak_bytes > 0 ? `${shareText(last.live_bytes, last.peak_bytes)} of the peak` : null,
      exactText(last.live_bytes, "bytes"),
    ),
    fact(
      "Resident at end",
      resident === undefined ? "–" : bytesText(resident),
      resident > 0 ? `${shareText(partOf(last, "live"), resident)} live blocks` : null,
      resident === undefined ? null : exactText(resident, "bytes"),
    ),
    fact(
      "Allocated in all",
      bytesText(sumOf(last, "total", "bytes")),
      blocksText(sumOf(last, "total", "blocks")),
    ),
    fact("Stacks", countText(last.sites.length), countOf(samplesOf(last), "sample")),
    last.interval > 1
      ? fact("Sampling interval", bytesText(last.interval), "to a sample")
      : fact("Sampling", "None", "every block was recorded"),
    fact(
      "Samples lost",
      countText(last.lost_samples),
      last.lost_frees > 0 ? `${countOf(last.lost_frees, "free")} unnoticed` : "no free unnoticed",
    ),
  );
  showWarnings(last);
}

/** The bytes of a part of resident memory. */
function partOf(dump, key) {
  return dump.residence.parts.find((part) => part.key === key)?.bytes ?? 0;
}

function samplesOf(dump) {
  return dump.sites.reduce((sum, site) => sum + site.tallies.total.samples, 0);
}

function showWarnings(last) {
  const samples = samplesOf(last);
  const warnings = [...report.warnings];
  if (last.lost_samples * WARNING_PART > samples) {
    warnings.push(
      `${countText(last.lost_samples)} samples, ${shareText(last.lost_samples, last.lost_samples + samples)} of all, found no room: the figures are too low by about as much. A longer interval takes fewer.`,
    );
  }
  if (last.lost_frees * WARNING_PART > samples) {
    warnings.push(
      `${countText(last.lost_frees)} frees of sampled blocks went unnoticed: those blocks count as live.`,
    );
  }
  byId("warnings").replaceChildren(...warnings.map((text) => element("p", { class: "warning" }, text)));
}

function showToolbar() {
  byId("metric-picker").replaceChildren(
    choice(
      "metric",
      "Which blocks",
      Object.entries(METRICS).map(([key, text]) => [key, text, METRIC_MEANINGS[key]]),
      view.metric,
      (metric) => view.set({ metric }),
    ),
  );
  byId("unit-picker").replaceChildren(
    choice(
      "unit",
      "Unit",
      [
        ["bytes", "Bytes"],
        ["blocks", "Blocks"],
      ],
      view.unit,
      (unit) => view.set({ unit }),
    ),
  );
  byId("contents").replaceChildren(
    ...[...document.querySelectorAll("main > section:not([hidden])")].map((section) =>
      element("a", { href: `#${section.id}` }, section.dataset.short),
    ),
  );
  const toolbar = document.querySelector(".toolbar");
  const watch = () => toolbar.classList.toggle("is-stuck", toolbar.getBoundingClientRect().top <= 0);
  addEventListener("scroll", watch, { passive: true });
  watch();
  showDumpPicker();
}

function showDumpPicker() {
  const picker = byId("dump-picker");
  picker.hidden = dumps.length === 1;
  const before = element(
    "button",
    {
      type: "button",
      "aria-label": "The dump before",
      title: "The dump before",
      onclick: () => view.set({ dump: Math.max(0, view.dump - 1) }),
    },
    "‹",
  );
  const after = element(
    "button",
    {
      type: "button",
      "aria-label": "The next dump",
      title: "The next dump",
      onclick: () => view.set({ dump: Math.min(dumps.length - 1, view.dump + 1) }),
    },
    "›",
  );
  const select = dumpSelect("Dump", view.dump, (dump) => view.set({ dump }));
  const show = () => {
    select.value = String(view.dump);
    before.disabled = view.dump === 0;
    after.disabled = view.dump === dumps.length - 1;
  };
  picker.replaceChildren(before, select, after);
  view.onChange(show);
  show();
}

/** A list of the dumps to choose from. */
function dumpSelect(label, chosen, choose) {
  return element(
    "select",
    { "aria-label": label, onchange: (event) => choose(Number(event.target.value)) },
    dumps.map((dump, index) =>
      element(
        "option",
        { value: index, selected: index === chosen, title: dump.label },
        `${dumpName(index)} – ${index === 0 ? "start" : timeText(timeOf(dump))}`,
      ),
    ),
  );
}
