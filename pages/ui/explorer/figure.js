// One panel: axes, grid, lines, and what is pointed at. Plain SVG, so that a moving knob changes nothing but paths.

const SVG = "http://www.w3.org/2000/svg";
const INSET = { left: 46, right: 10, top: 40, bottom: 34 };
const DECADES = 6;

function shape(parent, kind, attributes = {}, text = "") {
  const node = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  parent.append(node);
  return node;
}

function ticksOf(low, high, wanted) {
  const raw = (high - low) / wanted;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * unit >= raw) * unit;
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks;
}

function spoken(number) {
  if (number === 0 || !Number.isFinite(number)) return String(number === 0 ? 0 : number);
  const size = Math.abs(number);
  const text = size >= 1e5 || size < 1e-3 ? number.toExponential(2) : String(Number(number.toPrecision(3)));
  return text.replace(/(?<!e)-/, "−").replace("e+", "e");
}

class Panel {
  constructor(parent, measure, y) {
    Object.assign(this, { measure, y, width: 400, height: 250 });
    this.svg = shape(parent, "svg", { class: "panel", tabindex: 0, role: "img" });
    this.backdrop = shape(this.svg, "rect", { class: "paper", x: 0, y: 0 });
    this.title = shape(this.svg, "text", { class: "title", x: 2, y: 14 });
    this.subtitle = shape(this.svg, "text", { class: "subtitle", x: 2, y: 30 });
    this.axes = shape(this.svg, "g", { class: "axes" });
    this.paths = shape(this.svg, "g", { class: "paths", fill: "none" });
    this.cursor = shape(this.svg, "g", { class: "cursor", visibility: "hidden" });
  }

  describe(title, subtitle, alternative) {
    this.title.textContent = title;
    this.subtitle.textContent = subtitle;
    this.svg.setAttribute("aria-label", alternative);
  }

  resize(width, height) {
    if (width === this.width && height === this.height && this.sized) return;
    Object.assign(this, { width, height, sized: true, drawnAxes: "" });
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    this.backdrop.setAttribute("width", width);
    this.backdrop.setAttribute("height", height);
  }

  x(value) {
    const [low, high] = this.xDomain;
    return INSET.left + ((value - low) / (high - low)) * (this.width - INSET.left - INSET.right);
  }

  yAt(height) {
    const [low, high] = this.yDomain;
    const inner = this.height - INSET.top - INSET.bottom;
    if (this.log) {
      const size = Math.abs(height);
      const at = size > 0 ? Math.log10(size) : -Infinity;
      return INSET.top + inner * (1 - Math.max(-0.02, (at - low) / (high - low)));
    }
    return INSET.top + inner * (1 - (height - low) / (high - low));
  }

  domainOf(curves, log) {
    let low = 0;
    let high = 0;
    for (const { heights } of curves) {
      for (const h of heights) {
        if (!Number.isFinite(h)) continue;
        if (h < low) low = h;
        if (h > high) high = h;
      }
    }
    if (log) {
      const top = Math.max(-low, high) || 1;
      const ceiling = Math.ceil(Math.log10(top) - 1e-9);
      return [ceiling - DECADES, ceiling];
    }
    if (low === high) high = 1;
    const ticks = ticksOf(low, high, 5);
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
    const snap = (v, up) => (up ? Math.ceil(v / step - 1e-6) : Math.floor(v / step + 1e-6)) * step;
    return [snap(low, false), snap(high, true)];
  }

  draw(curves, { xDomain, xTitle, log }) {
    this.curves = curves;
    this.log = log;
    this.xDomain = xDomain;
    this.yDomain = this.domainOf(curves, log);
    const axes = JSON.stringify([xDomain, this.yDomain, log, xTitle]);
    if (axes !== this.drawnAxes) this.drawAxes(xTitle);
    this.drawnAxes = axes;
    while (this.paths.children.length > curves.length) this.paths.lastChild.remove();
    while (this.paths.children.length < curves.length) shape(this.paths, "path");
    curves.forEach((curve, i) => {
      const path = this.paths.children[i];
      path.setAttribute("d", this.outline(curve));
      const style = `${curve.colour}|${curve.dash}|${curves.length}`;
      if (path.dataset.style !== style) {
        path.dataset.style = style;
        path.setAttribute("stroke", curve.colour);
        path.setAttribute("stroke-dasharray", curve.dash.join(" ") === "1 0" ? "none" : curve.dash.join(" "));
        path.setAttribute("stroke-width", (2 + (1.4 * (curves.length - i)) / curves.length).toFixed(2));
        path.setAttribute("stroke-linejoin", "round");
      }
    });
  }

  outline({ x, heights }) {
    let path = "";
    let pen = "M";
    const floor = this.log ? 10 ** this.yDomain[0] : 0;
    const seen = (h) => Number.isFinite(h) && (!this.log || Math.abs(h) >= floor);
    for (let i = 0; i < x.length; i++) {
      const here = seen(heights[i]);
      // on a log axis a line ends where it leaves the picture, with one last stroke to the edge
      const leaving = !here && this.log && (seen(heights[i - 1]) || seen(heights[i + 1]));
      if (here || leaving) path += pen + this.x(x[i]).toFixed(1) + " " + this.yAt(heights[i]).toFixed(1);
      pen = here || (leaving && seen(heights[i + 1])) ? "L" : "M";
    }
    return path || "M0 0";
  }

  drawAxes(xTitle) {
    this.axes.replaceChildren();
    const right = this.width - INSET.right;
    const bottom = this.height - INSET.bottom;
    const [low, high] = this.yDomain;
    const levels = this.log ? Array.from({ length: high - low + 1 }, (_, k) => low + k) : ticksOf(low, high, 5);
    for (const level of levels) {
      const at = this.log ? this.yAt(10 ** level) : this.yAt(level);
      const zero = !this.log && Math.abs(level) < 1e-9;
      shape(this.axes, "line", { class: zero ? "zero" : "grid", x1: INSET.left, x2: right, y1: at, y2: at });
      const label = this.log ? (level >= -2 && level <= 3 ? spoken(10 ** level) : `1e${level}`) : spoken(level);
      shape(this.axes, "text", { class: "tick", x: INSET.left - 6, y: at + 4, "text-anchor": "end" }, label);
    }
    for (const mark of ticksOf(...this.xDomain, this.width > 300 ? 8 : 4)) {
      const at = this.x(mark);
      const zero = Math.abs(mark) < 1e-9 && this.xDomain[0] < 0;
      shape(this.axes, "line", { class: zero ? "zero" : "grid", x1: at, x2: at, y1: INSET.top, y2: bottom });
      shape(this.axes, "text", { class: "tick", x: at, y: bottom + 15, "text-anchor": "middle" }, spoken(mark));
    }
    const middle = (INSET.left + right) / 2;
    shape(this.axes, "text", { class: "tick", x: middle, y: bottom + 30, "text-anchor": "middle" }, xTitle);
  }

  point(index) {
    this.cursor.replaceChildren();
    this.cursor.setAttribute("visibility", index === null ? "hidden" : "visible");
    if (index === null || !this.curves?.length) return;
    const at = this.x(this.curves[0].x[index]);
    shape(this.cursor, "line", { x1: at, x2: at, y1: INSET.top, y2: this.height - INSET.bottom });
    for (const { x, heights, colour } of this.curves) {
      if (!Number.isFinite(heights[index]) || (this.log && heights[index] === 0)) continue;
      shape(this.cursor, "circle", { cx: this.x(x[index]), cy: this.yAt(heights[index]), r: 4, fill: colour });
    }
  }

  indexAt(clientX) {
    const box = this.svg.getBoundingClientRect();
    const px = ((clientX - box.left) / box.width) * this.width;
    const along = (px - INSET.left) / (this.width - INSET.left - INSET.right);
    return Math.round(Math.min(1, Math.max(0, along)) * (POINTS - 1));
  }
}
