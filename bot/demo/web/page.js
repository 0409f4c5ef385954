"use strict";
// The server sends the whole state of one person; a message keeps its node until it changes.
// Whatever an app wrote reaches the page as text nodes only.
const $ = (id) => document.getElementById(id);
const EMOJI = { white_check_mark: "✅", warning: "⚠️", rotating_light: "🚨", red_circle: "🔴", large_green_circle: "🟢",
  large_yellow_circle: "🟡", large_blue_circle: "🔵", white_circle: "⚪", x: "❌", eyes: "👀", zzz: "💤", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", arrows_counterclockwise: "🔄", bar_chart: "📊", tada: "🎉" };
let state, thread, drawnModal = "", opened = false, met = false, socket, opener, clockAt = 0, history = [], back = 0;

function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key === "data") Object.assign(node.dataset, value);
    else if (key.startsWith("aria-")) node.setAttribute(key, value);
    else if (value !== undefined) node[key] = value;
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

async function post(what, body) {
  const answer = await fetch(`/demo/${what}`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  if (!answer.ok) $("said").textContent = (await answer.json()).error;
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
  if (ts) node.onclick = (event) => { event.preventDefault(); openThread(ts); };
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
  if (typeof text === "object") return text.type === "plain_text" ? [plain(text.text)] : rich(text.text);
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

/* ---- blocks ---- */

const option = (o, chosen) => el("option", { value: o.value, selected: o.value === chosen }, rich(o.text));

async function press(message, element, node, value) {
  if (message.ts && !message.is_ephemeral) openThread(message.thread_ts ?? message.ts); // where its outcome will stand
  if (element.confirm && !(await confirmed(element.confirm))) return;
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

function element(e, message) {
  const data = { actionId: e.action_id };
  if (e.type === "button") {
    const node = e.url ? anchor(e.url, rich(e.text)) : el("button", {}, rich(e.text));
    Object.assign(node, { className: `button ${e.style ?? ""}` });
    Object.assign(node.dataset, data);
    node.addEventListener("click", () => press(message, e, node, e.value)); // Slack tells the app of a link, too
    return node;
  }
  if (e.type === "overflow") {
    const menu = el("details", { className: "overflow", data }, el("summary", { "aria-label": "More" }, "⋯"));
    menu.append(el("menu", {}, e.options.map((o) => el("button", { data: { value: o.value }, onclick: () => {
      menu.open = false;
      press(message, e, menu, o.value);
    } }, rich(o.text)))));
    return menu;
  }
  if (e.type === "static_select") {
    const first = el("option", { value: "", hidden: true }, rich(e.placeholder ?? "Choose"));
    const node = el("select", { data, "aria-label": plain(e.placeholder?.text ?? "Choose") }, first, e.options.map((o) => option(o, e.initial_option?.value)));
    node.onchange = () => press(message, e, node, node.value);
    return node;
  }
  return el("span", {}, rich(e));
}

function field(b, problem) {
  const e = b.element, props = { name: b.block_id, required: !b.optional, data: { actionId: e.action_id }, autofocus: e.focus_on_load };
  const input = e.type === "static_select"
    ? el("select", props, el("option", { value: "" }, rich(e.placeholder ?? "Choose")), e.options.map((o) => option(o, e.initial_option?.value)))
    : el(e.multiline ? "textarea" : "input", { ...props, value: e.initial_value ?? "", placeholder: e.placeholder?.text ?? "", rows: 3, maxLength: e.max_length });
  const label = el("span", {}, rich(b.label), b.optional ? el("small", {}, " (optional)") : null);
  return el("label", { className: "field" }, label, input, b.hint ? el("small", {}, rich(b.hint)) : null,
    problem ? el("small", { className: "problem" }, problem) : null);
}

function block(b, message, errors = {}) {
  switch (b.type) {
    case "header": return el("h3", {}, rich(b.text));
    case "divider": return el("hr");
    case "input": return field(b, errors[b.block_id]);
    case "context": return el("div", { className: "context" }, b.elements.map((e) => el("span", {}, rich(e))));
    case "actions": return el("div", { className: "actions" }, b.elements.map((e) => element(e, message)));
    case "table": return el("div", { className: "wide" }, el("table", {}, b.rows.map((row, n) =>
      el("tr", {}, row.map((cell) => el(n ? "td" : "th", {}, plain(String(cell.text ?? cell.value ?? ""))))))));
    default: return el("div", { className: "section" }, el("div", {}, el("div", {}, rich(b.text)),
      b.fields ? el("div", { className: "fields" }, b.fields.map((f) => el("div", {}, rich(f)))) : null),
      b.accessory ? element(b.accessory, message) : null);
  }
}

/* ---- messages ---- */

function messageNode(m, inThread) {
  const name = nameOf(m.user), ts = m.ts;
  const note = (text) => el("span", { className: "note" }, text);
  const about = [el("b", {}, name), note(date(+ts, "{time}")), m.edited ? note("(edited)") : null,
    m.subtype === "thread_broadcast" ? note(inThread ? "also sent to the channel" : "replied in a thread") : null];
  const body = m.blocks ? m.blocks.map((b) => block(b, m)) : el("div", { className: "section" }, el("div", {}, rich(m.text)));
  const parts = [el("div", { className: "about" }, about), body];
  if (m.is_ephemeral) {
    const gone = el("button", { className: "plain", onclick: () => post("dismiss", { user: state.me, ts }) }, "Dismiss");
    parts.unshift(el("div", { className: "private" }, "Only visible to you", gone));
  }
  const root = m.thread_ts ?? ts, count = m.reply_count;
  if (!inThread && (count || m.thread_ts)) {
    const text = count ? `${count} ${count === 1 ? "reply" : "replies"}` : "View thread";
    parts.push(el("button", { className: "replies", data: { thread: root }, onclick: () => openThread(root) }, text));
  }
  const node = el("li", { className: m.is_ephemeral ? "ephemeral" : "", data: { ts } },
    el("span", { className: "face", "aria-hidden": "true" }, name[0]), el("div", { className: "body" }, parts));
  return Object.assign(node, { drawn: JSON.stringify(m), edited: m.edited?.ts });
}

function fill(list, messages, inThread) {
  const low = isLow(list);
  const kept = new Map([...list.children].map((node) => [node.dataset.ts, node]));
  const nodes = messages.map((m) => {
    const old = kept.get(m.ts);
    if (old?.drawn === JSON.stringify(m)) return old;
    const node = messageNode(m, inThread);
    if (old && old.edited !== node.edited) node.classList.add("fresh");
    return node;
  });
  nodes.forEach((node, n) => { if (list.children[n] !== node) list.insertBefore(node, list.children[n] ?? null); });
  while (list.children.length > nodes.length) list.lastChild.remove();
  for (const node of nodes) node.classList.toggle("chosen", !inThread && node.dataset.ts === thread);
  if (low) list.scrollTop = list.scrollHeight;
  return nodes.length && !low && !kept.has(nodes.at(-1).dataset.ts); // something new that nobody sees
}

const isLow = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 60;

function openThread(ts) {
  opened = true;
  if (thread !== ts) $("replies").replaceChildren();
  thread = ts;
  $("thread").hidden = !ts;
  draw();
  // The channel has become narrower: what the thread is about stays in sight.
  $("messages").querySelector(`[data-ts="${CSS.escape(ts ?? "")}"]`)?.scrollIntoView({ block: "nearest" });
}

/* ---- the modal ---- */

function drawModal(view) {
  const dialog = $("modal"), now = JSON.stringify(view);
  if (now === drawnModal) return;
  const typed = dialog.firstChild && view && dialog.dataset.view === view.id ? new FormData(dialog.firstChild) : null;
  drawnModal = now;
  if (!view) {
    dialog.close();
    return (opener?.isConnected ? opener : $("messages")).focus(); // an update may have replaced what was pressed
  }
  const close = () => post("close", { user: state.me });
  const form = el("form", {}, el("h2", { id: "modal-title" }, rich(view.title)), view.blocks.map((b) => block(b, { ts: "" }, view.errors)),
    view.errors[""] ? el("p", { className: "problem" }, view.errors[""]) : null,
    el("menu", {}, el("button", { type: "button", onclick: close }, rich(view.close ?? "Close")),
      view.submit ? el("button", { className: "primary" }, rich(view.submit)) : null));
  form.onsubmit = (event) => {
    event.preventDefault();
    form.setAttribute("aria-busy", "true");
    const values = Object.fromEntries(new FormData(form));
    form.inert = true;
    post("submit", { user: state.me, values }).finally(() => { form.inert = false; form.removeAttribute("aria-busy"); });
  };
  for (const [name, value] of typed ?? []) if (form.elements[name]) form.elements[name].value = value;
  dialog.oncancel = (event) => { event.preventDefault(); close(); };
  dialog.dataset.view = view.id;
  dialog.replaceChildren(form);
  if (dialog.open) return;
  opener = document.activeElement;
  dialog.showModal();
}

/* ---- the page ---- */

function draw() {
  const roots = state.messages.filter((m) => m.reply_count);
  if (!opened && roots.length) return openThread(roots.at(-1).ts);
  const inChannel = (m) => !m.thread_ts || m.thread_ts === m.ts || m.subtype === "thread_broadcast";
  const byTime = (a, b) => a.ts - b.ts, all = [...state.messages, ...state.ephemerals].sort(byTime);
  if (fill($("messages"), all.filter(inChannel), false)) $("unread").hidden = false;
  document.title = `${$("unread").hidden ? "" : "• "}#${state.channel} · Sync Health demo`;
  if (thread) fill($("replies"), all.filter((m) => thread === m.ts || thread === m.thread_ts), true);
  drawModal(state.modal);
  $("channel").textContent = state.channel;
  $("zone").textContent = `Time in ${state.zone.split("/").pop().replaceAll("_", " ")}`;
  const broken = state.controls.filter((c) => c.on).length;
  $("broken").textContent = broken ? `${broken} on` : "";
  $("speed").textContent = state.speed === 1 ? "" : `${state.speed}×`;
  met ||= state.connected; // before that a command would fail, and nobody had a reason to expect it
  $("connection").textContent = state.connected ? "" : met ? "The bot is not connected" : "The bot is starting …";
  $("send").disabled = !met;
  if ($("people").length !== state.people.length)
    $("people").replaceChildren(...state.people.map((p) => el("option", { value: p.id }, p.role ? `${p.name} (${p.role})` : p.name)));
  $("people").value = state.me;
  for (const c of state.controls) {
    let box = document.querySelector(`[data-control="${CSS.escape(c.name)}"]`);
    if (!box) {
      box = el("input", { type: "checkbox", role: "switch", data: { control: c.name } });
      box.onchange = () => { box.disabled = true; post("control", { name: c.name, on: box.checked }).finally(() => { box.disabled = false; }); };
      $("controls").append(el("label", {}, box, el("span", {}, c.title)));
    }
    if (!box.disabled) box.checked = c.on;
  }
}

function connect(user) {
  if (socket) socket.onclose = null;
  socket?.close();
  socket = new WebSocket(`ws://${location.host}/demo/live?user=${encodeURIComponent(user)}`);
  socket.onmessage = (event) => { state = JSON.parse(event.data); clockAt = performance.now(); draw(); };
  socket.onclose = () => { $("connection").textContent = "reconnecting …"; setTimeout(connect, 1000, user); };
}

$("people").onchange = () => connect($("people").value);
$("shut").onclick = () => openThread(null);
$("box").onsubmit = (event) => {
  event.preventDefault();
  const text = $("command").value.trim(), [, rest] = text.match(/^\/sync-health(?:\s+(.*))?$/s) ?? [];
  if (!text || !met) return;
  $("said").textContent = "";
  if (!/^\/sync-health(\s|$)/.test(text)) { $("said").textContent = "only /sync-health … is understood here"; return; }
  history.push(text);
  back = history.length;
  $("command").value = "";
  $("messages").scrollTop = $("messages").scrollHeight; // where the answer will appear
  post("command", { user: state.me, text: rest ?? "" });
};
$("command").onkeydown = (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  back = Math.max(0, Math.min(history.length, back + step));
  $("command").value = history[back] ?? "";
};
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".overflow[open]")) if (!menu.contains(event.target)) menu.open = false;
});
$("messages").onscroll = () => { if (isLow($("messages"))) $("unread").hidden = true; };
$("unread").onclick = () => { $("messages").scrollTop = $("messages").scrollHeight; $("messages").focus(); };
if (innerWidth <= 700) $("break").open = false; // the channel first, where there is room for one thing
setInterval(() => {
  if (!state) return;
  $("clock").textContent = inZone(pipelineNow(), { weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
}, 250);
const linked = threadOf(location.href);
if (linked) { thread = linked; opened = true; $("thread").hidden = false; }
connect("");
