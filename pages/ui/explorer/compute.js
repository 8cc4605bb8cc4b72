// The numbers: each line's value and gradient, by the program PyTorch's own graph was translated into.

const POINTS = 241;
const REST = 1e12; // weight of the row that stands for the rest of a batch

const compiled = new Map();

function compile(source) {
  if (!compiled.has(source)) compiled.set(source, new Function(`"use strict"; return (${source});`)());
  return compiled.get(source);
}

function grid(axis, limit, shift) {
  const logit = new Float64Array(POINTS);
  const probability = new Float64Array(POINTS);
  if (axis === "logit") {
    for (let i = 0; i < POINTS; i++) {
      logit[i] = -limit + (2 * limit * i) / (POINTS - 1);
      probability[i] = 1 / (1 + Math.exp(shift - logit[i]));
    }
  } else {
    const low = 1 / (1 + Math.exp(limit));
    for (let i = 0; i < POINTS; i++) {
      probability[i] = low + ((1 - 2 * low) * i) / (POINTS - 1);
      logit[i] = Math.log(probability[i] / (1 - probability[i])) + shift;
    }
  }
  return { logit, probability };
}

class Line {
  // One curve: a loss with its settings for one class, with y = 1 and with y = 0.
  constructor(given, entry, programs) {
    Object.assign(this, { name: given.name, colour: given.colour, dash: given.dash, group: given.group });
    this.entry = entry;
    this.memory = Object.entries(given.memory).map(([name, id]) => [name, compile(programs[id])]);
    this.shift = given.shift;
    this.sides = {};
    for (const y of [1, 0]) {
      const side = given.sides[y];
      this.sides[y] = {
        run: compile(programs[side.program]),
        classes: side.classes,
        rest: side.rest,
        input: {
          logits: Float64Array.from(side.logits),
          targets: Float64Array.from(side.targets),
          knobs: {},
          data: Object.fromEntries(
            Object.entries(side.data).map(([k, v]) => [k, Array.isArray(v) ? Float64Array.from(v) : v]),
          ),
        },
        value: new Float64Array(POINTS),
        gradient: new Float64Array(POINTS),
      };
    }
    this.stale = true;
  }

  setCounts(counts, nSamples) {
    // counts: of every class of the data set, as dragged
    const input = { knobs: {}, targets: [], data: { counts: counts.map((n) => Math.max(n, 1)), n_samples: nSamples } };
    const remembered = this.memory.map(([name, run]) => [name, run(input)]);
    for (const side of Object.values(this.sides)) {
      const { data, targets } = side.input;
      side.classes.forEach((c, k) => {
        if (data.counts) data.counts[k] = Math.max(counts[c], 1);
        if (data.positives) data.positives[k] = counts[c];
        for (const [name, all] of remembered) data[name][k] = all[c];
      });
      if (side.rest) {
        const own = side.classes.map((c) => Math.max(counts[c], 1));
        const total = own.reduce((a, b) => a + b, 0);
        own.forEach((n, k) => (targets[targets.length - own.length + k] = (REST * n) / total));
      }
    }
    this.stale = true;
  }

  compute(axis, limit) {
    if (this.stale || this.axis !== axis || this.limit !== limit) {
      if (this.axis !== axis || this.limit !== limit) this.grid = grid(axis, limit, this.shift);
      this.axis = axis;
      this.limit = limit;
      for (const side of Object.values(this.sides)) {
        side.input.knobs = this.entry.values;
        side.run(this.grid.logit, side.input, side.value, side.gradient);
      }
      this.stale = false;
    }
    return this;
  }

  // What is drawn: value, gradient, or each point's share of the whole force in the picture, in % per unit of x.
  heights(measure, y) {
    if (measure !== "share") return this.sides[y][measure];
    const x = this.grid[this.axis];
    const step = x[1] - x[0];
    let total = 0;
    for (const side of Object.values(this.sides)) for (const g of side.gradient) total += Math.abs(g) * step;
    return this.sides[y].gradient.map((g) => (total > 0 ? (100 * Math.abs(g)) / total : 0));
  }
}
