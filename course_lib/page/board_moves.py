"""Where a `board`'s items go, as its script computes it: moved, resized, kept on the board; and what is taken hold of.

Plain functions of plain values, before the script that calls them.
"""

MOVES = r"""
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const rounded = (value, to = 1e-6) => +(Math.round(value / to) * to).toFixed(6);

// A point or box, moved by (dx, dy), its corner on a multiple of `to`.
function moved([x1, y1, x2 = x1, y2 = y1], dx, dy, to, { width, height }) {
  const [w, h] = [rounded(x2 - x1), rounded(y2 - y1)];
  const x = clamp(rounded(x1 + dx, to), 0, rounded(width - w));
  const y = clamp(rounded(y1 + dy, to), 0, rounded(height - h));
  return [x, y, w, h];
}

const movedPoint = (was, ...how) => moved(was, ...how).slice(0, 2);
function movedBox(was, ...how) {
  const [x, y, w, h] = moved(was, ...how);
  return [x, y, rounded(x + w), rounded(y + h)];
}

// A box, one corner [i, j] of it moved; it stays as large as `grid`.
function resized(was, [i, j], dx, dy, to, { width, height, grid }) {
  const now = [...was];
  const xs = i === 2 ? [was[0] + grid, width] : [0, was[2] - grid];
  const ys = j === 3 ? [was[1] + grid, height] : [0, was[3] - grid];
  if (dx) now[i] = clamp(rounded(was[i] + dx, to), ...xs);
  if (dy) now[j] = clamp(rounded(was[j] + dy, to), ...ys);
  return now.map((v) => rounded(v));
}

// The nearest corner or point in reach; else, of the boxes around, the smallest that can be moved, then the smallest,
// so that no box hides another; else the pen.
function gripAt([x, y], items, values, reach, focused) {
  const near = [], around = [];
  for (const item of items) {
    const v = values[item.name];
    // Where two corners coincide, that of the focused item is meant.
    const corner = (part, [a, b], least) => {
      const far = Math.hypot(a - x, b - y);
      if (far <= least) near.push({ item, part, far: item.name === focused ? far / 2 : far });
    };
    if (item.kind === "point") corner("whole", v, reach);
    if (item.kind !== "box") continue;
    const within = (rim) => v[0] - rim <= x && x <= v[2] + rim && v[1] - rim <= y && y <= v[3] + rim;
    // A small box keeps a middle to be moved by.
    const least = within(0) ? Math.min(reach, (v[2] - v[0]) / 3, (v[3] - v[1]) / 3) : reach;
    for (const part of item.fixed ? [] : CORNERS) corner(part, part.map((at) => v[at]), least);
    if (within(reach / 2)) around.push({ item, part: "whole", far: (v[2] - v[0]) * (v[3] - v[1]) });
  }
  const first = (grips) => grips.sort((a, b) => a.item.fixed - b.item.fixed || a.far - b.far)[0];
  const stroke = items.find((item) => item.kind === "stroke");
  return first(near) ?? first(around) ?? (stroke ? { item: stroke, part: "pen" } : null);
}

function cursor(grip) {
  if (!grip) return "default";
  if (grip.part === "pen") return "crosshair";
  if (grip.item.fixed) return "pointer";
  if (grip.part === "whole") return "grab";
  return (grip.part[0] === 2) === (grip.part[1] === 3) ? "nwse-resize" : "nesw-resize";
}
"""
