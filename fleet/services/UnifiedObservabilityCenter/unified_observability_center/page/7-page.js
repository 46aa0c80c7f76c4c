// Asks GET /v1/overview every two seconds while somebody looks, and says so when no answer comes.

const PERIOD = 2000;
const PATIENCE = 7000;
let last = null;
let failure = "";
let timer = 0;

async function get(path) {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), 5000);
  try {
    const answer = await fetch(path, { signal: stop.signal, cache: "no-store", headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    return await answer.json();
  } catch (error) {
    throw error.name === "AbortError" ? new Error("no answer within 5 s") : error instanceof TypeError ? new Error("it cannot be reached") : error;
  } finally {
    clearTimeout(late);
  }
}

async function poll() {
  clearTimeout(timer);
  try {
    const told = await get("/v1/overview");
    await Promise.all([...opened.keys()].map(learn));
    clock.server = Date.parse(told.at);
    clock.here = performance.now();
    last = told;
    failure = "";
  } catch (error) {
    failure = error.message;
  }
  drawAll();
  timer = setTimeout(poll, document.hidden ? PERIOD * 15 : PERIOD);
}

function isStale() {
  return last !== null && performance.now() - clock.here > (document.hidden ? 60000 : PATIENCE);
}

function drawAll() {
  const stale = isStale();
  drawLive(stale);
  if (last === null) return;
  drawTop(last, stale);
  drawMachines(last);
  drawChips(last);
  drawInstances(last);
  drawLeftOut(last);
  drawIncidents(last);
  drawErrors(last);
  drawChanges(last);
}

function drawLive(stale) {
  const age = last === null ? 0 : (performance.now() - clock.here) / 1000;
  document.getElementById("live").dataset.live = stale || (failure && !last) ? "no" : last ? "yes" : "wait";
  draw("live-text", stale ? `stale, ${span(age)} old` : last ? "live" : failure || "asking");
  const banner = document.getElementById("banner");
  banner.hidden = !stale && !(failure && last === null);
  draw("banner", banner.hidden ? "" : last === null ? `UnifiedObservabilityCenter: ${failure}. Trying again.` : `No answer since ${clockTime(last.at)}${failure ? `: ${failure}` : ""}. What stands here is from then, and may no longer be so. Trying again.`);
  document.body.classList.toggle("is-stale", stale);
}

function tick() {
  for (const one of document.querySelectorAll("time[data-ago]")) {
    const text = span(ago(one.dateTime));
    if (one.firstChild.nodeValue !== text) one.firstChild.nodeValue = text;
  }
  if (isStale() !== document.body.classList.contains("is-stale")) drawAll();
  else drawLive(isStale());
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { filter, open, more } = button.dataset;
  if (filter) wish.filter = filter;
  if (more) long.add(more);
  if (open && !opened.delete(open)) {
    opened.set(open, null);
    learn(open).then(drawAll);
  }
  drawAll();
});
document.getElementById("find").addEventListener("input", (event) => {
  wish.find = event.target.value;
  drawAll();
});
document.addEventListener("keydown", (event) => {
  const find = document.getElementById("find");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.nodeName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    find.focus();
  } else if (event.key === "Escape" && event.target === find) {
    find.value = wish.find = "";
    drawAll();
  }
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
setInterval(tick, 1000);
poll();
