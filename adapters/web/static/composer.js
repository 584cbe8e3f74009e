// The line at the bottom: typing with suggestions, pictures, sending.
import { $, act, at, house, make, t, toast } from "./net.js";
import { saidLines } from "./cards.js";
import { commandForm, commandMenu, openPictures } from "./forms.js";
import { Pictures, asFilter, catchFiles, takesFiles } from "./pictures.js";
import { commandOf, suggest } from "./suggest.js";

const line = $("line"),
  hints = $("hints");
const pictures = new Pictures($("thumbs"));
let offered = { from: 0, items: [] };
let marked = -1,
  turn = 0,
  recalled = -1;

export function write(text) {
  line.value = text;
  line.focus();
  line.setSelectionRange(text.length, text.length);
  grow();
}

function grow() {
  line.style.height = "auto";
  line.style.height = `${Math.min(line.scrollHeight, 200)}px`;
}

// -- suggestions --------------------------------------------------------------------------------
function hide() {
  offered = { from: 0, items: [] };
  marked = -1;
  hints.hidden = true;
  line.setAttribute("aria-expanded", "false");
  line.removeAttribute("aria-activedescendant");
}

function point(to) {
  marked = to;
  [...hints.children].forEach((node, n) => {
    node.setAttribute("aria-selected", String(n === to));
    if (n === to) node.scrollIntoView({ block: "nearest" });
  });
  if (to < 0) line.removeAttribute("aria-activedescendant");
  else line.setAttribute("aria-activedescendant", `hint${to}`);
}

function row(item, n) {
  const node = make(
    "li",
    { id: `hint${n}`, role: "option", "aria-selected": "false" },
    make("b", {}, item.label),
    make("span", {}, item.note),
  );
  if (item.command?.options.length) {
    node.append(
      make(
        "button",
        {
          type: "button",
          tabindex: "-1",
          class: "tag",
          onclick: (e) => {
            e.stopPropagation();
            write("");
            hide();
            commandForm(item.command);
          },
        },
        t("Form"),
      ),
    );
  }
  node.addEventListener("mousedown", (e) => e.preventDefault());
  node.addEventListener("click", () => take(item));
  return node;
}

function offer(found) {
  if (!found.items.length) {
    hide();
    return;
  }
  offered = found;
  hints.replaceChildren(...found.items.slice(0, 25).map(row));
  hints.hidden = false;
  line.setAttribute("aria-expanded", "true");
  point(-1);
}

function take(item) {
  write(`${line.value.slice(0, offered.from)}${item.insert} `);
  look();
}

async function look() {
  turn += 1;
  const mine = turn,
    text = line.value;
  if (line.selectionEnd !== text.length || !text) {
    hide();
    return;
  }
  const found = suggest(text, house.commands);
  if (found.lookup) {
    const { command, option, typed } = found.lookup;
    const path = at(
      `/api/suggest?command=${command.name}&option=${option.name}&text=${encodeURIComponent(typed)}`,
    );
    const rows = await fetch(path).then(
      (a) => (a.ok ? a.json() : []),
      () => [],
    );
    if (mine !== turn) return;
    found.items = rows
      .filter(([value]) => value !== typed)
      .map(([value, label]) => ({ insert: value, label: value, note: label.replace(`${value} · `, "") }));
  }
  offer(found);
}

// -- sending ------------------------------------------------------------------------------------
async function send() {
  const text = line.value.trim();
  const command = commandOf(text, house.commands);
  if (!text && !pictures.items.length) return;
  const option = command?.options.find(takesFiles);
  if (pictures.items.length && command && !option) {
    toast(t("This command takes no files."));
    return;
  }
  hide();
  $("composer").classList.add("busy");
  const handles = await pictures.handles();
  const values = option && handles?.length ? { [option.name]: handles } : {};
  const arrived = handles && (await act({ text, values })); // a file that did not arrive is not left out silently
  $("composer").classList.remove("busy");
  if (!arrived) return;
  if (line.value.trim() === text) {
    line.value = "";
    grow();
  }
  pictures.clear();
  recalled = -1;
}

function recall(by) {
  const lines = saidLines();
  recalled = Math.max(-1, Math.min(recalled + by, lines.length - 1));
  write(recalled < 0 ? "" : lines[recalled]);
}

const KEYS = {
  ArrowDown: (n) => (n ? point((marked + 1) % n) : recalled >= 0 && recall(-1)),
  ArrowUp: (n) => (n ? point((marked <= 0 ? n : marked) - 1) : recall(1)),
  Escape: () => hide(),
  Tab: () => take(offered.items[Math.max(marked, 0)]),
};

function key(e) {
  if (e.isComposing) return;
  const n = offered.items.length;
  const browsing = !line.value || recalled >= 0;
  const wanted = { ArrowDown: n || browsing, ArrowUp: n || browsing, Escape: n, Tab: n && !e.shiftKey }[
    e.key
  ];
  if (wanted) {
    e.preventDefault();
    KEYS[e.key](n);
    return;
  }
  if (e.key !== "Enter" || e.shiftKey) return;
  e.preventDefault();
  const unsure =
    offered.naming && !offered.items.some((item) => item.insert === line.value.trim().toLowerCase());
  if (n && (marked >= 0 || unsure)) take(offered.items[Math.max(marked, 0)]);
  else send();
}

export function start() {
  line.addEventListener("input", () => {
    recalled = -1;
    grow();
    look();
  });
  line.addEventListener("keydown", key);
  line.addEventListener("blur", () =>
    setTimeout(() => {
      if (document.activeElement !== line) hide();
    }, 150),
  );
  $("composer").addEventListener("submit", (e) => {
    e.preventDefault();
    send();
  });
  $("commands").addEventListener("click", commandMenu);
  $("clip").addEventListener("click", () => {
    $("pick").accept = asFilter(pictures.types());
    $("pick").click();
  });
  $("pick").addEventListener("change", () => {
    pictures.add($("pick").files);
    $("pick").value = "";
    line.focus();
  });
  pictures.focus = () => line.focus();
  catchFiles(() => openPictures() || pictures);
}
