// The controls of one loss: a slider and a number for each knob, a switch or a choice where it is one.

function element(parent, kind, attributes = {}, text = "") {
  const node = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  if (text) node.textContent = text;
  parent?.append(node);
  return node;
}

function decimals(step) {
  return Math.max(0, (String(step).split(".")[1] ?? "").length);
}

function label(parent, param, id) {
  const row = element(parent, "div", { class: "label" });
  const name = element(row, "label", { for: id });
  if (param.symbol) element(name, "span", { class: "symbol" }).innerHTML = param.symbol;
  element(name, "span", { class: "name" }, param.name);
  if (param.help) {
    const note = `${param.help} Default ${param.default}.`;
    element(row, "span", { class: "help", tabindex: 0, role: "note", "aria-label": note, "data-help": note }, "?");
  }
  return row;
}

function slider(parent, param, entry, { moved, released }) {
  const id = `${entry.id}.${param.name}`;
  const box = element(parent, "div", { class: "knob" });
  const row = label(box, param, id);
  const limits = { min: param.low, max: param.high, step: param.step };
  const typed = { type: "number", id: `${id}.typed`, ...limits, "aria-label": `${param.name}, typed` };
  const number = element(row, "input", typed);
  const range = element(box, "input", { type: "range", id, ...limits, "data-knob": id });
  const show = (value) => {
    range.value = value;
    const plain = Number(Number(value).toPrecision(6));
    number.value = plain.toFixed(Math.max(decimals(param.step), decimals(plain)));
    const along = (100 * (value - param.low)) / (param.high - param.low || 1);
    range.style.setProperty("--along", `${along}%`);
    range.setAttribute("aria-valuetext", `${param.name} ${number.value}`);
  };
  show(entry.values[param.name]);
  const take = (text) => {
    const value = Math.min(param.high, Math.max(param.low, Number(text)));
    if (text === "" || !Number.isFinite(value)) return show(entry.values[param.name]);
    entry.values[param.name] = param.kind === "integer" ? Math.round(value) : value;
    show(entry.values[param.name]);
    moved(entry);
  };
  range.addEventListener("input", () => take(range.value));
  range.addEventListener("change", () => released());
  number.addEventListener("change", () => {
    take(number.value);
    released();
  });
}

function choice(parent, param, entry, { released }) {
  const id = `${entry.id}.${param.name}`;
  const box = element(parent, "div", { class: "knob" });
  label(box, param, id);
  const select = element(box, "select", { id, "data-knob": id });
  param.options.forEach((option, i) => element(select, "option", { value: option }, param.labels[i] ?? option));
  select.value = entry.values[param.name];
  select.addEventListener("change", () => {
    entry.values[param.name] = select.value;
    released();
  });
}

function toggle(parent, param, entry, { released }) {
  const id = `${entry.id}.${param.name}`;
  const box = element(parent, "div", { class: "knob switch" });
  const input = element(box, "input", { type: "checkbox", id, "data-knob": id });
  input.checked = entry.values[param.name];
  label(box, param, id);
  input.addEventListener("change", () => {
    entry.values[param.name] = input.checked;
    released();
  });
}

const CONTROLS = { real: slider, integer: slider, choice, toggle };

function knobsOf(parent, entry, actions) {
  const box = element(parent, "div", { class: "knobs", role: "tabpanel", "aria-label": `Knobs of ${entry.short}` });
  if (!entry.params.length) element(box, "p", { class: "quiet" }, "No knob: this loss is what it is.");
  for (const param of entry.params) CONTROLS[param.kind](box, param, entry, actions);
  const row = element(box, "div", { class: "actions" });
  if (entry.params.some((p) => entry.values[p.name] !== p.default)) {
    element(row, "button", { type: "button", id: `${entry.id}.reset` }, "Back to the defaults").addEventListener("click", () => {
      for (const param of entry.params) entry.values[param.name] = param.default;
      actions.released();
    });
  }
  if (entry.params.length && actions.room) {
    const hint = "Draws a second curve of this loss, whose knobs you can move apart.";
    element(row, "button", { type: "button", title: hint }, "Compare another setting").addEventListener("click", () =>
      actions.copied(entry),
    );
  }
  if (entry.removable) {
    element(row, "button", { type: "button" }, "Remove").addEventListener("click", () => actions.removed(entry));
  }
  return box;
}
