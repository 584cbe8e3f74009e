// Talking to the server: addresses of this session, posts that are tried again, toasts, the page's words.
export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

const asked = new URLSearchParams(location.search).get("s") || "";
export const session = /^[2-9]$/.test(asked) ? asked : "";
/** An address of the API, for this session. */
export const at = (path) => (session ? path + (path.includes("?") ? "&" : "?") + "s=" + session : path);

export const house = { commands: [], words: {}, notice: "", upload: 25e6 };
/** A word of the page in the person's language. */
export function t(text, values = {}) {
  return (house.words[text] || text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

export function toast(text) {
  const close = () => node.remove();
  const node = make(
    "div",
    { class: "toast" },
    make("span", {}, text),
    make("button", { type: "button", class: "bare", "aria-label": t("Dismiss"), onclick: close }, "×"),
  );
  const host = document.querySelector("dialog[open] .toasts") ?? $("toasts"); // a dialog covers the page
  host.append(node);
  while (host.children.length > 3) host.firstChild.remove();
  setTimeout(close, 8000);
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
/** A server that started anew does not know this browser: the page itself brings a new session. */
export const renew = () =>
  fetch("/", { cache: "no-store" }).then(
    (answer) => answer.ok,
    () => false,
  );

async function once(path, options) {
  const answer = await fetch(at(path), options);
  const text = await answer.text();
  let data = null;
  try {
    data = JSON.parse(text);
  } catch {
    /* not ours to read */
  }
  return { status: answer.status, ok: answer.ok, data, text: text.length < 200 ? text : "" };
}

/** Ask the server; waits out a restart of it. Returns the data, or null after telling why not. */
export async function ask(path, options = {}, patience = [400, 1200, 2500]) {
  for (let turn = 0; ; turn += 1) {
    const answer = await once(path, options).catch(() => null);
    if (answer?.ok) return answer.data ?? {};
    const passing = !answer || answer.status === 503 || answer.status === 401;
    if (passing && turn < patience.length) {
      await pause(patience[turn]);
      if (answer?.status === 401) await renew();
      continue;
    }
    toast(
      answer
        ? answer.data?.error ||
            (answer.status < 500 && answer.text) ||
            t("That did not arrive. Please try again.")
        : t("No connection. It was kept here: send it again in a moment."),
    );
    return null;
  }
}

const fresh = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
/** Post an event. Its id stays the same over all tries, so that it counts once. */
export const act = (event) =>
  ask("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ id: fresh(), ...event }),
  });
