// The explorer: what the server sends is drawn, what the user moves is redrawn at once and told on release.

const SHOWN = {
  both: { label: "value and gradient", measures: ["value", "gradient"] },
  value: { label: "value", measures: ["value"] },
  gradient: { label: "gradient", measures: ["gradient"] },
  share: { label: "gradient share", measures: ["share"] },
};
const TITLES = {
  value: { 1: ["Loss where y = 1", "the class is there"], 0: ["Loss where y = 0", "the class is not there"] },
  gradient: { 1: ["Gradient where y = 1", "below 0: pulls up"], 0: ["Gradient where y = 0", "above 0: pushes down"] },
  share: {
    1: ["Share of the force where y = 1", "% of all |gradient| in the picture, per unit"],
    0: ["Share of the force where y = 0", "% of all |gradient| in the picture, per unit"],
  },
};
const NOTCHES = 400;
const X_TITLES = { logit: "logit z of the class", probability: "predicted probability p" };
const BAR = [
  ["axis", "Over", [["logit", "logit"], ["probability", "probability"]]],
  ["show", "Show", Object.entries(SHOWN).map(([name, { label }]) => [name, label])],
  ["targets", "Target", [["both", "both"], ["1", "y = 1"], ["0", "y = 0"]]],
  ["scale", "Height", [["linear", "linear"], ["log", "log"], ["even", "equal"]]],
];
const HINTS = {
  scale: "log: six decades, of the size without its sign. equal: each loss is divided by its own largest, to compare shapes.",
  show: "gradient share: how each loss spreads its whole force over the picture; constant factors drop out.",
};

function roving(group) {
  // arrow keys go from one button of a group to the next, and choose it
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const buttons = [...group.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
}

class Explorer {
  constructor(root) {
    this.root = element(null, "div", { class: "explorer" });
    root.append(this.root);
    this.bar = element(this.root, "div", { class: "bar", role: "toolbar", "aria-label": "Axes" });
    const body = element(this.root, "div", { class: "body" });
    const charts = element(body, "div", { class: "charts" });
    this.legend = element(charts, "div", { class: "legend" });
    this.grid = element(charts, "div", { class: "panels" });
    this.saves = element(charts, "div", { class: "actions" });
    this.side = element(body, "div", { class: "side" });
    this.tip = element(this.root, "div", { class: "tip", hidden: true });
    this.live = element(this.root, "div", { class: "aside", "aria-live": "polite" });
    this.panels = [];
    this.cells = [];
    this.sent = -1;
    this.dirty = new Set();
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.grid);
    this.hold();
    this.drawSaves();
  }

  hold() {
    // while the pointer is down nothing is rebuilt: a slider would be lost, and a click needs the button it began on;
    // what comes in meanwhile waits, and mostly is outdated by the release
    this.root.addEventListener("pointerdown", () => (this.held = true), true);
    for (const kind of ["pointerup", "pointercancel"]) {
      window.addEventListener(kind, () => {
        if (!this.held) return;
        setTimeout(() => {
          this.held = false;
          const waiting = this.waiting;
          this.waiting = null;
          if (waiting) this.update(waiting);
        });
      });
    }
  }

  update(component) {
    const { data, setStateValue } = component;
    this.tell = setStateValue;
    if (data.version < this.sent) return; // an answer to a question that has been asked anew since
    if (this.held) {
      this.waiting = component;
      return;
    }
    this.sent = data.version;
    this.given = data;
    this.view = { ...data.view };
    this.counts = [...data.counts];
    this.entries = data.entries;
    const byId = Object.fromEntries(this.entries.map((entry) => [entry.id, entry]));
    this.lines = data.lines.map((line) => new Line(line, byId[line.entry], data.programs));
    if (!byId[this.active]) this.active = (this.entries.find((e) => e.params.length) ?? this.entries[0])?.id;
    if (data.active !== this.toldActive && byId[data.active]) this.active = data.active;
    this.toldActive = data.active;
    this.drawBar();
    this.drawLegend();
    this.drawSide();
    this.layout();
  }

  // --- what is fixed until the server answers

  drawBar() {
    const focused = this.root.getRootNode().activeElement?.dataset?.option;
    this.bar.replaceChildren();
    for (const [name, title, options] of BAR) {
      const group = element(this.bar, "div", { class: "group", role: "radiogroup", "aria-label": title });
      element(group, "span", { class: "quiet", title: HINTS[name] ?? false }, title);
      const pills = element(group, "div", { class: "pills" });
      roving(pills);
      for (const [value, text] of options) {
        const checked = String(this.view[name]) === value;
        const option = `${name}.${value}`;
        const attributes = { type: "button", role: "radio", "aria-checked": String(checked), "data-option": option, title: HINTS[name] ?? false };
        element(pills, "button", attributes, text).addEventListener("click", () => {
          this.view[name] = value;
          this.drawBar();
          this.layout();
          this.release();
        });
      }
    }
    if (focused) this.bar.querySelector(`[data-option="${focused}"]`)?.focus();
  }

  drawLegend() {
    this.legend.replaceChildren();
    for (const line of this.lines) {
      const entry = element(this.legend, "span");
      const dashes = { "1 0": "solid", "7 3": "dashed", "2 2": "dotted" };
      const swatch = element(entry, "i");
      swatch.style.borderTop = `3px ${dashes[line.dash.join(" ")] ?? "solid"} ${line.colour}`;
      element(entry, "span", {}, line.name);
    }
  }

  drawSaves() {
    element(this.saves, "span", { class: "quiet" }, "Save");
    const paper = () => getComputedStyle(this.root).getPropertyValue("--st-background-color") || "#fff";
    const kinds = {
      PNG: () => savePng(this.panels, this.lines, paper()),
      SVG: () => saveSvg(this.panels, this.lines, paper()),
      CSV: () => saveCsv(this.lines.map((line) => line.compute(this.view.axis, this.given.limit))),
    };
    for (const [kind, act] of Object.entries(kinds)) {
      element(this.saves, "button", { type: "button" }, kind).addEventListener("click", act);
    }
  }

  drawSide() {
    const now = this.root.getRootNode().activeElement;
    const focused = this.side.contains(now) ? now.id || `tab-${this.active}` : null;
    this.side.replaceChildren();
    const tabs = element(this.side, "div", { class: "tabs", role: "tablist" });
    roving(tabs);
    for (const entry of this.entries) {
      const selected = entry.id === this.active;
      const tab = element(tabs, "button", { type: "button", role: "tab", id: `tab-${entry.id}`, "aria-selected": String(selected) });
      element(tab, "i").style.background = entry.colour;
      element(tab, "span", {}, entry.short);
      tab.addEventListener("click", () => {
        this.active = entry.id;
        this.drawSide();
      });
    }
    const entry = this.entries.find((e) => e.id === this.active);
    if (!entry) return;
    const actions = {
      room: this.entries.length < this.given.most,
      moved: (moved) => this.moved(moved),
      released: () => this.release(),
      copied: (of) => this.release({ copy: of.id }),
      removed: (of) => this.release({ remove: of.id }),
    };
    knobsOf(this.side, entry, actions);
    this.drawCounts();
    this.readout = element(this.side, "div", { class: "readings" });
    this.drawReadings();
    if (!focused) return;
    const there = this.side.querySelector(`[id="${CSS.escape(focused)}"]`);
    (there ?? this.side.querySelector("[role=tab][aria-selected=true]"))?.focus();
  }

  drawCounts() {
    const drawn = this.given.drawn;
    if (!drawn.length) return;
    const box = element(this.side, "div", { class: "knobs counts" });
    const top = element(box, "div", { class: "label" });
    element(top, "strong", {}, "Training images with the class");
    for (const { index, name, group } of drawn) {
      const id = `count.${name}`;
      const knob = element(box, "div", { class: "knob" });
      const row = element(knob, "div", { class: "label" });
      element(row, "label", { for: id }, `${name}, ${group}`);
      const shown = element(row, "output", { for: id }, String(this.counts[index]));
      const whole = Math.log1p(Math.max(this.given.n_samples, 2)); // even steps in the logarithm, from 0 on
      const notch = () => Math.round((NOTCHES * Math.log1p(this.counts[index])) / whole);
      const range = element(knob, "input", { type: "range", id, min: 0, max: NOTCHES, step: 1, "data-count": name });
      const place = () => {
        range.value = notch();
        range.style.setProperty("--along", `${(100 * range.value) / NOTCHES}%`);
        shown.textContent = this.counts[index].toLocaleString("en-US");
        range.setAttribute("aria-valuetext", `${this.counts[index]} images`);
      };
      place();
      range.addEventListener("input", () => {
        const moved = Number(range.value) - notch();
        let count = Math.round(Math.expm1((whole * range.value) / NOTCHES));
        if (count === this.counts[index]) count += Math.sign(moved); // a step of a key is at least one image
        this.counts[index] = Math.min(this.given.n_samples, Math.max(0, count));
        place();
        for (const line of this.lines) line.setCounts(this.counts, this.given.n_samples);
        this.schedule();
      });
      range.addEventListener("change", () => this.release());
    }
    if (this.counts.some((n, c) => n !== this.given.true_counts[c])) {
      const row = element(box, "div", { class: "actions" });
      element(row, "button", { type: "button" }, "Back to the counts of the data").addEventListener("click", () => {
        this.counts = [...this.given.true_counts];
        this.release();
      });
    }
  }

  drawReadings() {
    const entry = this.entries.find((e) => e.id === this.active);
    const readings = this.given.readings[entry?.id] ?? [];
    this.readout.replaceChildren();
    this.cells = [];
    if (!readings.length || !this.given.drawn.length) return;
    const table = element(this.readout, "table");
    const head = element(element(table, "thead"), "tr");
    const follows = readings[0].numbers ? ", when a knob is let go" : ""; // of very many classes
    element(head, "th", {}, `Behind ${entry.short}${follows}`);
    for (const { name } of this.given.drawn) element(head, "th", {}, name);
    const rows = element(table, "tbody");
    for (const reading of readings) {
      const row = element(rows, "tr");
      const name = element(row, "th", { title: reading.help || false });
      element(name, "span", { class: "symbol" }).innerHTML = reading.symbol;
      element(name, "span", {}, reading.name);
      this.given.drawn.forEach(({ index }, k) => {
        const number = reading.numbers?.[k];
        this.cells.push({ cell: element(row, "td"), entry, reading, index, number, targets: reading.targets?.[k] ?? [] });
      });
    }
    this.fillReadings();
  }

  fillReadings() {
    for (const { cell, entry, reading, index, number, targets } of this.cells) {
      if (reading.numbers) {
        cell.textContent = spoken(Number(number));
        continue;
      }
      const data = { ...reading.data, counts: this.counts.map((n) => Math.max(n, 1)), positives: this.counts };
      const input = { knobs: entry.values, data, targets };
      for (const [name, id] of Object.entries(reading.memory)) data[name] = compile(this.given.programs[id])(input);
      const numbers = compile(this.given.programs[reading.program])(input);
      const text = spoken(numbers.length === 1 ? numbers[0] : numbers[index]);
      if (cell.textContent !== text) cell.textContent = text;
    }
  }

  // --- what follows the thumb

  layout() {
    if (!this.given) return;
    const targets = this.view.targets === "both" ? [1, 0] : [Number(this.view.targets)];
    const wanted = SHOWN[this.view.show].measures.flatMap((measure) => targets.map((y) => [measure, y]));
    const kinds = JSON.stringify(wanted);
    if (kinds !== this.kinds) {
      this.kinds = kinds;
      this.grid.replaceChildren();
      this.grid.style.gridTemplateColumns = `repeat(${targets.length}, minmax(0, 1fr))`;
      this.panels = wanted.map(([measure, y]) => this.listen(new Panel(this.grid, measure, y)));
    }
    const names = this.lines.map((line) => line.name).join(", ");
    const gap = 12;
    const width = Math.max(150, Math.floor((this.grid.clientWidth - gap * (targets.length - 1)) / targets.length));
    const [low, steep] = wanted.length > 2 ? [width < 260 ? 170 : 262, 0.58] : [width < 260 ? 240 : 330, 0.7];
    const height = Math.round(Math.min(460, Math.max(low, steep * width)));
    for (const panel of this.panels) {
      const [title, subtitle] = TITLES[panel.measure][panel.y];
      const log = this.view.scale === "log" && panel.measure === "gradient" ? "size, " : "";
      panel.describe(title, width < 220 ? "" : log + subtitle, `${title}, ${subtitle}: ${names}. Arrow keys read the numbers.`);
      panel.resize(width, height);
    }
    this.draw();
  }

  moved(entry) {
    for (const line of this.lines) if (line.entry === entry) line.stale = true;
    this.schedule();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
      this.fillReadings();
    });
  }

  draw() {
    const { axis, scale } = this.view;
    const { limit } = this.given;
    for (const line of this.lines) line.compute(axis, limit);
    const options = { xDomain: axis === "logit" ? [-limit, limit] : [0, 1], log: scale === "log" };
    this.panels.forEach((panel, i) => {
      const curves = this.lines.map((line) => {
        let heights = line.heights(panel.measure, panel.y);
        if (scale === "even") heights = heights.map((h) => h / this.largest(line.entry, panel.measure));
        return { x: line.grid[axis], heights, colour: line.colour, dash: line.dash };
      });
      panel.draw(curves, { ...options, xTitle: i >= this.panels.length - 2 ? X_TITLES[axis] : "" });
    });
    if (this.pointed) this.show(...this.pointed);
  }

  largest(entry, measure) {
    let most = 0;
    for (const line of this.lines) {
      if (line.entry !== entry) continue;
      for (const y of [1, 0]) for (const h of line.heights(measure, y)) most = Math.max(most, Math.abs(h));
    }
    return most || 1;
  }

  release(more = {}) {
    this.sent += 1;
    this.toldActive = this.active; // the answer will name it again, which is no reason to leave a tab chosen since
    const given = this.given;
    const counts = {};
    this.counts.forEach((n, c) => n !== given.true_counts[c] && (counts[given.class_names[c]] = n));
    const entries = this.entries.map(({ id, key, values }) => ({ id, key, values }));
    this.tell("state", { version: this.sent, entries, view: this.view, counts, active: this.active, ...more });
  }

  // --- pointing

  listen(panel) {
    panel.svg.addEventListener("pointermove", (event) => this.show(panel, panel.indexAt(event.clientX), event));
    panel.svg.addEventListener("pointerleave", () => this.show(null));
    panel.svg.addEventListener("blur", () => this.show(null));
    panel.svg.addEventListener("keydown", (event) => {
      const now = this.pointed?.[1] ?? (POINTS - 1) / 2;
      const moves = { ArrowLeft: now - (event.shiftKey ? 15 : 1), ArrowRight: now + (event.shiftKey ? 15 : 1), Home: 0, End: POINTS - 1 };
      if (event.key === "Escape") this.show(null);
      if (!(event.key in moves)) return;
      event.preventDefault();
      this.show(panel, Math.min(POINTS - 1, Math.max(0, moves[event.key])));
      this.live.textContent = this.tip.innerText;
    });
    return panel;
  }

  show(panel, index, event) {
    this.pointed = panel ? [panel, index] : null;
    for (const each of this.panels) each.point(panel ? index : null);
    this.tip.hidden = !panel;
    if (!panel || !this.lines.length) return;
    const { logit, probability } = this.lines[0].grid;
    this.tip.replaceChildren();
    const head = `z = ${logit[index].toFixed(2)}   p = ${probability[index].toFixed(3)}   y = ${panel.y}`;
    element(this.tip, "div", { class: "quiet" }, head);
    const table = element(this.tip, "table");
    const top = element(table, "tr");
    for (const name of ["", "value", "gradient"]) element(top, "th", {}, name);
    for (const line of this.lines) {
      const row = element(table, "tr");
      const name = element(row, "td");
      element(name, "i").style.background = line.colour;
      element(name, "span", {}, line.name);
      for (const measure of ["value", "gradient"]) element(row, "td", {}, spoken(line.sides[panel.y][measure][index]));
    }
    const frame = this.root.getBoundingClientRect();
    const box = panel.svg.getBoundingClientRect();
    const x = (event ? event.clientX : box.left + (panel.x(panel.curves[0].x[index]) / panel.width) * box.width) - frame.left;
    const y = (event ? event.clientY : box.top + 60) - frame.top;
    const own = this.tip.getBoundingClientRect();
    this.tip.style.left = `${Math.max(0, Math.min(x + 14 + own.width > frame.width ? x - own.width - 14 : x + 14, frame.width - own.width))}px`;
    this.tip.style.top = `${Math.max(0, y - own.height / 2)}px`;
  }
}

const explorers = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  if (!explorers.has(root)) explorers.set(root, new Explorer(root));
  explorers.get(root).update(component);
}
