// Forms: of commands, of buttons, and those a message asks in place.
import { $, act, ask, at, house, make, t } from "./net.js";
import { icon } from "./icons.js";
import { Pictures, asFilter, takesFiles } from "./pictures.js";

let count = 0;
let open = []; // the picture fields of the form that is open, for dropping and pasting

/** The picture field that takes what is dropped while a form is open. */
export const openPictures = () => ($("form").open ? open[0] : null);

// -- one control per kind; each knows how to read itself ------------------------------------------
function chosen(f) {
  const pairs = (f.choices || []).map((c) => (Array.isArray(c) ? c : [c, c]));
  return make(
    "select",
    {},
    ...(f.required ? [] : [make("option", { value: "" }, "–")]),
    ...pairs.map(([value, label]) => make("option", { value, selected: value === f.value }, label)),
  );
}

function area(f) {
  const node = make("textarea", { rows: 3, placeholder: f.hint || null, maxlength: f.max_length || null });
  node.value = f.value || "";
  return node;
}

function line(f, more = {}) {
  const node = make("input", {
    type: "text",
    value: f.value || null,
    placeholder: f.hint || null,
    maxlength: f.max_length || null,
    autocomplete: "off",
    ...more,
  });
  return node;
}

function number(f) {
  return line(f, {
    type: "number",
    min: f.minimum,
    max: f.maximum,
    step: f.kind === "integer" ? 1 : "any",
    inputmode: "decimal",
  });
}

function pictureField(f) {
  const most = f.kind === "images" ? f.at_most : 1;
  const types = f.accepts || ["image/"];
  const list = make("ul", { class: "thumbs", hidden: true });
  const pick = make("input", { type: "file", accept: asFilter(types), multiple: most > 1, class: "unseen" });
  const pictures = new Pictures(
    list,
    () => box.classList.toggle("full", pictures.items.length >= most),
    () => types,
  );
  const box = make(
    "div",
    { class: "pictures" },
    list,
    f.page
      ? make(
          "a",
          {
            class: "key paint",
            href: f.page,
            target: "_blank",
            rel: "noopener noreferrer",
            onclick: () => $("form").close(),
          },
          icon("🖌️"),
          make("span", {}, t("Paint it")),
        )
      : null,
    make(
      "label",
      { class: "addfile" },
      icon("📎"),
      most > 1
        ? t("Up to {n} pictures", { n: most })
        : types.every((type) => type === "image/")
          ? t("Add pictures")
          : t("Add a file"),
      pick,
    ),
  );
  pick.addEventListener("change", () => {
    pictures.add(pick.files);
    pick.value = "";
  });
  return {
    node: box,
    focus: pick,
    pictures,
    least: f.required ? Math.max(f.at_least || 1, 1) : 0,
    read: async () => {
      const got = await pictures.handles();
      if (!got) return null;
      return got.length ? (f.kind === "images" ? got : got[0]) : undefined;
    },
  };
}

function suggestList(f, command, node) {
  if (!f.lookup && !f.suggest?.length) return null;
  const list = make(
    "datalist",
    { id: `d${count}` },
    ...(f.suggest || []).map((value) => make("option", { value })),
  );
  node.setAttribute("list", list.id);
  if (f.lookup) {
    fetch(at(`/api/suggest?command=${command}&option=${f.name}`))
      .then((a) => a.json())
      .then(
        (found) => list.append(...found.map(([value, label]) => make("option", { value, label }))),
        () => {},
      );
  }
  return list;
}

function control(f, command) {
  if (takesFiles(f)) return pictureField(f);
  if (f.kind === "flag") {
    const node = make("input", { type: "checkbox", role: "switch" });
    return { node, focus: node, read: () => node.checked || undefined };
  }
  const long = f.kind === "text" && (f.label !== undefined || f.max_length > 1000);
  const whole = f.kind === "integer" || f.kind === "number";
  const node = f.kind === "choice" ? chosen(f) : long ? area(f) : whole ? number(f) : line(f);
  node.required = Boolean(f.required);
  const read = () => (node.value === "" ? undefined : whole ? Number(node.value) : node.value);
  return { node, focus: node, read, more: suggestList(f, command, node) };
}

function question(f, command) {
  count += 1;
  const made = control(f, command);
  made.focus.id = `f${count}`;
  made.focus.name = f.name;
  const label = make(
    "label",
    { for: `f${count}` },
    f.label ?? make("b", {}, f.name),
    f.label === undefined ? make("span", {}, f.description) : null,
  );
  const hint = f.label !== undefined && f.hint && made.pictures ? make("small", {}, f.hint) : null;
  return {
    ...made,
    name: f.name,
    row: make("div", { class: f.kind === "flag" ? "ask switch" : "ask" }, label, hint, made.node, made.more),
  };
}

/** A form as a node; `submit` gets the values and says whether they arrived. */
function build(fields, submit, { command = "", buttons = [] } = {}) {
  const asked = fields.map((f) => question(f, command));
  const rest = command
    ? asked.filter((one, n) => !fields[n].required && !fields[n].main && !one.pictures)
    : [];
  const first = asked.filter((one) => !rest.includes(one));
  const fold = first.length
    ? make(
        "details",
        { class: "fold" },
        make("summary", {}, t("More options")),
        ...rest.map((one) => one.row),
      )
    : make("div", {}, ...rest.map((one) => one.row));
  const send = make("button", { class: "key primary" }, t("Send"));
  const form = make(
    "form",
    {},
    ...first.map((one) => one.row),
    rest.length ? fold : null,
    make("div", { class: "toasts", role: "alert" }),
    make("div", { class: "row ends" }, ...buttons, send),
  );
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    const short = asked.find((one) => one.least && one.pictures.items.length < one.least);
    if (short) {
      short.focus.focus();
      short.node.classList.add("short");
      return;
    }
    send.disabled = true;
    const values = {};
    for (const one of asked) {
      const value = await one.read();
      if (value !== undefined) values[one.name] = value;
    }
    const whole = !Object.values(values).includes(null); // a file that did not arrive is not left out silently
    const arrived = whole && (await submit(values));
    send.disabled = false;
    if (arrived) form.dispatchEvent(new CustomEvent("sent"));
  });
  return { form, asked };
}

function show(title, note, content) {
  const close = make(
    "button",
    { type: "button", class: "round", "aria-label": t("Close"), onclick: () => $("form").close() },
    icon("✖"),
  );
  $("form").replaceChildren(
    make("div", { class: "head" }, make("h2", { id: "form-title" }, title), close),
    ...(note ? [make("p", { class: "soft" }, note)] : []),
    content,
  );
  $("form").setAttribute("aria-labelledby", "form-title");
  if (!$("form").open) $("form").showModal();
}

function dialog(title, note, fields, submit, command = "") {
  const { form, asked } = build(fields, submit, { command });
  open = asked.filter((one) => one.pictures).map((one) => one.pictures);
  form.addEventListener("sent", () => $("form").close());
  show(title, note, form);
  asked[0]?.focus.focus();
}

const typed = new Map(); // what was answered before, by token: a mistake need not be typed all over

/** The form a button opens. */
export async function openForm(token) {
  const form = await ask(`/api/form/${encodeURIComponent(token)}`);
  if (!form) return;
  const before = typed.get(token) || {};
  const fields = form.fields.map((f) =>
    typeof before[f.name] === "string" ? { ...f, value: before[f.name] } : { ...f, page: f.paint && form.page },
  );
  dialog(form.title, "", fields, (values) => {
    typed.set(token, values);
    return act({ token: form.token, values });
  });
}

/** A form that came with a message, to be filled in in place; what the message says already is not repeated to the eye. */
export function askedForm(asked, told) {
  const fields = asked.fields.map((f) => ({ ...f, page: f.paint && asked.page }));
  const { form } = build(fields, (values) => act({ token: asked.token, values }));
  for (const label of form.querySelectorAll(".ask > label"))
    label.classList.toggle("unseen", label.textContent === told);
  form.className = "inplace";
  form.addEventListener("sent", () => form.classList.add("sent"));
  return form;
}

/** The form of a command. */
export function commandForm(command) {
  dialog(
    `/${command.name}`,
    command.summary,
    command.options,
    (values) => act({ command: command.name, values }),
    command.name,
  );
}

/** All commands, each leading to its form. */
export function commandMenu() {
  const entry = (c) =>
    make(
      "li",
      {},
      make(
        "button",
        { type: "button", onclick: () => commandForm(c) },
        make("b", {}, `/${c.name}`),
        make("span", {}, c.summary),
      ),
    );
  show(t("All commands"), "", make("ul", { class: "menu" }, ...house.commands.map(entry)));
}

$("form").addEventListener("pointerdown", (e) => {
  const box = $("form").getBoundingClientRect();
  const inside =
    e.clientX >= box.left && e.clientX <= box.right && e.clientY >= box.top && e.clientY <= box.bottom;
  if (e.target === $("form") && !inside) $("form").close();
});
$("form").addEventListener("close", () => {
  open = [];
});
