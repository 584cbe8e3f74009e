// Files on their way up, and the thumbnails they become: pick, paste or drop, look, remove.
import { $, ask, house, make, t, toast } from "./net.js";
import { icon } from "./icons.js";

const upload = (file) =>
  ask("/api/files", {
    method: "POST",
    body: file,
    headers: {
      "Content-Type": "application/octet-stream",
      "X-File-Name": encodeURIComponent(file.name || "picture.png"),
    },
  });

const FILES = ["image", "images", "file"];
export const takesFiles = (option) => FILES.includes(option.kind);
/** Beginnings of the media types that some command takes. */
const allTypes = () => [
  ...new Set(
    house.commands
      .flatMap((c) => c.options)
      .filter(takesFiles)
      .flatMap((o) => o.accepts),
  ),
];
/** Media types as a file dialog wants them: `image/` is any picture. */
export const asFilter = (types) => types.map((type) => (type.endsWith("/") ? `${type}*` : type)).join(",");

function refused(file, types) {
  if (file.type && !types.some((type) => file.type.startsWith(type)))
    return t("{name} cannot be used here.", { name: file.name });
  if (file.size > house.upload)
    return t("{name} is too big: at most {n} MB can be used.", {
      name: file.name,
      n: Math.floor(house.upload / 1e6),
    });
  return "";
}

/** A row of thumbnails that holds what was sent up. `changed` is told after every change. */
export class Pictures {
  constructor(list, changed = () => {}, types = allTypes) {
    this.list = list;
    this.changed = changed;
    this.types = types;
    this.items = [];
  }

  /** What the server gave for each, once all have arrived; null when one did not. */
  async handles() {
    const wanted = this.items.length;
    await Promise.all(this.items.map((item) => item.arrived));
    return this.items.length === wanted ? this.items.map((item) => ({ handle: item.handle })) : null;
  }

  add(files) {
    for (const file of files) {
      const why = refused(file, this.types());
      if (why) toast(why);
      else this.#take(file);
    }
  }

  #take(file) {
    const preview = URL.createObjectURL(file);
    const name = file.name || "picture";
    const remove = () => {
      this.#drop(item);
      this.focus?.();
    };
    const seen = file.type.startsWith("image/")
      ? make("img", { src: preview, alt: name })
      : make("span", { class: "file" }, icon("📎"), name);
    const node = make(
      "li",
      { class: "thumb busy", title: name },
      seen,
      make(
        "button",
        { type: "button", class: "x", "aria-label": t("Remove {name}", { name }), onclick: remove },
        "×",
      ),
    );
    const item = { node, preview, handle: "" };
    this.items.push(item);
    this.list.append(node);
    this.#show();
    item.arrived = upload(file).then((up) => {
      node.classList.remove("busy");
      if (up) item.handle = up.handle;
      else this.#drop(item);
    });
  }

  #drop(item) {
    URL.revokeObjectURL(item.preview);
    item.node.remove();
    this.items = this.items.filter((one) => one !== item);
    this.#show();
  }

  clear() {
    for (const item of [...this.items]) this.#drop(item);
  }

  #show() {
    this.list.hidden = !this.items.length;
    this.changed();
  }
}

/** Let pictures be dropped or pasted anywhere; `target` says who takes them now. */
export function catchFiles(target) {
  let depth = 0;
  const carries = (e) => [...(e.dataTransfer?.types || [])].includes("Files");
  const show = (on) => {
    $("drop").hidden = !on;
  };
  addEventListener("dragenter", (e) => {
    if (carries(e)) {
      depth += 1;
      show(true);
    }
  });
  addEventListener("dragleave", () => {
    depth = Math.max(depth - 1, 0);
    if (!depth) show(false);
  });
  addEventListener("dragover", (e) => {
    if (carries(e)) e.preventDefault();
  });
  addEventListener("drop", (e) => {
    if (!carries(e)) return;
    e.preventDefault();
    depth = 0;
    show(false);
    target().add(e.dataTransfer.files);
  });
  addEventListener("paste", (e) => {
    if (e.clipboardData?.files.length) {
      e.preventDefault();
      target().add(e.clipboardData.files);
    }
  });
}
