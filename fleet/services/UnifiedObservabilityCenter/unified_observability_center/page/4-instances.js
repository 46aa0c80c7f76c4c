// The table of instances: those that need attention first, the others phase by phase.

const HEADS = [
  ["Instance", ""], ["State", "cell-state"], ["Last hour", "cell-strip"], ["Since", "cell-since"], ["Commit", "cell-commit"],
  ["Memory", "num cell-memory"], ["Restarts", "num cell-restarts"], ["Answers in", "num cell-time"], ["Ports", "num cell-ports"],
];
const FILTERS = {
  all: ["All", () => true],
  attention: ["Need attention", needsAttention],
  starting: ["Starting", (row) => row.state === "starting"],
  differ: ["Differ from release", (row) => row.match === false],
  unproved: ["Not proved", (row) => row.match === "unknown"],
};
const wish = { filter: "all", find: "" };

function needsAttention(row) {
  return row.state === "unhealthy" || row.state === "silent" || row.match === false;
}

function drawChips(told) {
  const shown = Object.entries(FILTERS).filter(([name, [, test]]) => name === "all" || name === wish.filter || told.instances.some(test));
  draw(
    "chips",
    shown.map(([name, [text, test]]) =>
      h("button", { class: "chip", type: "button", "data-key": name, "data-filter": name, "aria-pressed": String(wish.filter === name) }, text, " ", h("b", null, told.instances.filter(test).length)),
    ),
  );
}

function drawInstances(told) {
  const words = wish.find.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = told.instances.filter((row) => FILTERS[wish.filter][1](row) && words.every((word) => haystack(row).includes(word)));
  if (told.instances.length === 0 && told.extra.length === 0) {
    draw("instances", h("p", { class: "empty" }, told.desired_problem ? `What should run here cannot be read: ${told.desired_problem}. ` : "Nothing should run here yet. ", h("code", null, "./dockwright up"), " says what should, and runs it."));
    return;
  }
  const attention = rows.filter(needsAttention);
  const extra = wish.filter === "all" && !words.length ? told.extra : [];
  const level = attention.some((row) => row.state === "unhealthy" || row.state === "silent") ? "bad" : "warn";
  const phases = told.phases.map((phase) => [phase, rows.filter((row) => row.phase === phase && !needsAttention(row))]);
  draw(
    "instances",
    rows.length + extra.length === 0 && h("p", { class: "empty" }, "No instance is like that."),
    rows.length + extra.length > 0 &&
      h(
        "table",
        { class: "board", role: "table", "aria-labelledby": "instances-title" },
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, HEADS.map(([text, name]) => h("th", { scope: "col", role: "columnheader", class: name || null }, text)))),
        attention.length + extra.length > 0 && group("attention", unsure(told) ? "Told of themselves" : "Needs attention", "", attention, told, level, extra),
        phases.filter(([, found]) => found.length > 0).map(([phase, found]) => group(`phase ${phase}`, phase || "no phase", tally(told, phase), found, told, "", [])),
      ),
  );
}

function haystack(row) {
  return `${row.service} ${row.machine} ${row.state} ${row.phase} ${row.family} ${row.git_sha} ${row.tag} ${row.port} ${row.health_port}`.toLowerCase();
}

function tally(told, phase) {
  const all = told.instances.filter((row) => row.phase === phase);
  return `${all.filter((row) => row.state === "healthy").length} of ${all.length} healthy`;
}

function group(key, title, more, rows, told, level, extra) {
  return h(
    "tbody",
    { role: "rowgroup", "data-key": key },
    h("tr", { class: level ? "group attention" : "group", "data-level": level || null, role: "row" }, h("th", { scope: "rowgroup", colspan: HEADS.length, role: "rowheader" }, title, more && h("span", null, more))),
    rows.flatMap((row) => instanceRows(row, told)),
    extra.map((one) => extraRow(one, told)),
  );
}

function instanceRows(row, told) {
  const key = `${row.machine}/${row.service}`;
  const open = opened.has(key);
  const several = told.machines.length > 1;
  const shown = h(
    "tr",
    { class: "row", "data-key": key, "data-state": row.state, role: "row" },
    h("th", { scope: "row", role: "rowheader" },
      h("button", { class: "name", type: "button", "data-open": key, "aria-expanded": String(open), "aria-controls": open ? `more-${key}` : null }, h("svg", { class: "turn", viewBox: "0 0 8 8", "aria-hidden": "true" }, h("path", { d: "M1 0l6 4-6 4z" })), row.service),
      h("p", { class: "under" }, several ? `${row.machine} · ${row.family}` : row.family)),
    cell("cell-state", icon(row.state), " ", h("span", { class: "state" }, row.state), row.reasons.map(reason), row.care && h("p", { class: "care" }, row.care)),
    cell("cell-strip", strip(row.strip)),
    cell("cell-since nowrap", when(row.since), row.started_at && h("p", { class: "soft" }, "runs ", when(row.started_at))),
    cell("cell-commit nowrap", row.git_sha ? h("code", { title: `${row.git_sha}, ${row.tag}` }, shortSha(row.git_sha)) : h("span", { class: "soft" }, "not told"), match(row)),
    cell("num cell-memory", row.memory_used_mb === null ? h("span", { class: "soft" }, ofSize(null, row.memory_mb)) : ofSize(row.memory_used_mb, row.memory_mb), row.memory_used_mb !== null && row.memory_mb && bar(row.memory_used_mb / row.memory_mb)),
    cell(`num cell-restarts ${row.restarts ? "" : "soft"}`, row.restarts),
    cell("num cell-time", row.seconds === null ? h("span", { class: "soft" }, "none") : duration(row.seconds)),
    cell("num cell-ports", row.port, row.port && h("br"), h("a", { href: `http://${location.hostname}:${row.health_port}/health`, rel: "noreferrer", title: "ask its health port" }, row.health_port)),
  );
  return open ? [shown, detailsRow(key)] : [shown];
}

function cell(name, ...children) {
  return h("td", { class: name, role: "cell" }, ...children);
}

function reason(found) {
  return h("p", { class: "why" }, found.check === "answer" ? found.reason : `${found.check}: ${found.reason}`);
}

function match(row) {
  if (row.match === true) return h("p", { class: "soft" }, "as released");
  if (row.match === false) return h("p", { class: "match-no" }, `differs: ${row.mismatches.map((one) => one.what.replace("git_sha", "commit").replace("_", " ")).join(", ")}`);
  return h("p", { class: "soft", title: row.match_why }, "not proved");
}

function strip(segments) {
  const total = segments.reduce((sum, one) => sum + one.seconds, 0) || 1;
  const known = segments.filter((one) => one.state !== "unknown").reduce((sum, one) => sum + one.seconds, 0);
  const healthy = segments.filter((one) => one.state === "healthy").reduce((sum, one) => sum + one.seconds, 0);
  const text = known ? `healthy ${((healthy / known) * 100).toFixed(healthy === known ? 0 : 1)} % of the ${span(known)} that were watched` : "not watched";
  let at = 0;
  return h("svg", { class: "strip", role: "img", "aria-label": text }, h("title", null, text), segments.map((one) => {
    const x = (at / total) * 100;
    const width = Math.max(one.state === "healthy" || one.state === "unknown" ? 0 : 1.2, (one.seconds / total) * 100);
    at += one.seconds;
    return h("rect", { "data-state": one.state, x: `${Math.min(x, 98.8).toFixed(2)}%`, width: `${width.toFixed(2)}%`, height: "100%" });
  }));
}

// Whoever has reported while nothing is known of what is desired may well be.
function unsure(told) {
  return told.desired_problem !== "" && told.instances.length === 0;
}

function extraRow(one, told) {
  return h("tr", { class: "row", "data-key": `extra ${one.machine}/${one.service}`, "data-state": one.state, role: "row" },
    h("th", { scope: "row", role: "rowheader" }, h("span", { class: "name" }, one.service), h("p", { class: "under" }, one.machine)),
    cell("cell-state", icon(one.state), " ", h("span", { class: "state" }, one.state), h("p", { class: "care" }, one.since ? "still answers" : "not asked: its address is not known")),
    cell("cell-strip"), cell("cell-since nowrap", one.since ? when(one.since) : ["told ", when(one.reported_at)]),
    cell("cell-commit nowrap", h("code", { title: `${one.git_sha}, ${one.tag}` }, shortSha(one.git_sha)), unsure(told) ? null : h("p", { class: "match-no" }, "not desired")),
    cell("cell-memory"), cell("cell-restarts"), cell("cell-time"), cell("cell-ports"));
}
