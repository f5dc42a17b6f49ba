// What moves on the report page. Everything is drawn from the document that the page carries; no
// figure is made up here but for the straight lines between the points of a slider.
"use strict";
(() => {
  const root = document.documentElement;
  const report = JSON.parse(document.getElementById("report").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const blocks = (kind) => report.sections.flatMap((s) => s.blocks).filter((b) => kind in b).map((b) => b[kind]);
  const by = (list) => new Map(list.map((one) => [one.id, one]));
  const NS = "http://www.w3.org/2000/svg";

  const html = (tag, set = {}, ...children) => fill(document.createElement(tag), set, children);
  const svg = (tag, set = {}, ...children) => fill(document.createElementNS(NS, tag), set, children);
  function fill(node, set, children) {
    for (const [key, value] of Object.entries(set)) {
      if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  }

  // -- Numbers, as the program writes them -------------------------------------------------------

  const NONE = "–";
  const grouped = (text) => text.replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
  const trim = (text) => (text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text);
  // A whole number; halves go up, away from zero.
  const whole = (value) => (value < 1e15 ? grouped(String(Math.round(value))) : scientific(value));
  const scientific = (value) => value.toExponential(2).replace("e+", "e");
  // Halves that a binary number holds exactly go to the even neighbour, as in the program.
  function fixed(value, decimals) {
    const scaled = value * 10 ** decimals;
    if (scaled % 1 === 0.5 && scaled < 2 ** 50) {
      const even = Math.floor(scaled) % 2 === 0 ? Math.floor(scaled) : Math.ceil(scaled);
      if (scaled / 10 ** decimals === value && Number.isInteger(value * 2 ** 20)) return (even / 10 ** decimals).toFixed(decimals);
    }
    return value.toFixed(decimals);
  }
  function percent(share) {
    const value = 100 * share;
    const decimals = value === 0 ? 0 : value < 1 ? 2 : value < 10 ? 1 : value > 99 && value < 99.995 ? 2 : 0;
    return `${fixed(value, decimals)} %`;
  }
  function time(ms) {
    if (ms < 10) return `${fixed(ms, 1)} ms`;
    if (ms < 1000) return `${fixed(ms, 0)} ms`;
    if (ms < 10000) return `${fixed(ms / 1000, 2)} s`;
    if (ms < 120000) return `${fixed(ms / 1000, 1)} s`;
    return `${fixed(ms / 60000, 1)} min`;
  }
  function money(usd) {
    if (usd !== 0 && usd < 0.01) return `$${fixed(usd, 6)}`;
    return `$${usd < 100 ? fixed(usd, 2) : whole(usd)}`;
  }
  function clock(seconds) {
    if (seconds < 60) return `${plain(seconds)} s`;
    let left = Math.round(seconds);
    if (left >= 1e12) return `${scientific(seconds)} s`;
    const two = (n) => String(n).padStart(2, "0");
    const [d, h, m, s] = [Math.floor(left / 86400), Math.floor(left / 3600) % 24, Math.floor(left / 60) % 60, left % 60];
    if (d > 0) return `${d} d ${h}:${two(m)} h`;
    if (h > 0) return `${h}:${two(m)}${s ? `:${two(s)}` : ""} h`;
    return `${m}:${two(s)} min`;
  }
  // Four significant digits.
  function plain(value) {
    if (value >= 1000) return whole(value);
    const decimals = value === 0 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : value >= 1 ? 3
      : Math.min(Math.max(3 - Math.floor(Math.log10(value)), 3), 9);
    return trim(fixed(value, decimals));
  }
  function three(value) {
    if (value >= 99.95) return whole(value);
    return trim(fixed(value, value < 9.995 ? 2 : 1));
  }
  function tokens(value) {
    if (value < 9999.5) return whole(value);
    if (value < 999500) return `${three(value / 1e3)}K`;
    if (value < 999500000) return `${three(value / 1e6)}M`;
    return value < 1e15 ? `${three(value / 1e9)}B` : scientific(value);
  }
  function shown(value, unit) {
    if (value === null || !Number.isFinite(value)) return NONE;
    if (value < 0) {
      const text = shown(-value, unit);
      return /[1-9]/.test(text) ? `−${text}` : text;
    }
    switch (unit) {
      case "count": case "months": return whole(value);
      case "share": return percent(value);
      case "millis": return time(value);
      case "seconds": return clock(value);
      case "hours": return `${plain(value)} h`;
      case "per_second": return `${plain(value)}/s`;
      case "tokens": return tokens(value);
      case "tokens_per_minute": return `${tokens(value)}/min`;
      case "usd": case "usd_per_month": return money(value);
      default: return plain(value);
    }
  }
  function put(node, value, unit) {
    node.dataset.v = value;
    node.dataset.u = unit;
    node.textContent = shown(value, unit);
    return node;
  }

  // -- Ticks ------------------------------------------------------------------------------------

  // Steps between which eyes count easily, in seconds.
  const TIMES = [10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
  const MONTHS = [1, 2, 3, 6, 12];
  const NINES = [0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999];

  function roundStep(rough) {
    if (!(rough > 0) || !Number.isFinite(rough)) return 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    return ([1, 2, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10) * power;
  }
  function step(span, wanted, unit) {
    const rough = span / Math.max(wanted, 1);
    if (unit === "count") return Math.max(roundStep(rough), 1);
    if (unit === "months") return MONTHS.find((one) => one >= rough) ?? roundStep(rough);
    const second = { millis: 1e-3, seconds: 1, hours: 3600 }[unit];
    if (!second) return roundStep(rough);
    const seconds = rough * second;
    if (seconds <= 5) return roundStep(seconds) / second;
    return (TIMES.find((one) => one >= seconds) ?? 86400 * roundStep(seconds / 86400)) / second;
  }
  function evenTicks(low, high, wanted, unit) {
    const by = step(high - low, wanted, unit);
    const ticks = [];
    for (let n = Math.ceil(low / by - 1e-9); n * by <= high + by * 1e-9 && ticks.length < 60; n++) ticks.push(n * by);
    const most = Math.max(Math.abs(low), Math.abs(high));
    return ticks.map((at) => [at, tickText(at, by, most, unit)]);
  }
  function digits(value, by) {
    const decimals = Math.min(Math.max(Math.floor(1e-9 - Math.floor(Math.log10(by) + 1e-9)), 0), 9);
    const finer = (by * 10 ** decimals) % 1 > 1e-6;
    return trim(value.toFixed(decimals + (finer ? 1 : 0)));
  }
  function timeText(at, by, most) {
    const [word, size] = most < 0.0005 ? ["µs", 1e-6] : most < 0.9995 ? ["ms", 1e-3]
      : most <= 120 || by < 15 ? ["s", 1] : most <= 3 * 3600 || by < 900 ? ["min", 60]
        : most <= 2 * 86400 || by < 21600 ? ["h", 3600] : ["d", 86400];
    return `${digits(at / size, by / size)} ${word}`;
  }
  function compact(at, by, most, from) {
    if (at === 0) return "0";
    if (most >= 1e15) return at.toExponential(1).replace("e+", "e");
    const [word, size] = most < from ? ["", 1] : most < 1e6 ? ["K", 1e3] : most < 1e9 ? ["M", 1e6] : most < 1e12 ? ["B", 1e9] : ["T", 1e12];
    return digits(at / size, by / size) + word;
  }
  function tickText(at, by, most, unit) {
    if (Math.abs(at) < by * 1e-6) at = 0;
    if (at < 0) return `−${tickText(-at, by, most, unit)}`;
    switch (unit) {
      case "share": return `${digits(100 * at, 100 * by)} %`;
      case "millis": return timeText(at / 1000, by / 1000, most / 1000);
      case "seconds": return timeText(at, by, most);
      case "usd": case "usd_per_month": return `$${compact(at, by, most, 1e3)}`;
      case "per_second": return `${compact(at, by, most, 1e4)}/s`;
      case "tokens": case "tokens_per_minute": return compact(at, by, most, 1e3);
      case "hours": return `${digits(at, by)} h`;
      default: return compact(at, by, most, 1e4);
    }
  }
  function logTicks(low, high, unit) {
    const ticks = [];
    const decades = Math.log10(high / low);
    const places = decades < 0.7 ? [1, 1.5, 2, 3, 4, 5, 6, 8] : decades < 3 ? [1, 2, 5] : [1];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)) && ticks.length < 60; power++) {
      for (const place of places) {
        const at = place * 10 ** power;
        if (at >= low * 0.9999 && at <= high * 1.0001) ticks.push([at, tickText(at, at, at, unit)]);
      }
    }
    return ticks;
  }

  // -- Scales -----------------------------------------------------------------------------------

  const kind = (axis) => (typeof axis.scale === "string" ? axis.scale : Object.keys(axis.scale)[0]);
  const places = (axis) => (kind(axis) === "category" ? axis.scale.category : null);
  const TURN = {
    linear: (v) => v,
    category: (v) => v,
    log: (v) => Math.log10(v),
    nines: (v) => -Math.log10(Math.max(1 - v, 1e-9)),
  };
  const BACK = {
    linear: (t) => t,
    category: (t) => t,
    log: (t) => 10 ** t,
    nines: (t) => 1 - 10 ** -t,
  };
  function scale(axis, [low, high], [from, to]) {
    const turn = TURN[kind(axis)];
    const [a, b] = [turn(low), turn(high)];
    const place = (v) => from + ((turn(v) - a) / (b - a || 1)) * (to - from);
    place.back = (p) => BACK[kind(axis)](a + ((p - from) / (to - from)) * (b - a));
    return place;
  }
  // The ends of an axis: those that are wanted, or round ones around the values.
  function domain(axis, values, isHeight) {
    const names = places(axis);
    if (names) return [-0.5, names.length - 0.5];
    let seen = values.filter((v) => Number.isFinite(v));
    if (kind(axis) === "log") seen = seen.filter((v) => v > 0);
    if (kind(axis) === "nines") seen = seen.filter((v) => v < 1);
    let [low, high] = axis.range ?? [Math.min(...seen), Math.max(...seen)];
    if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = kind(axis) === "log" ? [1, 10] : [0, kind(axis) === "nines" ? 0.99 : 1];
    if (axis.range || kind(axis) === "nines") return low === high ? [low, low + (kind(axis) === "nines" ? 0 : 1)] : [low, high];
    if (kind(axis) === "log") return low === high ? [low / 2, high * 2] : [low, high];
    if (!isHeight) return low === high ? [low - 0.5, high + 0.5] : [low, high];
    [low, high] = [Math.min(low, 0), Math.max(high, 0)];
    if (low === high) return [0, 1];
    const by = step(high - low, 5, axis.unit);
    return [Math.floor(low / by + 1e-9) * by, Math.ceil(high / by - 1e-9) * by];
  }

  // -- Pictures ---------------------------------------------------------------------------------

  const variants = all("[data-switch]").map((node) => node.dataset.switch);
  const gone = new Set();
  const zooms = new Map();
  const pictures = [];
  // A bound that is further above the data than this would leave it a line at the bottom.
  const FAR = 3;
  const DASHES = ["", "7 4", "2 4", "9 3 2 3"];
  const WORDS = {
    tokens: "tokens", tokens_per_minute: "tokens per minute",
    usd_per_month: "a month",
  };
  const points = (layer) => layer.points ?? [];
  const variantOf = (layer) => layer.variant ?? null;

  function titleOf(axis) {
    const word = WORDS[axis.unit];
    if (!word || axis.label.toLowerCase().includes(word.split(" ").at(-1))) return [axis.label];
    return axis.label ? [axis.label, svg("tspan", {}, ` (${word})`)] : [word];
  }

  class Picture {
    constructor(figure, plot, options = {}) {
      // Where categories go upwards, bars lie. From here on x is what is compared and y how much it is.
      this.lies = Boolean(places(figure.y));
      if (this.lies) {
        const turned = (layer) => (layer.points ? { ...layer, points: layer.points.map(([x, y, ...more]) => [y, x, ...more]) } : layer);
        figure = { ...figure, x: figure.y, y: figure.x, layers: figure.layers.map(turned) };
      }
      Object.assign(this, { figure, plot, options });
      this.off = new Set();
      this.styles = this.chooseStyles();
      const xs = figure.layers.flatMap((l) => points(l).map((p) => p[0]));
      this.xs = [...new Set(xs.filter(Number.isFinite))].sort((a, b) => a - b);
      // The axes are those of the still picture, where it says what they are.
      const still = plot.querySelector(".still svg")?.dataset ?? {};
      const ends = (text) => text?.split(" ").map(Number);
      this.fullX = ends(still.x) ?? domain(figure.x, this.xs, false);
      this.fullY = ends(still.y) ?? domain(figure.y, this.heights(), true);
      this.canZoom = !options.small && kind(figure.x) === "linear" && this.xs.length > 12
        && ["seconds", "hours", "months"].includes(figure.x.unit);
      // Pictures over the same time move together.
      this.key = [figure.x.unit, ...this.fullX].join("|");
      this.live = html("div", { class: "live", tabindex: "0", role: "group", "aria-label": options.label ?? figure.title,
        "aria-roledescription": "chart" });
      this.read = html("div", { class: "read", role: "status", hidden: "" });
      const legend = options.small ? null : this.legend();
      if (legend) plot.before(legend);
      plot.append(this.live);
      if (this.canZoom) plot.after(this.tools());
      this.listen();
      this.draw();
      plot.dataset.drawn = "";
    }

    // Colours go by variant, or by name where there is none, in the order that the picture says.
    chooseStyles() {
      const keys = [...(this.figure.order ?? [])];
      const known = new Map();
      const seen = new Map();
      return this.figure.layers.map((layer) => {
        const key = variantOf(layer) ?? layer.name ?? "";
        if (!keys.includes(key)) keys.push(key);
        // A line with gaps is several layers of one name, and one series.
        const series = [layer.kind, key, layer.name, layer.dashed].join("|");
        if (known.has(series)) return known.get(series);
        // Lines of one colour differ by their dashes.
        const group = `${key}|${["line", "step"].includes(layer.kind)}`;
        const count = seen.get(group) ?? (layer.dashed ? 1 : 0);
        seen.set(group, count + 1);
        const style = { series, colour: `c${(keys.indexOf(key) % 8) + 1}`, dash: DASHES[count % DASHES.length] };
        known.set(series, style);
        return style;
      });
    }

    heights() {
      const values = [];
      const stacks = [];
      for (const layer of this.figure.layers) {
        if (layer.kind === "bars") {
          layer.values.forEach((v, i) => {
            const stack = (stacks[i] ??= [0, 0]);
            stack[v < 0 ? 0 : 1] += v ?? 0;
          });
        } else if (layer.kind === "waterfall") {
          values.push(0, ...this.falls(layer).flat());
        } else if (layer.kind === "ranges") {
          values.push(0, ...layer.values.flat());
        } else {
          for (const p of points(layer)) values.push(...p.slice(1));
        }
      }
      const seen = [...values, ...stacks.flat()];
      const most = Math.max(0, ...seen.filter(Number.isFinite));
      const levels = this.figure.marks.filter((m) => m.kind === "level").map((m) => m.at);
      return [...seen, ...levels.filter((at) => most === 0 || at <= FAR * most)];
    }

    falls(layer) {
      let level = 0;
      return layer.values.map((value, i) => {
        const from = layer.totals[i] ? 0 : level;
        level = layer.totals[i] ? value : level + value;
        return [from, level];
      });
    }

    isOff(layer, at) {
      return this.off.has(this.styles[at].series) || (variantOf(layer) !== null && gone.has(layer.variant));
    }

    legend() {
      const list = html("ul", { class: "legend", "aria-label": "Series" });
      const named = new Set(this.figure.layers.flatMap((l, at) => (l.name ? [this.styles[at].series] : [])));
      if (named.size < 2 && !this.figure.layers.some((l) => l.dashed)) return null;
      this.figure.layers.forEach((layer, at) => {
        const { series, colour, dash } = this.styles[at];
        if (!named.delete(series)) return;
        const isArea = ["band", "bars", "ranges"].includes(layer.kind);
        const sample = svg("svg", { width: 22, height: 12, class: colour, "aria-hidden": "true" },
          isArea ? svg("rect", { x: 4, y: 1, width: 14, height: 10, rx: 2, class: "fill", opacity: layer.kind === "band" ? 0.35 : null })
            : layer.kind === "points" ? svg("circle", { cx: 11, cy: 6, r: 4.5, class: "fill" })
              : svg("line", { x1: 1, x2: 21, y1: 6, y2: 6, class: "stroke", "stroke-width": 2.4, "stroke-dasharray": dash }));
        const button = html("button", { type: "button", "aria-pressed": "true" }, sample, layer.name);
        button.addEventListener("click", () => {
          if (!this.off.delete(series)) this.off.add(series);
          button.setAttribute("aria-pressed", String(!this.off.has(series)));
          this.draw();
        });
        list.append(html("li", { "data-variant": variantOf(layer) }, button));
      });
      return list;
    }

    tools() {
      const button = (text, label, act) => {
        const node = html("button", { type: "button", "aria-label": label, title: label }, text);
        node.addEventListener("click", act);
        return node;
      };
      this.reset = button("Reset", "Show the whole time", () => this.zoomTo(null));
      this.reset.classList.add("reset");
      this.reset.hidden = true;
      return html("div", { class: "tools", role: "group", "aria-label": "Zoom" },
        button("+", "Zoom in", () => this.zoomBy(0.5, 0)),
        button("−", "Zoom out", () => this.zoomBy(2, 0)),
        button("←", "Earlier", () => this.zoomBy(1, -0.4)),
        button("→", "Later", () => this.zoomBy(1, 0.4)),
        this.reset, html("span", { class: "hint" }, "Drag across the picture to look closer."));
    }

    get x() {
      return (this.canZoom && zooms.get(this.key)) || this.fullX;
    }

    zoomBy(factor, shift) {
      const [low, high] = this.x;
      const half = ((high - low) * factor) / 2;
      const middle = (low + high) / 2 + (high - low) * shift;
      this.zoomTo([middle - half, middle + half]);
    }

    zoomTo(range) {
      const [low, high] = this.fullX;
      if (range) {
        const span = Math.max(range[1] - range[0], (high - low) / 500);
        const from = Math.min(Math.max(range[0], low), high - span);
        range = span >= (high - low) * 0.999 ? null : [Math.max(from, low), Math.max(from, low) + span];
      }
      if (range) zooms.set(this.key, range); else zooms.delete(this.key);
      for (const one of pictures) if (one.key === this.key) one.draw();
    }

    draw() {
      const width = Math.max(Math.floor(this.plot.clientWidth), 220);
      this.width = width;
      if (this.reset) this.reset.hidden = !zooms.has(this.key);
      const names = places(this.figure.x);
      const label = names ? Math.max(...names.map((n) => n.length)) * 6.6 : 0;
      const bars = this.figure.layers.every((l) => ["bars", "waterfall", "ranges", "points"].includes(l.kind));
      this.lying = this.lies || (Boolean(names) && names.length > 1 && bars && label > (width - 70) / names.length - 8);
      this.hide();
      const picture = this.lying ? this.lie(width, names, label) : this.stand(width, names);
      this.live.replaceChildren(picture, this.read);
    }

    frame(width, height, [left, top, right, bottom]) {
      Object.assign(this, { left, top, right: width - right, bottom: height - bottom });
      const node = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "data-x0": this.x[0], "data-x1": this.x[1], "aria-hidden": "true" });
      const id = `clip-${this.options.id ?? this.figure.id}`;
      node.append(svg("defs", {}, svg("clipPath", { id }, svg("rect", { x: left, y: top - 2, width: Math.max(width - right - left, 1), height: Math.max(height - bottom - top, 1) + 4 }))));
      this.clip = `url(#${CSS.escape(id)})`;
      return node;
    }

    stand(width, names) {
      const { figure } = this;
      const small = this.options.small;
      const isTime = this.canZoom;
      const height = small ? 130 : isTime ? Math.max(230, Math.min(320, width * 0.36)) : Math.max(240, Math.min(360, width * 0.52));
      const bottom = small ? 22 : 44;
      const yTicks = kind(figure.y) === "log" ? logTicks(...this.fullY, figure.y.unit)
        : evenTicks(...this.fullY, (height - bottom) / (small ? 45 : 52), figure.y.unit);
      const left = Math.max(28, 12 + 7 * Math.max(...yTicks.map(([, text]) => text.length), 2));
      const node = this.frame(width, height, [left, small ? 8 : 26, 14, bottom]);
      this.px = scale(figure.x, this.x, [this.left, this.right]);
      this.py = scale(figure.y, this.fullY, [this.bottom, this.top]);
      const grid = svg("g");
      for (const [at, text] of yTicks) {
        const y = Math.round(this.py(at)) + 0.5;
        grid.append(svg("line", { x1: this.left, x2: this.right, y1: y, y2: y, class: at === 0 ? "axis" : "grid" }),
          svg("text", { x: this.left - 8, y: y + 4, "text-anchor": "end", class: "tick" }, text));
      }
      this.across(grid, names, small);
      if (!small) {
        grid.append(svg("text", { x: 0, y: 12, class: "title" }, ...titleOf(figure.y)),
          svg("text", { x: this.right, y: height - 6, "text-anchor": "end", class: "title" }, ...titleOf(figure.x)));
      }
      node.append(grid, this.spans(), this.layers(names), this.marks(), ...this.sensors());
      return node;
    }

    across(grid, names, small) {
      const { figure } = this;
      const room = this.right - this.left;
      let ticks;
      if (names) ticks = names.map((name, at) => [at, name]);
      else if (kind(figure.x) === "nines") ticks = NINES.filter((at) => at >= this.x[0] && at <= this.x[1] + 1e-9).map((at) => [at, at === 0 ? "min" : `p${trim((100 * at).toFixed(5))}`]);
      else if (kind(figure.x) === "log") ticks = logTicks(...this.x, figure.x.unit);
      else ticks = evenTicks(...this.x, room / (small ? 70 : 92), figure.x.unit);
      let free = -Infinity;
      for (const [at, text] of ticks) {
        const x = this.px(at);
        const half = text.length * 3.4;
        const place = Math.min(Math.max(x, half), this.width - half);
        if (!names) grid.append(svg("line", { x1: Math.round(x) + 0.5, x2: Math.round(x) + 0.5, y1: this.bottom, y2: this.bottom + 4, class: "axis" }));
        if (place - half < free) continue;
        free = place + half + 6;
        grid.append(svg("text", { x: place, y: this.bottom + 18, "text-anchor": "middle", class: names ? null : "tick" }, text));
      }
      grid.append(svg("line", { x1: this.left, x2: this.right, y1: this.bottom + 0.5, y2: this.bottom + 0.5, class: "axis" }));
    }

    // Bars that lie down, for names that do not fit below standing ones.
    lie(width, names, label) {
      const { figure } = this;
      const left = Math.min(label + 14, width * 0.42);
      const height = 26 + names.length * 30 + 44;
      const node = this.frame(width, height, [left, 8, 46, 44]);
      this.px = scale(figure.x, this.fullX, [this.top, this.bottom]);
      this.py = scale(figure.y, this.fullY, [this.left, this.right]);
      const grid = svg("g");
      const ticks = evenTicks(...this.fullY, (this.right - this.left) / 90, figure.y.unit);
      for (const [at, text] of ticks) {
        const x = Math.round(this.py(at)) + 0.5;
        grid.append(svg("line", { x1: x, x2: x, y1: this.top, y2: this.bottom, class: at === 0 ? "axis" : "grid" }),
          svg("text", { x, y: this.bottom + 16, "text-anchor": "middle", class: "tick" }, text));
      }
      const most = Math.floor((left - 10) / 6.2);
      names.forEach((name, at) => {
        const text = name.length > most ? `${name.slice(0, most - 1)}…` : name;
        grid.append(svg("text", { x: left - 10, y: this.px(at) + 4, "text-anchor": "end", class: "mark" }, svg("title", {}, name), text));
      });
      grid.append(svg("text", { x: this.right, y: height - 8, "text-anchor": "end", class: "title" }, ...titleOf(figure.y)));
      node.append(grid, this.layers(names), this.marks(), ...this.sensors());
      return node;
    }

    spans() {
      const group = svg("g", { "clip-path": this.clip });
      for (const mark of this.figure.marks) {
        if (mark.kind !== "span") continue;
        const [a, b] = [this.px(mark.from), this.px(mark.to)];
        group.append(svg("rect", { x: a, y: this.top, width: Math.max(b - a, 1), height: this.bottom - this.top, class: "span" }));
      }
      return group;
    }

    marks() {
      const group = svg("g");
      const taken = [];
      const words = (x, y, text, anchor) => {
        // Labels that would lie on each other go one line down.
        while (taken.some(([a, b]) => Math.abs(b - y) < 13 && Math.abs(a - x) < 150) && y < this.bottom - 14) y += 14;
        taken.push([x, y]);
        group.append(svg("text", { x, y, "text-anchor": anchor, class: "mark halo" }, ...[text].flat()));
      };
      for (const mark of this.figure.marks) {
        if (mark.kind === "level") {
          const at = this.py(mark.at);
          if (this.lying) {
            group.append(svg("line", { x1: at, x2: at, y1: this.top, y2: this.bottom, class: "level" }));
            words(at + 4, this.top + 10, mark.label, "start");
          } else if (at >= this.top - 1 && at <= this.bottom + 1) {
            group.append(svg("line", { x1: this.left, x2: this.right, y1: at, y2: at, class: "level" }));
            words(this.right - 4, at - 5 < this.top + 8 ? at + 14 : at - 5, mark.label, "end");
          } else if (at < this.top) {
            words(this.right - 4, this.top + 10, [mark.label, svg("tspan", {}, " ↑")], "end");
          }
          continue;
        }
        const from = mark.kind === "span" ? mark.from : mark.at;
        const to = mark.kind === "span" ? mark.to : mark.at;
        if (to < this.x[0] || from > this.x[1] || this.lying) continue;
        const at = this.px(Math.max(from, this.x[0]));
        if (mark.kind === "moment") group.append(svg("line", { x1: at, x2: at, y1: this.top, y2: this.bottom, class: "level" }));
        // Beside its line where there is room for it, and within the picture in any case.
        const wide = 6.4 * String(mark.label).length;
        const end = mark.kind === "span" ? this.px(Math.min(to, this.x[1])) : at;
        if (at + 5 + wide <= this.right) words(at + 5, this.top + 11, mark.label, "start");
        else if (end - 5 - wide >= this.left) words(end - 5, this.top + 11, mark.label, "end");
        else words(this.right, this.top + 11, mark.label, "end");
      }
      return group;
    }

    layers(names) {
      const group = svg("g", { "clip-path": names ? null : this.clip });
      const base = [];
      this.figure.layers.forEach((layer, at) => {
        const one = svg("g", { "data-layer": layer.name || layer.kind, "data-variant": variantOf(layer), class: this.styles[at].colour });
        const off = this.isOff(layer, at);
        if (off) one.setAttribute("class", "off");
        else this.layer(one, layer, at, names, base);
        group.append(one);
      });
      return group;
    }

    layer(group, layer, at, names, base) {
      const dash = this.styles[at].dash || null;
      switch (layer.kind) {
        case "line": case "step":
          group.append(svg("path", { d: this.path(points(layer), layer.kind === "step"), class: "line stroke", "stroke-dasharray": dash }));
          // A line of one point is not seen otherwise.
          if (points(layer).length === 1) group.append(this.dot(points(layer)[0], 3.5));
          break;
        case "points":
          for (const p of points(layer)) if (p[1] !== null) group.append(this.dot(p, 4.5));
          break;
        case "ranges":
          layer.values.forEach(([from, to], x) => { if (from !== null && to !== null) group.append(this.bar(x, from, to, 0.62)); });
          break;
        case "band":
          group.append(svg("path", { d: this.area(points(layer)), class: "band fill" }));
          break;
        case "bars":
          layer.values.forEach((value, x) => {
            const stack = (base[x] ??= [0, 0]);
            const side = value < 0 ? 0 : 1;
            if (value) group.append(this.bar(x, stack[side], stack[side] + value, 0.62));
            stack[side] += value ?? 0;
          });
          break;
        case "waterfall":
          this.waterfall(group, layer);
          break;
      }
    }

    waterfall(group, layer) {
      const falls = this.falls(layer);
      falls.forEach(([from, to], x) => {
        const look = layer.totals[x] ? "total" : to < from ? "down" : "up";
        const bar = this.bar(x, from, to, 0.62);
        group.append(svg("g", { class: look }, bar));
        if (x + 1 < falls.length) {
          const [a, b] = [this.px(x), this.px(x + 1)];
          const level = this.py(to);
          group.append(svg("line", this.lying ? { x1: level, x2: level, y1: a, y2: b, class: "link" } : { x1: a, x2: b, y1: level, y2: level, class: "link" }));
        }
        const value = layer.values[x];
        const words = { class: "value halo", "data-v": value, "data-u": this.figure.y.unit };
        const text = `${!layer.totals[x] && value > 0 ? "+" : ""}${shown(value, this.figure.y.unit)}`;
        const [high, low] = [Math.max(from, to), Math.min(from, to)];
        group.append(this.lying
          ? svg("text", { x: Math.min(this.py(high) + 5, this.width - 4 - 6.2 * text.length), y: this.px(x) + 4, ...words }, text)
          : svg("text", { x: this.px(x), y: this.py(high >= 0 ? high : low) - 5, "text-anchor": "middle", ...words }, text));
      });
    }

    bar(x, from, to, share) {
      const band = Math.abs(this.px(1) - this.px(0)) * share;
      const thick = Math.min(band, this.lying ? 22 : 84);
      const middle = this.px(x);
      const [a, b] = [this.py(from), this.py(to)];
      const [low, size] = [Math.min(a, b), Math.max(Math.abs(b - a), 0.8)];
      return svg("rect", this.lying
        ? { x: low, y: middle - thick / 2, width: size, height: thick, class: "fill", rx: 1.5 }
        : { x: middle - thick / 2, y: low, width: thick, height: size, class: "fill", rx: 1.5 });
    }

    dot([x, y], r) {
      const [a, b] = [this.px(x), this.py(y)];
      return svg("circle", { cx: this.lying ? b : a, cy: this.lying ? a : b, r, class: "fill dot" });
    }

    path(list, isStep) {
      let d = "";
      let pen = false;
      for (const [x, y] of list) {
        if (y === null || x === null) { pen = false; continue; }
        const [a, b] = [this.px(x).toFixed(1), this.py(y).toFixed(1)];
        d += !pen ? `M${a} ${b}` : isStep ? `H${a}V${b}` : `L${a} ${b}`;
        pen = true;
      }
      return d;
    }

    area(list) {
      const whole = list.filter((p) => p.every((v) => v !== null));
      const there = whole.map(([x, , high]) => `${this.px(x).toFixed(1)} ${this.py(high).toFixed(1)}`);
      const back = whole.map(([x, low]) => `${this.px(x).toFixed(1)} ${this.py(low).toFixed(1)}`).reverse();
      return whole.length ? `M${[...there, ...back].join("L")}Z` : "";
    }

    sensors() {
      this.cursor = svg("line", { class: "cursor", y1: this.top, y2: this.bottom, visibility: "hidden" });
      this.dots = svg("g");
      this.brush = svg("rect", { class: "brush", y: this.top, height: this.bottom - this.top, width: 0 });
      return [this.brush, this.cursor, this.dots];
    }

    // -- Reading and zooming by pointer and keys

    listen() {
      let from = null;
      const place = (event) => event.clientX - this.live.getBoundingClientRect().left;
      const down = (event) => event.clientY - this.live.getBoundingClientRect().top;
      this.live.addEventListener("pointermove", (event) => {
        if (from === null) { this.show(place(event), down(event)); return; }
        const [a, b] = [from, place(event)].sort((p, q) => p - q).map((p) => Math.min(Math.max(p, this.left), this.right));
        this.brush.setAttribute("x", a);
        this.brush.setAttribute("width", b - a);
      });
      this.live.addEventListener("pointerleave", () => { if (from === null) this.hide(); });
      this.live.addEventListener("pointerdown", (event) => {
        if (!this.canZoom || event.button !== 0) return;
        from = place(event);
        this.live.setPointerCapture(event.pointerId);
        this.hide();
      });
      const end = (event, isChosen) => {
        if (from === null) return;
        const [a, b] = [from, place(event)].sort((p, q) => p - q).map((p) => Math.min(Math.max(p, this.left), this.right));
        from = null;
        this.brush.setAttribute("width", 0);
        if (isChosen && b - a > 6) this.zoomTo([this.px.back(a), this.px.back(b)]);
      };
      this.live.addEventListener("pointerup", (event) => end(event, true));
      this.live.addEventListener("pointercancel", (event) => end(event, false));
      this.live.addEventListener("dblclick", () => { if (this.canZoom) this.zoomTo(null); });
      this.live.addEventListener("blur", () => this.hide());
      this.live.addEventListener("keydown", (event) => {
        const stops = this.stops();
        const at = stops.indexOf(this.at);
        const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
        if (move && stops.length) this.showAt(stops[Math.min(Math.max(at < 0 ? (move > 0 ? 0 : stops.length - 1) : at + move, 0), stops.length - 1)]);
        else if (event.key === "Home") this.showAt(stops[0]);
        else if (event.key === "End") this.showAt(stops.at(-1));
        else if (event.key === "Escape") this.hide();
        else if (this.canZoom && ["+", "="].includes(event.key)) this.zoomBy(0.5, 0);
        else if (this.canZoom && event.key === "-") this.zoomBy(2, 0);
        else if (this.canZoom && event.key === "0") this.zoomTo(null);
        else return;
        event.preventDefault();
      });
    }

    stops() {
      const names = places(this.figure.x);
      if (names) return names.map((_, at) => at);
      return this.xs.filter((x) => x >= this.x[0] && x <= this.x[1]);
    }

    show(x, y) {
      if (this.options.small) return;
      const along = this.lying ? y : x;
      const stops = this.stops();
      if (!stops.length || (!this.lying && (x < this.left - 8 || x > this.right + 8))) { this.hide(); return; }
      const near = stops.reduce((best, one) => (Math.abs(this.px(one) - along) < Math.abs(this.px(best) - along) ? one : best));
      this.showAt(near);
    }

    // What every visible series says at one place.
    readings(x) {
      const names = places(this.figure.x);
      const found = [];
      const known = new Set();
      this.figure.layers.forEach((layer, at) => {
        const { series } = this.styles[at];
        if (this.isOff(layer, at) || known.has(series)) return;
        const before = found.length;
        const name = layer.name || this.figure.y.label;
        const { colour } = this.styles[at];
        if (layer.values) {
          const value = layer.values[x];
          if (value !== null && value !== undefined) found.push({ name, colour, values: [value].flat() });
          return;
        }
        const list = points(layer);
        let point = list.find((p) => p[0] === x);
        if (!point && layer.kind === "step") point = list.filter((p) => p[0] <= x).at(-1);
        if (!point && !names) {
          // The nearest point, if it is as near as a few pixels.
          const near = list.reduce((best, p) => (!best || Math.abs(p[0] - x) < Math.abs(best[0] - x) ? p : best), null);
          if (near && Math.abs(this.px(near[0]) - this.px(x)) < 6) point = near;
        }
        if (point && point.slice(1).every((v) => v !== null)) found.push({ name, colour, values: point.slice(1), point });
        if (found.length > before) known.add(series);
      });
      return found;
    }

    showAt(x) {
      if (x === undefined) return;
      this.at = x;
      const names = places(this.figure.x);
      const found = this.readings(x);
      const head = html("b");
      if (names) head.textContent = names[x];
      else if (kind(this.figure.x) === "nines") put(head, x, "share");
      else put(head, x, this.figure.x.unit);
      const lines = found.map(({ name, colour, values }) => {
        const value = html("span");
        values.forEach((v, i) => value.append(...(i ? [" to "] : []), put(html("b"), v, this.figure.y.unit)));
        return html("div", {}, html("span", {}, html("i", { class: `${colour} wash` }), name), value);
      });
      this.read.replaceChildren(head, ...lines);
      this.read.hidden = false;
      const along = this.px(x);
      if (this.lying) {
        this.read.style.transform = `translate(${this.left + 12}px, ${Math.min(along + 14, this.bottom)}px)`;
      } else {
        this.cursor.setAttribute("x1", along);
        this.cursor.setAttribute("x2", along);
        this.cursor.setAttribute("visibility", names ? "hidden" : "visible");
        this.dots.replaceChildren(...found.filter((f) => f.point && f.values.length === 1)
          .map((f) => svg("g", { class: f.colour }, this.dot(f.point, 4))));
        const wide = this.read.offsetWidth;
        const right = along + 14 + wide <= this.width;
        const left = right ? along + 14 : Math.max(along - wide - 14, 0);
        this.read.style.transform = `translate(${left}px, ${this.top + 6}px)`;
      }
    }

    hide() {
      this.at = undefined;
      this.read.hidden = true;
      this.cursor?.setAttribute("visibility", "hidden");
      this.dots?.replaceChildren();
    }
  }

  // -- Sliders ----------------------------------------------------------------------------------

  // On the straight line between the two points around it, as the program reckons it; null outside of them.
  function between(list, at) {
    const here = list.find(([x]) => x === at);
    if (here) return here[1];
    const behind = list.findIndex(([x]) => x > at);
    if (behind < 1) return null;
    const [[from, low], [to, high]] = [list[behind - 1], list[behind]];
    return low + ((at - from) / (to - from)) * (high - low);
  }

  function slider(node, lever) {
    const input = node.querySelector("input");
    const place = node.querySelector(".move output");
    const parts = all("[data-outcome]", node).map((part) => {
      const outcome = lever.outcomes[Number(part.dataset.outcome)];
      const figure = {
        id: `${lever.id}-${part.dataset.outcome}`, title: outcome.label, caption: "", marks: [],
        x: { label: lever.label, unit: lever.unit, scale: "linear", range: lever.range.slice(0, 2) },
        y: { label: outcome.label, unit: outcome.unit, scale: "linear", range: null },
        layers: [{ kind: "line", name: outcome.label, variant: null, dashed: false, points: outcome.points },
          { kind: "points", name: "", variant: null, points: [] }],
      };
      const picture = new Picture(figure, part.querySelector(".plot"), { small: true, label: `${outcome.label} by ${lever.label}` });
      picture.styles[1] = picture.styles[0];
      pictures.push(picture);
      return { output: part.querySelector("output"), outcome, picture };
    });
    const positions = [...new Set(lever.outcomes.flatMap((o) => o.points.map((p) => p[0])))];
    const reach = (lever.range[1] - lever.range[0]) / 250;
    const update = () => {
      // The slider stops at the points that were computed, so that what is shown there is exact.
      const at = Number(input.value);
      const near = [...positions, lever.range[2]].reduce((best, x) => (Math.abs(x - at) < Math.abs(best - at) ? x : best));
      const here = Math.abs(near - at) <= reach / 2 ? near : at;
      put(place, here, lever.unit);
      input.setAttribute("aria-valuetext", shown(here, lever.unit));
      for (const { output, outcome, picture } of parts) {
        const value = between(outcome.points, here);
        put(output, value, outcome.unit);
        if (value === null) delete output.dataset.v;
        picture.figure.layers[1].points = value === null ? [] : [[here, value]];
        picture.draw();
      }
    };
    input.addEventListener("input", update);
    update();
  }

  // -- The page ---------------------------------------------------------------------------------

  function switches() {
    for (const input of all("[data-switch]")) {
      input.addEventListener("change", () => {
        if (input.checked) gone.delete(input.dataset.switch); else gone.add(input.dataset.switch);
        for (const node of all("main [data-variant]:not(svg *)")) node.classList.toggle("off", gone.has(node.dataset.variant));
        for (const picture of pictures) picture.draw();
      });
    }
  }

  function theme() {
    const button = document.querySelector(".theme");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
    const name = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", `Show in ${isDark() ? "light" : "dark"} colours`);
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      name();
    });
    dark.addEventListener("change", name);
    name();
  }

  function copies() {
    for (const button of all("[data-copy]")) {
      button.addEventListener("click", async () => {
        let done = true;
        try {
          await navigator.clipboard.writeText(button.dataset.copy);
        } catch {
          // A page from disk may not write to the clipboard; the old way works there.
          const area = html("textarea", { class: "unseen" });
          area.value = button.dataset.copy;
          document.body.append(area);
          area.select();
          done = document.execCommand("copy");
          area.remove();
          button.focus();
        }
        button.textContent = done ? "Copied" : "Press Ctrl+C";
        setTimeout(() => { button.textContent = "Copy"; }, 1600);
      });
    }
  }

  function contents() {
    const links = new Map(all(".toc a").map((a) => [a.hash.slice(1), a]));
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) seen.add(target.id); else seen.delete(target.id);
      }
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) {
        if (id === first) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
      }
    }, { rootMargin: "-10% 0px -60% 0px" });
    for (const id of links.keys()) {
      const target = document.getElementById(id);
      if (target) watch.observe(target);
    }
  }

  root.dataset.live = "";
  const figures = by(blocks("figure"));
  const levers = by(blocks("lever"));
  for (const node of all("figure[data-figure]")) {
    pictures.push(new Picture(figures.get(node.dataset.figure), node.querySelector(".plot")));
  }
  for (const node of all("[data-lever]")) slider(node, levers.get(node.dataset.lever));
  switches();
  theme();
  copies();
  contents();
  let wait = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(wait);
    wait = requestAnimationFrame(() => {
      for (const picture of pictures) if (picture.plot.clientWidth !== picture.width) picture.draw();
    });
  }).observe(document.querySelector("main"));
})();
