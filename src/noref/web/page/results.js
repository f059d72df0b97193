// Which photos are shown, and in which order.

const LIKELY = 0.5; // the lowest probability of a likely defect, as in noref.assessment

/** Likely defects, most likely first: [name, {probability, level}] each. */
export function likely(assessment) {
  return Object.entries(assessment.defects)
    .filter(([, defect]) => defect.probability >= LIKELY)
    .sort(([, first], [, second]) => second.probability - first.probability);
}

const ORDERS = {
  added: (first, second) => first.id - second.id,
  worst: (first, second) => score(first, Infinity) - score(second, Infinity),
  best: (first, second) => score(second, -Infinity) - score(first, -Infinity),
  name: (first, second) => first.name.localeCompare(second.name, undefined, { numeric: true }),
};

function score(item, missing) {
  return item.assessment?.score ?? missing; // photos without a score come last
}

/**
 * @param {object[]} items - Each with `assessment`, `failure`, or neither while it is scored.
 * @param {{show: string, low: number, high: number, sort: string}} wanted - `show` is "all", "failed", "none" (no likely
 *   defect) or "defect:" and a name.
 */
export function selected(items, { show, low, high, sort }) {
  const order = ORDERS[sort];
  return items
    .filter((item) => matches(item, show) && within(item, low, high))
    .sort((first, second) => order(first, second) || first.id - second.id);
}

function matches(item, show) {
  if (show === "all") return true;
  if (show === "failed") return Boolean(item.failure);
  if (!item.assessment) return false;
  const names = likely(item.assessment).map(([name]) => name);
  return show === "none" ? names.length === 0 : names.includes(show.slice("defect:".length));
}

function within(item, low, high) {
  if (low <= 0 && high >= 100) return true;
  const value = item.assessment?.score;
  return item.failure ? false : value === undefined || (value !== null && value >= low && value <= high);
}

/** What `show` may be, with its text and number of photos: always "all", the others where there are such photos. */
export function choices(items) {
  const scored = items.filter((item) => item.assessment);
  const counts = new Map();
  for (const item of scored) for (const [name] of likely(item.assessment)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const failed = items.filter((item) => item.failure).length;
  const plain = scored.filter((item) => likely(item.assessment).length === 0).length;
  return [
    { value: "all", text: "All photos", count: items.length },
    { value: "failed", text: "Failed", count: failed },
    { value: "none", text: "No likely defect", count: plain },
    ...[...counts]
      .sort(([first, a], [second, b]) => b - a || first.localeCompare(second))
      .map(([name, count]) => ({ value: `defect:${name}`, text: name[0].toUpperCase() + name.slice(1), count })),
  ].filter(({ value, count }) => count > 0 || value === "all");
}
