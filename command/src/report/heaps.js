// Heaps side by side: the global one first, then isolated ones.

class Heaps {
  constructor() {
    byId("heaps").hidden = dumps.every((dump) => dump.heaps.length < 2);
    view.onChange((changes) => {
      if (changes.dump !== undefined) this.draw();
    });
    this.draw();
  }

  draw() {
    const { heaps } = chosenDump();
    const all = heaps.reduce((sum, heap) => sum + heap.live_bytes, 0);
    const most = Math.max(1, ...heaps.map((heap) => heap.live_bytes));
    const headings = ["Heap", "Live", "Share", "Samples", "Charged", "Limit", "Of the limit"];
    byId("heaps-table").replaceChildren(
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
          heaps.map((heap) => this.row(heap, all, most)),
        ),
      ),
    );
  }

  row(heap, all, most) {
    const bytes = (number) =>
      element(
        "td",
        { title: number === null ? null : exactText(number, "bytes") },
        number === null ? "–" : bytesText(number),
      );
    return element(
      "tr",
      {},
      element("td", { class: "name" }, ...this.name(heap)),
      element(
        "td",
        { class: "number is-chosen-metric", title: exactText(heap.live_bytes, "bytes") },
        element("span", { class: "first" }, bytesText(heap.live_bytes)),
        element(
          "span",
          { class: "meter" },
          element("i", { style: `width: ${(100 * heap.live_bytes) / most}%` }),
        ),
      ),
      element("td", {}, shareText(heap.live_bytes, all)),
      element("td", {}, countText(heap.samples)),
      bytes(heap.charged_bytes),
      bytes(heap.limit_bytes),
      element("td", {}, heap.limit_bytes === null ? "–" : shareText(heap.charged_bytes, heap.limit_bytes)),
    );
  }

  name({ number, name }) {
    if (number === 0) return [element("span", {}, "Global heap")];
    return [
      element("span", { class: name === "" ? "muted" : null }, name === "" ? "without a name" : name),
      element("span", { class: "second" }, `number ${number}`),
    ];
  }
}
