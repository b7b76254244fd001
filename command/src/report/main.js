// Puts the page together.

view.dump = dumps.length - 1;
if (isOver(chosenDump()) && sumOf(chosenDump(), "peak", "bytes") > 0) view.metric = "peak";
showFacts();
new Timeline();
const flame = new Flame();
const sites = new Sites(flame);
new Growth(sites);
new Resident();
new Keepers(sites);
new Heaps();
new SizeClasses();
showToolbar();
