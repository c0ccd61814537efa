"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, place) => row.cells[place].dataset.value ?? row.cells[place].textContent;
  heads.forEach((head, place) => head.firstElementChild.addEventListener("click", () => {
    const numbers = head.classList.contains("number");
    const before = head.getAttribute("aria-sort");
    const down = before ? before === "ascending" : numbers; // numbers: the largest first
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const compare = (a, b) => {
      if (!numbers) return (down ? -1 : 1) * a.localeCompare(b);
      if (a === "" || b === "") return (a === "") - (b === ""); // what has no number comes last
      return (down ? -1 : 1) * (a - b);
    };
    const rows = [...table.tBodies[0].rows].sort((a, b) => compare(key(a, place), key(b, place)));
    table.tBodies[0].append(...rows);
  }));
}

const data = JSON.parse(document.getElementById("timeline-data").textContent);
const canvas = document.getElementById("timeline");
if (canvas && data.end > 0) {
  const BAR = 18, TITLE = 20, AXIS = 22;
  const tip = document.getElementById("tip"), picked = document.getElementById("picked");
  const pen = canvas.getContext("2d");
  const paper = matchMedia("print"), dark = matchMedia("(prefers-color-scheme: dark)");
  let from = 0, to = data.end, chosen = null, high = AXIS;
  const bars = [];
  for (const track of data.tracks) {
    track.top = high;
    high += TITLE;
    let deep = 0;
    for (const [start, time, depth, name, kind, note] of track.spans) {
      bars.push({ start, time, depth, kind, name: data.names[name], note: data.notes[note], top: high + depth * BAR });
      deep = Math.max(deep, depth + 1);
    }
    high += deep * BAR + 6;
  }
  canvas.style.height = `${high}px`;
  let width = 1; // as it was drawn last: to ask the canvas for each bar would be slow
  const x = (moment) => ((moment - from) / (to - from)) * width;
  const time = (ns) => {
    const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]].find(([size]) => Math.abs(ns) >= size) ?? [1, "ns"];
    return `${+(ns / size).toPrecision(4)} ${unit}`;
  };
  const tell = (bar) => `${bar.name} (${bar.kind}), ${time(bar.time)}, from ${time(bar.start)}${bar.note ? `\n${bar.note}` : ""}`;

  function draw() {
    const ratio = devicePixelRatio || 1;
    width = canvas.clientWidth;
    canvas.width = width * ratio;
    canvas.height = high * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const ink = dark.matches && !paper.matches ? "#e8e8e8" : "#111";
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    ruler(ink);
    pen.fillStyle = ink;
    for (const track of data.tracks) pen.fillText(track.name, 4, track.top + TITLE / 2);
    const filled = new Map(); // row -> the last pixel with something on it: what is thinner is drawn once
    for (const bar of bars) {
      const left = Math.max(x(bar.start), 0), right = Math.min(x(bar.start + bar.time), width);
      if (right < 0 || left > width || (right <= (filled.get(bar.top) ?? -1))) continue;
      const size = Math.max(right - left - 0.5, 0.75);
      filled.set(bar.top, left + size);
      pen.fillStyle = data.colours[bar.kind] ?? "#bbb";
      pen.fillRect(left, bar.top, size, BAR - 2);
      if (bar === chosen) { pen.strokeStyle = ink; pen.lineWidth = 2; pen.strokeRect(left, bar.top, size, BAR - 2); }
      if (size > 24) write(bar.name, left + 3, bar.top + BAR / 2 - 1, size - 6);
    }
  }
  function ruler(ink) {
    const least = ((to - from) * 80) / width, power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least);
    for (let moment = Math.ceil(from / step) * step; moment <= to; moment += step) {
      pen.fillStyle = "#8886";
      pen.fillRect(x(moment), 0, 1, high);
      pen.fillStyle = ink;
      const label = time(moment);
      if (x(moment) + 4 + pen.measureText(label).width < width) pen.fillText(label, x(moment) + 3, AXIS / 2);
    }
  }
  function write(text, left, middle, room) {
    pen.fillStyle = "#111";
    const each = pen.measureText("n").width, fits = Math.floor(room / each);
    if (fits < 2) return;
    pen.save();
    pen.beginPath();
    pen.rect(left - 1, middle - BAR, room + 2, 2 * BAR);
    pen.clip();
    pen.fillText(text.length > fits * 2 ? text.slice(0, fits * 2) : text, left, middle);
    pen.restore();
  }
  function show(start, end) {
    const size = Math.min(Math.max(end - start, 20), data.end);
    from = Math.min(Math.max(start, 0), data.end - size);
    to = from + size;
    draw();
  }
  const zoom = (factor, at = (from + to) / 2) => show(at - (at - from) * factor, at + (to - at) * factor);
  const pan = (share) => show(from + share * (to - from), to + share * (to - from));
  const moment = (event) => from + ((event.clientX - canvas.getBoundingClientRect().left) / width) * (to - from);
  function under(event) {
    const y = event.clientY - canvas.getBoundingClientRect().top, at = moment(event), slack = (2 * (to - from)) / width;
    const near = bars.filter((bar) => y >= bar.top && y < bar.top + BAR && at >= bar.start - slack && at <= bar.start + bar.time + slack);
    return near.find((bar) => at >= bar.start && at <= bar.start + bar.time) ?? near[0];
  }
  function choose(bar) { chosen = bar; picked.textContent = bar ? tell(bar) : ""; draw(); }
  function step(by) { // to the next bar in the order of time, and into the view
    const place = chosen ? bars.indexOf(chosen) + by : 0, bar = bars[Math.min(Math.max(place, 0), bars.length - 1)];
    if (bar.start < from || bar.start > to) show(bar.start - (to - from) / 4, bar.start + ((to - from) * 3) / 4);
    choose(bar);
  }
  let held = null;
  canvas.addEventListener("pointerdown", (event) => { held = { x: event.clientX, from, to, moved: false }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", (event) => { if (held && !held.moved) choose(under(event)); held = null; });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("pointermove", (event) => {
    if (held) {
      const by = ((held.x - event.clientX) / width) * (held.to - held.from);
      held.moved ||= Math.abs(held.x - event.clientX) > 3;
      if (held.moved) show(held.from + by, held.to + by);
    }
    const bar = held?.moved ? undefined : under(event);
    tip.hidden = !bar;
    if (!bar) return;
    tip.textContent = tell(bar);
    tip.style.left = 0; // so that its width does not depend on where it was
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 4))}px`;
    const below = event.clientY + 16;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 8 : below}px`;
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return; // the page scrolls
    event.preventDefault();
    zoom(1.002 ** (event.deltaY || event.deltaX), moment(event));
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => { const bar = under(event); if (bar) show(bar.start - bar.time * 0.05, bar.start + bar.time * 1.05); });
  const actions = { in: () => zoom(0.5), out: () => zoom(2), left: () => pan(-0.25), right: () => pan(0.25), all: () => show(0, data.end), next: () => step(1), previous: () => step(-1) };
  const keys = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all", n: "next", p: "previous" };
  canvas.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[action]();
  });
  for (const button of document.querySelectorAll("[data-action]")) button.addEventListener("click", actions[button.dataset.action]);
  new ResizeObserver(draw).observe(canvas);
  dark.addEventListener("change", draw);
  addEventListener("beforeprint", draw);
  paper.addEventListener("change", draw);
  draw();
}
