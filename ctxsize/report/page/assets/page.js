"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const source = element("map-data");
  if (!source) return;
  const settings = JSON.parse(element("map-settings").textContent);
  const NAME = 0, KIND = 1, LINE = 2, FILES = 3, SIZES = 4, BELOW = 5;
  const METRICS = ["context", "image", "pull", "seconds"];
  // Colours that hold in light and dark; dark text is legible on each.
  const KINDS = {
    needed: "#7fb0e0", kept: "#e0ad4f", seen: "#7fb0e0", ignored: "#b9bdc4", derived: "#c5a3d9", none: "#dddddd",
    grown: "#e59283", shrunk: "#86c79f", live: "#7fb0e0", wasted: "#e59283", base: "#b9bdc4", "": "#cccccc",
  };
  const WHEEL = ["#7fb0e0", "#e0ad4f", "#86c79f", "#e59283", "#c5a3d9", "#7cc4c4", "#d9a3b8", "#b3bf6b", "#a9a6e0",
    "#c9a98a"];
  const OTHER = "#b9bdc4";
  const MOST_DRAWN = 6000;

  const root = { name: "", node: JSON.parse(source.textContent), up: null };
  const state = { at: root, area: settings.metrics[0][0], colour: "kind", filter: "" };

  const sizeOf = (node) => node[SIZES][METRICS.indexOf(state.area)] || 0;
  const pathOf = (item) => (item.up && item.up.up ? pathOf(item.up) + "/" : "") + item.name;
  const shownPath = (item) => item.up ? pathOf(item) : "all";

  function below(item) {
    if (!item.below) {
      item.below = (item.node[BELOW] || []).map((node) => ({
        name: node[NAME] || "(others)", node, up: item, rest: !node[NAME],
      }));
    }
    return item.below;
  }

  // What is drawn of an item in this metric: nothing that has no size; a directory whose size is its own, not
  // that of what is in it, is one tile.
  function parts(item) {
    const found = below(item).filter((each) => sizeOf(each.node) > 0);
    const sum = found.reduce((all, each) => all + sizeOf(each.node), 0);
    if (found.length === 1 && found[0].rest) return [];
    return sum >= sizeOf(item.node) * 0.999 ? found : [];
  }

  // A directory with nothing but one directory in it is shown with it, as one.
  function collapsed(item) {
    let last = item;
    for (;;) {
      const found = parts(last);
      if (found.length !== 1 || !found[0].node[BELOW]) return last;
      last = found[0];
    }
  }

  function bytes(size) {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    for (let at = 0; ; at++) {
      const text = size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
      if (Number(text) < 1000 || at === units.length - 1) return String(Number(text)) + units[at];
      size /= 1000;
    }
  }
  const shown = (size) => state.area === "seconds" ? size.toFixed(2) + " s" : bytes(size);
  const share = (part, whole) => whole > 0 ? (100 * part / whole).toFixed(part / whole < 0.1 ? 1 : 0) + "%" : "";

  function extension(item) {
    if (/\.so(\.\d+)+$/.test(item.name)) return ".so";
    if (item.node[BELOW]) return "(others)";
    const found = item.rest ? null : /[^./](\.[^./]+)$/.exec(item.name);
    return item.rest ? "(others)" : found ? found[1].toLowerCase() : "(none)";
  }
  const groupOf = {
    kind: (item) => item.node[KIND],
    rule: (item) => item.node[LINE] ? String(item.node[LINE]) : item.node[KIND] === "ignored" ? "?" : "",
    extension,
  };
  const kindName = new Map(settings.kinds);
  const groupName = {
    kind: (group) => kindName.get(group) || group,
    rule: (group) => group === "" ? "not ignored" : settings.rules[group] || "several rules",
    extension: (group) => group,
  };
  let colours = new Map();

  function leaves(item, take) {
    const waiting = [item];
    while (waiting.length) {
      const next = waiting.pop();
      const found = parts(next);
      if (found.length) for (const each of found) waiting.push(each);
      else take(next);
    }
  }

  // Groups by size in the whole tree, so that colours stay when the view moves.
  function choose() {
    const sums = new Map();
    leaves(root, (leaf) => {
      const group = groupOf[state.colour](leaf);
      sums.set(group, (sums.get(group) || 0) + sizeOf(leaf.node));
    });
    const order = [...sums.keys()].sort((a, b) => sums.get(b) - sums.get(a));
    colours = new Map();
    let next = 0;
    for (const group of order) {
      if (state.colour === "kind") colours.set(group, KINDS[group] || OTHER);
      else if (group === "" || next >= WHEEL.length) colours.set(group, OTHER);
      else colours.set(group, WHEEL[next++]);
    }
  }

  const tiles = element("tiles");
  let buttons = [];

  function draw(focus) {
    choose();
    const width = tiles.clientWidth, height = tiles.clientHeight;
    const top = d3.hierarchy(state.at, (item) => { const found = parts(item); return found.length ? found : null; });
    top.eachAfter((each) => {
      each.value = each.children ? each.children.reduce((sum, child) => sum + child.value, 0) : sizeOf(each.data.node);
    });
    top.sort((a, b) => b.value - a.value);
    d3.treemap().size([width, height]).round(false)(top);
    const fragment = document.createDocumentFragment();
    const place = (what, each) => {
      what.style.left = each.x0 + "px";
      what.style.top = each.y0 + "px";
      what.style.width = each.x1 - each.x0 + "px";
      what.style.height = each.y1 - each.y0 + "px";
    };
    let matched = 0, count = 0, drawn = 0;
    const wanted = state.filter.toLowerCase();
    const groups = new Map();
    for (const leaf of top.leaves()) {
      const group = groupOf[state.colour](leaf.data);
      groups.set(group, (groups.get(group) || 0) + leaf.value);
      const match = !wanted || pathOf(leaf.data).toLowerCase().includes(wanted);
      if (match) { matched += leaf.value; count++; }
      if (drawn++ >= MOST_DRAWN) continue;
      const block = document.createElement("i");
      block.style.background = colours.get(group);
      if (!match) block.className = "dim";
      place(block, leaf);
      fragment.append(block);
    }
    buttons = [];
    for (const each of top.children || [top]) {
      const button = document.createElement("button");
      const last = collapsed(each.data);
      const name = last === each.data ? each.data.name : pathOf(last).slice(pathOf(each.data).length - each.data.name.length);
      const opens = each.children && each !== top;
      button.type = "button";
      button.tabIndex = -1;
      button.dataset.value = each.value;
      const text = `${name}${last.node[BELOW] ? "/" : ""} ${shown(each.value)}`;
      button.setAttribute("aria-label", `${text}, ${share(each.value, top.value)}, ${groupText(each)}`);
      if (each.x1 - each.x0 > 34 && each.y1 - each.y0 > 17) {
        const label = document.createElement("span");
        label.textContent = text;
        button.append(label);
      }
      if (opens) {
        button.className = "opens";
        button.addEventListener("click", () => go(last));
      }
      const tell = () => say(each, last, top.value);
      button.addEventListener("mouseenter", tell);
      button.addEventListener("focus", () => { rove(button); tell(); });
      place(button, each);
      buttons.push(button);
      fragment.append(button);
    }
    tiles.replaceChildren(fragment);
    if (buttons.length) {
      buttons[0].tabIndex = 0;
      if (focus) buttons[0].focus();
    }
    crumbs();
    legend(groups);
    const files = state.at.node[FILES];
    element("status").textContent = !top.value ? "Nothing here has a size in this measure." : wanted
      ? `${count} of ${top.leaves().length} tiles match “${state.filter}”: ${shown(matched)}, ${share(matched, top.value)}`
      : `${shownPath(state.at)}: ${shown(top.value)}, ${files} files`;
  }

  function groupText(each) {
    const sums = new Map();
    for (const leaf of each.leaves()) {
      const kind = leaf.data.node[KIND];
      sums.set(kind, (sums.get(kind) || 0) + leaf.value);
    }
    return [...sums].sort((a, b) => b[1] - a[1]).map(([kind]) => groupName.kind(kind)).join(" and ");
  }

  function say(each, last, whole) {
    const line = last.node[LINE];
    const rule = line ? `, rule ${settings.rules[line] || line}` : "";
    element("status").textContent =
      `${pathOf(last)}${last.node[BELOW] ? "/" : ""}: ${shown(each.value)}, ${share(each.value, whole)} of this view, `
      + `${last.node[FILES]} ${last.node[FILES] === 1 ? "file" : "files"}, ${groupText(each)}${rule}`;
  }

  function crumbs() {
    const trail = [];
    for (let item = state.at; item; item = item.up) trail.unshift(item);
    element("crumbs").replaceChildren(...trail.map((item) => {
      const entry = document.createElement("li");
      const name = item.up ? item.name : "all";
      if (item === state.at) {
        entry.textContent = name;
        entry.setAttribute("aria-current", "location");
      } else {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.addEventListener("click", () => go(item));
        entry.append(button);
      }
      return entry;
    }));
  }

  function legend(groups) {
    const order = [...groups].sort((a, b) => b[1] - a[1]);
    const named = order.filter(([group]) => colours.get(group) !== OTHER || state.colour === "kind").slice(0, 14);
    const rest = order.filter((each) => !named.includes(each)).reduce((sum, each) => sum + each[1], 0);
    const entry = (colour, text) => {
      const item = document.createElement("li");
      const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      mark.setAttribute("width", "12");
      mark.setAttribute("height", "12");
      mark.setAttribute("aria-hidden", "true");
      const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      square.setAttribute("width", "12");
      square.setAttribute("height", "12");
      square.setAttribute("fill", colour);
      mark.append(square);
      item.append(mark, text);
      return item;
    };
    const entries = named.map(([group, size]) => entry(colours.get(group), `${groupName[state.colour](group)} ${shown(size)}`));
    if (rest > 0) entries.push(entry(OTHER, `${state.colour === "rule" ? "not ignored, or by other rules" : "others"} ${shown(rest)}`));
    element("legend").replaceChildren(...entries);
  }

  function rove(button) {
    for (const each of buttons) each.tabIndex = each === button ? 0 : -1;
  }

  function go(item, focus = true) {
    state.at = item;
    remember();
    draw(focus);
  }
  const up = () => { if (state.at.up) go(state.at.up); };

  // The nearest tile in a direction, by the middles of the tiles.
  function step(from, dx, dy) {
    const box = from.getBoundingClientRect();
    let best = null, least = Infinity;
    for (const each of buttons) {
      const other = each.getBoundingClientRect();
      const x = other.x + other.width / 2 - box.x - box.width / 2;
      const y = other.y + other.height / 2 - box.y - box.height / 2;
      const ahead = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (each !== from && ahead > 0.5 && ahead + 2 * aside < least) { least = ahead + 2 * aside; best = each; }
    }
    if (best) best.focus();
  }
  tiles.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const at = buttons.indexOf(document.activeElement);
    if (moves[event.key] && at >= 0) step(buttons[at], ...moves[event.key]);
    else if (event.key === "Home" && buttons.length) buttons[0].focus();
    else if (event.key === "End" && buttons.length) buttons[buttons.length - 1].focus();
    else if (event.key === "Backspace" || event.key === "Escape") up();
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName || "");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      element("filter").focus();
      event.preventDefault();
    }
  });

  // A view has an address.
  function remember() {
    const said = new URLSearchParams({ at: state.at.up ? pathOf(state.at) : "", area: state.area, colour: state.colour });
    if (state.filter) said.set("filter", state.filter);
    const address = "#" + said;
    if (location.hash !== address) history.pushState(null, "", address);
  }
  function recall() {
    const said = new URLSearchParams(location.hash.slice(1));
    if (settings.metrics.some(([metric]) => metric === said.get("area"))) state.area = said.get("area");
    if (Object.hasOwn(groupOf, said.get("colour") || "")) state.colour = said.get("colour");
    state.filter = said.get("filter") || "";
    state.at = root;
    for (let left = said.get("at") || ""; left; ) {
      const next = below(state.at).find((each) => each.node[BELOW] && (left === each.name || left.startsWith(each.name + "/")));
      if (!next) break;
      state.at = next;
      left = left.slice(next.name.length + 1);
    }
    element("area").value = state.area;
    element("colour").value = state.colour;
    element("filter").value = state.filter;
    draw(false);
  }

  const options = (id, all) => element(id).replaceChildren(...all.map(([value, text]) => new Option(text, value)));
  options("area", settings.metrics);
  options("colour", [["kind", "what becomes of it"], ...(Object.keys(settings.rules).length ? [["rule", "rule"]] : []),
    ["extension", "extension"]]);
  for (const name of ["area", "colour"]) {
    element(name).addEventListener("change", (event) => { state[name] = event.target.value; remember(); draw(false); });
  }
  element("filter").addEventListener("input", (event) => { state.filter = event.target.value; remember(); draw(false); });
  window.addEventListener("popstate", recall);
  let waiting = 0;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => draw(false), 100); });
  element("map").hidden = false;
  element("no-map").hidden = true;
  recall();
  document.documentElement.dataset.ready = "yes";
})();
