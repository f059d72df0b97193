// Photos without a score, by error and cure.

const LISTED = 200;

function failureGroup({ kind, cure, photos }) {
  const causes = new Set(photos.map(([, cause]) => cause));
  const names = photos.slice(0, LISTED).map(([path, cause]) =>
    element("li", {}, element("bdi", { class: "path" }, shown(path.slice(DATA.root.length))), causes.size > 1 ? element("span", { class: "muted" }, ` – ${shown(cause)}`) : undefined));
  const rest = photos.length - names.length;
  const words = kind.replace(/(?<=.)[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
  const title = causes.size > 1 ? words : `${words}: ${shown(photos[0][1])}`;
  return element("details", { class: "failure", open: photos.length <= 5 },
    element("summary", {}, element("b", {}, WHOLE.format(photos.length)), " ", title),
    element("p", { class: "cure" }, element("b", {}, "Cure: "), shown(cure)),
    element("ul", { class: "names" }, ...names),
    rest ? element("p", { class: "muted" }, `and ${WHOLE.format(rest)} more; the saved list has them all.`) : undefined,
    element("p", { class: "buttons" },
      element("button", { type: "button", click: () => savePaths(photos.map(([path]) => path), `failed-${kind}`) }, "Save paths")));
}

function startFailures() {
  $("failure-list").replaceChildren(...DATA.failures.map(failureGroup));
}
