// What happened: incidents with how they ended, errors, changes; and what is left out, with why.

const SHORT = { incidents: 6, errors: 5, changes: 12 };
const long = new Set();

function some(name, items, drawn) {
  const shown = long.has(name) ? items : items.slice(0, SHORT[name]);
  const rest = items.length - shown.length;
  return [drawn(shown), rest > 0 && h("button", { class: "more", type: "button", "data-more": name }, `${rest} more`)];
}

function drawIncidents(told) {
  if (!told.incidents.length) return draw("incidents", h("p", { class: "empty" }, "None that a supervisor has told of."));
  draw("incidents", some("incidents", told.incidents, (items) => h("ol", { class: "list" }, items.map((one) => incidentItem(one, told)))));
}

const OUTCOMES = {
  healed: ["healthy", (one) => `healed in ${duration(one.seconds)}`],
  open: ["unhealthy", (one) => (one.acts ? `not healed yet, ${plural(one.acts, "attempt")}` : "not healed yet")],
  "gave up": ["silent", (one) => `given up for now after ${plural(one.acts, "attempt")}`],
  noted: ["unknown", () => ""],
};

function incidentItem(one, told) {
  const [state, words] = OUTCOMES[one.outcome];
  const ended = words(one);
  return h("li", { "data-state": state, "data-key": `${one.machine} ${one.service} ${one.at} ${one.what}` }, icon(state),
    h("div", null,
      h("p", null, h("b", null, one.service), ` ${one.what} `, ended && h("span", { class: "state" }, `→ ${ended}`)),
      one.why && h("p", { class: "soft" }, one.why),
      h("p", { class: "soft" }, when(one.at), " ago", one.outcome === "healed" && one.acts > 1 && ` · ${plural(one.acts, "restart")}`, one.evidence && [" · ", evidence(one, told)])));
}

function evidence(one, told) {
  const supervisors = told.instances.filter((row) => row.service === "SelfHealingSupervisor");
  const supervisor = supervisors.find((row) => row.machine === one.machine) || supervisors[0];
  if (!supervisor || !supervisor.port) return h("span", { title: one.evidence }, "evidence kept");
  return h("a", { href: `http://${location.hostname}:${supervisor.port}/v1/evidence/${encodeURIComponent(one.evidence)}`, rel: "noreferrer", title: one.evidence }, "evidence");
}

function drawErrors(told) {
  const groups = told.errors.groups;
  if (groups === null) return draw("errors", h("p", { class: "empty" }, `Unknown: ${told.errors.why}`));
  if (!groups.length) return draw("errors", h("p", { class: "empty" }, "No open ones."));
  draw("errors", some("errors", groups, (items) => h("ol", { class: "list" }, items.map(errorItem))));
}

function errorItem(one) {
  const state = one.level === "error" || one.level === "critical" ? "unhealthy" : "unknown";
  return h("li", { "data-state": state }, icon(state), h("div", null,
    h("p", null, h("b", null, one.service), ` ${one.kind}`, one.count > 1 && h("span", { class: "soft" }, ` × ${one.count}`)),
    h("p", { class: "soft" }, one.message),
    h("p", { class: "soft" }, when(one.last_seen), " ago", one.machines.length > 0 && ` on ${one.machines.join(", ")}`)));
}

function drawChanges(told) {
  if (!told.changes.length) return draw("changes", h("p", { class: "empty" }, "None seen yet."));
  draw("changes", some("changes", gathered(told.changes), (items) => h("ol", { class: "list changes" }, items.map(changeItem))));
}

// When the observer is new, all are seen for the first time: that is one piece of news, not sixty.
function gathered(changes) {
  const found = [];
  for (const one of changes) {
    const before = found[found.length - 1];
    const same = before && one.from === "unknown" && before.from === "unknown" && before.to === one.to && !one.why && !before.why;
    if (same) before.others.push(one.service);
    else found.push({ ...one, others: [] });
  }
  return found;
}

function changeItem(one) {
  const anew = one.from === one.to;
  const from = one.from === "unknown" ? "first seen " : `${one.from} → `;
  const others = one.others || [];
  return h("li", { "data-key": one.id }, when(one.at, true), h("div", null,
    h("p", null, h("b", others.length ? { title: [one.service, ...others].join(", ") } : null, others.length ? plural(others.length + 1, "instance") : one.service), " ", anew ? h("span", { class: "soft" }, one.why) : [h("span", { class: "soft" }, from), h("span", { class: "state", "data-state": one.to }, one.to)]),
    !anew && one.why && h("p", { class: "soft" }, one.why.replace(/^answer: /, ""))));
}

function drawLeftOut(told) {
  const byWhy = new Map();
  for (const one of told.left_out) byWhy.set(one.why, [...(byWhy.get(one.why) || []), one]);
  const groups = [...byWhy].sort((one, other) => other[1].length - one[1].length);
  const summary = groups.map(([why, rows]) => `${why}: ${rows.length}`).join(" · ");
  draw("left-out", told.left_out.length > 0 && h("details", { class: "left-out" },
    h("summary", null, h("b", null, `${plural(told.left_out.length, "instance")} left out`), h("span", { class: "soft" }, ` ${summary}`)),
    groups.map(([why, rows]) => [h("h3", null, `${why}: ${rows.length}`), h("ul", { class: "names" }, rows.map((one) => h("li", null, `${one.service} on ${one.machine}`)))])));
}
