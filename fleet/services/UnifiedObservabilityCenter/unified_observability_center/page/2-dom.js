// Elements, and how a page that stands is made equal to one that was drawn anew: focus, selection and scroll stay.
// Texts only ever become text nodes. Listeners sit on the document, so that nothing drawn carries any.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "rect", "circle", "title"]);

function h(tag, attributes, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false && child !== "") {
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
  return element;
}

function keyOf(node) {
  return node.nodeType === 1 ? node.getAttribute("data-key") : null;
}

function alike(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
}

function morphAttributes(old, fresh) {
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
}

function morph(old, fresh) {
  if (old.nodeType !== 1) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  morphAttributes(old, fresh);
  morphChildren(old, [...fresh.childNodes]);
}

function morphChildren(parent, fresh) {
  const keyed = new Map();
  for (const child of parent.childNodes) if (keyOf(child) !== null) keyed.set(keyOf(child), child);
  let place = parent.firstChild;
  for (const wanted of fresh) {
    const key = keyOf(wanted);
    const found = key !== null ? keyed.get(key) : place && keyOf(place) === null ? place : null;
    if (found && alike(found, wanted)) {
      if (found === place) place = place.nextSibling;
      else parent.insertBefore(found, place);
      morph(found, wanted);
    } else {
      parent.insertBefore(wanted, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function draw(id, ...children) {
  morphChildren(document.getElementById(id), [...h("div", null, ...children).childNodes]);
}

function when(moment, absolute) {
  if (!moment) return "unknown";
  const text = absolute ? clockTime(moment) : span(ago(moment));
  return h("time", { datetime: moment, title: whole(moment), "data-ago": !absolute }, text);
}

// One shape for each state, so that colour never says it alone.
const SHAPES = {
  healthy: "M7 0a7 7 0 1 0 0 14A7 7 0 0 0 7 0zM6 10.2 2.9 7.1l1.3-1.3L6 7.6l3.9-3.9 1.3 1.3z",
  unhealthy: "M7 .6 14 13.4H0zM6.2 5v4.2h1.6V5zm0 5.2v1.7h1.6v-1.7z",
  silent: "M1 0h12a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H1a1 1 0 0 1-1-1V1a1 1 0 0 1 1-1zm3.4 3.1L3.1 4.4 5.7 7 3.1 9.6l1.3 1.3L7 8.3l2.6 2.6 1.3-1.3L8.3 7l2.6-2.6-1.3-1.3L7 5.7z",
  starting: "M7 0a7 7 0 1 0 0 14A7 7 0 0 0 7 0zm0 2v10A5 5 0 0 1 7 2z",
  unknown: "M7 0a7 7 0 1 0 0 14A7 7 0 0 0 7 0zm0 1.6a5.4 5.4 0 1 1 0 10.8A5.4 5.4 0 0 1 7 1.6zM4 6.2h6v1.6H4z",
};

function icon(state) {
  return h("svg", { class: "icon", viewBox: "0 0 14 14", "aria-hidden": "true", "data-state": state }, h("path", { "fill-rule": "evenodd", d: SHAPES[state] || SHAPES.unknown }));
}

function bar(part) {
  const known = part !== null && part !== undefined && Number.isFinite(part);
  const fill = !known ? "none" : part >= 0.95 ? "full" : part >= 0.85 ? "high" : "good";
  const width = known ? `${(Math.min(1, Math.max(0, part)) * 100).toFixed(1)}%` : "0";
  return h("svg", { class: "bar", "aria-hidden": "true", "data-fill": fill }, h("rect", { width, height: "100%", rx: "3" }));
}
