// Files on their way up, and the pictures they become: pick, paste or drop, look, remove.
import { $, ask, house, make, t, toast } from "./net.js";

const upload = (file) => ask("/api/files", {
  method: "POST", body: file,
  headers: { "Content-Type": "application/octet-stream", "X-File-Name": encodeURIComponent(file.name || "picture.png") },
});

function refused(file) {
  if (file.type && !file.type.startsWith("image/")) return t("{name} is no picture.", { name: file.name });
  if (file.size > house.upload) return t("{name} is too big: at most {n} MB can be used.", { name: file.name, n: Math.floor(house.upload / 1e6) });
  return "";
}

/** A row of thumbnails that holds what was sent up. `changed` is told after every change. */
export class Pictures {
  constructor(list, changed = () => {}) {
    this.list = list;
    this.changed = changed;
    this.items = [];
  }

  /** What the server gave for each, once all have arrived. */
  async handles() {
    await Promise.all(this.items.map((item) => item.arrived));
    return this.items.map((item) => ({ handle: item.handle }));
  }

  add(files) {
    for (const file of files) {
      const why = refused(file);
      if (why) toast(why); else this.#take(file);
    }
  }

  #take(file) {
    const preview = URL.createObjectURL(file);
    const name = file.name || "picture";
    const remove = () => { this.#drop(item); this.focus?.(); };
    const image = make("img", { src: preview, alt: name });
    const node = make("li", { class: "thumb busy", title: name }, image,
      make("button", { type: "button", class: "x", "aria-label": t("Remove {name}", { name }), onclick: remove }, "×"));
    const item = { node, preview, handle: "" };
    this.items.push(item);
    this.list.append(node);
    this.#show();
    item.arrived = upload(file).then((up) => {
      node.classList.remove("busy");
      if (up) item.handle = up.handle; else this.#drop(item);
    });
  }

  #drop(item) {
    URL.revokeObjectURL(item.preview);
    item.node.remove();
    this.items = this.items.filter((one) => one !== item);
    this.#show();
  }

  clear() { for (const item of [...this.items]) this.#drop(item); }

  #show() {
    this.list.hidden = !this.items.length;
    this.changed();
  }
}

/** Let pictures be dropped or pasted anywhere; `target` says who takes them now. */
export function catchFiles(target) {
  let depth = 0;
  const carries = (e) => [...(e.dataTransfer?.types || [])].includes("Files");
  const show = (on) => { $("drop").hidden = !on; };
  addEventListener("dragenter", (e) => { if (carries(e)) { depth += 1; show(true); } });
  addEventListener("dragleave", () => { depth = Math.max(depth - 1, 0); if (!depth) show(false); });
  addEventListener("dragover", (e) => { if (carries(e)) e.preventDefault(); });
  addEventListener("drop", (e) => {
    if (!carries(e)) return;
    e.preventDefault();
    depth = 0;
    show(false);
    target().add(e.dataTransfer.files);
  });
  addEventListener("paste", (e) => {
    if (e.clipboardData?.files.length) { e.preventDefault(); target().add(e.clipboardData.files); }
  });
}
