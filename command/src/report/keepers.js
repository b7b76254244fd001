// Who keeps memory: call sites whose live blocks hold free memory of their spans back.

const KEEPERS_SHOWN = 8;
/** Less than a hundredth is nothing to look at: of the allocator's memory, or of all that is kept. */
const KEPT_LEAST_PART = 100;

class Keepers {
  constructor(sites) {
    this.sites = sites;
    view.onChange((changes) => {
      if (changes.dump !== undefined || changes.grouping !== undefined) this.draw();
    });
    this.draw();
  }

  draw() {
    const dump = chosenDump();
    byId("keepers").hidden = !dump.has_pins || dump.residence === null;
    if (byId("keepers").hidden) return;
    const kept = sumOf(dump, "pinned", "bytes");
    const groups = groupsOf(dump.sites).filter(
      (group) => group.amount("pinned", "bytes") * KEPT_LEAST_PART >= kept,
    );
    groups.sort((a, b) => b.amount("pinned", "bytes") - a.amount("pinned", "bytes"));
    const isMuch = kept * KEPT_LEAST_PART >= dump.residence.own;
    byId("keepers").replaceChildren(
      element("h3", { class: "part-title" }, "Who keeps memory"),
      element("p", { class: "note", id: "keepers-note" }, this.note(dump, kept, isMuch)),
      isMuch
        ? element("div", { class: "table-frame", id: "keepers-table" }, this.table(groups, dump, kept))
        : "",
    );
  }

  note(dump, kept, isMuch) {
    if (!isMuch) return "Live blocks keep hardly any free memory from going back to the system.";
    return (
      `About ${bytesText(kept)}, ${shareText(kept, dump.residence.own)} of the allocator's memory, is free ` +
      `in spans that hold live blocks of these call sites, and only goes back to the system once those are freed. ` +
      `Long-lived blocks keep less if they are allocated together, in a heap of their own for example.`
    );
  }

  table(groups, dump, kept) {
    const headings = ["Function", "Keeps", "Of all kept", "Blocks that keep it", "Its own live bytes"];
    const shown = groups.slice(0, KEEPERS_SHOWN);
    return element(
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
        shown.map((group) => this.row(group, shown[0].amount("pinned", "bytes"), kept)),
      ),
    );
  }

  row(group, most, kept) {
    const frame = ownFrame(group.node);
    const bytes = group.amount("pinned", "bytes");
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
        element("span", { class: "second", title: stackText(group.node) }, frame.place),
      ),
      element(
        "td",
        { class: "number is-chosen-metric", title: exactText(bytes, "bytes") },
        element("span", { class: "first" }, bytesText(bytes)),
        element("span", { class: "meter" }, element("i", { style: `width: ${(100 * bytes) / most}%` })),
      ),
      element("td", {}, shareText(bytes, kept)),
      element("td", {}, countText(group.amount("pinned", "blocks"))),
      element("td", {}, bytesText(group.amount("live", "bytes"))),
    );
  }
}
