"""How a `board` looks in the browser: what draws its items and shapes as SVG, and its style sheet.

What can be moved is solid, with a filled name; what Python answers is dashed, with an outlined one. Every line has
a white rim, so that it is seen on any image.
"""

DRAWING = r"""
const NS = "http://www.w3.org/2000/svg";
const ruler = document.createElement("canvas").getContext("2d");
const CORNERS = [[0, 1], [2, 1], [0, 3], [2, 3]];
const FONT = '600 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

function add(parent, tag, attributes = {}, words = "") {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words) node.textContent = words;
  parent.append(node);
  return node;
}

function blank(parent, tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

// A line with a white rim under it.
function rimmed(parent, tag, attributes, colour, wide = 2.5) {
  const look = { ...attributes, fill: "none", "stroke-linejoin": "round", "stroke-linecap": "round" };
  const rim = { "stroke-width": wide + 2.5, "stroke-opacity": 0.85, "stroke-dasharray": "none" };
  add(parent, tag, { ...look, ...rim, stroke: "#fff" });
  add(parent, tag, { ...look, stroke: colour, "stroke-width": wide });
}

const rect = ([x1, y1, x2, y2], scale, out = 0) => ({
  x: x1 * scale - out, y: y1 * scale - out, width: (x2 - x1) * scale + 2 * out, height: (y2 - y1) * scale + 2 * out,
});

function drawBox(node, item, value, scale) {
  add(node, "rect", { ...rect(value, scale), fill: item.colour, class: "board-fill" });
  rimmed(node, "rect", rect(value, scale), item.colour);
  add(node, "rect", { ...rect(value, scale, 7), rx: 4, class: "board-ring" });
  if (item.fixed) return;
  for (const [i, j] of CORNERS) {
    const look = { r: 5.5, fill: "#fff", stroke: item.colour, "stroke-width": 2.5 };
    add(node, "circle", { cx: value[i] * scale, cy: value[j] * scale, ...look });
  }
}

function drawPoint(node, item, [x, y], scale) {
  const at = { cx: x * scale, cy: y * scale };
  add(node, "circle", { ...at, r: 15, class: "board-ring" });
  add(node, "circle", { ...at, r: 8, fill: item.colour, class: "board-dot" });
}

function drawStroke(node, item, lines, scale, pen) {
  for (const line of lines) {
    const points = line.map(([x, y]) => `${x * scale},${y * scale}`);
    // A line of one point is a dot.
    rimmed(node, "polyline", { points: [...points, points.at(-1)].join(" ") }, item.colour, 5);
  }
  const [x, y] = [pen[0] * scale, pen[1] * scale];
  add(node, "path", { d: `M${x - 11} ${y}H${x + 11}M${x} ${y - 11}V${y + 11}`, class: "board-ring" });
}

// A name at the first corner of its box that is inside and free; below or beside a point.
function chip(layer, value, item, scale, [wide, high], taken, derived = false) {
  if (!item.label) return;
  ruler.font = FONT;
  const [w, h] = [ruler.measureText(item.label).width + 12, 20];
  const [x1, y1, x2, y2] = [...value, ...value].slice(0, 4).map((v) => v * scale);
  const gap = derived || item.fixed ? 1.25 : 8;
  const places = value.length === 2
    ? [[x1 + 13, y1 - h / 2], [x1 - 13 - w, y1 - h / 2], [x1 - w / 2, y1 + 13], [x1 - w / 2, y1 - 13 - h]]
    : [[x1 - 1.25, y1 - h - gap], [x2 - w + 1.25, y1 - h - gap], [x1 - 1.25, y2 + gap], [x2 - w + 1.25, y2 + gap],
       [x1 + gap, y1 + gap], [x2 - w - gap, y2 - h - gap], [x2 - w - gap, y1 + gap], [x1 + gap, y2 - h - gap]];
  const clear = ([x, y]) => x >= 0 && y >= 0 && x + w <= wide && y + h <= high
    && !taken.some(([a, b, c, d]) => x < a + c && a < x + w && y < b + d && b < y + h);
  const [x, y] = places.find(clear) ?? places[0];
  taken.push([x, y, w, h]);
  const group = add(layer, "g", { class: "board-chip", "data-item": item.name ?? "" });
  const [paper, rim] = derived ? ["#fff", item.colour] : [item.colour, "#fff"];
  add(group, "rect", { x, y, width: w, height: h, rx: 4, fill: paper, stroke: rim, "stroke-width": 1.25 });
  add(group, "text", { x: x + w / 2, y: y + 14.5, "text-anchor": "middle", fill: ink(paper) }, item.label);
}

// Black on light colours, white on dark ones.
function ink(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.length === 4 ? "ff" : hex.slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b > 150 ? "#111" : "#fff";
}

function drawShape(layer, { kind, at, colour, label }, scale, shown, taken) {
  if (kind === "area") {
    add(layer, "rect", { ...rect(at, scale), fill: colour, "fill-opacity": 0.42 });
  } else if (kind === "box") {
    rimmed(layer, "rect", { ...rect(at, scale), "stroke-dasharray": "7 5" }, colour, 2);
    chip(layer, at, { label, colour }, scale, shown, taken, true);
  } else if (kind === "text") {
    add(layer, "text", { x: at[0] * scale, y: at[1] * scale, fill: colour, class: "board-words" }, label);
  } else {
    drawArrow(layer, at.map((v) => v * scale), colour);
    const middle = [(at[0] + at[2]) / 2, (at[1] + at[3]) / 2];
    chip(layer, middle, { label, colour }, scale, shown, taken, true);
  }
}

function drawArrow(layer, [x1, y1, x2, y2], colour) {
  const far = Math.hypot(x2 - x1, y2 - y1);
  add(layer, "circle", { cx: x1, cy: y1, r: 4, fill: colour, stroke: "#fff", "stroke-width": 1.5 });
  if (far < 1) return;
  const [u, v] = [(x2 - x1) / far, (y2 - y1) / far];
  const head = Math.min(13, far), half = head * 0.45;
  const [bx, by] = [x2 - u * head, y2 - v * head];
  rimmed(layer, "line", { x1, y1, x2: bx, y2: by }, colour);
  const points = `${x2},${y2} ${bx - v * half},${by + u * half} ${bx + v * half},${by - u * half}`;
  add(layer, "polygon", { points, fill: colour, class: "board-head" });
}

// An image, or paper with a grid and its numbers.
function drawGround(svg, { width, height, shown: [wide, high], image, image_width: pixels, ticks }, scale) {
  const [left, top, right, bottom] = image ? [1, 1, 1, 1] : [36, 10, 16, 26];
  svg.setAttribute("viewBox", `${-left} ${-top} ${wide + left + right} ${high + top + bottom}`);
  svg.style.width = `${wide + left + right}px`;
  if (image) {
    const crisp = wide / pixels >= 2 ? "pixelated" : "auto";
    const style = `image-rendering: ${crisp}`;
    add(svg, "image", { href: image, width: wide, height: high, preserveAspectRatio: "none", style });
    return;
  }
  add(svg, "rect", { width: wide, height: high, class: "board-paper" });
  const mark = (text, at) => add(svg, "text", { ...at, class: "board-tick" }, String(+text.toFixed(6)));
  for (let v = 0; v <= width * 1.0001; v += ticks) {
    add(svg, "line", { x1: v * scale, x2: v * scale, y1: 0, y2: high, class: "board-grid" });
    mark(v, { x: v * scale, y: high + 18, "text-anchor": "middle" });
  }
  for (let v = 0; v <= height * 1.0001; v += ticks) {
    add(svg, "line", { y1: v * scale, y2: v * scale, x1: 0, x2: wide, class: "board-grid" });
    mark(v, { x: -9, y: v * scale + 4, "text-anchor": "end" });
  }
}
"""

STYLE = """
.board { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  color: var(--jp-content-font-color1, #1f2328); padding: 4px 2px 8px; }
.board [hidden] { display: none; }
.board-bar { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-bottom: 10px; }
.board .board-button { font: inherit; font-weight: 500; color: #1f2328; background: #fff; cursor: pointer;
  border: 1px solid #c9d1d9; border-radius: 999px; padding: 3px 14px; }
.board .board-button:hover { background: #eef5fa; border-color: #0072b2; color: #0072b2; }
.board .board-button:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
.board .board-hint { font-size: 12.5px; color: var(--jp-content-font-color2, #59636e); margin-left: 4px; }
.board-both { display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: flex-start; }
.board-left { flex: 0 1 auto; min-width: 0; max-width: 100%; }
.board-stage { display: block; max-width: 100%; height: auto; touch-action: none; user-select: none;
  -webkit-user-select: none; background: #fff; border-radius: 6px; }
.board-paper { fill: #fff; stroke: #d0d7de; }
.board-grid { stroke: #e4e4e4; }
.board-tick { font-size: 12px; fill: #59636e; font-variant-numeric: tabular-nums; }
.board-item { outline: none; }
.board-fill { fill-opacity: .1; }
.board-item.hot .board-fill { fill-opacity: .18; }
.board-item.selected .board-fill { fill-opacity: .36; }
.board-dot { stroke: #fff; stroke-width: 2.5; }
.board-item.selected .board-dot { stroke: #111; }
.board-head { stroke: #fff; paint-order: stroke; }
.board-ring { display: none; fill: none; stroke: #111; stroke-width: 2.5; pointer-events: none;
  stroke-dasharray: 3 3; paint-order: stroke; filter: drop-shadow(0 0 1.5px #fff) drop-shadow(0 0 1.5px #fff); }
.board-item:focus-visible .board-ring { display: inline; }
.board-chip text { font: 600 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.board-words { text-anchor: middle; dominant-baseline: central; font-weight: 700; font-size: 16px;
  paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round; }
.board-marks { pointer-events: none; }
.board-text, .board-error { width: 0; min-width: 100%; box-sizing: border-box; margin-top: 10px; padding: 8px 12px;
  white-space: pre-wrap; border-radius: 6px; border-left: 4px solid #0072b2; }
.board-text { font-size: 16px; font-variant-numeric: tabular-nums; background: var(--jp-layout-color2, #f3f5f7); }
.board-text sub, .board-text sup { font-size: .72em; line-height: 0; }
.board-error { border-color: #d55e00; color: #b34a00; background: #fdf3ec; }
.board-figure { max-width: 100%; height: auto; }
.board-figure.old { opacity: .3; }
"""
