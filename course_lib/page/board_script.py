"""What a `board` does in the browser: an SVG over an image, whose items follow mouse, finger and keys.

One module for anywidget, without a build and without the network. It holds the state that is dragged and sends
it once a frame; ipywidgets merges what is sent while the kernel is busy, so the newest values win. What Python
answers (text, shapes, a figure) is drawn when it comes.
"""

from course_lib.page.board_drawing import DRAWING
from course_lib.page.board_moves import MOVES

SCRIPT = (
    DRAWING
    + MOVES
    + r"""
const DRAW = { box: drawBox, point: drawPoint, stroke: drawStroke };
const MOVE = { box: movedBox, point: movedPoint };

function render({ model, el }) {
  const scene = model.get("_scene");
  const { width, height, grid, step } = scene;
  const scale = scene.shown[0] / width;
  let { values, clicked } = structuredClone(model.get("_state"));
  let frame = 0, drag = null;
  const pens = {};

  // JupyterLab's shortcuts are looked for by a listener above us, which spares what is marked so.
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const root = blank(el, "div", "board");
  const bar = blank(root, "div", "board-bar");
  const both = blank(root, "div", "board-both");
  const left = blank(both, "div", "board-left");
  const svg = add(left, "svg", { class: "board-stage", role: "group", "aria-label": scene.alt });
  const text = blank(left, "div", "board-text", { role: "status" });
  const error = blank(left, "div", "board-error", { role: "alert" });
  const figure = blank(both, "img", "board-figure");
  for (const [name, preset] of [...Object.entries(scene.presets), [scene.words.reset, null]]) {
    const button = blank(bar, "button", "board-button", { type: "button" });
    button.textContent = name;
    button.onclick = () => {
      values = { ...values, ...structuredClone(preset ?? scene.start) };
      if (!preset) clicked = [];
      changed();
    };
  }
  blank(bar, "span", "board-hint").textContent = scene.hint;

  drawGround(svg, scene, scale);
  const areas = add(svg, "g");
  const nodes = {};
  for (const item of scene.items) {
    nodes[item.name] = add(svg, "g", {
      class: `board-item ${item.fixed ? "fixed" : ""}`, tabindex: 0, role: "button",
      "aria-roledescription": scene.words[item.kind], "data-item": item.name,
    });
    pens[item.name] = { at: [width / 2, height / 2], down: false };
  }
  const marks = add(svg, "g", { class: "board-marks", "aria-hidden": "true" });
  const names = add(svg, "g", { "aria-hidden": "true" });

  function draw() {
    const { shapes = [] } = model.get("_answer");
    const taken = [];
    for (const layer of [areas, marks, names]) layer.replaceChildren();
    for (const item of scene.items) {
      const node = nodes[item.name], value = values[item.name];
      node.replaceChildren();
      node.classList.toggle("selected", item.name === clicked.at(-1));
      node.setAttribute("aria-pressed", item.name === clicked.at(-1));
      const numbers = item.kind === "stroke" ? value.length : value.map((v) => +v.toFixed(1)).join(", ");
      node.setAttribute("aria-label", `${item.label}: ${numbers}`);
      DRAW[item.kind](node, item, value, scale, pens[item.name].at);
    }
    // Names lie over all lines, and step aside for each other.
    for (const item of scene.items) {
      if (item.kind !== "stroke") chip(names, values[item.name], item, scale, scene.shown, taken);
    }
    for (const shape of shapes) {
      drawShape(shape.kind === "area" ? areas : marks, shape, scale, scene.shown, taken);
    }
  }

  function answer() {
    const { html = "", error: wrong = "", figure: png = "", figure_width: wide = 0 } = model.get("_answer");
    if (text.innerHTML !== html) text.innerHTML = html;
    text.hidden = !html;
    error.textContent = wrong;
    error.hidden = !wrong;
    figure.hidden = !png;
    figure.classList.toggle("old", Boolean(wrong));
    if (png && !figure.src.endsWith(png)) figure.src = "data:image/png;base64," + png;
    figure.style.width = wide + "px";
    figure.alt = scene.words.figure;
    draw();
  }

  function changed() {
    frame ||= requestAnimationFrame(() => {
      draw();
      model.set("_state", structuredClone({ values, clicked }));
      model.save_changes();
      frame = 0;
    });
  }

  function told() {
    if (drag || frame) return;
    ({ values, clicked } = structuredClone(model.get("_state")));
    draw();
  }

  // ---- mouse and finger ------------------------------------------------------------------------
  function place(event) {
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [p.x / scale, p.y / scale];
  }

  function grasp(at, target) {
    const named = target.closest(".board-chip")?.dataset.item;
    const item = scene.items.find((item) => item.name === named);
    if (item) return { item, part: "whole" };
    const reach = 14 / svg.getScreenCTM().a / scale;
    const focused = document.activeElement.closest(".board-item")?.dataset.item;
    return gripAt(at, scene.items, values, reach, focused);
  }

  const inside = ([x, y]) => [clamp(rounded(x, grid / 10), 0, width), clamp(rounded(y, grid / 10), 0, height)];

  svg.addEventListener("mousedown", (event) => event.preventDefault());
  svg.addEventListener("pointerdown", (event) => {
    if (event.button || drag) return;
    const from = place(event), grip = grasp(from, event.target);
    svg.setPointerCapture(event.pointerId);
    drag = { grip, from, was: grip && values[grip.item.name], clicked: true };
    nodes[grip?.item.name]?.focus({ preventScroll: true });
    if (grip?.part === "pen") {
      values[grip.item.name] = [...drag.was, [inside(from)]];
      drag.clicked = false;
      changed();
    }
  });
  svg.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (!drag) {
      const grip = grasp(at, event.target);
      svg.style.cursor = cursor(grip);
      for (const name in nodes) nodes[name].classList.toggle("hot", name === grip?.item.name);
      return;
    }
    const { grip, from, was } = drag;
    const [dx, dy] = [at[0] - from[0], at[1] - from[1]];
    if (drag.clicked && Math.hypot(dx, dy) * scale < 3) return;
    drag.clicked = false;
    if (!grip || grip.item.fixed) return;
    const { name } = grip.item;
    if (grip.part === "pen") {
      const line = values[name].at(-1), last = line.at(-1);
      if (Math.hypot(at[0] - last[0], at[1] - last[1]) * scale < 2) return;
      values[name] = [...values[name].slice(0, -1), [...line, inside(at)]];
    } else {
      const whole = grip.part === "whole";
      values[name] = whole ? MOVE[grip.item.kind](was, dx, dy, grid / 10, scene)
        : resized(was, grip.part, dx, dy, grid / 10, scene);
      svg.style.cursor = whole ? "grabbing" : svg.style.cursor;
    }
    changed();
  });
  svg.addEventListener("pointerup", () => {
    if (drag?.clicked && drag.grip) click(drag.grip.item.name);
    drag = null;
  });
  svg.addEventListener("pointercancel", () => { drag = null; });

  function click(name) {
    clicked = [...clicked, name];
    changed();
  }

  // Back to the notebook, whose commands work again.
  function leave() {
    document.activeElement.blur();
    el.closest(".jp-Cell")?.focus({ preventScroll: true });
  }

  // A click beside a cell's code moves no focus in JupyterLab: the board would keep the keys.
  function elsewhere(event) {
    if (!el.contains(event.target) && el.contains(document.activeElement)) leave();
  }

  // ---- keys ------------------------------------------------------------------------------------
  el.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const { key } = event;
    if (event.ctrlKey || event.metaKey || key.startsWith("Page")) {
      // Saving and turning slides stay JupyterLab's: said again from outside of the board.
      if (!el.parentElement.dispatchEvent(new KeyboardEvent("keydown", event))) event.preventDefault();
      return;
    }
    if (key === "Escape") leave();
    const name = event.target.closest(".board-item")?.dataset.item;
    const item = scene.items.find((item) => item.name === name);
    if (item && pressed(item, event)) event.preventDefault();
  }, true);

  // True where the key means something to the item.
  function pressed(item, { key, shiftKey, altKey }) {
    const d = shiftKey ? grid : step, was = values[item.name], pen = pens[item.name];
    const arrow = { ArrowLeft: [-d, 0], ArrowRight: [d, 0], ArrowUp: [0, -d], ArrowDown: [0, d] }[key];
    const size = { "+": d, "=": d, "-": -d, "_": -d }[key];
    if (key === "Enter" || (key === " " && item.kind !== "stroke")) {
      click(item.name);
    } else if (item.fixed) {
      return Boolean(arrow);
    } else if (item.kind === "stroke") {
      if (key === " ") {
        pen.down = !pen.down;
        if (pen.down) values[item.name] = [...was, [pen.at]];
      } else if (key === "Backspace" || key === "Delete") {
        values[item.name] = was.slice(0, -1);
        pen.down = false;
      } else if (arrow) {
        pen.at = inside([pen.at[0] + arrow[0], pen.at[1] + arrow[1]]);
        if (pen.down) values[item.name] = [...was.slice(0, -1), [...was.at(-1), pen.at]];
      } else return false;
    } else if (arrow && altKey && item.kind === "box") {
      values[item.name] = resized(was, [2, 3], ...arrow, grid, scene);
    } else if (arrow) {
      values[item.name] = MOVE[item.kind](was, ...arrow, grid, scene);
    } else if (size && item.kind === "box") {
      const half = resized(was, [0, 1], -size, -size, grid, scene);
      values[item.name] = resized(half, [2, 3], size, size, grid, scene);
    } else return false;
    changed();
    return true;
  }

  document.addEventListener("pointerdown", elsewhere, true);
  model.on("change:_state", told);
  model.on("change:_answer", answer);
  answer();
  return () => {
    cancelAnimationFrame(frame);
    document.removeEventListener("pointerdown", elsewhere, true);
    model.off("change:_state", told);
    model.off("change:_answer", answer);
  };
}

export default { render };
"""
)
