// The top line: the verdict and what it rests on; then the machines.

function drawTop(told, stale) {
  const verdict = told.verdict;
  const level = stale ? "stale" : verdict.level;
  document.getElementById("top").dataset.level = level;
  draw("machine", told.machine);
  draw("verdict", stale ? `last known: ${verdict.text}` : verdict.text);
  const proved = verdict.level === "good" && told.matches.true === told.instances.length;
  const notes = proved ? ["each runs what was released"] : verdict.notes;
  draw("notes", notes.map((note) => h("li", { class: proved ? "soft" : null }, note)));
  draw(
    "facts",
    fact("Commit", told.fleet_git_sha ? h("code", { title: told.fleet_git_sha }, shortSha(told.fleet_git_sha)) : "unknown"),
    fact("Release", told.fleet_tag ? h("code", null, told.fleet_tag) : "unknown"),
    fact("Released", told.written_at ? [when(told.written_at), " ago"] : "unknown"),
    fact("As released", `${told.matches.true} of ${told.instances.length}`),
    verdict.since && fact("Last change", [when(verdict.since), " ago"]),
  );
  const problems = told.counts.unhealthy + told.counts.silent;
  document.title = `${stale ? "? " : problems ? `(${problems}) ` : ""}${verdict.text} – ${told.machine}`;
  drawFavicon(level);
}

function fact(name, value) {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}

function drawFavicon(level) {
  const colour = { good: "2f9e63", bad: "d2453d", warn: "b9760f" }[level] || "8a94a0";
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='%23${colour}'/></svg>`;
  const link = document.querySelector("link[rel=icon]");
  const href = `data:image/svg+xml,${svg}`;
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
}

function drawMachines(told) {
  draw("machines", told.machines.map(machineCard));
}

function machineCard(machine) {
  const level = machine.instances === 0 ? "none" : machine.healthy === machine.instances ? "good" : "bad";
  const count = machine.instances === 0 ? "" : `${machine.healthy} of ${machine.instances} healthy`;
  const hardware = [machine.declared_gpu, machine.declared_cpus && `${machine.declared_cpus} cores`, machine.declared_memory_mb && size(machine.declared_memory_mb)];
  return h(
    "li",
    { class: "machine", "data-key": machine.machine, "data-level": level },
    h("header", null, h("strong", null, machine.machine), h("span", { class: "soft" }, hardware.filter(Boolean).join(" · ")), h("span", { class: "count" }, count)),
    machine.why ? null : h("dl", { class: "meters" }, meters(machine)),
    machine.why && h("p", { class: "why" }, `Use unknown: ${machine.why}`),
    !machine.why && machine.gpus === null && machine.gpus_why && h("p", { class: "why" }, `GPU unknown: ${machine.gpus_why}`),
    machine.warnings.map((warning) => h("p", { class: "why" }, warning)),
  );
}

function meters(machine) {
  const busy = machine.cpu_busy_pct;
  return [
    meter("CPU", busy === null ? "unknown" : `${Math.round(busy)} %`, busy === null ? null : busy / 100),
    meter("Memory", ofSize(machine.memory_used_mb, machine.memory_total_mb), ratio(machine.memory_used_mb, machine.memory_total_mb)),
    meter("Disk", ofSize(machine.disk_used_mb, machine.disk_total_mb), ratio(machine.disk_used_mb, machine.disk_total_mb)),
    machine.gpus === null ? meter("GPU", "unknown", null, machine.gpus_why) : machine.gpus.length === 0 ? meter("GPU", "none", 0) : machine.gpus.flatMap(card),
  ];
}

function card(gpu, place, all) {
  const name = all.length > 1 ? `GPU ${place}` : "GPU";
  const heat = gpu.temperature_c === null ? "" : `, ${Math.round(gpu.temperature_c)} °C`;
  return [
    meter(name, gpu.busy_pct === null ? `unknown${heat}` : `${Math.round(gpu.busy_pct)} %${heat}`, gpu.busy_pct === null ? null : gpu.busy_pct / 100, gpu.name),
    meter(all.length > 1 ? `VRAM ${place}` : "VRAM", ofSize(gpu.memory_used_mb, gpu.memory_total_mb), ratio(gpu.memory_used_mb, gpu.memory_total_mb), gpu.name),
  ];
}

function meter(name, text, part, title) {
  return h("div", { class: "meter", title }, h("dt", null, name), h("dd", null, h("b", null, text), bar(part)));
}

function ratio(used, total) {
  return used === null || !total ? null : used / total;
}
