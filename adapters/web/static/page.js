// The playground page: puts the parts together, keeps the connection. Text is only ever set as text.
import { $, at, house, make, pause, renew, session, t } from "./net.js";
import { icon } from "./icons.js";
import { linked } from "./text.js";
import { change, setAll } from "./cards.js";
import { start, write } from "./composer.js";

const EXAMPLES = [
  "a fox in the rain --ar 3:2",
  "a lighthouse at dawn, gouache --ar 16:9",
  "a tiny house in a bottle",
];

function dress() {
  for (const node of document.querySelectorAll("[data-icon]")) node.replaceChildren(icon(node.dataset.icon));
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]"))
    node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of document.querySelectorAll("[data-title]")) {
    node.title = t(node.dataset.title);
    node.setAttribute("aria-label", node.title);
  }
  $("line").placeholder = t($("line").dataset.hint);
}

function greet() {
  $("notice").replaceChildren(...linked(house.notice));
  $("notice").hidden = !house.notice;
  const lines = [...EXAMPLES.map((prompt) => `/imagine ${prompt}`), "/help"];
  $("examples").replaceChildren(
    ...lines.map((text) =>
      make("li", {}, make("button", { type: "button", onclick: () => write(text) }, text)),
    ),
  );
}

/** Sessions side by side: each is a person of its own, in a tab of its own. */
function listSessions() {
  const here = Number(session || 1);
  let most = here;
  try {
    most = Math.max(here, Number(localStorage.getItem("sessions")) || 1);
    localStorage.setItem("sessions", String(Math.min(most, 9)));
  } catch {
    /* storage is a comfort here */
  }
  const link = (n) =>
    make(
      "a",
      {
        href: n === 1 ? "/" : `/?s=${n}`,
        "aria-current": n === here ? "page" : null,
        "aria-label": t("Session {n}", { n }),
        title: t("Session {n}", { n }),
      },
      String(n),
    );
  const more =
    most < 9
      ? [
          make(
            "a",
            {
              href: `/?s=${most + 1}`,
              target: "_blank",
              class: "more",
              "aria-label": t("New session"),
              title: t("New session"),
            },
            icon("➕"),
          ),
        ]
      : [];
  $("sessions").replaceChildren(...Array.from({ length: most }, (_, n) => link(n + 1)), ...more);
}

function state(text, kind) {
  $("state").textContent = t(text);
  $("state").className = `state ${kind}`;
}

// -- the stream -------------------------------------------------------------------------------
let wait = 500;
function connect() {
  const stream = new EventSource(at("/api/stream"));
  stream.addEventListener("all", (e) => {
    wait = 500;
    state("Connected", "on");
    setAll(JSON.parse(e.data));
  });
  stream.addEventListener("change", (e) => {
    const { key, card } = JSON.parse(e.data);
    change(key, card);
  });
  stream.addEventListener("error", () => {
    state("Connection lost, trying again…", "off");
    stream.close();
    setTimeout(async () => {
      await renew();
      connect();
    }, wait);
    wait = Math.min(wait * 1.6, 5000);
  });
}

async function load() {
  for (;;) {
    const answer = await fetch(at("/api/commands")).catch(() => null);
    if (answer?.ok) {
      Object.assign(house, await answer.json());
      return;
    }
    if (answer?.status === 401) await renew();
    state("Connecting…", "off");
    await pause(800);
  }
}

dress();
start();
await load();
dress();
state("Connecting…", "");
greet();
listSessions();
connect();
if (matchMedia("(pointer: fine)").matches) $("line").focus();
