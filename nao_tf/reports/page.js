"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const trials = data.trials;
  const count = (trials.id || []).length;
  const rowOf = new Map((trials.id || []).map((id, row) => [id, row]));
  const SVG = "http://www.w3.org/2000/svg";
  const MANY = 800;

  /** Makes an element. Texts are set as texts, so nothing in them is read as HTML. */
  function make(tag, attributes = {}, text = null, parent = null) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== null) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  }

  function draw(tag, attributes, parent, text = null) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== null) element.textContent = text;
    parent.append(element);
    return element;
  }

  function shown(value) {
    if (value === null || value === undefined) return "–";
    if (typeof value !== "number") return String(value);
    const size = Math.abs(value);
    if ((Number.isInteger(value) || size >= 1000) && size < 1e15) return Math.round(value).toLocaleString("en-US");
    return String(Number(value.toPrecision(5)));
  }

  /** Names a tick. Ticks of large steps are written in thousands, millions and so on. */
  function tickText(value, step) {
    for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(value) >= unit && step >= unit / 1000 && Math.abs(value) >= 10000) {
        return `${Number((value / unit).toPrecision(6))}${name}`;
      }
    }
    return String(Number(value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(step))))));
  }

  function ticks(low, high, most) {
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= raw);
    const found = [];
    for (let n = Math.ceil(low / step); n * step <= high + step * 1e-9; n++) found.push(n * step);
    return [found, step];
  }

  /** Returns the points of a series: x, y, the row of the trial, or -1, and a text. Failed trials have no y. */
  function pointsOf(series) {
    const column = (values, row, index) => (typeof values === "string" ? trials[values]?.[row] : values[index]);
    const rows = series.rows || series.x.map((_, index) => (series.ids ? rowOf.get(series.ids[index]) ?? -1 : -1));
    const text = (index) => series.texts?.[index];
    return rows.map((row, index) => [column(series.x, row, index), column(series.y, row, index), row, text(index)]);
  }

  function extent(values) {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low > high) return [0, 1];
    const margin = (high - low) * 0.04 || Math.abs(low) * 0.05 || 1;
    return [low - margin, high + margin];
  }

  function words(spec, series, point) {
    const [x, y, row, text] = point;
    if (text) return text;
    if (spec.shown && row < 0) return series.name;
    const axes = [`${spec.x} ${shown(x)}`, y === null ? "" : `${spec.y} ${shown(y)}`].filter(Boolean).join(", ");
    const place = spec.shown ? `${spec.shown} ${shown(trials[spec.shown]?.[row])}` : axes;
    if (row < 0) return `${series.name}: ${place}`;
    const parts = [`Trial #${trials.id[row]}`, place, trials.origin?.[row], trials.reason?.[row]];
    return parts.filter(Boolean).join(" · ");
  }

  /** Returns a line as a path, with the head of an arrow in its middle if it is long enough. */
  function arrow([x, y], [toX, toY]) {
    const line = `M${x} ${y}L${toX} ${toY}`;
    const [dx, dy] = [toX - x, toY - y];
    if (Math.hypot(dx, dy) < 14) return line;
    const angle = Math.atan2(dy, dx);
    const [tipX, tipY] = [+x + dx * 0.6, +y + dy * 0.6];
    const side = (turn) => `${(tipX - 6 * Math.cos(angle + turn)).toFixed(1)} ${(tipY - 6 * Math.sin(angle + turn)).toFixed(1)}`;
    return `${line}M${side(0.45)}L${tipX.toFixed(1)} ${tipY.toFixed(1)}L${side(-0.45)}`;
  }

  class Chart {
    constructor(figure, spec) {
      this.spec = spec;
      this.title = figure.querySelector("figcaption").textContent;
      this.plot = figure.querySelector(".plot");
      this.all = spec.series.map((series) => ({ ...series, points: pointsOf(series) }));
      this.groups = spec.choose ? [...new Set(this.all.map((series) => series.group ?? series.name))] : [];
      this.only = this.groups.at(-1) ?? null;
      this.tools = make("div", { class: "tools" });
      figure.insertBefore(this.tools, this.plot);
      this.svg = draw("svg", { tabindex: "0", role: "img" }, this.plot);
      this.tip = make("div", { class: "tip", role: "status" }, "", this.plot);
      this.addTools();
      this.listen();
      this.reset();
      new ResizeObserver(() => this.resize()).observe(this.plot);
    }

    get series() {
      return this.only === null ? this.all : this.all.filter(({ group, name }) => (group ?? name) === this.only);
    }

    addTools() {
      if (this.spec.choose) {
        const label = make("label", {}, `${this.spec.choose}: `, this.tools);
        const select = make("select", {}, null, label);
        for (const group of this.groups) make("option", {}, group, select);
        select.value = this.only;
        select.addEventListener("change", () => {
          this.only = select.value;
          this.reset();
        });
      }
      this.keys = make("span", { class: "tools" }, null, this.tools);
      this.undo = make("button", { type: "button" }, "Reset zoom", this.tools);
      this.undo.addEventListener("click", () => this.reset());
    }

    /** Says what the colors mean, if there are several. */
    addKeys() {
      this.keys.replaceChildren();
      if (this.series.length < 2) return;
      for (const { name, color, style } of this.series) {
        const key = make("span", { class: "key" }, null, this.keys);
        const kind = { line: " line", step: " line", moves: " line", dashed: " line dashed" }[style] || "";
        make("i", { class: `k${color}${kind}` }, null, key);
        key.append(name);
      }
    }

    listen() {
      this.svg.addEventListener("pointerdown", (event) => this.down(event));
      this.svg.addEventListener("pointermove", (event) => this.move(event));
      this.svg.addEventListener("pointerup", (event) => this.up(event));
      this.svg.addEventListener("pointercancel", () => this.cancel());
      this.svg.addEventListener("pointerleave", () => this.start || this.point(null));
      this.svg.addEventListener("dblclick", () => this.reset());
      this.svg.addEventListener("keydown", (event) => this.key(event));
      this.svg.addEventListener("blur", () => this.point(null));
    }

    reset() {
      const points = this.series.flatMap((series) => series.points);
      this.xs = extent(points.map((point) => point[0]));
      const heights = this.spec.y_range || points.map((point) => point[1]);
      this.ys = extent(heights.filter((y) => y !== null && y !== undefined));
      this.undo.hidden = true;
      const pointed = this.series.filter((series) => !this.isLines(series));
      this.order = pointed.flatMap((series) => series.points.map((point) => [series, point]));
      this.order.sort((a, b) => a[1][0] - b[1][0]);
      this.at = null;
      this.addKeys();
      this.render();
      this.describe(this.order.length);
    }

    /** Whether the points of a series are the ends of lines, and nothing to point at. */
    isLines(series) {
      return series.style === "moves" || series.style === "dashed";
    }

    describe(number) {
      const alt = this.spec.alt?.[this.only] ? `${this.spec.alt[this.only]}. ` : "";
      const keys = "Arrow keys go from point to point, plus and minus zoom, Escape resets.";
      const points = `${number} points, ${this.spec.y} against ${this.spec.x}. `;
      this.svg.setAttribute("aria-label", `${this.title}. ${points}${alt}${keys}`);
    }

    resize() {
      if (Math.abs((this.plot.clientWidth || 600) - this.width) > 1) this.render();
    }

    render() {
      this.width = Math.max(this.plot.clientWidth || 600, 240);
      this.height = Math.round(Math.min(340, Math.max(240, this.width * 0.5)));
      this.left = 58;
      this.bottom = this.height - 40;
      this.svg.replaceChildren();
      this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
      this.axes();
      const id = `clip-${this.plot.parentNode.dataset.chart}`;
      const clip = draw("clipPath", { id }, draw("defs", {}, this.svg));
      const area = { x: this.left - 4, y: 6, width: this.width - this.left, height: this.bottom };
      draw("rect", area, clip);
      const group = draw("g", { "clip-path": `url(#${id})` }, this.svg);
      for (const series of this.series) draw("path", { class: this.kind(series), d: this.path(series) }, group);
      this.mark = draw("circle", { class: "mark", r: 6, visibility: "hidden" }, this.svg);
      this.box = draw("rect", { class: "box", visibility: "hidden" }, this.svg);
      this.point(this.at);
    }

    kind(series) {
      const many = series.style === "dots" && series.points.length > MANY ? " many" : "";
      return `${series.style === "step" ? "line" : series.style} s${series.color}${many}`;
    }

    axes() {
      const right = this.width - 8;
      const [xs, xStep] = ticks(...this.xs, Math.max(2, Math.floor(this.width / 65)));
      const [ys, yStep] = ticks(...this.ys, 5);
      for (const y of ys) {
        draw("path", { class: "axis", d: `M${this.left} ${this.y(y)}H${right}` }, this.svg);
        draw("text", { x: this.left - 8, y: this.y(y) + 4, "text-anchor": "end" }, this.svg, tickText(y, yStep));
      }
      draw("path", { class: "axis", d: `M${this.left} ${this.bottom}H${right}` }, this.svg);
      for (const x of xs) {
        if (/^(trial|round|epoch)$/.test(this.spec.x) && !Number.isInteger(x)) continue;
        draw("path", { class: "axis", d: `M${this.x(x)} ${this.bottom}v5` }, this.svg);
        draw("text", { x: this.x(x), y: this.bottom + 18, "text-anchor": "middle" }, this.svg, tickText(x, xStep));
      }
      draw("text", { x: right, y: this.height - 6, "text-anchor": "end" }, this.svg, this.spec.x);
      draw("text", { x: this.left + 4, y: 14 }, this.svg, this.spec.y);
    }

    x(value) {
      return this.left + ((value - this.xs[0]) / (this.xs[1] - this.xs[0])) * (this.width - 12 - this.left);
    }

    y(value) {
      if (value === null || value === undefined) return this.bottom - 6;
      return this.bottom - ((value - this.ys[0]) / (this.ys[1] - this.ys[0])) * (this.bottom - 20);
    }

    path(series) {
      const places = series.points.map(([x, y]) => [this.x(x).toFixed(1), this.y(y).toFixed(1)]);
      if (series.style === "dots") return places.map(([x, y]) => `M${x} ${y}h0`).join("");
      if (series.style === "crosses") return places.map(([x, y]) => `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`).join("");
      if (this.isLines(series)) return places.map((place, n) => (n % 2 ? arrow(places[n - 1], place) : "")).join("");
      if (series.style === "line") return places.map(([x, y], n) => `${n ? "L" : "M"}${x} ${y}`).join("");
      return places.map(([x, y], n) => (n ? `H${x}V${y}` : `M${x} ${y}`)).join("");
    }

    /** Shows what a point is, an entry of `order`; or nothing. */
    point(entry) {
      this.at = entry;
      this.tip.textContent = entry ? words(this.spec, ...entry) : "";
      this.mark.setAttribute("visibility", entry ? "visible" : "hidden");
      if (!entry) return;
      const [x, y] = [this.x(entry[1][0]), this.y(entry[1][1])];
      this.mark.setAttribute("cx", x);
      this.mark.setAttribute("cy", y);
      const scale = this.plot.clientWidth / this.width || 1;
      const free = this.plot.clientWidth - this.tip.offsetWidth - 4;
      this.tip.style.left = `${Math.max(0, Math.min(x * scale + 10, free))}px`;
      this.tip.style.top = `${Math.max(0, y * scale - this.tip.offsetHeight - 10)}px`;
    }

    /** Returns where a pointer is in the picture. */
    place(event) {
      const box = this.svg.getBoundingClientRect();
      const scale = this.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    }

    nearest([x, y]) {
      let best = null;
      let least = 40 ** 2;
      for (const entry of this.order) {
        const distance = (this.x(entry[1][0]) - x) ** 2 + (this.y(entry[1][1]) - y) ** 2;
        if (distance < least) [best, least] = [entry, distance];
      }
      return best;
    }

    down(event) {
      if (event.pointerType === "mouse" && event.button === 0) this.start = this.place(event);
      else this.point(this.nearest(this.place(event)));
    }

    move(event) {
      const place = this.place(event);
      if (!this.start) {
        this.point(this.nearest(place));
        return;
      }
      const [x, y] = [0, 1].map((i) => Math.min(place[i], this.start[i]));
      const [width, height] = [0, 1].map((i) => Math.abs(place[i] - this.start[i]));
      for (const [name, value] of Object.entries({ x, y, width, height, visibility: "visible" })) {
        this.box.setAttribute(name, value);
      }
    }

    up(event) {
      if (!this.start) return;
      const [from, to] = [this.start, this.place(event)];
      this.cancel();
      if (Math.abs(from[0] - to[0]) < 8 || Math.abs(from[1] - to[1]) < 8) return;
      const x = (pixel) => this.xs[0] + ((pixel - this.left) / (this.width - 12 - this.left)) * (this.xs[1] - this.xs[0]);
      const y = (pixel) => this.ys[0] + ((this.bottom - pixel) / (this.bottom - 20)) * (this.ys[1] - this.ys[0]);
      this.zoom([x(from[0]), x(to[0])], [y(from[1]), y(to[1])]);
    }

    cancel() {
      this.start = null;
      this.box.setAttribute("visibility", "hidden");
    }

    zoom(xs, ys) {
      this.xs = xs.sort((a, b) => a - b);
      this.ys = ys.sort((a, b) => a - b);
      this.undo.hidden = false;
      this.render();
    }

    key(event) {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const factor = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
      if (step) this.next(step);
      else if (factor) this.around(factor);
      else if (event.key === "Escape") this.reset();
      else return;
      event.preventDefault();
    }

    next(step) {
      const index = this.at ? this.order.indexOf(this.at) + step : step > 0 ? 0 : this.order.length - 1;
      if (this.order[index]) this.point(this.order[index]);
    }

    around(factor) {
      const half = ([low, high]) => ((high - low) * factor) / 2;
      const middle = (range, value) => value ?? (range[0] + range[1]) / 2;
      const [x, y] = [middle(this.xs, this.at?.[1][0]), middle(this.ys, this.at?.[1][1])];
      const [dx, dy] = [half(this.xs), half(this.ys)];
      this.zoom([x - dx, x + dx], [y - dy, y + dy]);
    }
  }

  const NAMES = { id: "trial", multiply_adds: "multiply-adds", state: "result" };
  const TEXTS = new Set(["state", "origin", "reason", "architecture"]);

  class Table {
    constructor(place) {
      this.columns = Object.keys(trials);
      this.sorted = { column: "id", down: false };
      this.texts = null;
      this.addFilters(place);
      this.status = make("p", { class: "note", role: "status" }, "", place);
      this.frame = make("div", { class: "scroll rows", tabindex: "0", role: "region", "aria-label": "All trials" }, null, place);
      const table = make("table", {}, null, this.frame);
      this.head = make("tr", {}, null, make("thead", {}, null, table));
      this.body = make("tbody", {}, null, table);
      this.addHeads();
      this.frame.addEventListener("scroll", () => this.fill());
      addEventListener("beforeprint", () => this.more(200));
      this.show();
    }

    addFilters(place) {
      const filters = make("div", { class: "filters" }, null, place);
      const label = make("label", {}, "Filter", filters);
      this.filter = make("input", { type: "search", placeholder: "#12, ascent, sep3x3 …" }, null, label);
      const states = make("label", {}, "Result", filters);
      this.state = make("select", {}, null, states);
      for (const name of ["all", ...new Set(trials.state)]) make("option", {}, name, this.state);
      let timer = 0;
      this.filter.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.show(), 120);
      });
      this.state.addEventListener("change", () => this.show());
    }

    addHeads() {
      for (const column of this.columns) {
        const head = make("th", { scope: "col", class: TEXTS.has(column) ? "" : "number" }, null, this.head);
        const button = make("button", { type: "button" }, NAMES[column] || column, head);
        button.addEventListener("click", () => this.sortBy(column));
      }
    }

    sortBy(column) {
      const again = this.sorted.column === column;
      const down = again ? !this.sorted.down : !TEXTS.has(column) && column !== "id" && column !== "round";
      this.sorted = { column, down };
      this.show();
    }

    /** Returns the rows that pass the filters. */
    passing() {
      const wanted = this.filter.value.trim().toLowerCase();
      const state = this.state.value;
      const rows = [...Array(count).keys()].filter((row) => state === "all" || trials.state[row] === state);
      if (!wanted) return rows;
      if (/^#\d+$/.test(wanted)) return rows.filter((row) => `#${trials.id[row]}` === wanted);
      this.texts ||= [...Array(count).keys()].map((row) =>
        ["state", "origin", "reason", "architecture"].map((name) => trials[name]?.[row] || "").join("\n").toLowerCase(),
      );
      return rows.filter((row) => this.texts[row].includes(wanted));
    }

    show() {
      const { column, down } = this.sorted;
      const values = trials[column];
      const order = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
      const empty = (value) => value === null || value === "";
      this.rows = this.passing().sort((a, b) => {
        if (empty(values[a]) || empty(values[b])) return empty(values[a]) - empty(values[b]) || a - b;
        return (down ? -1 : 1) * order(values[a], values[b]) || a - b;
      });
      this.columns.forEach((name, n) => {
        const kind = name !== column ? "none" : down ? "descending" : "ascending";
        this.head.children[n].setAttribute("aria-sort", kind);
      });
      this.body.replaceChildren();
      this.frame.scrollTop = 0;
      this.more(60);
    }

    fill() {
      const left = this.frame.scrollHeight - this.frame.scrollTop - this.frame.clientHeight;
      if (left < 600 && this.body.children.length < this.rows.length) this.more(100);
    }

    more(number) {
      const begin = this.body.children.length;
      for (const row of this.rows.slice(begin, begin + number)) this.body.append(this.row(row));
      const [now, all] = [this.body.children.length, this.rows.length];
      const rest = now < all ? `; scroll the table to load more than the first ${shown(now)}` : "";
      this.status.textContent = `${shown(all)} of ${shown(count)} trials${rest}`;
    }

    row(row) {
      const line = make("tr");
      for (const column of this.columns) {
        const value = trials[column][row];
        const cell = make("td", { class: TEXTS.has(column) ? column : "number" }, null, line);
        if (column === "architecture") make("code", {}, value, cell);
        else if (value !== "") make("span", {}, column === "id" ? `#${value}` : shown(value), cell);
      }
      return line;
    }
  }

  for (const figure of document.querySelectorAll("[data-chart]")) {
    const spec = data.charts[figure.dataset.chart];
    if (spec) new Chart(figure, spec);
  }
  const place = document.getElementById("table");
  if (place && count) new Table(place);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
})();
