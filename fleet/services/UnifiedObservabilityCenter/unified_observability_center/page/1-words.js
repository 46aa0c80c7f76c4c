"use strict";
// Figures and times in words. All times are reckoned with the server's clock, so that a wrong one here does no harm.

const clock = { server: 0, here: 0 };

function serverNow() {
  return clock.server + (performance.now() - clock.here);
}

function plural(count, one, many) {
  return `${count} ${count === 1 ? one : many || one + "s"}`;
}

function span(seconds) {
  const s = Math.max(0, seconds);
  if (s < 1) return "now";
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 36 * 3600) {
    const minutes = Math.round(s / 60);
    return minutes % 60 && s < 6 * 3600 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 60)} h`;
  }
  return plural(Math.round(s / 86400), "day");
}

function ago(moment) {
  return (serverNow() - Date.parse(moment)) / 1000;
}

function clockTime(moment) {
  const at = new Date(moment);
  const today = new Date(serverNow()).toDateString() === at.toDateString();
  const time = at.toLocaleTimeString("en-GB");
  return today ? time : `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time.slice(0, 5)}`;
}

function whole(moment) {
  return new Date(moment).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });
}

function size(mb) {
  if (mb === null || mb === undefined) return "unknown";
  if (mb < 1000) return `${Math.round(mb)} MB`;
  const gb = mb / 1024;
  return gb < 10 ? `${gb.toFixed(1)} GB` : gb < 1000 ? `${Math.round(gb)} GB` : `${(gb / 1024).toFixed(1)} TB`;
}

function ofSize(used, total) {
  if (used === null || used === undefined) return total ? `of ${size(total)}` : "unknown";
  if (!total) return size(used);
  const [amount, unit] = size(used).split(" ");
  return size(total).endsWith(unit) ? `${amount} of ${size(total)}` : `${size(used)} of ${size(total)}`;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 0.0995 ? `${(seconds * 1000).toFixed(seconds < 0.00995 ? 1 : 0)} ms` : `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

function shortSha(sha) {
  return /^[0-9a-f]{12,}$/.test(sha) ? sha.slice(0, 8) : sha;
}
