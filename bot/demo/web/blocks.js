"use strict";
// Draws texts, blocks and charts. Whatever an app wrote reaches the page as text nodes only.
const EMOJI = { white_check_mark: "✅", warning: "⚠️", rotating_light: "🚨", red_circle: "🔴", large_green_circle: "🟢",
  large_yellow_circle: "🟡", large_blue_circle: "🔵", white_circle: "⚪", x: "❌", eyes: "👀", zzz: "💤", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", arrows_counterclockwise: "🔄", bar_chart: "📊", tada: "🎉" };

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === "data" || key === "style") Object.assign(key === "data" ? node.dataset : node.style, value);
    else if (key.startsWith("aria-")) node.setAttribute(key, value);
    else if (value !== undefined) node[key] = value;
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.flat());
  return node;
}

/* ---- text ---- */

const plain = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&")
  .replace(/:([a-z_]+):/g, (all, name) => EMOJI[name] ?? all);
const safe = (url) => (/^(https?:|mailto:)/i.test(url) ? url : "about:blank");
const nameOf = (id) => state.people.find((p) => p.id === id)?.name ?? (id === "USLACKBOT" ? "Channel" : "Sync Health");
const pipelineNow = () => new Date((state.clock + (performance.now() - clockAt) / 1000 * state.speed) * 1000);

// Whoever is acting sits where the pipeline is: one clock and one zone on the whole page.
const inZone = (when, options) => when.toLocaleString("en-US", { ...options, timeZone: state.zone });
const dayOf = (when) => Date.parse(inZone(when, { year: "numeric", month: "2-digit", day: "2-digit" }));

function date(seconds, format) {
  const when = new Date(seconds * 1000);
  const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[Math.round((dayOf(when) - dayOf(pipelineNow())) / 864e5)];
  const show = (options) => inZone(when, options);
  const time = { hour: "numeric", minute: "2-digit" };
  const long = { weekday: "long", year: "numeric", month: "long", day: "numeric" };
  const looks = { date_num: { dateStyle: "short" }, date_long: long, date: { year: "numeric", month: "long", day: "numeric" },
    date_short: { year: "numeric", month: "short", day: "numeric" }, time, time_secs: { ...time, second: "2-digit" } };
  return format.replace(/\{(\w+)\}/g, (all, token) => {
    const look = looks[token.replace("_pretty", "")];
    return (token.endsWith("_pretty") && near) || (look ? show(look) : all);
  }).replace(/^[a-z]/, (first) => first.toUpperCase());
}

function reference(inside) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return el("span", { className: "mention" }, "@" + nameOf(target.slice(1)));
  if (target.startsWith("!date^")) {
    const [, seconds, format, link] = target.split("^");
    const shown = el("time", { title: label }, date(+seconds, format));
    return link ? el("a", { href: safe(link), target: "_blank", rel: "noopener" }, shown) : shown;
  }
  if (/^[!#]/.test(target)) return el("span", { className: "mention" }, plain(label ?? target.replace("!", "@")));
  return anchor(plain(target), plain(label ?? target));
}

function anchor(address, label) { // a permalink opens its thread here, as Slack does
  const ts = threadOf(address);
  const node = el("a", { href: safe(address), target: ts ? "" : "_blank", rel: "noopener" }, label);
  if (ts) node.onclick = (event) => { event.preventDefault(); if (home) showHome(false); openThread(ts); };
  return node;
}

function threadOf(address) {
  if (!URL.canParse(address, location.href)) return null;
  const url = new URL(address, location.href), [, digits] = url.pathname.match(/^\/archives\/\w+\/p(\d+)$/) ?? [];
  if (url.origin !== location.origin || !digits) return null;
  return url.searchParams.get("thread_ts") ?? `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

const INLINE = /<([^<>\n]+)>|`([^`\n]+)`|(?<![\w*])\*(\S|\S.*?\S)\*(?![\w*])|(?<![\w_])_(\S|\S.*?\S)_(?![\w_])|(?<![\w~])~(\S|\S.*?\S)~(?![\w~])/g;
function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, ref, code, bold, italic, strike] = found;
    parts.push(plain(text.slice(end, found.index)));
    if (ref) parts.push(reference(ref));
    else if (code) parts.push(el("code", {}, plain(code)));
    else parts.push(el(bold ? "strong" : italic ? "em" : "s", {}, inline(bold ?? italic ?? strike)));
    end = found.index + all.length;
  }
  return [...parts, plain(text.slice(end))];
}

function rich(text) {
  if (!text) return [];
  if (typeof text === "object") return text.type === "plain_text" ? [plain(text.text)] : text.type === "mrkdwn" ? rich(text.text) : part(text);
  return text.split(/```\n?([\s\S]*?)```/).flatMap((piece, n) => {
    if (n % 2) return el("pre", {}, plain(piece));
    return piece.split("\n").flatMap((line, i, all) => {
      const [, quote, bullet, rest] = line.match(/^(?:(> ?)|\s*([•-] ))?(.*)$/);
      if (quote) return el("blockquote", {}, inline(rest));
      if (bullet) return el("div", { className: "bullet" }, inline(rest));
      return i < all.length - 1 ? [...inline(line), el("br")] : inline(line);
    });
  });
}

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code" };
const HOLDERS = { rich_text_quote: "blockquote", rich_text_preformatted: "pre" };
function part(e) { // of a rich_text block, in which every text is literal
  const inside = (e.elements ?? []).map(part).flat(Infinity);
  if (e.type === "emoji") return [EMOJI[e.name] ?? `:${e.name}:`];
  if (e.type === "user") return [reference(`@${e.user_id}`)];
  if (e.type === "date") return [el("time", { title: e.fallback ?? "" }, date(e.timestamp, e.format))];
  if (e.type === "rich_text_list") return e.elements.map((item) => el("div", { className: "bullet" }, part(item)));
  if (e.elements) return HOLDERS[e.type] ? [el(HOLDERS[e.type], {}, inside)] : inside;
  const said = e.type === "link" ? anchor(e.url, e.text ?? e.url) : e.text ?? "";
  return [Object.keys(STYLES).filter((name) => e.style?.[name]).reduce((shown, name) => el(STYLES[name], {}, shown), said)];
}

/* ---- blocks ---- */

async function press(message, element, node, { value, url }) {
  if (message.ts && !message.is_ephemeral && !url) openThread(message.thread_ts ?? message.ts); // where its outcome will stand
  if (element.confirm && !(await confirmed(element.confirm))) return;
  node = node.closest(".overflow") ?? node;
  node.setAttribute("aria-busy", "true");
  await post("press", { user: state.me, ts: message.ts, action_id: element.action_id, value });
  setTimeout(() => node.removeAttribute("aria-busy"), 2500); // an update will have replaced the node
}

function confirmed(words) {
  const deny = el("button", { value: "" }, rich(words.deny ?? "Cancel"));
  const yes = el("button", { value: "yes", className: words.style ?? "primary" }, rich(words.confirm ?? "Yes"));
  $("confirm").returnValue = ""; // Escape says no
  $("confirm").replaceChildren(el("form", { method: "dialog" }, el("h2", { id: "confirm-title" }, rich(words.title)), el("p", {}, rich(words.text)),
    el("menu", {}, deny, yes)));
  $("confirm").showModal();
  return new Promise((done) => { $("confirm").onclose = () => done($("confirm").returnValue === "yes"); });
}

function pressable(shown, e, message, props) {
  const node = shown.url ? anchor(shown.url, rich(shown.text)) : el("button", { type: "button" }, rich(shown.text)); // in a modal it submits nothing
  Object.assign(node, props);
  Object.assign(node.dataset, { actionId: e.action_id, value: shown.value ?? "" });
  node.addEventListener("click", () => press(message, e, node, shown)); // Slack tells the app of a link, too
  return node;
}

function overflow(e, message) { // Escape and a click elsewhere close a popover and give the focus back
  const items = e.options.map((o, n) => pressable(o, e, message, { role: "menuitem", autofocus: !n }));
  const menu = el("div", { className: "menu", role: "menu", popover: "auto" }, items);
  const data = { actionId: e.action_id, value: "" };
  const more = el("button", { data, popoverTargetElement: menu, "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false" }, "⋯");
  menu.place = () => {
    const at = more.getBoundingClientRect(), above = at.bottom > innerHeight - 220;
    const left = Math.max(8, Math.min(at.left, innerWidth - 228));
    Object.assign(menu.style, { left: `${left}px`, top: above ? "" : `${at.bottom + 4}px`, bottom: above ? `${innerHeight - at.top + 4}px` : "" });
  };
  menu.onbeforetoggle = (event) => { menu.place(); more.setAttribute("aria-expanded", event.newState === "open"); };
  menu.onclick = () => menu.hidePopover();
  menu.onkeydown = (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
  };
  return el("div", { className: "overflow" }, more, menu);
}

function select(e, props) {
  const options = e.options.map((o) => el("option", { value: o.value, selected: o.value === e.initial_option?.value }, rich(o.text)));
  return el("select", props, el("option", { value: "" }, rich(e.placeholder ?? "Choose")), options);
}

function element(e, message) {
  if (e.type === "button") return pressable(e, e, message, { className: `button ${e.style ?? ""}` });
  if (e.type === "overflow") return overflow(e, message);
  if (e.type === "static_select") {
    const node = select(e, { data: { actionId: e.action_id, value: "" }, "aria-label": plain(e.placeholder?.text ?? "Choose") });
    node.onchange = () => node.value && press(message, e, node, { value: node.value });
    return node;
  }
  return el("span", {}, rich(e));
}

function radios(b, props) {
  const one = (o) => el("label", {}, el("input", { ...props, type: "radio", value: o.value, checked: o.value === b.element.initial_option?.value }), rich(o.text),
    o.description ? el("small", {}, rich(o.description)) : null);
  return el("div", { className: "radios" }, b.element.options.map(one));
}

function field(b, problem) {
  const e = b.element, props = { name: b.block_id, required: !b.optional, data: { actionId: e.action_id }, autofocus: e.focus_on_load };
  const input = e.type === "static_select" ? select(e, props) : e.type === "radio_buttons" ? radios(b, props)
    : el(e.multiline ? "textarea" : "input", { ...props, value: e.initial_value ?? "", placeholder: e.placeholder?.text ?? "", rows: 3, maxLength: e.max_length });
  const label = el("span", {}, rich(b.label), b.optional ? el("small", {}, " (optional)") : null);
  const group = e.type === "radio_buttons"; // each of its labels is one choice
  return el(group ? "fieldset" : "label", { className: "field" }, group ? el("legend", {}, label) : label, input, b.hint ? el("small", {}, rich(b.hint)) : null,
    problem ? el("small", { className: "problem" }, problem) : null);
}

function block(b, message, errors = {}) {
  switch (b.type) {
    case "header": return el("h3", {}, rich(b.text));
    case "divider": return el("hr");
    case "input": return field(b, errors[b.block_id]);
    case "context": return el("div", { className: "context" }, b.elements.map((e) => el("span", {}, rich(e))));
    case "actions": return el("div", { className: "actions" }, b.elements.map((e) => element(e, message)));
    case "rich_text": return el("div", {}, rich(b));
    case "table": return table(b);
    case "data_visualization": return chart(b);
    default: return el("div", { className: "section" }, el("div", {}, el("div", {}, rich(b.text)),
      b.fields ? el("div", { className: "fields" }, b.fields.map((f) => el("div", {}, rich(f)))) : null),
      b.accessory ? element(b.accessory, message) : null);
  }
}

function table(b) {
  const cell = (tag) => (c, n) => {
    const { align = "left", is_wrapped } = b.column_settings?.[n] ?? {};
    return el(tag, { className: `${align} ${is_wrapped ? "wrapped" : ""}` }, c.type === "rich_text" ? rich(c) : c.text); // raw: literal
  };
  const [head, ...rows] = b.rows.map((row, n) => el("tr", {}, row.map(cell(n ? "td" : "th"))));
  return el("div", { className: "wide", tabIndex: 0, role: "group", "aria-label": "Table" }, el("table", {}, el("thead", {}, head), el("tbody", {}, rows)));
}

/* ---- charts: a drawing that stretches with its place, its words around it ---- */

const number = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 2 });

function chart({ title, chart: { type, segments, series, axis_config: axis } }) {
  const [drawn, scale] = segments ? slices(segments) : curves(type, series, axis.categories);
  const told = (points) => points.map((p) => `${p.label} ${number(p.value)}`).join(", ");
  const words = [`${type} chart: ${title}`, ...(segments ? [told(segments)] : series.map((s) => `${s.name}: ${told(s.data)}`))].join(". ");
  const shape = segments ? { viewBox: "-100 -100 200 200" } : { viewBox: "0 0 100 100", preserveAspectRatio: "none" };
  const plot = svg("svg", { ...shape, role: "img" }, svg("title", {}, words), drawn);
  const total = segments?.reduce((sum, one) => sum + one.value, 0);
  const legend = (segments ?? series).map((one, n) =>
    el("li", { className: `hue${n % 6}` }, el("span", {}, segments ? `${one.label} ${Math.round(one.value / total * 100)}%` : one.name)));
  return el("figure", { className: "chart" }, el("figcaption", {}, title), el("div", { className: "plot" }, scale ?? null, plot,
    axis ? categories(axis) : null), el("ul", { className: "legend" }, legend));
}

function categories({ categories: names, x_label }) {
  const step = Math.ceil(names.length / 6), columns = { gridTemplateColumns: `repeat(${names.length}, minmax(0, 1fr))` };
  const shown = names.filter((_, n) => n % step === 0).map((name, n) =>
    el("span", { style: { gridColumn: `span ${Math.min(step, names.length - n * step)}`, textAlign: step > 1 ? "left" : "center" } }, name));
  return el("div", { className: "x", "aria-hidden": "true" }, el("div", { style: columns }, shown), x_label ? el("div", {}, x_label) : null);
}

function curves(type, series, names) { // and the scale beside them
  const values = series.flatMap((s) => s.data.map((p) => p.value)), least = Math.min(...values), most = Math.max(...values);
  const close = type === "line" && least > 0 && most - least < least / 2; // far from 0: what moves is seen
  const low = close ? least : Math.min(0, least), high = Math.max(low + 1e-9, most);
  const count = names.length, y = (value) => 100 - (value - low) / (high - low) * 100, x = (n) => (n + .5) / count * 100;
  const drawn = series.map((s, k) => {
    const hue = `hue${k % 6}`, width = 80 / count / series.length;
    if (type === "bar") return s.data.map((p, n) => svg("rect", { class: hue, x: (n + .1) / count * 100 + k * width, width,
      y: Math.min(y(p.value), y(0)), height: Math.abs(y(p.value) - y(0)) }));
    const path = "M" + s.data.map((p, n) => `${x(n)},${y(p.value)}`).join("L"); // h0: a point alone shows, too
    const under = type === "area" ? svg("path", { class: `${hue} under`, d: `${path}L${x(count - 1)},${y(0)}L${x(0)},${y(0)}Z` }) : [];
    return [under, svg("path", { class: `${hue} line`, d: `${path}h0` })].flat();
  });
  const rules = [0, 50, 100, y(0)].map((at) => svg("path", { class: "rule", d: `M0,${at}H100` }));
  return [[...rules, ...drawn.flat()], el("div", { className: "y", "aria-hidden": "true" }, el("span", {}, number(high)), el("span", {}, number(low)))];
}

function slices(segments) {
  const total = segments.reduce((sum, one) => sum + one.value, 0);
  let start = 0;
  return [segments.map((one, n) => {
    const part = one.value / total, dash = { "stroke-dasharray": `${part} 1`, "stroke-dashoffset": -start };
    start += part;
    return svg("circle", { class: `hue${n % 6}`, r: 50, pathLength: 1, transform: "rotate(-90)", ...dash });
  })];
}
