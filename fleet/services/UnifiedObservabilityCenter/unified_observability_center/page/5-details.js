// What one instance tells when its row is opened.

const opened = new Map(); // "machine/service" -> what GET /v1/instances/{machine}/{service} told, or null

async function learn(key) {
  const found = await get(`/v1/instances/${key.split("/").map(encodeURIComponent).join("/")}`).catch((error) => ({ problem: String(error.message || error) }));
  if (opened.has(key)) opened.set(key, found);
}

function detailsRow(key) {
  const told = opened.get(key);
  const id = `more-${key}`;
  const inside = !told ? h("p", { class: "soft" }, "asking …") : told.problem ? h("p", { class: "soft" }, told.problem) : details(told);
  return h("tr", { class: "details", id, "data-key": id, role: "row" }, h("td", { colspan: HEADS.length, role: "cell" }, inside));
}

function details(told) {
  const desired = told.desired || {};
  const reported = told.reported || {};
  return h("div", { class: "details-grid" },
    h("dl", { class: "pairs" },
      pair("Address", desired.address && h("code", null, `${desired.address}:${desired.port || "?"}, health ${desired.health_port}`)),
      pair("Started", told.started_at && whole(told.started_at)),
      pair("Start deadline", desired.start_seconds && `${desired.start_seconds} s`),
      pair("Waits for", desired.depends && desired.depends.join(", ")),
      pair("Limits", limits(desired)),
      pair("Profile", profile(reported.profile)),
      pair("Restarts", told.restarts ? String(told.restarts) : ""),
      pair("Answers in", told.health && duration(told.health.seconds)),
      pair("Last answer", told.health && told.health.answered_at && [when(told.health.answered_at), " ago"])),
    h("dl", { class: "pairs" },
      fromTo("Commit", "git_sha", told), fromTo("Tag", "tag", told), fromTo("Input digest", "input_digest", told),
      pair("Image", desired.image && h("code", null, desired.image)),
      pair("Image digest", desired.image_digest && h("code", null, desired.image_digest)),
      pair("SBOM", sbom(reported)),
      pair("Release", told.match === "unknown" ? `not proved: ${told.match_why}` : told.match ? "as released" : told.match_why.replace("git_sha", "commit").replace("_", " "))),
    h("div", null, told.transitions.length ? h("ol", { class: "list changes" }, told.transitions.slice(0, 8).map(changeItem)) : h("p", { class: "soft" }, "no change seen")));
}

function pair(name, value) {
  const none = value === undefined || value === null || value === "" || value === false || value.length === 0;
  return none ? null : [h("dt", null, name), h("dd", null, value)];
}

function fromTo(name, what, told) {
  const desired = told.desired ? told.desired[what] : "";
  const reported = told.reported ? told.reported[what] : "";
  if (desired && reported && desired !== reported) {
    return pair(name, [h("p", { class: "match-no" }, "runs ", h("code", null, reported)), h("p", null, "desired ", h("code", null, desired))]);
  }
  return pair(name, (reported || desired) && h("code", null, reported || desired));
}

function limits(desired) {
  const found = [desired.memory_mb && size(desired.memory_mb), desired.cpus && `${desired.cpus} CPUs`, desired.gpu_memory_mb && `${size(desired.gpu_memory_mb)} of GPU memory`];
  return found.filter(Boolean).join(", ");
}

function profile(found) {
  return found && Object.entries(found).map(([name, value]) => h("div", null, h("code", null, `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`)));
}

function sbom(reported) {
  if (!reported.sbom_digest) return "";
  const text = h("code", null, reported.sbom_digest);
  return reported.sbom_kept ? h("a", { href: `/v1/sboms/${reported.sbom_digest}` }, text) : [text, " (not kept here)"];
}
