"use strict";
// The playground page: draws what the stream says and posts what a person does. Text is only ever set as text.
const $ = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
};
const cards = new Map();
let commands = [];
let files = [];

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 5000);
}

async function post(path, body, headers = { "Content-Type": "application/json" }) {
  try {
    const answer = await fetch(path, { method: "POST", body, headers });
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) { toast(data.error || "That did not arrive. Please try again."); return null; }
    return data;
  } catch { toast("No connection. It is being restored."); return null; }
}
const act = (event) => post("/api/events", JSON.stringify({ id: crypto.randomUUID(), ...event }));

// -- text: the small part of CommonMark that messages use ------------------------------------
function inline(text) {
  const out = [];
  let plain = "";
  const flush = () => { if (plain) { out.push(plain); plain = ""; } };
  for (let i = 0; i < text.length;) {
    const rest = text.slice(i);
    let m;
    if ((m = /^\\([!-/:-@[-`{-~])/.exec(rest))) { plain += m[1]; i += 2; continue; }
    if ((m = /^`([^`]+)`/.exec(rest))) { flush(); out.push(make("code", {}, m[1].replace(/\\([!-/:-@[-`{-~])/g, "$1"))); i += m[0].length; continue; }
    if ((m = /^\*\*((?:\\.|[^\\])+?)\*\*/.exec(rest))) { flush(); out.push(make("strong", {}, ...inline(m[1]))); i += m[0].length; continue; }
    if ((m = /^\*((?:\\.|[^\\*])+?)\*/.exec(rest))) { flush(); out.push(make("em", {}, ...inline(m[1]))); i += m[0].length; continue; }
    if ((m = /^\[((?:\\.|[^\]\\])+)\]\((https:\/\/[^)\s]+)\)/.exec(rest))) {
      flush(); out.push(make("a", { href: m[2], rel: "noopener noreferrer", target: "_blank" }, ...inline(m[1]))); i += m[0].length; continue;
    }
    plain += text[i]; i += 1;
  }
  flush();
  return out;
}
function blocks(text) {
  return text.split(/\n{2,}/).filter(Boolean).map((part) => {
    if (part.startsWith("```")) return make("pre", {}, part.replace(/^```\w*\n?/, "").replace(/```$/, ""));
    if (part.startsWith("> ")) return make("blockquote", {}, ...inline(part.replace(/^> ?/gm, "")));
    return make("p", {}, ...inline(part.replace(/^- /gm, "• ")));
  });
}

// -- messages ---------------------------------------------------------------------------------
function picture(media) {
  if (!media.mime.startsWith("image/")) return make("a", { href: media.url, download: media.name }, media.name);
  const image = make("img", { src: media.url, alt: media.alt || media.name, tabindex: "0", class: media.spoiler ? "spoiler" : "" });
  const open = () => {
    if (image.classList.contains("spoiler")) { image.classList.remove("spoiler"); return; }
    $("light").replaceChildren(make("img", { src: media.url, alt: media.alt || media.name }));
    $("light").showModal();
  };
  image.addEventListener("click", open);
  image.addEventListener("keydown", (e) => { if (e.key === "Enter") open(); });
  return image;
}
function button(card, b) {
  if (b.url) return make("a", { href: b.url, rel: "noopener noreferrer", target: "_blank" }, b.label);
  return make("button", {
    class: b.style, disabled: b.disabled, "data-token": b.token,
    onclick: async (e) => {
      if (b.form) { openForm(b.token); return; }
      e.target.disabled = true;
      await act({ token: b.token, message: card.key });
      setTimeout(() => { e.target.disabled = b.disabled; }, 800);
    },
  }, [b.emoji, b.label].filter(Boolean).join(" "));
}
function draw(card) {
  const node = make("article", { class: "card", "data-key": card.key }, ...blocks(card.text), ...card.media.map(picture));
  if (card.progress >= 0 && card.buttons.length) {
    const fill = make("i");
    fill.style.transform = `scaleX(${Math.max(card.progress, 2) / 100})`;
    node.append(make("div", { class: "track", role: "progressbar", "aria-valuenow": card.progress }, fill));
  }
  const rows = new Map();
  for (const b of card.buttons) rows.set(b.row, [...(rows.get(b.row) || []), button(card, b)]);
  if (card.form) rows.set(99, [make("button", { class: "primary", onclick: () => showForm(card.form) }, "✍️ " + card.form.title)]);
  if (rows.size) node.append(make("div", { class: "rows" }, ...[...rows.keys()].sort((a, b) => a - b).map((r) => make("div", { class: "row" }, ...rows.get(r)))));
  return node;
}
function change(key, card) {
  const end = innerHeight + scrollY > document.body.scrollHeight - 200;
  const old = cards.get(key);
  if (!card) { old?.remove(); cards.delete(key); return; }
  const node = draw(card);
  if (old) old.replaceWith(node); else $("feed").append(node);
  cards.set(key, node);
  for (const image of node.querySelectorAll("img")) image.addEventListener("load", () => end && scrollTo(0, document.body.scrollHeight));
  if (end) scrollTo(0, document.body.scrollHeight);
}

// -- forms ------------------------------------------------------------------------------------
async function openForm(token) {
  const answer = await fetch("/api/form/" + encodeURIComponent(token)).catch(() => null);
  const data = answer ? await answer.json() : { error: "No connection." };
  if (data.error) toast(data.error); else showForm(data);
}
function control(f) {
  if (f.kind === "choice") {
    const options = f.choices.map((c) => { const [v, l] = Array.isArray(c) ? c : [c, c]; return make("option", { value: v, selected: v === f.value }, l); });
    return make("select", { name: f.name }, ...(f.required ? [] : [make("option", { value: "" }, "—")]), ...options);
  }
  if (f.kind === "text") { const area = make("textarea", { name: f.name, rows: 4, required: f.required, placeholder: f.hint || "" }); area.value = f.value || ""; return area; }
  if (f.kind === "image" || f.kind === "images") return make("input", { name: f.name, type: "file", accept: "image/*", multiple: f.kind === "images", required: f.required });
  if (f.kind === "flag") return make("input", { name: f.name, type: "checkbox" });
  const number = f.kind === "integer" || f.kind === "number";
  return make("input", { name: f.name, type: number ? "number" : "text", value: f.value || "", required: f.required, min: f.minimum, max: f.maximum, maxlength: f.max_length || null, placeholder: f.hint || (f.suggest || []).slice(0, 3).join(", ") });
}
async function gather(form, fields) {
  const values = {};
  for (const f of fields) {
    const node = form.elements[f.name];
    if (node.type === "file") {
      const sent = [];
      for (const file of node.files) { const up = await upload(file); if (!up) return null; sent.push({ handle: up.handle }); }
      if (sent.length) values[f.name] = f.kind === "images" ? sent : sent[0];
    } else if (node.type === "checkbox") { if (node.checked) values[f.name] = true; }
    else if (node.value !== "") values[f.name] = f.kind === "integer" ? Number.parseInt(node.value, 10) : node.value;
  }
  return values;
}
function dialog(title, fields, submit) {
  const inputs = fields.flatMap((f) => [make("label", { for: "f-" + f.name }, f.label || f.description), Object.assign(control(f), { id: "f-" + f.name })]);
  const form = make("form", {
    onsubmit: async (e) => {
      e.preventDefault();
      const values = await gather(form, fields);
      if (values && await submit(values)) $("form").close();
    },
  }, make("h2", {}, title), ...inputs, make("p"), make("div", { class: "row" }, make("button", { class: "primary" }, "Send"), make("button", { type: "button", onclick: () => $("form").close() }, "Close")));
  $("form").replaceChildren(form);
  $("form").showModal();
}
const showForm = (form) => dialog(form.title, form.fields, (values) => act({ token: form.token, values }));

// -- composing --------------------------------------------------------------------------------
const upload = (file) => post("/api/files", file, { "Content-Type": "application/octet-stream", "X-File-Name": encodeURIComponent(file.name) });
async function add(list) {
  for (const file of list) { const up = await upload(file); if (up) files.push(up); }
  $("files").replaceChildren(...files.map((f) => make("img", { src: f.url, alt: f.name })));
}
$("pick").addEventListener("change", (e) => add(e.target.files));
addEventListener("paste", (e) => { if (e.clipboardData.files.length) add(e.clipboardData.files); });
addEventListener("dragover", (e) => e.preventDefault());
addEventListener("drop", (e) => { e.preventDefault(); add(e.dataTransfer.files); });
$("composer").addEventListener("submit", async (e) => {
  e.preventDefault();
  const text = $("line").value.trim();
  if (!text && !files.length) return;
  const name = /^\/(\w+)/.exec(text)?.[1] || "imagine";
  const option = commands.find((c) => c.name === name)?.options.find((o) => o.kind.startsWith("image"));
  const values = option && files.length ? { [option.name]: files.map((f) => ({ handle: f.handle })) } : {};
  if (await act({ text, values })) { $("line").value = ""; files = []; $("files").replaceChildren(); $("pick").value = ""; }
});
$("commands").addEventListener("click", () => {
  const list = commands.map((c) => make("button", { type: "button", onclick: () => { $("form").close(); dialog("/" + c.name + " — " + c.summary, c.options, (values) => act({ command: c.name, values })); } }, "/" + c.name));
  $("form").replaceChildren(make("h2", {}, "Commands"), make("div", { class: "row" }, ...list));
  $("form").showModal();
});
$("light").addEventListener("click", () => $("light").close());

// -- the stream -------------------------------------------------------------------------------
function connect() {
  const stream = new EventSource("/api/stream");
  stream.addEventListener("open", () => { $("state").textContent = "connected"; $("state").className = "on"; });
  stream.addEventListener("all", (e) => {
    for (const node of cards.values()) node.remove();
    cards.clear();
    for (const card of JSON.parse(e.data)) change(card.key, card);
    scrollTo(0, document.body.scrollHeight);
  });
  stream.addEventListener("change", (e) => { const { key, card } = JSON.parse(e.data); change(key, card); });
  stream.addEventListener("error", () => {
    $("state").textContent = "connection lost, trying again…";
    $("state").className = "";
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}
(async () => {
  const answer = await fetch("/api/commands").catch(() => null);
  const data = answer && answer.ok ? await answer.json() : { commands: [], notice: "" };
  commands = data.commands;
  $("notice").textContent = data.notice;
  $("notice").hidden = !data.notice;
  $("known").replaceChildren(...commands.map((c) => make("option", { value: "/" + c.name + " " }, c.summary)));
  const examples = ["/imagine a fox in the rain --ar 3:2", "/imagine a lighthouse at dawn", "/help"];
  $("chips").replaceChildren(...examples.map((x) => make("button", { type: "button", onclick: () => { $("line").value = x; $("line").focus(); } }, x)));
  connect();
})();
