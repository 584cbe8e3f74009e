// The conversation: one node per card, changed in place as the stream says.
import { $, act, make, t } from "./net.js";
import { icon, named } from "./icons.js";
import { blocks, inline } from "./text.js";
import { enlarge } from "./light.js";
import { askedForm, openForm } from "./forms.js";

const shown = new Map(); // key: { node, card, text } of every card on the page
let unread = 0;
let pressed = 0; // when a button was pressed last: what it leads to is scrolled to

// -- files --------------------------------------------------------------------------------------
function picture(media) {
  const image = make("img", {
    src: media.url,
    alt: media.alt || media.name,
    "data-name": media.name,
    loading: "lazy",
    decoding: "async",
    width: media.width || null,
    height: media.height || null,
  });
  const button = make("button", { type: "button", class: "open" }, image);
  const figure = make(
    "figure",
    { class: media.spoiler ? "shot covered" : "shot", "data-url": media.url },
    button,
  );
  if (media.width && media.height) figure.style.setProperty("--ratio", String(media.width / media.height));
  const label = () =>
    button.setAttribute(
      "aria-label",
      figure.classList.contains("covered")
        ? t("Show the covered picture")
        : `${t("Open the picture large")}: ${image.alt}`,
    );
  button.addEventListener("click", () => {
    if (figure.classList.contains("covered")) figure.classList.remove("covered");
    else enlarge(image);
    label();
  });
  label();
  if (media.spoiler)
    button.append(make("span", { class: "cover" }, icon("👁️"), t("Show the covered picture")));
  return figure;
}

function download(media) {
  return make(
    "a",
    { class: "download", href: media.url, download: media.name, "data-url": media.url },
    icon("💾"),
    make("span", {}, media.name),
    make("small", {}, `${(media.size / 1e6).toFixed(1)} MB`),
  );
}

function player(media, tag, more = {}) {
  return make(tag, {
    class: "film",
    src: media.url,
    controls: true,
    preload: "metadata",
    "aria-label": media.title || media.alt || media.name,
    ...more,
  });
}

/** A video with its beginning to look at; a covered one comes when it is asked for. */
function film(media) {
  const video = player(media, "video", {
    loop: true,
    poster: media.cover || null,
    width: media.width || null,
    height: media.height || null,
    "data-url": media.url,
  });
  if (!media.spoiler) return video;
  const veil = make(
    "button",
    { type: "button", class: "download", "data-url": media.url },
    icon("👁️"),
    t("Show the covered picture"),
  );
  veil.addEventListener("click", () => veil.replaceWith(video));
  return veil;
}

/** A sound; a song with its cover and name. */
function song(media) {
  if (!media.title && !media.cover) return player(media, "audio", { "data-url": media.url });
  return make(
    "figure",
    { class: "song", "data-url": media.url },
    media.cover ? make("img", { src: media.cover, alt: "", width: 72, height: 72 }) : null,
    make("figcaption", {}, make("b", {}, media.title || media.name), make("small", {}, media.artist)),
    player(media, "audio"),
  );
}

function drawFile(card, media) {
  if (card.file) return download(media);
  const kind = media.mime.split("/")[0];
  const draw = { image: picture, video: film, audio: song }[kind] || download;
  return draw(media);
}

/** The card's files; one that is on the page already stays as it is, so that nothing flickers. */
function files(card, old) {
  const there = new Map(
    [...(old?.querySelectorAll("[data-url]") || [])].map((node) => [node.dataset.url, node]),
  );
  const nodes = card.media.map((media) => there.get(media.url) || drawFile(card, media));
  return nodes.length ? make("div", { class: nodes.length > 1 ? "shots many" : "shots" }, ...nodes) : null;
}

// -- progress -----------------------------------------------------------------------------------
function track(percent) {
  const fill = make("i");
  if (percent !== null) fill.style.transform = `scaleX(${Math.max(percent, 2) / 100})`;
  return make(
    "div",
    {
      class: percent === null ? "track waiting" : "track",
      role: "progressbar",
      "aria-label": t("Progress"),
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": percent,
    },
    fill,
  );
}

/** Lines with a bar under each that tells a percentage; a bar that only moves when none does. */
function progress(card) {
  const out = [];
  let bars = 0;
  for (const line of card.text.split("\n").filter(Boolean)) {
    const percent = /^(\d{1,3}) %/.exec(line)?.[1];
    const kind = /^\d+\\?\. /.test(line) ? "item" : out.length ? "state-line" : "";
    out.push(make("p", { class: kind }, ...inline(line)));
    if (percent) {
      out.push(track(Number(percent)));
      bars += 1;
    }
  }
  if (!bars && !card.buttons.some((b) => b.form)) out.push(track(null));
  return out;
}

// -- buttons ------------------------------------------------------------------------------------
function face(b) {
  const inside = b.emoji ? [icon(b.emoji)] : [];
  return b.label ? [...inside, make("span", {}, b.label)] : inside;
}

function button(card, b) {
  const name = b.label ? null : named(b.emoji);
  if (/^https?:/.test(b.url))
    return make(
      "a",
      { class: "key", href: b.url, rel: "noopener noreferrer", target: "_blank", "aria-label": name },
      ...face(b),
    );
  const node = make(
    "button",
    {
      type: "button",
      class: `key ${b.style}`,
      disabled: b.disabled,
      "data-token": b.token,
      "aria-label": name,
      title: name,
      "aria-haspopup": b.form ? "dialog" : null,
    },
    ...face(b),
  );
  node.addEventListener("click", async () => {
    pressed = Date.now();
    if (b.form) {
      openForm(b.token);
      return;
    }
    node.classList.add("busy");
    node.setAttribute("aria-busy", "true");
    await act({ token: b.token, message: card.key });
    node.classList.remove("busy");
    node.removeAttribute("aria-busy");
  });
  return node;
}

function rows(card) {
  const byRow = new Map();
  for (const b of card.buttons) byRow.set(b.row, [...(byRow.get(b.row) || []), button(card, b)]);
  if (!byRow.size) return null;
  const sorted = [...byRow.keys()].sort((a, b) => a - b);
  return make(
    "div",
    { class: "rows" },
    ...sorted.map((row) => make("div", { class: "row" }, ...byRow.get(row))),
  );
}

/** A message's text; the line with model, time, price and id at its end is set smaller. */
function said(text) {
  const nodes = blocks(text);
  if (nodes.length > 1 && / · `[a-z0-9]{7}`$/.test(text)) nodes.at(-1).classList.add("receipt");
  return nodes;
}

// -- cards --------------------------------------------------------------------------------------
function draw(card, old) {
  if (card.mine)
    return make(
      "li",
      { class: "card mine", "data-key": card.key },
      make("p", {}, card.text),
      files(card, old),
    );
  const running = card.progress >= 0;
  const kind = running ? "running" : card.media.length ? "result" : "note";
  return make(
    "li",
    { class: `card ${kind}${card.private ? " private" : ""}`, "data-key": card.key },
    card.private ? make("small", { class: "only" }, icon("👁️"), t("Only you see this")) : null,
    make("div", { class: "said" }, ...(running ? progress(card) : said(card.text))),
    files(card, old),
    card.form ? askedForm(card.form, card.text) : null,
    rows(card),
  );
}

const near = () => innerHeight + scrollY > document.documentElement.scrollHeight - 240;
export function toEnd() {
  scrollTo({ top: document.documentElement.scrollHeight });
}

function put(key, card) {
  const old = shown.get(key);
  const text = JSON.stringify(card);
  if (old?.text === text) return;
  const focused = old?.node.contains(document.activeElement) ? document.activeElement.dataset.token : "";
  const node = draw(card, old?.node);
  if (old) {
    node.classList.add("still");
    old.node.replaceWith(node);
  } else $("feed").append(node);
  shown.set(key, { node, card, text });
  if (focused)
    [...node.querySelectorAll("[data-token]")].find((one) => one.dataset.token === focused)?.focus();
}

function remove(key) {
  shown.get(key)?.node.remove();
  shown.delete(key);
}

function announce(card) {
  if (card.mine || card.progress >= 0) return;
  $("spoken").textContent = card.text.replace(/\\(.)/g, "$1").replace(/[*`]/g, "").slice(0, 200);
  if (document.hidden) {
    unread += 1;
    document.title = `(${unread}) Atelier`;
  }
}

/** A card is new or changed, or gone (null). */
export function change(key, card) {
  const end = near(),
    fresh = card && !shown.has(key);
  if (card) put(key, card);
  else remove(key);
  $("welcome").hidden = shown.size > 0;
  if (fresh) announce(card);
  const awaited = fresh && (card.mine || Date.now() - pressed < 4000);
  if (end || awaited) toEnd();
  else if (fresh) $("latest").hidden = false;
}

/** Everything there is, in order: at the start, and after the connection was lost. */
export function setAll(cards) {
  const end = near() || !shown.size;
  const keys = new Set(cards.map((card) => card.key));
  for (const key of [...shown.keys()]) if (!keys.has(key)) remove(key);
  for (const card of cards) put(card.key, card);
  const nodes = cards.map((card) => shown.get(card.key).node);
  if (nodes.some((node, n) => $("feed").children[n] !== node)) $("feed").append(...nodes);
  $("welcome").hidden = shown.size > 0;
  if (end) toEnd();
}

/** What the person asked for, newest first. */
export const saidLines = () =>
  [...shown.values()]
    .filter((one) => one.card.mine)
    .map((one) => one.card.text)
    .reverse();

// A line or a toast more at the bottom must not cover the end of the conversation.
let height = 0;
new ResizeObserver(([foot]) => {
  const grown = foot.contentRect.height - height;
  height += grown;
  if (grown > 0 && shown.size && innerHeight + scrollY > document.documentElement.scrollHeight - 240 - grown)
    toEnd();
}).observe(document.querySelector("footer"));
addEventListener(
  "scroll",
  () => {
    if (near()) $("latest").hidden = true;
  },
  { passive: true },
);
$("latest").addEventListener("click", toEnd);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    unread = 0;
    document.title = "Atelier";
  }
});
