"use strict";
// The server sends the whole state of one person; a message keeps its node until it changes.
// How a block is drawn stands in blocks.js.
const $ = (id) => document.getElementById(id);
let state, thread, drawnModal = "", drawnHome = "", home = false, opened = false, met = false, socket, opener, clockAt = 0, history = [], back = 0;

async function post(what, body) {
  const answer = await fetch(`/demo/${what}`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  if (!answer.ok) $("said").textContent = (await answer.json()).error;
}

/* ---- messages ---- */

const BARS = { good: "#2eb886", warning: "#daa038", danger: "#a30200" };

function messageNode(m, inThread) {
  const name = nameOf(m.user), ts = m.ts;
  const note = (text) => el("span", { className: "note" }, text);
  const about = [el("b", {}, name), note(date(+ts, "{time}")), m.edited && !m.blocks ? note("(edited)") : null,
    m.subtype === "thread_broadcast" ? note(inThread ? "also sent to the channel" : "replied in a thread") : null];
  const body = (m.blocks ?? (m.text ? [{ text: m.text }] : [])).map((b) => block(b, m));
  for (const { color, blocks } of m.attachments ?? [])
    body.push(el("div", { className: "bar", style: { borderColor: BARS[color] ?? color ?? "" } }, blocks.map((b) => block(b, m))));
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
  const edits = [], nodes = messages.map((m) => {
    const old = kept.get(m.ts);
    if (old?.drawn === JSON.stringify(m)) return old;
    const node = messageNode(m, inThread);
    if (old?.contains(document.activeElement)) edits.push([node, document.activeElement.dataset]);
    if (old && old.edited !== node.edited) node.classList.add("fresh");
    return node;
  });
  nodes.forEach((node, n) => { if (list.children[n] !== node) list.insertBefore(node, list.children[n] ?? null); });
  while (list.children.length > nodes.length) list.lastChild.remove();
  for (const [node, held] of edits) refocus(node, held);
  for (const node of nodes) node.classList.toggle("chosen", !inThread && node.dataset.ts === thread);
  if (low) list.scrollTop = list.scrollHeight;
  return nodes.length && !low && !kept.has(nodes.at(-1).dataset.ts); // something new that nobody sees
}

function refocus(node, held) { // an edit takes away neither the focus nor an open menu whose choice is still there
  const same = [...node.querySelectorAll("[data-action-id]")].find(({ dataset: d }) => d.actionId === held.actionId && d.value === held.value);
  const menu = same?.closest(".menu");
  menu?.previousSibling.focus({ preventScroll: true });
  menu?.showPopover();
  same?.focus({ preventScroll: true });
}

const isLow = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 60;

function openThread(ts) {
  opened = true;
  if (thread !== ts) $("replies").replaceChildren();
  thread = ts;
  $("thread").hidden = home || !ts;
  draw();
  // The channel has become narrower: what the thread is about stays in sight.
  $("messages").querySelector(`[data-ts="${CSS.escape(ts ?? "")}"]`)?.scrollIntoView({ block: "nearest" });
}

/* ---- App Home: one view for each person, which the app publishes ---- */

function showHome(on) {
  home = on;
  $("tab").setAttribute("aria-pressed", on);
  $("home").hidden = !on;
  $("talk").hidden = on;
  $("thread").hidden = on || !thread;
  if (on) post("home", { user: state.me }); // Slack tells the app each time
  draw();
}

function drawHome(view) {
  const now = JSON.stringify(view?.blocks), held = document.activeElement.dataset;
  if (now === drawnHome) return;
  drawnHome = now;
  $("home").replaceChildren(el("div", { className: "body" }, view ? view.blocks.map((b) => block(b, { ts: "" })) : "The app has not published its Home yet."));
  if (held.actionId !== undefined) refocus($("home"), held);
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
  if (home) drawHome(state.home);
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

$("people").onchange = () => {
  connect($("people").value);
  if (home) post("home", { user: $("people").value });
};
$("tab").onclick = () => showHome(!home);
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
for (const moved of ["scroll", "resize"]) addEventListener(moved, () => document.querySelector(".menu:popover-open")?.place(), true);
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
